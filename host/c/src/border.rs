//! The interface to C: every function that C calls, and all `unsafe` code of this crate.
//!
//! `cellscan.h` states what C promises. Everything else is checked and answered with a [`Code`]; for each code
//! below 0 `cellscan_gateway_error` has a sentence.
#![expect(
    unsafe_code,
    reason = "pointers from C, exported names, and three calls of libc: in this file only"
)]
#![expect(
    clippy::missing_safety_doc,
    reason = "the promises of C are the same for all, and stated above and in the header"
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

/// Marks a live gateway.
const MAGIC: u64 = 0x5ce1_15ca_9a7e_3a11;
/// The first descriptor after the three standard ones.
const FIRST_FD: c_int = 3;
/// On a kernel without `close_range` (before 5.11): descriptors up to this one are closed in the guard.
const FDS_MAX: c_int = 4_096;

/// A gateway. Yours from `cellscan_gateway_open` to `cellscan_gateway_close`, and only on the thread that opened it.
#[derive(Debug)]
pub struct Handle {
    magic: u64,
    /// The kernel's thread id: it also differs in a forked child, which holds the gateway by mistake too.
    thread: Pid,
    /// `None` after an internal error.
    gateway: Option<Gateway>,
}

/// The configuration of a gateway. Fill it with `cellscan_gateway_defaults`, then set the port and whatever differs. Everything is
/// copied, the texts too. Texts are UTF-8 and end with a NUL.
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
    /// After this time with the service taken the guard kills your process, and gives the service back: for the case that your
    /// process polls no more. More than the policy's budget and link time. 0: no limit; then a process that hangs keeps the
    /// link away until it is ended.
    pub hold_limit_ms: u32,
    /// Reserved; 0.
    pub reserved: u32,
    /// The tty of the modem, by a stable name such as one of /dev/serial/by-id. Required.
    pub port: *const c_char,
    /// The tty that `pppd` uses. Null: the same.
    pub ppp_port: *const c_char,
    /// Name or path of the service. Null: the one whose `pppd` holds the port, else `pppd`, `ppp`, `pppd-*` or `ppp-*`.
    pub service: *const c_char,
    /// The interface that is up when the link is up, such as "ppp*". Null: do not wait for the link.
    pub link: *const c_char,
    /// Words of the command that starts an unsupervised `pppd`; no shell interprets them. Null: none.
    pub start_command: *const c_char,
    /// The guard's program: `cellscan`, of the version of this library; a path, or a name in PATH. Null: "cellscan".
    /// A program whose first line does not state name and version is refused before the supervisor is asked for down.
    pub guard: *const c_char,
    /// Directory of UUCP locks. Null: /var/lock and /run/lock.
    pub lock_dir: *const c_char,
    /// Directory of the carriers of the last complete scan. Null: /var/lib/cellscan.
    pub state_dir: *const c_char,
    /// Directory of lease and claim: it belongs to this user, and no other user may write to it. Null: /run/cellscan, as for the
    /// program. All programs that scan the same service should use the same directory.
    pub run_dir: *const c_char,
    /// The policy of a scan. Null: as of `cellscan_policy_default`.
    pub policy: *const Policy,
}

/// Blocks SIGPIPE on this thread while it lives. A guard or a supervisor that dies during a write causes an error code, and
/// must not end an application that does not ignore that signal.
struct NoPipeSignal {
    before: libc::sigset_t,
    was_pending: bool,
}

/// An empty set of signals, or SIGPIPE alone.
fn signals(pipe: bool) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `set` is written completely.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    if pipe {
        // SAFETY: initialised by the line above; SIGPIPE is a signal.
        unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE) };
    }
    // SAFETY: sigemptyset has initialised it; it cannot fail for a valid pointer.
    unsafe { set.assume_init() }
}

fn is_pipe_pending() -> bool {
    let mut pending = signals(false);
    // SAFETY: both sets are initialised and live.
    unsafe {
        libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
    }
}

