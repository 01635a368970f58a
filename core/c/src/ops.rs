//! The callbacks, with their arguments and answers.

use core::ffi::{c_char, c_void};

/// The answer of a callback of the port or of the supervisor. A number below 0 is an error with a number of the
/// application's choice, returned in `cellscan_event.error`; any other number counts as an error too.
#[repr(i32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Done.
    Done = 0,
    /// Not yet: the next poll makes the same call again.
    Later = 1,
}

/// What a service is meant to do, in runit's words.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// Stopped.
    Down = 0,
    /// Kept running.
    Up = 1,
    /// Runs now and is not restarted.
    Once = 2,
}

/// What a service does.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ServiceState {
    /// No process.
    Down = 0,
    /// Running.
    Run = 1,
    /// It has ended, and its clean-up runs.
    Finish = 2,
}

/// Signals for the remaining processes of a service.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signal {
    /// `SIGTERM`.
    Term = 0,
    /// `SIGKILL`.
    Kill = 1,
}

/// The service as its supervisor states it, filled in by a callback.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Service {
    /// Not 0: a supervisor runs.
    pub supervised: u32,
    /// A `cellscan_service_state`.
    pub state: u32,
    /// The process of the service; 0: none.
    pub pid: u32,
    /// A `cellscan_want`.
    pub want: u32,
    /// Not 0: another client has asked for down since the service was taken.
    pub foreign_down: u32,
}

/// What still stands between "the supervisor says down" and "the port is free", filled in by a callback. All 0: nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Remains {
    /// A process of this service; 0: none.
    pub service: u32,
    /// A process that holds the port and is not part of the service; 0: none.
    pub stranger: u32,
}

/// The kind of an operator selection.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SelectionKind {
    /// Nothing is to be restored.
    None = 0,
    /// `AT+COPS=0`: the modem chooses.
    Automatic = 1,
    /// `AT+COPS=1,2,"…"`: this operator.
    Manual = 2,
}

/// The operator selection that restores a modem's registration.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Selection {
    /// A `cellscan_selection_kind`.
    pub kind: u32,
    /// The digits, where it is manual.
    pub plmn: [c_char; 8],
}

/// The callbacks: const, may serve many machines; each call gets the machine's own `ctx`.
///
/// None may wait: an unfinished one answers `CELLSCAN_ANSWER_LATER`. None may call a function with the same machine (that
/// returns `CELLSCAN_CODE_BUSY`), end by `longjmp` or let a C++ exception out. They run on the thread of the caller.
///
/// `now_ms`, `read`, `write`, `ask` and `status` are required; the others may be null, with the meaning stated at each.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Ops {
    /// Milliseconds since a moment of your choice; never goes back, never wraps.
    pub now_ms: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u64>,
    /// Opens the line to the modem. Null: it is always open.
    pub open: Option<unsafe extern "C" fn(ctx: *mut c_void) -> i32>,
    /// Closes the line; may be called for a closed one.
    pub close: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Takes up to `len` bytes from the modem. Returns the number of bytes, 0 where there are none now, below 0 where the line is lost.
    pub read: Option<unsafe extern "C" fn(ctx: *mut c_void, bytes: *mut u8, len: usize) -> i32>,
    /// Sends all of `len` bytes (`CELLSCAN_COMMAND_LEN_MAX` at most), or buffers them: `CELLSCAN_ANSWER_DONE`, or an error
    /// where the line is lost or has no room. Never `CELLSCAN_ANSWER_LATER`.
    pub write: Option<unsafe extern "C" fn(ctx: *mut c_void, bytes: *const u8, len: usize) -> i32>,
    /// Records the state of the service, and keeps other scans from taking it; changes nothing yet. The scan restores the
    /// want that is returned here. Null: as `status`.
    pub take: Option<unsafe extern "C" fn(ctx: *mut c_void, found: *mut Service) -> i32>,
    /// Requests this `cellscan_want` of the supervisor; does not wait for the effect.
    pub ask: Option<unsafe extern "C" fn(ctx: *mut c_void, want: u32) -> i32>,
    /// The present status of the service.
    pub status: Option<unsafe extern "C" fn(ctx: *mut c_void, now: *mut Service) -> i32>,
    /// The remaining processes, and the holder of the service's port. Null: none, as soon as `status` says down.
    pub remains: Option<unsafe extern "C" fn(ctx: *mut c_void, now: *mut Remains) -> i32>,
    /// Sends this `cellscan_signal` to the remaining processes of the service. Null: an error.
    pub signal: Option<unsafe extern "C" fn(ctx: *mut c_void, signal: u32) -> i32>,
    /// Records the selection to restore if the scan does not reach its end, in memory that survives a reset: see
    /// `cellscan_restore`. The pointer is valid during this call only. Null: nothing is recorded.
    pub note: Option<unsafe extern "C" fn(ctx: *mut c_void, selection: *const Selection)>,
    /// Writes 1 where the link is up, 0 where it is not. Null: the link is not observed and counts as up.
    pub link_up: Option<unsafe extern "C" fn(ctx: *mut c_void, up: *mut u32) -> i32>,
    /// The service is restored: its guard may end. Null: there is no guard.
    pub release: Option<unsafe extern "C" fn(ctx: *mut c_void) -> i32>,
}

/// Bytes in one call of `write`, at most.
pub const CELLSCAN_COMMAND_LEN_MAX: usize = 64;
