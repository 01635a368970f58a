//! The faults of a world, and their end.

use core::time::Duration;

use cellscan_core::port::Port;
use cellscan_core::supervisor::Supervisor;

use super::World;
use crate::lateness::{Lateness, Transit};
use crate::machine::runsv::Rule;
use crate::machine::sv::SvCommand;
use crate::modem::ModemFault;
use crate::scenario::Fault;

/// From the scanner's death to its guard's first byte: the close of a pipe and a write, measured in milliseconds.
const GUARD_AFTER: Duration = Duration::from_millis(5);

/// The end of a lasting fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Return {
    Port,
    Runsv,
    Punctual(Duration),
}

impl<P: Port, S: Supervisor> World<P, S> {
    pub(super) fn strike(&mut self) {
        let now = self.now;
        if self.faults.is_empty() {
            return;
        }
        let due: Vec<usize> = self
            .faults
            .iter()
            .filter(|(at, _)| at.is_some_and(|at| at <= now))
            .map(|(_, index)| *index)
            .collect();
        self.faults.retain(|(_, index)| !due.contains(index));
        for index in due {
            if let Some(timed) = self.scenario.faults.get(index) {
                let fault = timed.fault.clone();
                self.apply(fault);
            }
        }
    }

    fn apply(&mut self, fault: Fault) {
        match fault {
            Fault::Modem(fault) => self.wire.borrow_mut().modem.apply(self.now, fault),
            Fault::PortVanishes(span) => {
                let mut wire = self.wire.borrow_mut();
                if wire.open {
                    let now = wire.now;
                    wire.modem.closed(now);
                }
                wire.present = false;
                self.machine.borrow_mut().set_port_present(false);
                wire.inbox.clear();
                wire.transit = Transit::default();
                self.returns.push((self.now + span, Return::Port));
            }
            Fault::RunsvDies(back) => self.machine.borrow_mut().kill_runsv(Some(back)),
            Fault::RunsvFreezes(span) => {
                self.machine.borrow_mut().freeze_runsv();
                self.returns.push((self.now + span, Return::Runsv));
            }
            Fault::ControlByte(byte) => {
                // Without a reader the second client gets an error; that does not concern the scan.
                let _refused = self.machine.borrow_mut().another_client_writes(byte);
            }
            Fault::Sv(words) => {
                let words: Vec<&str> = words.split_whitespace().collect();
                if let Some(command) = SvCommand::parse(&words, None, Rule::default()) {
                    self.machine.borrow_mut().another_client_runs_sv(command);
                }
            }
            Fault::PppdSignalled(signal) => self.machine.borrow_mut().another_client_signals_pppd(signal),
            Fault::Stranger(span) => {
                self.machine.borrow_mut().stranger_opens_port(span);
            }
            Fault::SecondPppd => self.machine.borrow_mut().start_second_pppd(),
            Fault::StatusLost(count) => self.machine.borrow_mut().lose_status_writes(count),
            Fault::ClockStep(ms) => self.machine.borrow_mut().step_clock(ms),
            Fault::Late { lasts, by_max } => {
                self.each_lateness(|lateness| lateness.begin(by_max));
                self.returns.push((self.now + lasts, Return::Punctual(by_max)));
            }
            Fault::ScannerKilled => {
                if self.alive {
                    self.machine.borrow_mut().client_dies(Some(GUARD_AFTER));
                    self.scanner_is_gone();
                }
            }
            Fault::GuardKilled => self.machine.borrow_mut().guard_dies(),
            Fault::Abort => self.told_to_end = true,
        }
    }

    /// The kernel closes the files of a dead process; its UUCP lock stays, with a dead pid.
    pub(super) fn scanner_is_gone(&mut self) {
        self.alive = false;
        let mut wire = self.wire.borrow_mut();
        let now = wire.now;
        if core::mem::take(&mut wire.open) {
            wire.modem.closed(now);
            wire.inbox.clear();
        }
    }

    fn each_lateness(&mut self, act: impl Fn(&mut Lateness)) {
        act(&mut self.lateness);
        act(&mut self.wire.borrow_mut().lateness);
        act(self.machine.borrow_mut().lateness());
    }

