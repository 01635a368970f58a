//! Who keeps the unlock rule in a world: the rule itself is the code of the gateway ([`cellscan_custody::unlock`]).
//!
//! The record is what the gateway keeps on disk. An unlock is a scan to which automatic selection is owed, as to the scan after a
//! dead one, and which is told to end as soon as it has the port: as on the gateway (host: `gateway.rs`).

use core::time::Duration;

use cellscan_core::port::Port;
use cellscan_core::scan::{Event, Outcome};
use cellscan_core::selection::Selection as Restored;
use cellscan_core::supervisor::{Owed, Supervisor};
use cellscan_core::time::Instant;
use cellscan_custody::unlock::{Selected, Sight, Step, Unlock};

use super::World;
use crate::machine::guard::Lease;
use crate::modem::Selection;
use crate::trace::Pid;

/// How often the daemon looks at a link without an address, beside each change of it (host: `run.rs`).
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A process that has ended.
const NOBODY: Pid = Pid::MAX;

/// Who keeps the rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keeper {
    /// The daemon, which remembers what it saw.
    Daemon,
    /// `cellscan restore`, run this often: it knows what the record says.
    Restore(Duration),
}

/// The record of a selection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Record {
    selected: Selected,
    dark_since: Option<Instant>,
}

/// The rule in a world.
#[derive(Debug)]
pub(super) struct Keeping {
    keeper: Keeper,
    after: Duration,
    rule: Unlock,
    record: Option<Record>,
    pub(super) look_at: Instant,
    /// An unlock is under way, and this many bytes were sent before it.
    unlocking: Option<u64>,
}

impl<P: Port, S: Supervisor> World<P, S> {
    /// Has the rule kept from now on: a selection may be without a link for as long as `after`; zero: for ever.
    pub fn keep_unlocked(&mut self, keeper: Keeper, after: Duration) {
        let (rule, look_at) = (Unlock::new(), self.now);
        self.keeping = Some(Keeping { keeper, after, rule, record: None, look_at, unlocking: None });
    }

    /// Whether a manual selection of a scan is on record.
    #[must_use]
    pub fn selection_is_recorded(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.record.is_some())
    }

    /// The next look, if it is due.
    pub(super) fn keep_rule(&mut self) {
        let Some(mut keeping) = self.keeping.take() else { return };
        if keeping.look_at <= self.now {
            self.look(&mut keeping);
        }
        self.keeping = Some(keeping);
    }

    fn look(&mut self, keeping: &mut Keeping) {
        let sight = {
            let machine = self.machine.borrow();
            Sight {
                selected: keeping.record.map(|record| record.selected),
                address: Some(machine.link_up()),
                wanted_up: machine.status().map(|status| status.want_up),
                in_hand: machine.lease().is_some() || keeping.unlocking.is_some(),
            }
        };
        let every = match keeping.keeper {
            Keeper::Daemon => LOOK_AGAIN,
            Keeper::Restore(every) => {
                keeping.rule = keeping.record.map_or_else(Unlock::new, |record| {
                    Unlock::resume(record.selected.number, record.dark_since)
                });
                every
            }
        };
        keeping.look_at = self.now + every;
        match keeping.rule.look(self.now, sight) {
            Step::Until(due) if keeping.keeper == Keeper::Daemon => {
                keeping.look_at = keeping.look_at.min(due);
            }
            Step::Unlock if self.alive => {
                let owed = Owed { want: None, selection: Some(Restored::Automatic) };
                self.machine.borrow_mut().kernel.set_lease(Some(Lease { owner: NOBODY, owed }));
                keeping.unlocking = Some(self.wire.borrow().written);
                self.requests += 1;
                self.request(self.requests);
            }
            Step::Idle | Step::Watch | Step::Until(_) | Step::Unlock => {}
        }
        if let Some(record) = &mut keeping.record {
            record.dark_since = keeping.rule.dark_since();
        }
    }

    /// Ends an unlock that has the port, so that it restores what is owed.
    pub(super) fn end_unlock(&mut self) {
        let written = self.wire.borrow().written;
        if self.keeping.as_ref().and_then(|keeping| keeping.unlocking).is_some_and(|before| before < written)
        {
            self.driver.abort(self.now);
        }
    }

    /// Keeps the record in line with the modem at the end of each scan.
    pub(super) fn keep_record(&mut self, event: Event) {
        let (Some(keeping), Event::Finished(outcome)) = (&mut self.keeping, event) else { return };
        let mode = self.wire.borrow().modem.selection();
        let number = self.now.as_millis();
        if keeping.unlocking.take().is_some() && mode != Selection::Automatic {
            keeping.rule.failed(self.now);
        } else if mode == Selection::Automatic {
            keeping.record = None;
        } else if outcome == Outcome::Complete && mode == Selection::Manual {
            let selected = Selected { number, after: keeping.after };
            keeping.record = Some(Record { selected, dark_since: None });
        }
    }
}
