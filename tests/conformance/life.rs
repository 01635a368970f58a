//! How a service lives that a promise is about.

use cellscan_tests::support::{RunScript, StandIn, Workbench};

/// What the service does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Life {
    /// It runs until TERM, which takes 50 ms.
    Healthy,
    /// It does not run.
    Down,
    /// TERM does nothing to it.
    Deaf,
    /// A child keeps its port when it ends.
    Outlived,
    /// It ends by itself after 300 ms, which `runsv` sleeps off for a second.
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
