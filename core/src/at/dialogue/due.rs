//! Results that may still come of what is no longer waited for.

/// How many commands after one that was given up may meet its answer, where that was not seen while the line was drained:
/// the next two, as the field logs show, and one to spare.
const DOUBTS_MAX: u8 = 3;

/// Results that are due, where they are no longer counted: a modem that was asked `AT` again and again answers each, once it
/// hears.
const MANY: u8 = 3;

/// What is due, and how long a result may be taken for it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Due {
    count: u8,
    /// So many commands may still meet one of them.
    doubts: u8,
}

impl Due {
    pub(super) const NOTHING: Self = Self { count: 0, doubts: 0 };

    /// Something was sent whose result may come when it is no longer waited for.
    pub(super) fn owe(&mut self) {
        self.count = self.count.saturating_add(1).min(MANY);
        self.doubts = DOUBTS_MAX;
    }

    /// A result came of what was sent before: one less to meet.
    pub(super) fn pay(&mut self) {
        if self.count < MANY {
            self.count = self.count.saturating_sub(1);
        }
        if self.count == 0 {
            *self = Self::NOTHING;
        }
    }

    /// A command has got its answer.
    pub(super) fn answered(&mut self) {
        self.doubts = self.doubts.saturating_sub(1);
        if self.doubts == 0 {
            *self = Self::NOTHING;
        }
    }

    /// Whether a result may be one that was due before.
    pub(super) const fn is_any(self) -> bool {
        self.count > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_met_or_forgotten_after_three_commands() {
        let mut due = Due::NOTHING;
        due.pay();
        assert!(!due.is_any());
        due.owe();
        due.owe();
        due.pay();
        assert!(due.is_any());
        due.pay();
        assert_eq!(due, Due::NOTHING);
        due.owe();
        due.answered();
        due.answered();
        assert!(due.is_any());
        due.answered();
        assert_eq!(due, Due::NOTHING);
    }

    #[test]
    fn many_are_not_counted() {
        let mut due = Due::NOTHING;
        (0..30).for_each(|_| due.owe());
        (0..30).for_each(|_| due.pay());
        assert!(due.is_any());
    }
}
