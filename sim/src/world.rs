//! A world: a gateway, a modem and a scan, in virtual time.
//!
//! The world jumps from one event to the next: the earliest of the gateway's, the modem's, the scan's deadline and the
//! faults. The scan runs in the same [`Driver`] as on a real gateway; only port and supervisor are simulated.

use core::fmt;
use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use cellscan_core::driver::Driver;
use cellscan_core::port::Port;
use cellscan_core::scan::gate::{Origin as Asker, Request};
use cellscan_core::scan::{Event, Phase, Report, Scanner};
use cellscan_core::supervisor::Supervisor;
use cellscan_core::time::Instant;

use crate::lateness::{Lateness, Transit};
use crate::machine::Machine;
use crate::modem::Modem;
use crate::prng::Prng;
use crate::scenario::{Scenario, When};
use crate::supervisor::{Habits, SimSupervisor};

mod faults;
mod port;
mod record;
mod unlock;

use faults::Return;
use port::Wire;
pub use port::{Intrusion, LineError, SimPort};
pub use record::{Handed, Heard, Listener, Record, Told};
pub use unlock::Keeper;
use unlock::Keeping;

/// How long a scan may hold the service beyond the budget and the wait for the link, as on host (`plan.rs`).
const HOLD_MARGIN: Duration = Duration::from_secs(120);

/// Events of a usual scan; there is room for more.
const TOLD: usize = 64;

/// Polls of the driver at one instant, at most: each returns an event, and a step has no more than a dozen.
const POLLS_MAX: usize = 256;

/// A gateway, a modem and a scan.
pub struct World<P: Port, S: Supervisor> {
    scenario: Scenario,
    now: Instant,
    machine: Rc<RefCell<Machine>>,
    wire: Rc<RefCell<Wire>>,
    driver: Driver<P, S>,
    /// The scanner is alive.
    alive: bool,
    asked: bool,
    /// The scanner got a request to end, and has not run since.
    told_to_end: bool,
    lateness: Lateness,
    /// An event has woken the scanner, and it runs at this time.
    wakes: Option<Instant>,
    /// When the scanner was woken, and for how long it could not run.
    held_back: Vec<(Instant, Duration)>,
    /// Pending faults, with their times as far as these are known.
    faults: Vec<(Option<Instant>, usize)>,
    returns: Vec<(Instant, Return)>,
    told: Vec<Told>,
    errors: Vec<String>,
    handed: Vec<Handed>,
    listener: Option<Listener>,
    /// Who undoes a selection without a link: the daemon, `restore`, or no process.
    keeping: Option<Keeping>,
    /// The number of the last request.
    requests: u32,
}

impl<P: Port, S: Supervisor> fmt::Debug for World<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("scenario", &self.scenario)
            .finish_non_exhaustive()
    }
}

impl World<SimPort, SimSupervisor> {
    /// A new world.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        Self::with(scenario, |port, _| port, |supervisor, _| supervisor)
    }
}

impl<P: Port, S: Supervisor> World<P, S> {
    /// A world with wrappers around the scan's port and supervisor. For scanners that are broken on purpose.
    #[must_use]
    pub fn with(
        scenario: Scenario,
        port: impl FnOnce(SimPort, &Rc<RefCell<Machine>>) -> P,
        make_supervisor: impl FnOnce(SimSupervisor, &Rc<RefCell<Machine>>) -> S,
    ) -> Self {
        // An independent generator, so that worlds without lateness stay unchanged.
        let mut dice = Prng::new(!scenario.seed);
        let mut lateness = || Lateness::new(dice.next_u64());
        let machine = Rc::new(RefCell::new(Machine::new(scenario.machine.clone())));
        *machine.borrow_mut().lateness() = lateness();
        let wire = Rc::new(RefCell::new(Wire {
            now: Instant::ZERO,
            modem: Modem::new(scenario.modem.clone(), scenario.seed),
            machine: Rc::clone(&machine),
            present: true,
            open: false,
            since: Instant::ZERO,
            inbox: port::Inbox::default(),
            transit: Transit::default(),
            lateness: lateness(),
            intrusions: Vec::new(),
            sent: Vec::new(),
            written: 0,
        }));
        let port = port(SimPort(Rc::clone(&wire)), &machine);
        let limit = Duration::from(scenario.policy.budget + scenario.policy.timeouts.link) + HOLD_MARGIN;
        let habits = Habits { hold_limit: Some(limit), ..Habits::default() };
        let supervisor = SimSupervisor::new(Rc::clone(&machine)).with_habits(habits);
        let supervisor = make_supervisor(supervisor, &machine);
        let mut driver = Driver::new(port, supervisor, scenario.policy);
        for carrier in &scenario.remembered {
            driver.remember(*carrier);
        }
        let start = Instant::ZERO + scenario.asked_after;
        let faults = scenario
            .faults
            .iter()
            .enumerate()
            .map(|(index, timed)| match timed.when {
                When::After(after) => (Some(start + after), index),
                When::In(..) => (None, index),
            })
            .collect();
        Self {
            scenario,
            now: Instant::ZERO,
            machine,
            wire,
            driver,
            alive: true,
            asked: false,
            told_to_end: false,
            lateness: lateness(),
            wakes: None,
            held_back: Vec::new(),
            faults,
            returns: Vec::new(),
            told: Vec::with_capacity(TOLD),
            errors: Vec::new(),
            handed: Vec::new(),
            listener: None,
            keeping: None,
            requests: 1,
        }
    }

