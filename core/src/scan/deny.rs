//! The deny list: advice about carriers that failed.
//!
//! It orders and delays. A carrier on it is tried after all others, and is tried when the others are not enough: a
//! field gateway whose list held every carrier in reach tried nothing and stayed without a link.

use heapless::Vec;

use crate::carrier::Plmn;
use crate::time::{Instant, Span};

/// Capacity of the list. When full, the entry that expires first is replaced.
pub const DENIED_MAX: usize = 16;

/// Time on the list after the first failure.
pub const DENY_TIME_MIN: Span = Span::from_secs(300);

/// Time on the list, at most.
pub const DENY_TIME_MAX: Span = Span::from_secs(6 * 3_600);

/// A carrier that failed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Denied {
    /// The carrier.
    pub plmn: Plmn,
    /// Failures in a row.
    pub failures: u8,
    /// Until when it is tried last.
    pub until: Instant,
}

/// Carriers that failed, each with an expiry that doubles with every failure.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct DenyList(Vec<Denied, DENIED_MAX>);

impl DenyList {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether the scan tries `plmn` last now.
    #[must_use]
    pub fn denies(&self, plmn: Plmn, now: Instant) -> bool {
        self.iter().any(|denied| denied.plmn == plmn && denied.until > now)
    }

    /// Records a failure: on the list for [`DENY_TIME_MIN`], or for twice as long as the last time.
    pub fn failed(&mut self, plmn: Plmn, now: Instant) {
        let known = self.0.iter().find(|denied| denied.plmn == plmn);
        let failures = known.map_or(0, |denied| denied.failures).saturating_add(1);
        let doublings = u32::from(failures.saturating_sub(1)).min(16);
        let time = DENY_TIME_MIN.saturating_mul(1 << doublings).min(DENY_TIME_MAX);
        self.put(Denied { plmn, failures, until: now + time });
    }

    /// Sets the entry of a carrier: for a new machine.
    pub fn put(&mut self, denied: Denied) {
        let known = self.0.iter().position(|known| known.plmn == denied.plmn);
        let Some(place) = known.or_else(|| self.0.is_full().then(|| self.first_to_end())) else {
            let added = self.0.push(denied);
            debug_assert!(added.is_ok(), "there is room");
            return;
        };
        if let Some(place) = self.0.get_mut(place) {
            *place = denied;
        }
    }

    fn first_to_end(&self) -> usize {
        let mut first = (0, Instant::MAX);
        for (at, denied) in self.0.iter().enumerate() {
            if denied.until < first.1 {
                first = (at, denied.until);
            }
        }
        first.0
    }

    /// Removes a carrier that registered. Returns how often it had failed.
    pub fn forgive(&mut self, plmn: Plmn) -> u8 {
        let Some(at) = self.0.iter().position(|denied| denied.plmn == plmn) else { return 0 };
        // The last entry takes its place: `swap_remove` may panic.
        let Some(last) = self.0.pop() else { return 0 };
        let Some(place) = self.0.get_mut(at) else { return last.failures };
        let failures = core::mem::replace(&mut place.failures, last.failures);
        (place.plmn, place.until) = (last.plmn, last.until);
        failures
    }

    /// Each entry, expired ones included, in no order.
    pub fn iter(&self) -> core::slice::Iter<'_, Denied> {
        self.0.iter()
    }

    pub(crate) fn each_instant(&mut self, mut visit: impl FnMut(&mut Instant)) {
        for denied in &mut self.0 {
            visit(&mut denied.until);
        }
    }
}

impl<'a> IntoIterator for &'a DenyList {
    type Item = &'a Denied;
    type IntoIter = core::slice::Iter<'a, Denied>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plmn(n: u8) -> Plmn {
        Plmn::parse(&[b'3', b'1', b'0', b'0' + n / 10, b'0' + n % 10]).unwrap()
    }

    #[test]
    fn the_time_doubles_with_every_failure_up_to_a_maximum() {
        let (mut list, start) = (DenyList::new(), Instant::ZERO);
        let mut times = [Span::ZERO; 9];
        for time in &mut times {
            list.failed(plmn(1), start);
            *time = list.iter().next().unwrap().until.saturating_since(start);
        }
        assert_eq!(
            times[..3],
            [DENY_TIME_MIN, DENY_TIME_MIN.saturating_mul(2), DENY_TIME_MIN.saturating_mul(4)]
        );
        assert_eq!(times[8], DENY_TIME_MAX);
    }

    #[test]
    fn an_entry_put_on_a_full_list_replaces_the_one_that_expires_first() {
        let mut list = DenyList::new();
        for n in 0..=16 {
            list.put(Denied { plmn: plmn(n), failures: 1, until: Instant::from_millis(100 + u64::from(n)) });
        }
        list.put(Denied { plmn: plmn(16), failures: 3, until: Instant::MAX });
        let of = |n| list.iter().find(|denied| denied.plmn == plmn(n)).map(|denied| denied.failures);
        assert_eq!((list.iter().count(), of(0), of(1), of(16)), (DENIED_MAX, None, Some(1), Some(3)));
    }

    #[test]
    fn it_expires_and_forgives() {
        let mut list = DenyList::new();
        list.failed(plmn(1), Instant::ZERO);
        assert!(list.denies(plmn(1), Instant::ZERO));
        assert!(!list.denies(plmn(1), Instant::ZERO + DENY_TIME_MIN));
        assert!(!list.denies(plmn(2), Instant::ZERO));
        assert_eq!(list.forgive(plmn(1)), 1);
        assert!(!list.denies(plmn(1), Instant::ZERO));
    }

    #[test]
    fn forgiving_one_carrier_keeps_the_others() {
        let mut list = DenyList::new();
        for n in [1, 2, 3, 2] {
            list.failed(plmn(n), Instant::ZERO);
        }
        assert_eq!((list.forgive(plmn(1)), list.forgive(plmn(1))), (1, 0));
        assert_eq!(list.iter().count(), 2);
        assert_eq!((list.forgive(plmn(2)), list.forgive(plmn(3))), (2, 1));
    }

    #[test]
    fn a_failure_on_a_full_list_replaces_the_entry_that_expires_first() {
        let mut list = DenyList::new();
        for n in 0..=16 {
            list.failed(plmn(n), Instant::from_millis(u64::from(n)));
        }
        assert!(!list.denies(plmn(0), Instant::from_millis(16)));
        assert!(
            list.denies(plmn(1), Instant::from_millis(16)) && list.denies(plmn(16), Instant::from_millis(16))
        );
    }
}
