//! The border to C: every function that C calls, and all that is `unsafe` here.
//!
//! What C promises is stated at the top of `cellscan.h`. All else is looked at and answered with a [`Code`]; behind each
//! that is below 0 `cellscan_gateway_error` has a sentence.
#![expect(
    unsafe_code,
    reason = "pointers from C, names that C finds, and three calls of libc: here and nowhere else"
)]
#![expect(
    clippy::missing_safety_doc,
    reason = "what C promises is the same for all, and stated above and in the header"
)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

use cellscan_core::scan::Policy as CorePolicy;
use cellscan_machine::border::{CELLSCAN_ABI, caught};
use cellscan_machine::code::Code;
use cellscan_machine::event::Event;
use cellscan_machine::policy::Policy;
use cellscan_machine::report::{Carrier, Report};
use cellscan_machine::request::request;
use rustix::thread::{Pid, gettid};

use crate::config::Wanted;
use crate::gateway::Gateway;

/// Says that there is a gateway.
const MAGIC: u64 = 0x5ce1_15ca_9a7e_3a11;
/// The first descriptor that is not one of the three standard ones.
const FIRST_FD: c_int = 3;
/// Where the kernel has no `close_range` (before 5.11): descriptors up to here are closed to the guard.
const FDS_MAX: c_int = 4_096;

/// A gateway. Yours from `cellscan_gateway_open` to `cellscan_gateway_close`, and only on the thread that opened it.
#[derive(Debug)]
pub struct Handle {
    magic: u64,
    /// Of the kernel: a child that was forked is told by it too, and holds the gateway no less by mistake.
    thread: Pid,
    /// `None` after a bug.
    gateway: Option<Gateway>,
}

/// What a gateway is. Fill it with `cellscan_gateway_defaults`, then name the port and what is to be otherwise. All is copied,
/// the texts too. Texts are UTF-8 and end with a NUL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GatewayConfig {
    /// `CELLSCAN_ABI`.
    pub abi: u32,
    /// Bits per second; 0: 115200.
    pub baud: u32,
    /// A `cellscan_gateway_backend`.
    pub backend: u32,
    /// A `cellscan_guard_mode`.
    pub guard_mode: u32,
    /// After this time with the service in hand the guard kills your process, and gives the service back: for the case that
    /// it does not poll any more. More than the policy's budget and link time. 0: never; then a process that hangs keeps the
    /// link away until it is ended.
    pub hold_limit_ms: u32,
    /// Nothing yet; 0.
    pub reserved: u32,
    /// The tty to the modem, by a stable name such as one of /dev/serial/by-id. Must be named.
    pub port: *const c_char,
    /// The tty that `pppd` uses. Null: the same.
    pub ppp_port: *const c_char,
    /// Name or path of the service. Null: the one whose `pppd` holds the port, else `pppd`, `ppp`, `pppd-*` or `ppp-*`.
    pub service: *const c_char,
    /// The interface that is up when the link is, such as "ppp*". Null: nobody waits for it.
    pub link: *const c_char,
    /// Words of the command that starts an unsupervised `pppd`; no shell reads them. Null: none.
    pub start_command: *const c_char,
    /// The program that is the guard: `cellscan`, of the version of this library; a path, or a name in PATH. Null: "cellscan".
    /// One that does not say so in its first line, version and all, is refused before anything is asked down.
    pub guard: *const c_char,
    /// Where UUCP locks are. Null: /var/lock and /run/lock.
    pub lock_dir: *const c_char,
    /// Where the carriers of the last complete scan are remembered. Null: /var/lib/cellscan.
    pub state_dir: *const c_char,
    /// Where lease and claim are kept: a directory of this user's, which no other may write to. Null: /run/cellscan, as for the
    /// program. All that scan the same service should name the same.
    pub run_dir: *const c_char,
    /// How a scan is to go. Null: as of `cellscan_policy_default`.
    pub policy: *const Policy,
}

/// Blocks SIGPIPE on this thread while it lives. A guard or a supervisor that dies while it is written to is an answer, and
/// must not end an application that has not ignored that signal.
struct NoPipeSignal {
    before: libc::sigset_t,
    was_pending: bool,
}