impl NoPipeSignal {
    fn new() -> Self {
        let was_pending = is_pipe_pending();
        let (pipe, mut before) = (signals(true), signals(false));
        // SAFETY: both sets are initialised and live; the mask is this thread's, and `drop` restores it.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut before) };
        Self { before, was_pending }
    }
}

impl Drop for NoPipeSignal {
    fn drop(&mut self) {
        if !self.was_pending && is_pipe_pending() {
            let (pipe, now) = (signals(true), libc::timespec { tv_sec: 0, tv_nsec: 0 });
            // SAFETY: set and time live; the signal is ours, since none was pending before.
            unsafe { libc::sigtimedwait(&raw const pipe, ptr::null_mut(), &raw const now) };
        }
        // SAFETY: pthread_sigmask has filled in `before`.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

/// Keeps the application's descriptors (a listening socket would stay bound) and blocked signals from a process that may
/// outlive it.
fn set_apart(command: &mut Command) {
    let none = signals(false);
    let before_exec = move || {
        // SAFETY: `none` is initialised; the mask is that of the child, which has one thread.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
        let (first, last, on_exec) = (FIRST_FD.cast_unsigned(), u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        // SAFETY: three numbers; descriptors are closed by exec, and not before.
        if unsafe { libc::syscall(libc::SYS_close_range, first, last, on_exec) } != 0 {
            for fd in FIRST_FD..FDS_MAX {
                // SAFETY: two numbers; for a closed descriptor it returns an error.
                unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only calls are made that are safe there (pthread_sigmask, close_range and fcntl, see
    // signal-safety(7)); no memory is allocated and no lock is taken.
    unsafe { command.pre_exec(before_exec) };
}

/// Writes a value through a pointer from C.
fn put<T>(out: *mut T, value: T) -> Code {
    if out.is_null() {
        return Code::Null;
    }
    if !out.is_aligned() {
        return Code::Align;
    }
    // SAFETY: not null and aligned; C promises that it points to a writable T, whose old value needs no drop.
    unsafe { out.write(value) };
    Code::Ok
}

/// Copies the value behind a pointer from C; `None`: the pointer is null.
fn get<T: Copy>(from: *const T) -> Result<Option<T>, Code> {
    if from.is_null() {
        return Ok(None);
    }
    if !from.is_aligned() {
        return Err(Code::Align);
    }
    // SAFETY: not null and aligned; C promises that it points to a T, which here consists of numbers and pointers, so that
    // any bytes are valid.
    Ok(Some(unsafe { from.read() }))
}

/// Copies a string from C; `None`: the pointer is null.
fn text(name: &str, from: *const c_char) -> Result<Option<String>, (Code, String)> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: not null; C promises that it ends with a NUL, and does not change during the call. It is copied.
    let text = unsafe { CStr::from_ptr(from) };
    let text = text.to_str().map_err(|_| (Code::Value, format!("{name}: found {text:?}, wanted UTF-8")))?;
    if text.is_empty() {
        return Err((Code::Value, format!("{name}: found an empty text, wanted some, or a null pointer")));
    }
    Ok(Some(text.to_owned()))
}

/// Reads a config, its first field first: a config of another version may be shorter than ours.
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
        return Err((Code::Value, "reserved: found another value, wanted 0".to_owned()));
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
            .ok_or_else(|| (Code::Value, "policy: a value is outside its stated range".to_owned()))?,
    })
}

/// Lends the gateway behind a handle to `with`.
fn lend(handle: *mut Handle, with: impl FnOnce(&mut Gateway) -> Code) -> Code {
    if handle.is_null() {
        return Code::Null;
    }
    if !handle.is_aligned() {
        return Code::Align;
    }
    // SAFETY: not null and aligned; C promises that `cellscan_gateway_open` made it and that it was not closed. These two fields
    // do not change after that, so another thread may read them.
    let (magic, thread) = unsafe { ((*handle).magic, (*handle).thread) };
    if magic != MAGIC {
        return Code::NotInit;
    }
    if thread != gettid() {
        return Code::Thread;
    }
    // SAFETY: made by `cellscan_gateway_open`; only this thread gets here, and no callback leads back here.
    let gateway = unsafe { &mut (*handle).gateway };
    let _no_signal = NoPipeSignal::new();
    let Some(lent) = gateway else { return Code::Broken };
    if let Some(code) = caught(|| with(lent)) {
        return code;
    }
    // The guard sees the end of its pipe, and gives the service back.
    let broken = gateway.take();
    let _dropped = caught(|| drop(broken));
    Code::Broken
}

/// Fills in a config with the defaults.
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

/// Makes a gateway from a config, and touches nothing yet. On failure `*gateway` is null and `why` (which may be null) is
/// filled in with a sentence of up to `why_len` bytes, its NUL included. `CELLSCAN_CODE_NO_GUARD`: without a guard the service is
/// not taken, unless the config allows it.
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
                // SAFETY: C promises that `why_len` bytes may be written; `len` and the NUL are no more. The sentence does not
                // overlap them.
                unsafe { ptr::copy_nonoverlapping(sentence.as_ptr(), why, len) };
                // SAFETY: as above, `len` is below `why_len`.
                unsafe { why.add(len).write(0) };
            }
            code
        }
        None => Code::Broken,
    }
}

