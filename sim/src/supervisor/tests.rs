//! What the native backend sees of the machine, and which processes it may signal.

use super::*;
use crate::machine::pppd::{Chat, PppdProfile, PppdTerm};
use crate::machine::{ControlScript, MachineProfile, RunScript, RunsvProfile, Supervision};
use cellscan_core::selection::Selection;
use cellscan_core::time::Instant;
use core::time::Duration;

const UP: Owed = Owed { want: Some(Want::Up), selection: None };

struct Bench {
    machine: Rc<RefCell<Machine>>,
    supervisor: SimSupervisor,
}

impl Bench {
    fn new(supervision: Supervision, pppd: PppdProfile) -> Self {
        let profile = MachineProfile { supervision, pppd, ..MachineProfile::default() };
        let machine = Rc::new(RefCell::new(Machine::new(profile)));
        machine.borrow_mut().advance_to(Instant::from_millis(5_000));
        let supervisor = SimSupervisor::new(Rc::clone(&machine));
        Self { machine, supervisor }
    }

    fn runsv(runsv: RunsvProfile, pppd: PppdProfile) -> Self {
        Self::new(Supervision::Runsv(runsv), pppd)
    }

    fn plain() -> Self {
        Self::runsv(RunsvProfile::default(), PppdProfile::default())
    }

    fn wait(&mut self, ms: u64) {
        let mut machine = self.machine.borrow_mut();
        let until = machine.now() + Duration::from_millis(ms);
        machine.advance_to(until);
    }

    fn status(&mut self) -> ServiceStatus {
        self.supervisor.status().unwrap()
    }

    fn remains(&mut self) -> Remains {
        self.supervisor.remains().unwrap()
    }

    fn foreign(&mut self, byte: u8) {
        self.machine.borrow_mut().another_client_writes(byte).unwrap();
        self.wait(50);
    }

    #[track_caller]
    fn no_stray_signals(&self) {
        let machine = self.machine.borrow();
        assert_eq!(machine.stray_signals().collect::<Vec<_>>(), Vec::<&crate::trace::Traced>::new());
        assert!(machine.other_pppd_alive());
    }
}

#[test]
fn a_scan_takes_the_service_and_gives_it_back() {
    let mut bench = Bench::plain();
    let found = bench.supervisor.take().unwrap().status;
    assert_eq!((found.want, found.state, found.supervised), (Want::Up, ServiceState::Run, true));
    assert!(bench.supervisor.holds_lease());
    bench.supervisor.owe(UP);
    bench.supervisor.ask(Want::Down).unwrap();
    assert_eq!(bench.status().want, Want::Up, "the byte is written, the record does not show it yet");
    bench.wait(1_000);
    let down = bench.status();
    assert_eq!((down.want, down.state, down.pid), (Want::Down, ServiceState::Down, None));
    assert!(bench.remains().is_free() && !down.foreign_down);
    bench.supervisor.ask(Want::Up).unwrap();
    bench.wait(4_000);
    assert!(bench.supervisor.link_up().unwrap());
    assert_eq!(bench.status().given_back, Some(true));
    bench.supervisor.owe(Owed::default());
    bench.supervisor.release().unwrap();
    assert_eq!(bench.machine.borrow().lease(), None);
}

#[test]
fn a_foreign_down_while_held_is_noticed_although_nothing_changes() {
    let mut bench = Bench::plain();
    bench.supervisor.take().unwrap();
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(100);
    assert!(!bench.status().foreign_down, "our own second request");
    bench.wait(400);
    assert!(!bench.status().foreign_down);
    bench.foreign(b'd');
    assert!(bench.status().foreign_down);
}

#[test]
fn a_foreign_up_cancels_a_foreign_down() {
    let mut bench = Bench::plain();
    bench.supervisor.take().unwrap();
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    bench.foreign(b'd');
    bench.foreign(b'u');
    let status = bench.status();
    assert_eq!((status.want, status.foreign_down), (Want::Up, false));
}