/// No signal, or SIGPIPE alone.
fn signals(pipe: bool) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `set` is written whole, whatever was in it.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    if pipe {
        // SAFETY: initialised by the line above; SIGPIPE is a signal.
        unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE) };
    }
    // SAFETY: sigemptyset has initialised it; it fails for no set.
    unsafe { set.assume_init() }
}

fn is_pipe_pending() -> bool {
    let mut pending = signals(false);
    // SAFETY: both are given a set that is initialised, and lives.
    unsafe {
        libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
    }
}

impl NoPipeSignal {
    fn new() -> Self {
        let was_pending = is_pipe_pending();
        let (pipe, mut before) = (signals(true), signals(false));
        // SAFETY: both sets are initialised and live; the mask is this thread's, and is put back by `drop`.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut before) };
        Self { before, was_pending }
    }
}

impl Drop for NoPipeSignal {
    fn drop(&mut self) {
        if !self.was_pending && is_pipe_pending() {
            let (pipe, now) = (signals(true), libc::timespec { tv_sec: 0, tv_nsec: 0 });
            // SAFETY: set and time live; what is taken in is ours, since nothing of it was pending before.
            unsafe { libc::sigtimedwait(&raw const pipe, ptr::null_mut(), &raw const now) };
        }
        // SAFETY: `before` is what pthread_sigmask has filled in.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

/// What may outlive the application is to have none of its descriptors (a listening socket would stay bound), and none
/// of the signals that it has blocked.
fn set_apart(command: &mut Command) {
    let none = signals(false);
    let before_exec = move || {
        // SAFETY: `none` is initialised; the mask is that of the child, which has one thread.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
        let (first, last, on_exec) = (FIRST_FD.cast_unsigned(), u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        // SAFETY: three numbers; descriptors are closed when the program is executed, and not before.
        if unsafe { libc::syscall(libc::SYS_close_range, first, last, on_exec) } != 0 {
            for fd in FIRST_FD..FDS_MAX {
                // SAFETY: two numbers; one that is no descriptor is answered with an error.
                unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only calls are made that are safe there (pthread_sigmask, close_range and fcntl, see
    // signal-safety(7)); nothing is allocated and no lock is taken.
    unsafe { command.pre_exec(before_exec) };
}

/// Writes an answer to where C wants it.
fn put<T>(out: *mut T, value: T) -> Code {
    if out.is_null() {
        return Code::Null;
    }
    if !out.is_aligned() {
        return Code::Align;
    }
    // SAFETY: not null and aligned; C states that it points to a T that may be written, and what was in it needs no drop.
    unsafe { out.write(value) };
    Code::Ok
}

/// Copies what C points to; `None`: it is null.
fn get<T: Copy>(from: *const T) -> Result<Option<T>, Code> {
    if from.is_null() {
        return Ok(None);
    }
    if !from.is_aligned() {
        return Err(Code::Align);
    }
    // SAFETY: not null and aligned; C states that it points to a T, which here is numbers and pointers alone, so that any
    // bytes of it mean something.
    Ok(Some(unsafe { from.read() }))
}

/// What C has written, up to its NUL; `None`: it is null.
fn text(name: &str, from: *const c_char) -> Result<Option<String>, (Code, String)> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: not null; C states that it ends with a NUL, and stays as it is during the call. It is copied.
    let text = unsafe { CStr::from_ptr(from) };
    let text = text.to_str().map_err(|_| (Code::Value, format!("{name}: found {text:?}, wanted UTF-8")))?;
    if text.is_empty() {
        return Err((Code::Value, format!("{name}: found an empty text, wanted some, or a null pointer")));
    }
    Ok(Some(text.to_owned()))
}

/// Its first field first: of another version, the rest may be shorter than what is read here.
fn read(config: *const GatewayConfig) -> Result<GatewayConfig, (Code, String)> {
    let config = match get(config.cast::<u32>()) {
        Ok(Some(CELLSCAN_ABI)) => get(config),
        Ok(Some(_)) => Err(Code::Abi),
        Ok(None) => Err(Code::Null),
        Err(code) => Err(code),
    };
    let config = config.and_then(|config| config.ok_or(Code::Null));
    config.map_err(|code| (code, code.text().to_string_lossy().into_owned()))
}

fn wanted(config: &GatewayConfig) -> Result<Wanted, (Code, String)> {
    if config.reserved != 0 {
        return Err((Code::Value, "reserved: found something, wanted 0".to_owned()));
    }
    let policy = get(config.policy).map_err(|code| (code, "policy: not aligned".to_owned()))?;
    let policy = policy.map_or(Some(CorePolicy::DEFAULT), |policy| policy.meant());
    Ok(Wanted {
        service: text("service", config.service)?,
        port: text("port", config.port)?
            .ok_or_else(|| (Code::Null, "port: found none, wanted a tty".to_owned()))?,
        ppp_port: text("ppp_port", config.ppp_port)?,
        link: text("link", config.link)?,
        start_command: text("start_command", config.start_command)?,
        guard: text("guard", config.guard)?,
        lock_dir: text("lock_dir", config.lock_dir)?,
        state_dir: text("state_dir", config.state_dir)?,
        run_dir: text("run_dir", config.run_dir)?,
        baud: config.baud,
        backend: config.backend,
        guard_mode: config.guard_mode,
        hold_limit_ms: config.hold_limit_ms,
        policy: policy
            .ok_or_else(|| (Code::Value, "policy: a value is outside of what is stated for it".to_owned()))?,
    })
}

/// The gateway behind a handle, for as long as `with` takes.
fn lend(handle: *mut Handle, with: impl FnOnce(&mut Gateway) -> Code) -> Code {
    if handle.is_null() {
        return Code::Null;
    }
    if !handle.is_aligned() {
        return Code::Align;
    }
    // SAFETY: not null and aligned; C states that `cellscan_gateway_open` made it and that it was not closed. These two do not
    // change from then on, so that another thread may read them.
    let (magic, thread) = unsafe { ((*handle).magic, (*handle).thread) };
    if magic != MAGIC {
        return Code::NotInit;
    }
    if thread != gettid() {
        return Code::Thread;
    }
    // SAFETY: made by `cellscan_gateway_open`; only this thread comes here, and nothing that is called from here calls back.
    let gateway = unsafe { &mut (*handle).gateway };
    let _no_signal = NoPipeSignal::new();
    let Some(lent) = gateway else { return Code::Broken };
    if let Some(code) = caught(|| with(lent)) {
        return code;
    }
    // The guard sees its end of the pipe close, and gives the service back.
    let broken = gateway.take();
    let _dropped = caught(|| drop(broken));
    Code::Broken
}

/// Fills in a config: nothing named, everything as usual.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_defaults(config: *mut GatewayConfig) -> Code {
    let none = ptr::null();
    put(
        config,
        GatewayConfig {
            abi: CELLSCAN_ABI,
            baud: 0,
            backend: 0,
            guard_mode: 0,
            hold_limit_ms: 0,
            reserved: 0,
            port: none,
            ppp_port: none,
            service: none,
            link: none,
            start_command: none,
            guard: none,
            lock_dir: none,
            state_dir: none,
            run_dir: none,
            policy: ptr::null(),
        },
    )
}

/// Makes a gateway out of a config, and touches nothing yet. Where it fails, `*gateway` is null and `why` (which may be null) is
/// filled in with a sentence of up to `why_len` bytes, its NUL included. `CELLSCAN_CODE_NO_GUARD`: without a guard nothing is
/// taken, unless the config says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_open(
    config: *const GatewayConfig,
    gateway: *mut *mut Handle,
    why: *mut c_char,
    why_len: usize,
) -> Code {
    let cleared = put(gateway, ptr::null_mut());
    if cleared != Code::Ok {
        return cleared;
    }
    let open = || wanted(&read(config)?).and_then(|wanted| Gateway::new(wanted.plan(set_apart)?));
    match caught(open) {
        Some(Ok(made)) => {
            let handle = Handle { magic: MAGIC, thread: gettid(), gateway: Some(made) };
            put(gateway, Box::into_raw(Box::new(handle)))
        }
        Some(Err((code, sentence))) => {
            if !why.is_null() && why_len > 0 {
                let sentence = CString::new(sentence).unwrap_or_default();
                let len = sentence.as_bytes().len().min(why_len - 1);
                // SAFETY: C states that `why_len` bytes may be written; `len` and the NUL are no more. Nothing of it is the
                // sentence's own.
                unsafe { ptr::copy_nonoverlapping(sentence.as_ptr(), why, len) };
                // SAFETY: as above, `len` is below `why_len`.
                unsafe { why.add(len).write(0) };
            }
            code
        }
        None => Code::Broken,
    }
}

/// Lets a gateway go. `CELLSCAN_CODE_BUSY`: a scan is under way, and nothing was done; abort it, and poll until it has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_close(gateway: *mut Handle) -> Code {
    let code = lend(gateway, |lent| if lent.is_scanning() { Code::Busy } else { Code::Ok });
    if code != Code::Ok && code != Code::Broken {
        return code;
    }
    // SAFETY: `lend` has looked at it: made by Box::into_raw in `cellscan_gateway_open`; C states that it is not used any more.
    let mut handle = unsafe { Box::from_raw(gateway) };
    handle.magic = 0;
    caught(|| drop(handle)).map_or(Code::Broken, |()| Code::Ok)
}

/// Asks for a scan: port and service are looked for, and where they are there, it begins with the next poll. `id` and `origin` as
/// of `cellscan_request`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_scan(gateway: *mut Handle, id: u32, origin: u32) -> Code {
    lend(gateway, |gateway| {
        let Some(request) = request(id, origin) else { return Code::Value };
        match gateway.request(request) {
            Ok(()) => Code::Ok,
            Err((code, sentence)) => {
                gateway.failed(&sentence);
                code
            }
        }
    })
}

/// Does what can be done now. `CELLSCAN_CODE_OK`: `event` says what happened, poll again. `CELLSCAN_CODE_WOULD_BLOCK`: poll again
/// when the descriptor is readable. It takes milliseconds as a rule; the poll that takes the service waits for the guard to be
/// ready (10 s at most), the last for its end (1 s at most), and a line that takes no bytes is waited for (2 s at most). After `CELLSCAN_EVENT_KIND_FINISHED`, and `CELLSCAN_EVENT_KIND_DECLINED`,
/// nothing is held any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_poll(gateway: *mut Handle, event: *mut Event) -> Code {
    // Looked at first: an event that is taken out and cannot be told would be lost.
    let cleared = put(event, Event::default());
    if cleared != Code::Ok {
        return cleared;
    }
    lend(gateway, |gateway| gateway.poll().map_or(Code::WouldBlock, |told| put(event, told)))
}

/// The descriptor to wait for: readable when the gateway is to be polled, its deadlines included. The same for as long as the
/// gateway is open, and the gateway's own: only ever wait for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_fd(gateway: *mut Handle, fd: *mut c_int) -> Code {
    lend(gateway, |gateway| put(fd, gateway.as_fd().as_raw_fd()))
}

