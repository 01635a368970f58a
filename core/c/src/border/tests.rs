use super::*;
use crate::ops::Service;

unsafe extern "C" fn now_ms(_ctx: *mut c_void) -> u64 {
    0
}

unsafe extern "C" fn read(_ctx: *mut c_void, _bytes: *mut u8, _len: usize) -> i32 {
    0
}

unsafe extern "C" fn write(_ctx: *mut c_void, _bytes: *const u8, _len: usize) -> i32 {
    0
}

unsafe extern "C" fn ask(_ctx: *mut c_void, _want: u32) -> i32 {
    0
}

unsafe extern "C" fn status(_ctx: *mut c_void, _now: *mut Service) -> i32 {
    1
}

static OPS: Ops = Ops {
    now_ms: Some(now_ms),
    open: None,
    close: None,
    read: Some(read),
    write: Some(write),
    take: None,
    ask: Some(ask),
    status: Some(status),
    remains: None,
    signal: None,
    note: None,
    link_up: None,
    release: None,
};

#[test]
fn a_panic_returns_broken_and_the_machine_stays_broken() {
    let mut storage = Cellscan { opaque: [0; CELLSCAN_WORDS] };
    let machine = &raw mut storage;
    let none = core::ptr::null_mut();
    let init = || {
        // SAFETY: storage and callbacks live until the end of this test.
        unsafe {
            cellscan_init(machine, CELLSCAN_SIZE, CELLSCAN_ABI, &raw const OPS, none, core::ptr::null())
        }
    };
    assert_eq!(init(), Code::Ok);
    assert_eq!(lend(machine, |_machine, _calls| panic!("a bug, on purpose")), Code::Broken);
    assert_eq!(lend(machine, |_machine, _calls| Code::Ok), Code::Broken);
    assert_eq!(init(), Code::Ok, "the storage may be initialised again");
    assert_eq!(lend(machine, |_machine, _calls| Code::Ok), Code::Ok);
}

#[test]
fn a_machine_in_a_call_is_busy() {
    let mut storage = Cellscan { opaque: [0; CELLSCAN_WORDS] };
    let machine = &raw mut storage;
    let none = core::ptr::null_mut();
    // SAFETY: storage and callbacks live until the end of this test.
    let code = unsafe {
        cellscan_init(machine, CELLSCAN_SIZE, CELLSCAN_ABI, &raw const OPS, none, core::ptr::null())
    };
    assert_eq!(code, Code::Ok);
    let inner = lend(machine, |_machine, _calls| lend(machine, |_machine, _calls| Code::Ok));
    assert_eq!(inner, Code::Busy);
}

#[test]
fn the_storage_is_not_much_larger_than_its_content() {
    let (held, storage) = (cellscan_size(), CELLSCAN_SIZE);
    assert!(held * 2 >= storage, "{held} of {storage} bytes: lower CELLSCAN_SIZE, and raise CELLSCAN_ABI");
}
