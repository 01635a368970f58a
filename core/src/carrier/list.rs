//! The carriers of one scan.

use heapless::Vec;

use crate::time::Span;

use super::{Availability, CARRIERS_MAX, Carrier, Name, Plmn, Technologies, Trial};

/// The carriers of a scan in list order, one entry a PLMN.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Carriers {
    kept: Vec<Carrier, CARRIERS_MAX>,
    listed: u16,
    truncated: bool,
}

impl Carriers {
    /// No carriers.
    #[must_use]
    pub const fn new() -> Self {
        Self { kept: Vec::new(), listed: 0, truncated: false }
    }

    /// Adds a listed network, or merges it with the entry of the same PLMN: one trial a PLMN, the access technologies
    /// kept with it. Where there is no room it is only counted and `truncated` is set.
    pub fn insert(
        &mut self,
        plmn: Plmn,
        name: &Name,
        availability: Availability,
        technologies: Technologies,
    ) {
        self.listed = self.listed.saturating_add(1);
        if let Some(known) = self.kept.iter_mut().find(|carrier| carrier.plmn == plmn) {
            known.technologies.join(technologies);
            let may_be_more = matches!(known.availability, Availability::Forbidden | Availability::Unknown);
            if may_be_more || availability == Availability::Current {
                known.availability = availability;
            }
            if known.name.is_empty() {
                known.name = name.clone();
            }
            return;
        }
        let carrier = Carrier {
            plmn,
            name: name.clone(),
            availability,
            technologies,
            trial: Trial::Untried,
            retried: false,
            took: Span::ZERO,
            confirmed: false,
        };
        self.truncated |= self.kept.push(carrier).is_err();
    }

    /// Removes all carriers.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Removes those that were not tried, before another list.
    pub(crate) fn keep_tried(&mut self) {
        (self.listed, self.truncated) = (0, false);
        self.kept.retain(|carrier| !matches!(carrier.trial, Trial::Untried));
    }

    /// Clears the durations of trials, which decide nothing.
    pub(crate) fn forget_times(&mut self) {
        for carrier in &mut self.kept {
            carrier.took = Span::ZERO;
        }
    }

    /// In list order.
    pub fn iter(&self) -> core::slice::Iter<'_, Carrier> {
        self.kept.iter()
    }

    /// The one at `index` in list order.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Carrier> {
        self.kept.get(index)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Carrier> {
        self.kept.get_mut(index)
    }

    /// How many PLMNs are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many entries the list had, including duplicates and those without room.
    #[must_use]
    pub const fn listed(&self) -> u16 {
        self.listed
    }

    /// Whether some had no room.
    #[must_use]
    pub const fn truncated(&self) -> bool {
        self.truncated
    }
}

impl<'a> IntoIterator for &'a Carriers {
    type Item = &'a Carrier;
    type IntoIter = core::slice::Iter<'a, Carrier>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