/// Frees a gateway. `CELLSCAN_CODE_BUSY`: a scan is in progress, and nothing was done; abort it, and poll until it has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_close(gateway: *mut Handle) -> Code {
    let code = lend(gateway, |lent| if lent.is_scanning() { Code::Busy } else { Code::Ok });
    if code != Code::Ok && code != Code::Broken {
        return code;
    }
    // SAFETY: `lend` has checked it: made by Box::into_raw in `cellscan_gateway_open`; C promises not to use it any more.
    let mut handle = unsafe { Box::from_raw(gateway) };
    handle.magic = 0;
    caught(|| drop(handle)).map_or(Code::Broken, |()| Code::Ok)
}

/// Requests a scan: looks for port and service, and if they are available the scan begins with the next poll. `id` and `origin` as
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

/// Does everything that is due. `CELLSCAN_CODE_OK`: `event` holds an event, poll again. `CELLSCAN_CODE_WOULD_BLOCK`: poll again
/// when the descriptor is readable. A poll takes milliseconds as a rule; the poll that takes the service waits until the guard is
/// ready (10 s at most), the last for its end (1 s at most), and a line that accepts no bytes is waited for (2 s at most). After
/// `CELLSCAN_EVENT_KIND_FINISHED`, and `CELLSCAN_EVENT_KIND_DECLINED`, the gateway holds nothing any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_poll(gateway: *mut Handle, event: *mut Event) -> Code {
    // Checked first: an event that was taken out and cannot be written would be lost.
    let cleared = put(event, Event::default());
    if cleared != Code::Ok {
        return cleared;
    }
    lend(gateway, |gateway| gateway.poll().map_or(Code::WouldBlock, |told| put(event, told)))
}

/// The descriptor to wait for: it is readable when the gateway is to be polled, its deadlines included. It stays the same while the
/// gateway is open, and belongs to the gateway: only wait for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_fd(gateway: *mut Handle, fd: *mut c_int) -> Code {
    lend(gateway, |gateway| put(fd, gateway.as_fd().as_raw_fd()))
}

/// Ends the scan in progress: the registration found is restored, the service given back; poll until it has ended. Not for a signal
/// handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_abort(gateway: *mut Handle) -> Code {
    lend(gateway, |gateway| {
        gateway.abort();
        Code::Ok
    })
}

/// The report of the last scan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cellscan_gateway_report(gateway: *mut Handle, report: *mut Report) -> Code {
    lend(gateway, |gateway| put(report, gateway.report().into()))
}

/// The carrier at `index`, in list order, from 0; `CELLSCAN_CODE_RANGE` after the last.
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

/// The text of the last `CELLSCAN_EVENT_KIND_NOTE` or `CELLSCAN_EVENT_KIND_WARNING`; valid until the next poll. Never null.
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
