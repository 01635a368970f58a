//! The behaviours of a service under test.

use cellscan_tests::support::{RunScript, StandIn, Workbench};

/// The behaviour of the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Life {
    /// It runs until TERM, which takes 50 ms.
    Healthy,
    /// It does not run.
    Down,
    /// It ignores TERM.
    Deaf,
    /// Its child keeps the port after its end.
    Outlived,
    /// It ends after 300 ms, and `runsv` sleeps for a second after that.
    Crashing,
    /// `./finish` takes a second.
    SlowToFinish,
}

impl Life {
    pub(crate) fn pppd(self) -> StandIn {
        let healthy = StandIn { dies_after_ms: 50, ..StandIn::default() };
        match self {
            Self::Deaf => StandIn { ignores_term: true, ..healthy },
            Self::Outlived => StandIn { child_holds_ms: Some(60_000), ..healthy },
            Self::Healthy | Self::Down | Self::Crashing | Self::SlowToFinish => healthy,
        }
    }

    pub(crate) fn workbench(self) -> Workbench {
        let bench = Workbench::new().pppd(self.pppd());
        match self {
            Self::Down => bench.down(),
            Self::Crashing => {
                bench.run(RunScript::Custom("#!/bin/sh\necho start >>starts\nsleep 0.3\nexit 1\n".to_owned()))
            }
            Self::SlowToFinish => bench.script("finish", "#!/bin/sh\nexec sleep 1\n"),
            Self::Healthy | Self::Deaf | Self::Outlived => bench,
        }
    }
}
