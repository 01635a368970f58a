//! Results that may still come of what is no longer waited for.

/// How many commands after one that was given up may meet its answer, where that was not seen while the line was drained:
/// the next two, as the field logs show.
const DOUBTS_MAX: u8 = 2;

/// Whether a result is due of something given up. What comes once `AT` was asked does not tell: its own results, of which
/// a modem that hears late gives many, look the same. So a result pays only while the line is drained, and what is not
/// paid is forgotten after some commands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Due {
    /// So many commands may still meet it.
    doubts: u8,
}

impl Due {
    pub(super) const NOTHING: Self = Self { doubts: 0 };

    /// A command was given up.
    pub(super) const fn owe(&mut self) {
        self.doubts = DOUBTS_MAX;
    }

    /// Its result came.
    pub(super) const fn pay(&mut self) {
        self.doubts = 0;
    }

    /// A command has got its answer.
    pub(super) const fn answered(&mut self) {
        self.doubts = self.doubts.saturating_sub(1);
    }

    /// Whether a result may be one that was due before.
    pub(super) const fn is_any(self) -> bool {
        self.doubts > 0
    }
}
