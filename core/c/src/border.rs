//! The border to C: every function that C calls.
//!
//! What C promises is stated at the top of `cellscan.h`: a pointer is null or points to what its type says, valid for
//! the length of the call; one thread at a time uses a machine. All else (null, alignment, storage that was never
//! initialised, calls out of a callback, undefined numbers) is checked and answered with a [`Code`].
#![expect(unsafe_code, reason = "pointers from C, and names that C finds: here and nowhere else")]
#![expect(
    clippy::missing_safety_doc,
    reason = "the promises of C are the same for all functions, and stated above and in the header"
)]

use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;

use cellscan_core::carrier::Plmn;
use cellscan_core::driver::Error;
use cellscan_core::time::Instant;

use crate::adapter::{Line, Machine, Service as Backend, read_selection};
use crate::calls::Callbacks;
use crate::code::Code;
use crate::event::{Event, Phase};
use crate::ops::{Ops, Selection};
use crate::policy::Policy;
use crate::report::{Carrier, Failure, Report};
use crate::request::request;

/// The version of this interface: it changes with every layout and every meaning, but not with added
/// functions and numbers.
pub const CELLSCAN_ABI: u32 = 1;
/// Bytes of a machine's storage, on every target. An upper bound: a machine takes less (`cellscan_size`), and the library
/// does not compile where it would take more.
pub const CELLSCAN_SIZE: usize = 6_144;
/// The same in 64-bit words.
pub const CELLSCAN_WORDS: usize = 768;
/// The alignment of a machine's storage, sufficient on any target. A `cellscan` has the alignment that its target needs; this
/// constant is for storage of another type.
pub const CELLSCAN_ALIGN: usize = 8;
/// The value for "no deadline".
pub const CELLSCAN_NEVER: u64 = u64::MAX;

/// Marks initialised storage. No text, no small number, and no pattern of uninitialised memory.
const MAGIC: u32 = 0x5ce1_15ca;
const FREE: u32 = 0;
const BUSY: u32 = 1;
const BROKEN: u32 = 2;

/// The storage of a machine: the application provides it, static or on a stack, and does not copy it during a scan. Nothing in
/// it has to be freed: an idle machine may simply be dropped.
#[repr(C)]
#[derive(Debug)]
pub struct Cellscan {
    opaque: [u64; CELLSCAN_WORDS],
}

/// The content of the storage. The head is read and written by itself, never through a reference to the whole: a callback may
/// read it while the machine is borrowed.
#[repr(C)]
struct Slot {
    magic: u32,
    state: u32,
    machine: MaybeUninit<Machine>,
}

const _: () =
    assert!(size_of::<Slot>() <= size_of::<Cellscan>(), "raise CELLSCAN_SIZE, and CELLSCAN_ABI with it");
const _: () = assert!(align_of::<Slot>() <= align_of::<Cellscan>());
const _: () = assert!(size_of::<Cellscan>() == CELLSCAN_SIZE && align_of::<Cellscan>() <= CELLSCAN_ALIGN);

/// Writes a result to the address that C passed.
fn put<T>(out: *mut T, value: T) -> Code {
    if out.is_null() {
        return Code::Null;
    }
    if !out.is_aligned() {
        return Code::Align;
    }
    // SAFETY: not null and aligned; C states that it points to a T that may be written, and its old value needs no drop.
    unsafe { out.write(value) };
    Code::Ok
}

/// Copies the value that C points to.
fn get<T: Copy>(from: *const T) -> Result<T, Code> {
    if from.is_null() {
        return Err(Code::Null);
    }
    if !from.is_aligned() {
        return Err(Code::Align);
    }
    // SAFETY: not null and aligned; C states that it points to a T, which here is numbers and pointers alone, so that any
    // bytes of it mean something.
    Ok(unsafe { from.read() })
}

/// A C string, up to its NUL.
fn text<'a>(from: *const c_char) -> Result<&'a CStr, Code> {
    if from.is_null() {
        return Err(Code::Null);
    }
    // SAFETY: not null; C states that it ends with a NUL, and stays as it is during the call. It is not kept longer.
    Ok(unsafe { CStr::from_ptr(from) })
}

