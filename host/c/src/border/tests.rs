use super::*;

/// A gateway without port and service.
fn open() -> *mut Handle {
    let mut config = MaybeUninit::uninit();
    let mut gateway = ptr::null_mut();
    // SAFETY: each pointer points to its type; the config is filled in before it is read.
    let code = unsafe {
        assert_eq!(cellscan_gateway_defaults(config.as_mut_ptr()), Code::Ok);
        let mut config = config.assume_init();
        config.port = c"/dev/nothing".as_ptr();
        config.guard_mode = 1;
        cellscan_gateway_open(&raw const config, &raw mut gateway, ptr::null_mut(), 0)
    };
    assert_eq!(code, Code::Ok);
    gateway
}

#[test]
fn a_panic_returns_a_code_and_disables_the_gateway() {
    let gateway = open();
    assert_eq!(lend(gateway, |_gateway| panic!("a bug, on purpose")), Code::Broken);
    assert_eq!(lend(gateway, |_gateway| Code::Ok), Code::Broken);
    // SAFETY: `open` made it, and it is not used any more.
    assert_eq!(unsafe { cellscan_gateway_close(gateway) }, Code::Ok);
}

#[test]
fn a_pipe_without_a_reader_ends_no_application_and_keeps_the_signal_mask() {
    use std::io::Write;

    // The test harness ignores SIGPIPE; an application in C does not.
    // SAFETY: the default action is no function of this program.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let gateway = open();
    let (reader, mut writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut broke = None;
    let code = lend(gateway, |_gateway| {
        broke = writer.write_all(b"x").err();
        Code::Ok
    });
    assert_eq!(code, Code::Ok);
    assert_eq!(broke.map(|error| error.kind()), Some(std::io::ErrorKind::BrokenPipe));
    assert!(!is_pipe_pending(), "the application must not receive it");
    let mut mask = signals(false);
    // SAFETY: the mask is only read, into a set that lives.
    let blocked = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &raw mut mask);
        libc::sigismember(&raw const mask, libc::SIGPIPE)
    };
    assert_eq!(blocked, 0);
    // SAFETY: `open` made it, and it is not used any more; the action is the one found before.
    unsafe {
        assert_eq!(cellscan_gateway_close(gateway), Code::Ok);
        libc::signal(libc::SIGPIPE, before);
    }
}