    pub(super) fn bring_back(&mut self) {
        let now = self.now;
        if self.returns.is_empty() {
            return;
        }
        let due: Vec<Return> =
            self.returns.iter().filter(|(at, _)| *at <= now).map(|(_, what)| *what).collect();
        self.returns.retain(|(at, _)| *at > now);
        for what in due {
            match what {
                Return::Port => {
                    let mut wire = self.wire.borrow_mut();
                    wire.present = true;
                    self.machine.borrow_mut().set_port_present(true);
                    wire.inbox.clear();
                }
                Return::Runsv => self.machine.borrow_mut().thaw_runsv(),
                Return::Punctual(by_max) => self.each_lateness(|lateness| lateness.end(by_max)),
            }
        }
    }

    /// Ends all faults: pending ones are cancelled, frozen and missing processes come back, late bytes arrive. An event of the
    /// gateway that was already put off keeps its time.
    pub fn heal(&mut self) {
        self.faults.clear();
        for (at, _) in &mut self.returns {
            *at = self.now;
        }
        self.bring_back();
        self.each_lateness(Lateness::heal);
        self.wakes = self.wakes.map(|at| at.min(self.now));
        self.machine.borrow_mut().heal();
        let mut wire = self.wire.borrow_mut();
        wire.transit.hurry(self.now);
        wire.modem.apply(self.now, ModemFault::Heal);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use cellscan_core::scan::Phase;
    use cellscan_core::time::Instant;

    use crate::check::{SCAN_TIME_MAX, Violation, examine};
    use crate::scenario::{Fault, Scenario, Timed};
    use crate::trace::TraceEvent;
    use crate::world::World;

    fn late(by_max: Duration) -> Scenario {
        let lasts = Duration::from_secs(600);
        Scenario { faults: vec![Timed::after(0, Fault::Late { lasts, by_max })], ..Scenario::default() }
    }

    fn lived(scenario: Scenario) -> World<crate::world::SimPort, crate::supervisor::SimSupervisor> {
        let mut world = World::new(scenario);
        world.run_scan(SCAN_TIME_MAX);
        world
    }

    /// From the request for down to the moment at which the scan has seen it.
    fn down_after(world: &World<crate::world::SimPort, crate::supervisor::SimSupervisor>) -> Duration {
        world.report().down_after.expect("it went down").into()
    }

    #[test]
    fn a_scan_on_a_late_machine_sees_events_later_and_still_ends() {
        let (punctual, late) = (lived(Scenario::default()), lived(late(Duration::from_secs(5))));
        assert!(down_after(&late) > down_after(&punctual) + Duration::from_millis(100));
        let whole = |world: &World<_, _>| world.held_back(Instant::ZERO, world.now());
        assert_eq!(whole(&punctual), Duration::ZERO);
        assert!(whole(&late) > Duration::from_secs(10), "{:?}", whole(&late));
        assert_eq!(late.scanner().phase(), Phase::Idle);
        let report = late.report();
        assert!(report.given_back && report.selected.is_some(), "{report:?}");
    }

    #[test]
    fn a_small_lateness_changes_no_outcome() {
        let examination = examine(&late(Duration::from_millis(1)));
        assert_eq!(examination.violations, [] as [Violation; 0]);
        let punctual = examine(&Scenario::default());
        assert_eq!(examination.record.report.selected, punctual.record.report.selected);
    }

    #[test]
    fn a_late_machine_is_late_for_the_guard_as_well() {
        let given_back_after = |mut scenario: Scenario| {
            scenario.faults.push(Timed::during(Phase::WaitResults, 1_000, Fault::ScannerKilled));
            let examination = examine(&scenario);
            assert_eq!(examination.violations, [] as [Violation; 0]);
            let machine = &examination.record.machine;
            let at = |wanted: &dyn Fn(&TraceEvent) -> bool| {
                machine.iter().find(|traced| wanted(&traced.event)).expect("it happened").at
            };
            let died =
                at(&|event| matches!(event, TraceEvent::Ended { origin: crate::trace::Origin::Client, .. }));
            let free = at(&|event| matches!(event, TraceEvent::Lease { held: false }));
            free.duration_since(died)
        };
        let punctual = given_back_after(Scenario::default());
        assert!(punctual < Duration::from_millis(100), "{punctual:?}");
        assert!(given_back_after(late(Duration::from_secs(9))) > punctual);
    }
}
