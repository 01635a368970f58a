//! A scan in a simulated world, as a plain value that can be printed, shrunk, and pasted into a test.

use core::fmt;
use core::time::Duration;

use cellscan_core::carrier::Remembered;
use cellscan_core::scan::{Phase, Policy};

use crate::machine::MachineProfile;
use crate::modem::{ModemFault, Profile};
use crate::signal::Signal;

mod builtin;
mod swarm;

pub use builtin::{BUILTIN, Builtin};
pub use swarm::Kind;

/// The configuration and the faults of a world.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The seed of the modem's and the world's random numbers.
    pub seed: u64,
    /// The gateway.
    pub machine: MachineProfile,
    /// The modem.
    pub modem: Profile,
    /// The policy of the scan.
    pub policy: Policy,
    /// Remembered carriers, likeliest last.
    pub remembered: Vec<Remembered>,
    /// From the start of the world to the request for a scan. The gateway has booted and dialled by then.
    pub asked_after: Duration,
    /// The faults.
    pub faults: Vec<Timed>,
}

impl Default for Scenario {
    /// The recorded scan of a gateway with a Cinterion modem, without faults.
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

/// The time of a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// This long after the request for a scan.
    After(Duration),
    /// This long after the scan first entered this state.
    In(Phase, Duration),
}

/// A fault and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// The time. A state that the scan never enters causes no fault.
    pub when: When,
    /// The fault.
    pub fault: Fault,
}

impl Timed {
    /// A fault this many seconds after the request.
    #[must_use]
    pub const fn after(seconds: u64, fault: Fault) -> Self {
        Self { when: When::After(Duration::from_secs(seconds)), fault }
    }

    /// A fault in a state, this many milliseconds after it was first entered.
    #[must_use]
    pub const fn during(phase: Phase, millis: u64, fault: Fault) -> Self {
        Self { when: When::In(phase, Duration::from_millis(millis)), fault }
    }
}

/// A fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A fault of the modem.
    Modem(ModemFault),
    /// The port goes away (USB), and comes back after this time.
    PortVanishes(Duration),
    /// `runsv` is killed; `runsvdir` starts a new one after this time.
    RunsvDies(Duration),
    /// `runsv` hangs for this time.
    RunsvFreezes(Duration),
    /// A second client writes this byte to the control FIFO.
    ControlByte(u8),
    /// A second client runs `sv` with these words before the service.
    Sv(&'static str),
    /// Another client signals every running `pppd`.
    PppdSignalled(Signal),
    /// A process outside the service holds the port for this time.
    Stranger(Duration),
    /// An operator starts a second `pppd` by hand.
    SecondPppd,
    /// This many rewrites of the status record are lost for want of space.
    StatusLost(u32),
    /// The wall clock is stepped by this many ms.
    ClockStep(i64),
    /// The machine is late for this time: each process step, each turn of `runsv`, each wake-up of the scan and of its guard
    /// and each byte of the modem comes later than it is due, by an individual delay, and so in another order.
    Late {
        /// The duration.
        lasts: Duration,
        /// The longest delay.
        by_max: Duration,
    },
    /// The scanner is killed; its guard gives the service back.
    ScannerKilled,
    /// The guard is killed; the scan starts another, once.
    GuardKilled,
    /// The scanner gets SIGTERM or Ctrl-C.
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