/// Ends the scan under way: what was found is restored, the service given back; poll until it has ended. Not for a signal
/// handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_abort(gateway: *mut Handle) -> Code {
    lend(gateway, |gateway| {
        gateway.abort();
        Code::Ok
    })
}

/// What came of the last scan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_report(gateway: *mut Handle, report: *mut Report) -> Code {
    lend(gateway, |gateway| put(report, gateway.scanner().report().into()))
}

/// The carrier at `index`, in list order, from 0; `CELLSCAN_CODE_RANGE` behind the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_carrier(
    gateway: *mut Handle,
    index: usize,
    carrier: *mut Carrier,
) -> Code {
    lend(gateway, |gateway| match gateway.scanner().carriers().get(index) {
        Some(known) => put(carrier, known.into()),
        None => Code::Range,
    })
}

/// What the last `CELLSCAN_EVENT_KIND_NOTE` or `CELLSCAN_EVENT_KIND_WARNING` says; valid until the next poll. Never null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_text(gateway: *mut Handle) -> *const c_char {
    said(gateway, Gateway::text)
}

/// Why the last `cellscan_gateway_scan` failed; valid until the next one. Never null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_error(gateway: *mut Handle) -> *const c_char {
    said(gateway, Gateway::error)
}

fn said(handle: *mut Handle, which: fn(&Gateway) -> &CString) -> *const c_char {
    let mut said = c"".as_ptr();
    let code = lend(handle, |gateway| {
        said = which(gateway).as_ptr();
        Code::Ok
    });
    if code == Code::Ok { said } else { code.text().as_ptr() }
}

#[cfg(test)]
mod tests;