/// Borrows the machine in this storage while `with` runs. A second call meanwhile gets `Busy`.
fn lend(storage: *mut Cellscan, with: impl FnOnce(&mut Machine, Callbacks) -> Code) -> Code {
    let slot = match slot(storage) {
        Ok(slot) => slot,
        Err(code) => return code,
    };
    // SAFETY: `slot` is not null and aligned, and a Cellscan is as large as a Slot (asserted above); C states that it is there.
    // No reference is made, so that a machine borrowed further up the stack is not touched.
    let magic = unsafe { (&raw const (*slot).magic).read() };
    if magic != MAGIC {
        return Code::NotInit;
    }
    // SAFETY: as above.
    let state = unsafe { (&raw const (*slot).state).read() };
    match state {
        FREE => {}
        BUSY => return Code::Busy,
        _ => return Code::Broken,
    }
    // SAFETY: as above.
    unsafe { (&raw mut (*slot).state).write(BUSY) };
    // SAFETY: only `cellscan_init` writes MAGIC, behind a Machine. FREE, and one thread at a time: there is no other reference,
    // and none will be made before FREE is written again.
    let machine = unsafe { &mut *(&raw mut (*slot).machine).cast::<Machine>() };
    let calls = machine.supervisor().calls();
    let (code, after) = caught(|| with(machine, calls)).map_or((Code::Broken, BROKEN), |code| (code, FREE));
    // SAFETY: as above; `machine` has ended.
    unsafe { (&raw mut (*slot).state).write(after) };
    code
}

fn slot(storage: *mut Cellscan) -> Result<*mut Slot, Code> {
    if storage.is_null() {
        return Err(Code::Null);
    }
    if storage.is_aligned() { Ok(storage.cast()) } else { Err(Code::Align) }
}

/// The result of `work`; `None`: it panicked, which is a bug, and must not unwind into C.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    #[cfg(feature = "std")]
    return std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok();
    #[cfg(not(feature = "std"))]
    return Some(work());
}

/// The version of the interface of this library; compare it with `CELLSCAN_ABI`.
#[unsafe(no_mangle)]
pub extern "C" fn cellscan_abi() -> u32 {
    CELLSCAN_ABI
}

/// Bytes that this library needs for a machine, `CELLSCAN_SIZE` at most. Where every byte counts, use storage of that size,
/// aligned to `CELLSCAN_ALIGN`, and pass it as a `cellscan *`.
#[unsafe(no_mangle)]
pub extern "C" fn cellscan_size() -> usize {
    size_of::<Slot>()
}

/// The version of the library, for people.
#[unsafe(no_mangle)]
pub extern "C" fn cellscan_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// A sentence for people about a `cellscan_code`. Never null.
#[unsafe(no_mangle)]
pub extern "C" fn cellscan_code_text(code: i32) -> *const c_char {
    let known = Code::ALL.iter().find(|known| known.number() == code);
    known.map_or(c"an unknown code", |known| known.text()).as_ptr()
}

/// The number of a `cellscan_phase` with its letter, such as "1b". Never null.
#[unsafe(no_mangle)]
pub extern "C" fn cellscan_phase_number(phase: u32) -> *const c_char {
    let known = Phase::ALL.get(phase as usize);
    known.map_or(c"?", |known| known.number()).as_ptr()
}

/// The stable name of a `cellscan_failure`, such as "aborted". Never null.
#[unsafe(no_mangle)]
pub extern "C" fn cellscan_failure_name(failure: u32) -> *const c_char {
    let known = Failure::ALL.get(failure as usize);
    known.map_or(c"other", |known| known.name()).as_ptr()
}

/// Fills in the default policy, for a gateway about which nothing is known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_policy_default(policy: *mut Policy) -> Code {
    put(policy, Policy::sane())
}

/// Makes an idle machine in this storage, whatever its content was. `ops` is not copied: it must not change as long as the
/// machine is used. The callbacks get `ctx`, which may be null; `policy` null is the default. Call it as
/// `cellscan_init(&machine, sizeof machine, CELLSCAN_ABI, ...)`, so that it compares header and library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_init(
    machine: *mut Cellscan,
    size: usize,
    abi: u32,
    ops: *const Ops,
    ctx: *mut c_void,
    policy: *const Policy,
) -> Code {
    if abi != CELLSCAN_ABI {
        return Code::Abi;
    }
    if size < size_of::<Slot>() {
        return Code::Size;
    }
    let made = slot(machine).and_then(|slot| {
        let policy = if policy.is_null() { Policy::sane() } else { get(policy)? };
        let policy = policy.meant().ok_or(Code::Value)?;
        let Ops { now_ms, read, write, ask, status, .. } = get(ops)?;
        if now_ms.is_none() || read.is_none() || write.is_none() || ask.is_none() || status.is_none() {
            return Err(Code::Null);
        }
        // SAFETY: `get` has checked it; C states that it does not change as long as the machine is used.
        let ops = unsafe { &*ops };
        let calls = Callbacks::new(ops, ctx);
        let driver = Machine::new(Line::new(calls), Backend::new(calls), policy);
        // SAFETY: not null, aligned, `size` bytes of storage are enough; its old content needs no drop.
        unsafe { slot.write(Slot { magic: MAGIC, state: FREE, machine: MaybeUninit::new(driver) }) };
        Ok(())
    });
    made.map_or_else(|code| code, |()| Code::Ok)
}