    /// Sets a listener for requests to the scan and its events, as they happen.
    pub fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    fn hear(&mut self, heard: Heard) {
        if let Some(listener) = &mut self.listener {
            listener(self.now, heard);
        }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The time of the next event; `None`: there is none.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        let start = (!self.asked).then(|| Instant::ZERO + self.scenario.asked_after);
        let driver = self.wakes.or_else(|| self.driver.next_deadline()).filter(|_| self.alive);
        let faults = self.faults.iter().filter_map(|(at, _)| *at).min();
        let returns = self.returns.iter().map(|(at, _)| *at).min();
        let look = self.keeping.as_ref().map(|keeping| keeping.look_at);
        let wire = self.wire.borrow();
        let (modem, bytes) = (wire.modem.next_event(), wire.transit.next_at());
        let machine = self.machine.borrow().next_event();
        let sooner = |one: Instant, other: Option<Instant>| other.map_or(one, |other| one.min(other));
        // No event comes at the end of time.
        let next = [start, driver, faults, returns, look, modem, bytes, machine]
            .into_iter()
            .fold(Instant::MAX, sooner);
        (next < Instant::MAX).then_some(next)
    }

    /// Runs the world up to `until`, and returns the events of the scan.
    pub fn advance_to(&mut self, until: Instant) -> Vec<Told> {
        let before = self.told.len();
        while let Some(next) = self.next_event().filter(|next| *next <= until) {
            self.live(next);
        }
        self.live(until);
        self.told.get(before..).unwrap_or_default().to_vec()
    }

    /// Processes the next event, and returns the events of the scan.
    pub fn advance(&mut self) -> Vec<Told> {
        let before = self.told.len();
        if let Some(next) = self.next_event() {
            self.live(next);
        }
        self.told.get(before..).unwrap_or_default().to_vec()
    }

    /// Requests another scan. The scenario requests the first, with the number 1.
    pub fn request(&mut self, id: u32) {
        let request = Request { id, origin: Asker::Manual };
        self.hear(Heard::Requested(request));
        self.driver.request(self.now, request);
    }

    /// Aborts the scan, as a signal does, and returns its events.
    pub fn abort(&mut self) -> Vec<Told> {
        let before = self.told.len();
        if self.alive {
            self.hear(Heard::Aborted);
            self.driver.abort(self.now);
            self.drive();
            self.wire.borrow_mut().deliver();
        }
        self.told.get(before..).unwrap_or_default().to_vec()
    }

    /// Runs until the scan has ended, or `limit` has passed since the request.
    pub fn run_scan(&mut self, limit: Duration) {
        let end = Instant::ZERO + self.scenario.asked_after + limit;
        while !self.scan_has_ended() {
            let Some(next) = self.next_event().filter(|next| *next <= end) else { return };
            self.live(next);
        }
    }

    /// Whether the requested scan has ended, or its scanner was killed.
    #[must_use]
    pub fn scan_has_ended(&self) -> bool {
        self.asked && (!self.alive || self.driver.scanner().phase() == Phase::Idle)
    }

    /// Whether every fault has come, and has ended.
    #[must_use]
    pub fn faults_are_over(&self) -> bool {
        self.returns.is_empty() && self.faults.iter().all(|(at, _)| at.is_none())
    }

