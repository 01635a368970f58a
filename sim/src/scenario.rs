//! A scan in a simulated world, as a plain value: it can be printed, shrunk, and pasted as a test.

use core::fmt;
use core::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::{Phase, Policy};

use crate::machine::MachineProfile;
use crate::modem::{ModemFault, Profile};
use crate::signal::Signal;

mod builtin;
mod swarm;

pub use builtin::{BUILTIN, Builtin};
pub use swarm::Kind;

/// What happens in a world, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Of the modem's and the world's dice.
    pub seed: u64,
    /// The gateway.
    pub machine: MachineProfile,
    /// The modem.
    pub modem: Profile,
    /// How the scan is to go.
    pub policy: Policy,
    /// Carriers remembered from before, likeliest last.
    pub remembered: Vec<Plmn>,
    /// From the start of the world to the request for a scan. The gateway has booted and dialled by then.
    pub asked_after: Duration,
    /// What goes wrong.
    pub faults: Vec<Timed>,
}

impl Default for Scenario {
    /// The recorded scan of a gateway with a Cinterion modem, nothing going wrong.
    fn default() -> Self {
        Self {
            seed: 1,
            machine: MachineProfile::default(),
            modem: Profile::default(),
            policy: Policy::DEFAULT,
            remembered: Vec::new(),
            asked_after: Duration::from_secs(30),
            faults: Vec::new(),
        }
    }
}

/// When something goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// So long after the request for a scan.
    After(Duration),
    /// So long after the scan first came into this state.
    In(Phase, Duration),
}

/// A fault and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// When. A state that the scan never comes to brings no fault.
    pub when: When,
    /// What.
    pub fault: Fault,
}

impl Timed {
    /// A fault so many seconds after the request.
    #[must_use]
    pub const fn after(seconds: u64, fault: Fault) -> Self {
        Self { when: When::After(Duration::from_secs(seconds)), fault }
    }

    /// A fault in a state, so many milliseconds after it was first entered.
    #[must_use]
    pub const fn during(phase: Phase, millis: u64, fault: Fault) -> Self {
        Self { when: When::In(phase, Duration::from_millis(millis)), fault }
    }
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Of the modem.
    Modem(ModemFault),
    /// The port goes away (USB), and comes back after so long.
    PortVanishes(Duration),
    /// `runsv` is killed; `runsvdir` brings a new one after so long.
    RunsvDies(Duration),
    /// `runsv` hangs for so long.
    RunsvFreezes(Duration),
    /// A second client writes this byte to the control FIFO.
    ControlByte(u8),
    /// A second client runs `sv` with these words before the service.
    Sv(&'static str),
    /// Somebody signals whatever `pppd` runs.
    PppdSignalled(Signal),
    /// A process that has nothing to do with the service holds the port for so long.
    Stranger(Duration),
    /// Somebody starts a second `pppd` by hand.
    SecondPppd,
    /// So many rewrites of the status record are lost for want of space.
    StatusLost(u32),
    /// The wall clock is set by so many ms.
    ClockStep(i64),
    /// For so long the machine is late: each process step, each turn of `runsv`, each wake-up of the scan and of its guard
    /// and each byte of the modem comes later than it is due, by an amount of its own, and so in another order.
    Late {
        /// For how long.
        lasts: Duration,
        /// The longest that anything is late by.
        by_max: Duration,
    },
    /// The scanner is killed; its guard gives the service back.
    ScannerKilled,
    /// The guard is killed; the scan starts another, once.
    GuardKilled,
    /// The scanner is told to end (SIGTERM, Ctrl-C).
    Abort,
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::After(after) => {
                write!(f, "{:.1} s after the request: {:?}", after.as_secs_f32(), self.fault)
            }
            When::In(phase, after) => {
                write!(f, "{:.1} s into state {}: {:?}", after.as_secs_f32(), phase.number(), self.fault)
            }
        }
    }
}