/// Requests a scan; an event says when it is declined. `id`: each number is served once, the last 16 are kept; a scan that
/// failed before it asked for down leaves its number free and starts no cool-down for automatic scans. `origin` is a
/// `cellscan_origin`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_request(machine: *mut Cellscan, id: u32, origin: u32) -> Code {
    lend(machine, |machine, calls| {
        let Some(request) = request(id, origin) else { return Code::Value };
        machine.request(calls.now(), request);
        Code::Ok
    })
}

/// Remembers a carrier for `CELLSCAN_STRATEGY_QUICK`, likeliest last; eight at most, then the oldest is dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_remember(machine: *mut Cellscan, plmn: *const c_char) -> Code {
    let plmn = match text(plmn) {
        Ok(plmn) => Plmn::parse(plmn.to_bytes()),
        Err(code) => return code,
    };
    let Ok(plmn) = plmn else { return Code::Value };
    lend(machine, |machine, _calls| {
        machine.remember(plmn);
        Code::Ok
    })
}

/// Restores the registration of a modem after a scan that did not reach its end, as recorded by `cellscan_ops.note`. Only
/// while idle. The report's `restored` is the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_restore(machine: *mut Cellscan, selection: *const Selection) -> Code {
    let selection = match get(selection) {
        Ok(selection) => read_selection(&selection),
        Err(code) => return code,
    };
    let Some(selection) = selection else { return Code::Value };
    lend(machine, |machine, calls| {
        machine.supervisor_mut().recorded(selection);
        machine.restore(calls.now(), selection);
        Code::Ok
    })
}

/// Ends the current scan; poll until it has ended, since it gives modem and service back first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_abort(machine: *mut Cellscan) -> Code {
    lend(machine, |machine, calls| {
        machine.abort(calls.now());
        Code::Ok
    })
}

/// Does what can be done now, a bounded amount of work. `CELLSCAN_CODE_OK`: `event` says what happened, poll again.
/// `CELLSCAN_CODE_WOULD_BLOCK`: poll again when the line has bytes, when the service has changed, and at the deadline.
/// `CELLSCAN_CODE_PORT`, `CELLSCAN_CODE_SUPERVISOR`: a callback failed, the scan knows it; poll again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_poll(machine: *mut Cellscan, event: *mut Event) -> Code {
    // Checked first: an event that is taken out and cannot be written would be lost.
    let cleared = put(event, Event::default());
    if cleared != Code::Ok {
        return cleared;
    }
    lend(machine, |machine, calls| {
        let (code, answered) = match machine.poll(calls.now()) {
            Ok(told) => return put(event, told.into()),
            Err(nb::Error::WouldBlock) => return Code::WouldBlock,
            Err(nb::Error::Other(Error::Port(answered))) => (Code::Port, answered),
            Err(nb::Error::Other(Error::Supervisor(_, answered) | Error::Status(answered))) => {
                (Code::Supervisor, answered)
            }
            Err(nb::Error::Other(_)) => return Code::Supervisor,
        };
        let written = put(event, Event { error: answered.0, ..Event::default() });
        if written == Code::Ok { code } else { written }
    })
}

/// The latest time for the next poll, in the time of `now_ms`; `CELLSCAN_NEVER` where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_next_deadline(machine: *mut Cellscan, at_ms: *mut u64) -> Code {
    lend(machine, |machine, _calls| {
        put(at_ms, machine.next_deadline().map_or(CELLSCAN_NEVER, Instant::as_millis))
    })
}

/// The state of the scan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_phase_now(machine: *mut Cellscan, phase: *mut Phase) -> Code {
    lend(machine, |machine, _calls| put(phase, machine.scanner().phase().into()))
}

/// 1: all actions are carried out. After `CELLSCAN_EVENT_KIND_FINISHED` a slow `release` may still be called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_is_settled(machine: *mut Cellscan, settled: *mut u32) -> Code {
    lend(machine, |machine, _calls| put(settled, u32::from(machine.is_settled())))
}

/// The result of the last scan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_report_now(machine: *mut Cellscan, report: *mut Report) -> Code {
    lend(machine, |machine, _calls| put(report, machine.report().into()))
}

/// The carrier at `index`, in list order, from 0; `CELLSCAN_CODE_RANGE` after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_carrier_at(
    machine: *mut Cellscan,
    index: usize,
    carrier: *mut Carrier,
) -> Code {
    lend(machine, |machine, _calls| match machine.scanner().carriers().get(index) {
        Some(known) => put(carrier, known.into()),
        None => Code::Range,
    })
}

#[cfg(all(test, feature = "std"))]
mod tests;