#[test]
fn repeating_down_to_a_service_that_does_not_end_is_not_foreign() {
    let pppd = PppdProfile { term: PppdTerm::FirstLost(300), ..PppdProfile::default() };
    let mut bench = Bench::runsv(RunsvProfile::default(), pppd);
    bench.supervisor.take().unwrap();
    for _ in 0..2 {
        bench.supervisor.ask(Want::Down).unwrap();
        bench.wait(3_000);
        assert!(!bench.status().foreign_down);
    }
    assert_eq!(bench.status().state, ServiceState::Down);
    bench.wait(400);
    bench.foreign(b'd');
    assert!(bench.status().foreign_down);
}

#[test]
fn once_is_found_as_once_and_a_vetoed_down_as_down() {
    let mut bench = Bench::plain();
    bench.foreign(b'o');
    assert_eq!(bench.supervisor.take().unwrap().status.want, Want::Once);
    let control_t = Some(ControlScript { takes_ms: 0, vetoes: true });
    let runsv = RunsvProfile { control_t, ..RunsvProfile::default() };
    let mut vetoed = Bench::runsv(runsv, PppdProfile::default());
    vetoed.supervisor.take().unwrap();
    vetoed.supervisor.ask(Want::Down).unwrap();
    vetoed.wait(1_000);
    let status = vetoed.status();
    assert_eq!((status.want, status.state), (Want::Down, ServiceState::Run));
}

#[test]
fn pppd_below_a_shell_is_noted_and_can_be_ended() {
    let runsv = RunsvProfile { run: RunScript::Stays, ..RunsvProfile::default() };
    let mut bench = Bench::runsv(runsv, PppdProfile::default());
    bench.supervisor.take().unwrap();
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    assert_eq!(bench.status().state, ServiceState::Down);
    let remains = bench.remains();
    assert!(remains.service.is_some() && remains.stranger.is_none());
    bench.supervisor.signal(Signal::Term).unwrap();
    bench.wait(1_000);
    assert!(bench.remains().is_free());
    bench.no_stray_signals();
}

#[test]
fn a_remaining_chat_counts_as_part_of_the_service() {
    let pppd = PppdProfile { chat: Chat::Outlives(40_000), ..PppdProfile::default() };
    let mut bench = Bench::runsv(RunsvProfile::default(), pppd);
    bench.supervisor.take().unwrap();
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    assert_eq!(bench.status().state, ServiceState::Down);
    assert!(bench.remains().service.is_some());
    bench.supervisor.signal(Signal::Term).unwrap();
    assert!(bench.remains().is_free());
    bench.no_stray_signals();
}

#[test]
fn a_stranger_on_the_port_is_named_and_never_signalled() {
    let mut bench = Bench::plain();
    bench.supervisor.take().unwrap();
    let stranger = bench.machine.borrow_mut().stranger_opens_port(Duration::from_secs(60));
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    assert_eq!(bench.remains(), Remains { service: None, stranger: NonZeroU32::new(stranger) });
    bench.supervisor.signal(Signal::Kill).unwrap();
    assert!(bench.machine.borrow().is_alive(stranger));
    bench.no_stray_signals();
}

#[test]
fn a_detached_pppd_counts_as_part_of_the_service() {
    let mut bench =
        Bench::runsv(RunsvProfile::default(), PppdProfile { detaches: true, ..PppdProfile::default() });
    bench.supervisor.take().unwrap();
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    assert!(bench.remains().service.is_some());
    bench.supervisor.signal(Signal::Term).unwrap();
    bench.wait(1_000);
    assert!(bench.remains().is_free());
}

#[test]
fn the_client_itself_is_not_a_stranger() {
    let mut bench = Bench::plain();
    bench.supervisor.take().unwrap();
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    bench.machine.borrow_mut().client_opened_port();
    assert!(bench.remains().is_free());
}

#[test]
fn a_dead_runsv_is_recognised_despite_its_stale_record() {
    let mut bench = Bench::plain();
    bench.supervisor.take().unwrap();
    bench.machine.borrow_mut().kill_runsv(Some(Duration::from_secs(3)));
    let stale = bench.status();
    assert_eq!((stale.supervised, stale.state), (false, ServiceState::Run));
    assert_eq!(
        bench.supervisor.ask(Want::Down),
        Err(nb::Error::Other(SimError::Control(ControlError::NoReader)))
    );
    bench.wait(3_100);
    let successor = bench.status();
    assert_eq!((successor.supervised, successor.want), (true, Want::Up));
}

