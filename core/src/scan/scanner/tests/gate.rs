//! Which scans use up the number of their request and start the cool-down: those that touched the service.

use super::*;
use crate::selection::Selection;

const AUTOMATIC: Origin = Origin::Automatic { link_healthy: false };

impl Bench {
    /// Asks for a scan; why it is declined, if it is.
    fn ask(&mut self, id: u32, origin: Origin) -> Option<Declined> {
        self.events.clear();
        self.give(Input::Start(Request { id, origin }));
        let declined = |event: &Event| if let Event::Declined(reason) = event { Some(*reason) } else { None };
        self.events.iter().find_map(declined)
    }

    /// Lets the service be taken, and ends the scan in state 1b.
    fn touch_and_abort(&mut self) {
        self.give(Input::Taken(up().into()));
        self.give(Input::Abort);
        self.give(Input::Service(up()));
        assert_eq!(self.scanner.phase(), Phase::Idle);
    }
}

#[test]
fn a_scan_that_cannot_take_the_service_leaves_its_number_free_and_starts_no_cool_down() {
    for end in [Some(Input::Refused(Refused::Take)), Some(Input::Abort), None] {
        let mut bench = Bench::new(policy());
        assert_eq!(bench.ask(7, AUTOMATIC), None);
        if let Some(end) = end {
            bench.give(end);
        } else {
            bench.pass();
        }
        assert_eq!(bench.scanner.phase(), Phase::Idle);
        assert_eq!(bench.ask(7, AUTOMATIC), None, "it is served now");
        bench.touch_and_abort();
        assert_eq!(bench.ask(7, Origin::Manual), Some(Declined::Repeated));
        assert_eq!(bench.ask(8, AUTOMATIC), Some(Declined::CoolingDown));
    }
}

#[test]
fn a_number_is_served_once_also_after_another_number() {
    let mut bench = Bench::new(policy());
    for id in [7, 8] {
        assert_eq!(bench.ask(id, Origin::Manual), None);
        bench.touch_and_abort();
    }
    assert_eq!(bench.ask(7, Origin::Manual), Some(Declined::Repeated));
}

#[test]
fn a_number_is_used_up_as_soon_as_the_scan_asks_for_down() {
    let mut bench = Bench::new(policy());
    assert_eq!(bench.ask(7, Origin::Manual), None);
    bench.give(Input::Taken(up().into()));
    bench.give(Input::Refused(Refused::Ask));
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Idle);
    assert_eq!(
        bench.ask(7, Origin::Manual),
        Some(Declined::Repeated),
        "down may have been asked for all the same"
    );
}

#[test]
fn a_restore_alone_uses_up_no_number_and_starts_no_cool_down() {
    let mut bench = Bench::new(policy());
    bench.ask(7, Origin::Manual);
    bench.give(Input::Refused(Refused::Take));
    bench.give(Input::Restore(Selection::Automatic));
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Idle);
    assert_eq!(bench.ask(7, AUTOMATIC), None);
    bench.touch_and_abort();
    let cooled = bench.now;
    bench.now = bench.now + Span::from_secs(600);
    bench.give(Input::Restore(Selection::Automatic));
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Idle);
    assert_eq!(bench.ask(7, Origin::Manual), Some(Declined::Repeated));
    bench.now = cooled + crate::scan::gate::COOL_DOWN;
    assert_eq!(bench.ask(8, AUTOMATIC), None, "the cool-down is that of the scan, and not longer");
}
