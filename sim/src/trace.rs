//! The trace of events, in order: the input of the checkers and of the determinism check.

use cellscan_core::supervisor::ServiceState;
use cellscan_core::time::Instant;

use crate::signal::Signal;

/// A process number. Never used twice in one run.
pub type Pid = u32;

/// A status record as `runsv` writes it (runsv.c: `update_status`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StatusRecord {
    /// Byte 19.
    pub state: ServiceState,
    /// Bytes 12–15; `None` is 0. The pid of `./finish` in [`ServiceState::Finish`].
    pub pid: Option<Pid>,
    /// Byte 17: `u`. Wanted down, once and exit all read `d`.
    pub want_up: bool,
    /// Byte 16.
    pub paused: bool,
    /// Byte 18.
    pub got_term: bool,
    /// Bytes 0–11 as ms of the wall clock: since when it runs (also in finish) or is down.
    pub stamp_ms: i64,
}

/// The process that acts on another process or on a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Actor {
    /// The scan under test, through its supervisor.
    Client,
    /// Its guard.
    Guard,
    /// A `runsv`.
    Runsv(Pid),
    /// Any other actor: an operator, the out-of-memory killer, a second client.
    Other,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// With this exit code.
    Exit(i32),
    /// Of this signal.
    Signal(Signal),
}

/// The origin of a process. Children inherit it, so that a checker knows what a client can only guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The scanned service: its `run`, `finish`, `control/*` and their children.
    Service,
    /// The log service.
    Log,
    /// A supervisor.
    Runsv,
    /// The scanner.
    Client,
    /// Its guard.
    Guard,
    /// A process outside the service that holds the port.
    Stranger,
    /// A `pppd` started by hand on the port of the service.
    SecondPppd,
    /// The `pppd` of another modem, on another port (F16).
    OtherPppd,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "fields say what they are; the variants say what happened")]
pub enum TraceEvent {
    /// A process was forked.
    Started { pid: Pid, tag: String, origin: Origin },
    /// A process ended.
    Ended { pid: Pid, ending: Ending, origin: Origin },
    /// A signal was sent; the process may be dead already.
    Signalled { by: Actor, to: Pid, signal: Signal, origin: Option<Origin> },
    /// `runsv` has rewritten a status record.
    Status { runsv: Pid, log: bool, record: StatusRecord },
    /// A rewrite was lost for want of space; the file still shows the older record.
    StatusLost { runsv: Pid },
    /// `runsv` sleeps off an early death.
    Slept { runsv: Pid, ms: u64 },
    /// Bytes were put into the control FIFO of the service.
    Control { by: Actor, bytes: Vec<u8> },
    /// A process has opened the port of the service.
    PortOpened { pid: Pid, origin: Origin },
    /// A process has closed the port of the service.
    PortClosed { pid: Pid, origin: Origin },
    /// The UUCP lock of the port has a new owner; `None`: it was removed.
    Locked { by: Option<Pid> },
    /// The link is up (`true`) or down.
    Link { up: bool },
    /// The lease is held (`true`) or released.
    Lease { held: bool },
    /// The wall clock was stepped by this many ms.
    ClockStepped { ms: i64 },
}

/// A [`TraceEvent`] with its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// The time.
    pub at: Instant,
    /// The event.
    pub event: TraceEvent,
}
