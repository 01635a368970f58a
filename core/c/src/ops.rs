//! The callbacks, and what is told and answered there.

use core::ffi::{c_char, c_void};

/// What a callback of the port or of the supervisor answers. Anything below 0 is an error of its own numbering, which
/// comes back in `cellscan_event.error`; any other number is taken for an error too.
#[repr(i32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Done.
    Done = 0,
    /// Not yet: the same is asked again at the next poll.
    Later = 1,
}

/// What a service is meant to do.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// Not to run.
    Down = 0,
    /// Kept running.
    Up = 1,
    /// Running now, not to be started again.
    Once = 2,
}

/// What a service does.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ServiceState {
    /// No process.
    Down = 0,
    /// It runs.
    Run = 1,
    /// It has ended, and what cleans up behind it runs.
    Finish = 2,
}

/// Signals for what remains of a service.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signal {
    /// End.
    Term = 0,
    /// Be ended.
    Kill = 1,
}

/// The service as its supervisor states it, filled in by a callback.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Service {
    /// Not 0: a supervisor is there to obey.
    pub supervised: u32,
    /// A `cellscan_service_state`.
    pub state: u32,
    /// Its process; 0: none.
    pub pid: u32,
    /// A `cellscan_want`.
    pub want: u32,
    /// Not 0: somebody else has asked for down since it was taken.
    pub foreign_down: u32,
}

/// What stands between "the supervisor says down" and "the port is free", filled in by a callback. All 0: nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Remains {
    /// A process of this service; 0: none.
    pub service: u32,
    /// A process that holds the port and is none of the service's; 0: none.
    pub stranger: u32,
}

/// What a modem was told about operators.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SelectionKind {
    /// Nothing is to be restored.
    None = 0,
    /// `AT+COPS=0`: it chooses by itself.
    Automatic = 1,
    /// `AT+COPS=1,2,"…"`: this one.
    Manual = 2,
}

/// What a modem is to be told to have its registration restored.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Selection {
    /// A `cellscan_selection_kind`.
    pub kind: u32,
    /// The digits, where it is manual.
    pub plmn: [c_char; 8],
}

/// The callbacks: const, one of them may serve many machines, and each is given the machine's own `ctx`.
///
/// None may wait: what is not done yet is `CELLSCAN_ANSWER_LATER`. None may call a function with the same machine (it answers
/// `CELLSCAN_CODE_BUSY`), end by `longjmp` or let a C++ exception out. They run on the thread that called.
///
/// `now_ms`, `read`, `write`, `ask` and `status` must be there; what is said of the others holds where they are null.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Ops {
    /// Milliseconds since a moment of your choice; never goes back, never wraps.
    pub now_ms: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u64>,
    /// Opens the line to the modem. Null: it is always open.
    pub open: Option<unsafe extern "C" fn(ctx: *mut c_void) -> i32>,
    /// Lets go of it; also where it is closed already.
    pub close: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Takes up to `len` bytes that the modem has sent: how many, 0 where there is none now, below 0 where the line is lost.
    pub read: Option<unsafe extern "C" fn(ctx: *mut c_void, bytes: *mut u8, len: usize) -> i32>,
    /// Sends all of `len` bytes (`CELLSCAN_COMMAND_LEN_MAX` at most), or puts them where they will be sent from:
    /// `CELLSCAN_ANSWER_DONE`, or an error where the line is lost or has no room. Never `CELLSCAN_ANSWER_LATER`.
    pub write: Option<unsafe extern "C" fn(ctx: *mut c_void, bytes: *const u8, len: usize) -> i32>,
    /// Notes how the service is found, and sees to it that nobody else takes it; nothing is changed yet. The want that is
    /// told here is what the scan gives back. Null: as `status`.
    pub take: Option<unsafe extern "C" fn(ctx: *mut c_void, found: *mut Service) -> i32>,
    /// Asks the supervisor for this `cellscan_want`; does not wait for what comes of it.
    pub ask: Option<unsafe extern "C" fn(ctx: *mut c_void, want: u32) -> i32>,
    /// How the service stands now.
    pub status: Option<unsafe extern "C" fn(ctx: *mut c_void, now: *mut Service) -> i32>,
    /// Who is left, and who holds the port that the service uses. Null: nobody, as soon as `status` says down.
    pub remains: Option<unsafe extern "C" fn(ctx: *mut c_void, now: *mut Remains) -> i32>,
    /// Sends this `cellscan_signal` to what remains of the service. Null: an error.
    pub signal: Option<unsafe extern "C" fn(ctx: *mut c_void, signal: u32) -> i32>,
    /// Notes, where a reset does not forget it, what the modem is to be told should the scan not come to its end: see
    /// `cellscan_restore`. It points to what is valid during this call. Null: nobody will know.
    pub note: Option<unsafe extern "C" fn(ctx: *mut c_void, selection: *const Selection)>,
    /// Writes 1 where the link is up, 0 where it is not. Null: nobody looks, and it counts as up.
    pub link_up: Option<unsafe extern "C" fn(ctx: *mut c_void, up: *mut u32) -> i32>,
    /// The service is as it was found: whoever guards it may go. Null: nobody does.
    pub release: Option<unsafe extern "C" fn(ctx: *mut c_void) -> i32>,
}

/// Bytes that `write` is given at once, at most.
pub const CELLSCAN_COMMAND_LEN_MAX: usize = 64;