#[test]
fn an_unsupervised_service_cannot_be_taken() {
    let mut bench = Bench::plain();
    bench.machine.borrow_mut().kill_runsv(None);
    assert_eq!(bench.supervisor.take(), Err(nb::Error::Other(SimError::NotSupervised)));
    assert_eq!(bench.machine.borrow().lease(), None);
}

#[test]
fn a_live_lease_is_respected_and_an_orphaned_one_is_taken_over_with_its_want() {
    let mut bench = Bench::plain();
    bench.supervisor.take().unwrap();
    let owed = Owed { selection: Some(Selection::Automatic), ..UP };
    bench.supervisor.owe(owed);
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(1_000);
    bench.machine.borrow_mut().client_dies(None);
    bench.machine.borrow_mut().client_starts();
    let mut next = SimSupervisor::new(Rc::clone(&bench.machine));
    assert_eq!(next.take().unwrap().owed, owed);
    let mut other = SimSupervisor::new(Rc::clone(&bench.machine));
    let owner = bench.machine.borrow().runsv().unwrap();
    let live = Lease { owner, owed };
    bench.machine.borrow_mut().kernel.set_lease(Some(live));
    assert_eq!(other.take(), Err(nb::Error::Other(SimError::Leased)));
}

#[test]
fn the_next_scan_finds_what_was_found_by_one_killed_at_any_instant_of_the_stop() {
    let slow = |vetoes| Some(ControlScript { takes_ms: 400, vetoes });
    for control_t in [None, slow(false), slow(true)] {
        for killed_after in 0..1_500 {
            let profile = RunsvProfile { control_t, ..RunsvProfile::default() };
            let mut bench = Bench::runsv(profile, PppdProfile::default());
            bench.supervisor.take().unwrap();
            bench.supervisor.owe(UP);
            bench.supervisor.ask(Want::Down).unwrap();
            bench.wait(killed_after);
            bench.machine.borrow_mut().client_dies(None);
            bench.machine.borrow_mut().client_starts();
            let mut next = SimSupervisor::new(Rc::clone(&bench.machine));
            assert_eq!(next.take().unwrap().owed, UP, "killed after {killed_after} ms, {control_t:?}");
        }
    }
}

#[test]
fn a_down_that_coincides_with_a_death_is_not_foreign() {
    let pppd = PppdProfile { crashes_after_ms: Some(500), ..PppdProfile::default() };
    let mut bench = Bench::runsv(RunsvProfile::default(), pppd);
    while bench.status().state != ServiceState::Run {
        bench.wait(1);
    }
    bench.supervisor.take().unwrap();
    bench.machine.borrow_mut().another_client_signals_pppd(crate::signal::Signal::Kill);
    bench.supervisor.ask(Want::Down).unwrap();
    bench.wait(5);
    assert_eq!(bench.status().want, Want::Up, "runsv sleeps");
    bench.wait(1_100);
    let status = bench.status();
    assert_eq!((status.want, status.foreign_down), (Want::Down, false));
}

#[test]
fn a_full_fifo_is_an_error() {
    let mut bench = Bench::plain();
    bench.supervisor.take().unwrap();
    bench.machine.borrow_mut().freeze_runsv();
    let junk = vec![b'z'; crate::machine::directory::FIFO_BYTES_MAX];
    bench.machine.borrow_mut().kernel.write_control(Actor::Other, false, &junk).unwrap();
    assert_eq!(
        bench.supervisor.ask(Want::Down),
        Err(nb::Error::Other(SimError::Control(ControlError::Full)))
    );
}

#[test]
fn without_a_supervisor_the_holder_of_the_port_is_replaced() {
    let mut bench = Bench::new(Supervision::Unsupervised, PppdProfile::default());
    assert_eq!(bench.supervisor.take().unwrap().status.want, Want::Up);
    bench.supervisor.ask(Want::Down).unwrap();
    assert!(bench.remains().service.is_some());
    bench.supervisor.signal(Signal::Term).unwrap();
    bench.wait(1_000);
    assert!(bench.remains().is_free());
    assert_eq!(bench.status().state, ServiceState::Down);
    bench.supervisor.ask(Want::Up).unwrap();
    bench.wait(5_000);
    assert!(bench.supervisor.link_up().unwrap());
    bench.no_stray_signals();
}
