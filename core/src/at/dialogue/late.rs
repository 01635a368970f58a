//! Late final results: results of commands that timed out.

/// How many commands after a time-out may receive the late result, where it did not come while the line was drained: the
/// next two, as the field logs show.
const DOUBTS_MAX: u8 = 2;

/// Whether the result of a command that timed out may still come. After `AT` is sent this is uncertain: the results of
/// `AT`, of which a slow modem sends many, look the same. So a result counts as the late one only while the line is
/// drained, and a late result that did not come then is expected only for the next commands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct LateResult {
    /// How many commands may still receive it.
    doubts: u8,
}

impl LateResult {
    pub(super) const NOTHING: Self = Self { doubts: 0 };

    /// A command was given up.
    pub(super) const fn owe(&mut self) {
        self.doubts = DOUBTS_MAX;
    }

    /// The late result came.
    pub(super) const fn pay(&mut self) {
        self.doubts = 0;
    }

    /// A command has got its answer.
    pub(super) const fn answered(&mut self) {
        self.doubts = self.doubts.saturating_sub(1);
    }

    /// Whether a result may be a late one.
    pub(super) const fn is_any(self) -> bool {
        self.doubts > 0
    }
}