    fn live(&mut self, to: Instant) {
        self.now = self.now.max(to);
        self.machine.borrow_mut().advance_to(self.now);
        let client = self.machine.borrow().client();
        if self.alive && !self.machine.borrow().is_alive(client) {
            // The scan held the service for too long, and its guard has killed it.
            self.scanner_is_gone();
        }
        {
            let mut wire = self.wire.borrow_mut();
            wire.now = self.now;
            wire.deliver();
            let registered = wire.modem.is_usable_for_pppd() && wire.present;
            self.machine.borrow_mut().set_modem_registered(registered);
        }
        self.bring_back();
        self.strike();
        if !self.asked && self.now >= Instant::ZERO + self.scenario.asked_after {
            self.asked = true;
            self.request(1);
        }
        self.keep_rule();
        if self.alive {
            self.wake();
        }
        // The modem may answer at once.
        self.wire.borrow_mut().deliver();
    }

    /// Wakes the scanner: it runs now or, where it is late, later.
    fn wake(&mut self) {
        let at = if let Some(at) = self.wakes {
            at
        } else {
            let late = self.lateness.draw();
            if !late.is_zero() {
                self.held_back.push((self.now, late));
            }
            *self.wakes.insert(self.now + late)
        };
        if at <= self.now {
            self.wakes = None;
            self.drive();
        }
    }

    fn drive(&mut self) {
        if core::mem::take(&mut self.told_to_end) {
            self.hear(Heard::Aborted);
            self.driver.abort(self.now);
        }
        for _ in 0..POLLS_MAX {
            self.end_unlock();
            match self.driver.poll(self.now) {
                Ok(event) => self.tell(event),
                Err(nb::Error::WouldBlock) => return,
                Err(nb::Error::Other(error)) => self.errors.push(format!("{}: {error}", self.now)),
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.hear(Heard::Told(event));
        self.keep_record(event);
        self.told.push(Told { at: self.now, event });
        if let Event::Moved { to, .. } = event {
            for (at, index) in &mut self.faults {
                let when = self.scenario.faults.get(*index).map(|timed| timed.when);
                if let (None, Some(When::In(phase, after))) = (*at, when)
                    && phase == to
                {
                    *at = Some(self.now + after);
                }
            }
        }
        if event == Event::GivenBack {
            let registered = self.wire.borrow().modem.registered().map(str::to_owned);
            self.handed.push(Handed { at: self.now, registered });
        }
    }

    /// The scenario.
    #[must_use]
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The scan.
    #[must_use]
    pub const fn scanner(&self) -> &Scanner {
        self.driver.scanner()
    }

    /// What its events have told so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        self.driver.report()
    }

    /// The gateway.
    #[must_use]
    pub fn machine(&self) -> std::cell::Ref<'_, Machine> {
        self.machine.borrow()
    }

    /// Whether the scanner was not killed.
    #[must_use]
    pub const fn scanner_is_alive(&self) -> bool {
        self.alive
    }

    /// The events of the scan.
    #[must_use]
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// The errors of port and supervisor, each with its time.
    #[must_use]
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    /// The modem's network each time the service was given back.
    #[must_use]
    pub fn handed(&self) -> &[Handed] {
        &self.handed
    }

    /// Bytes that went to the modem while another process had the port.
    #[must_use]
    pub fn intrusions(&self) -> Vec<Intrusion> {
        self.wire.borrow().intrusions.clone()
    }

    /// The modem's network, and its selection mode.
    #[must_use]
    pub fn modem_state(&self) -> (Option<String>, crate::modem::Selection) {
        let wire = self.wire.borrow();
        (wire.modem.registered().map(str::to_owned), wire.modem.selection())
    }

    /// How the modem reports errors (`+CMEE`) and names operators (`<format>` of `+COPS`).
    #[must_use]
    pub fn modem_formats(&self) -> (u8, u8) {
        self.wire.borrow().modem.formats()
    }

    /// How long the scanner had work and could not run, between these times.
    #[must_use]
    pub fn held_back(&self, from: Instant, to: Instant) -> Duration {
        let overlap =
            |(since, late): &(Instant, Duration)| (*since + *late).min(to).duration_since((*since).max(from));
        self.held_back.iter().map(overlap).sum()
    }

    /// The record of all events: equal for two runs of one scenario.
    #[must_use]
    pub fn record(&self) -> Record {
        Record {
            outcome: self.driver.report().outcome,
            report: self.driver.report().clone(),
            carriers: self.driver.scanner().carriers().clone(),
            told: self.told.clone(),
            errors: self.errors.clone(),
            machine: self.machine.borrow().trace().to_vec(),
            modem: self.wire.borrow().modem.log().to_vec(),
        }
    }
}
