//! `scan --sim`: the same scan in a simulated world.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::port::Port;
use cellscan_core::supervisor::Supervisor;
use cellscan_core::time::Instant;
use cellscan_sim::check::{LIVENESS, SCAN_TIME_MAX};
use cellscan_sim::modem::Network;
use cellscan_sim::scenario::BUILTIN;
use cellscan_sim::world::{Told, World};

use crate::clock::Clock;
use crate::event_loop::{self, Signals};
use crate::exit::{Exit, Fatal};
use crate::plan::SimulatedPlan;
use crate::recording::Header;
use crate::recording::listening::{self, RecordError, To};
use crate::report::{Ended, Reporter, Style};

pub mod world;

/// The reason in the report of a killed scan.
const KILLED: &str = "scanner_killed";

/// Lists the worlds: name, exit code, one line of description.
///
/// # Errors
/// The output failed.
pub fn list(out: &mut dyn Write) -> io::Result<()> {
    let width = BUILTIN.iter().map(|builtin| builtin.name.len()).max().unwrap_or(0);
    BUILTIN.iter().try_for_each(|builtin| {
        writeln!(out, "{:<width$}  {:>3}  {}", builtin.name, builtin.exit, builtin.about)
    })
}

/// Scans in a simulated world.
///
/// # Errors
/// The scan did not end, or the output failed.
pub fn run(plan: &SimulatedPlan, record: Option<&To>, style: Style) -> Result<Exit, Fatal> {
    let (out, header) = match record {
        Some(to) => (Some(to.create()?), to.header().with("world", plan.name.clone())),
        None => (None, Header::default()),
    };
    let begun = world::world(plan.scenario.clone(), out, header);
    let (mut world, tape) = begun.map_err(RecordError::Begin)?;
    let origin = Instant::ZERO + plan.scenario.asked_after;
    let style = Style { bar: plan.realtime && style.bar, ..style };
    let mut reporter = Reporter::new(style, origin);
    reporter.know(names(plan));
    let mut teller = Teller { reporter: &mut reporter, errors: 0 };
    if plan.realtime {
        in_its_own_time(&mut world, origin, &mut teller)?;
    } else {
        at_full_speed(&mut world, origin, &mut teller);
    }
    if !world.scan_has_ended() {
        return Err(Fatal::system(format!(
            "the simulated scan did not end within {} s",
            SCAN_TIME_MAX.as_secs()
        )));
    }
    let ended_at = world.now();
    let killed = !world.scanner_is_alive();
    let (exit, given_back) = if killed {
        (Exit::System, guard_gives_back(&mut world))
    } else {
        (Exit::of(world.report()), world.report().given_back)
    };
    reporter.finish(&Ended {
        report: world.report(),
        scanner: world.scanner(),
        exit,
        reason: killed.then_some(KILLED),
        given_back,
        heard: world.report().dropped > 0,
        sim: None,
        watches_link: true,
        simulated: Some(&plan.name),
        virtual_time: Some(ended_at.duration_since(origin)),
    })?;
    listening::finish(tape.as_ref(), &mut reporter);
    Ok(exit)
}

/// The names that a complete scan of this world has remembered.
fn names(plan: &SimulatedPlan) -> Vec<(Plmn, String)> {
    let networks = plan.scenario.modem.networks.iter();
    let named = |network: &Network| Some((Plmn::parse(network.plmn.as_bytes()).ok()?, network.long.clone()));
    networks.filter_map(named).collect()
}

/// Passes on the events of the scan.
struct Teller<'a> {
    reporter: &'a mut Reporter,
    /// Number of errors of port and supervisor passed on so far.
    errors: usize,
}

impl Teller<'_> {
    fn pass_on<P: Port, S: Supervisor>(&mut self, told: &[Told], world: &World<P, S>) {
        for error in world.errors().get(self.errors..).unwrap_or_default() {
            // Without its time, so that a repeated error is reported once.
            self.reporter.warn(error.split_once(": ").map_or(error, |(_, what)| what));
        }
        self.errors = world.errors().len();
        for told in told {
            self.reporter.event(told.at, told.event, world.scanner());
        }
    }
}

fn at_full_speed<P: Port, S: Supervisor>(world: &mut World<P, S>, origin: Instant, teller: &mut Teller<'_>) {
    let limit = origin + SCAN_TIME_MAX;
    while !world.scan_has_ended() && world.next_event().is_some_and(|next| next <= limit) {
        let told = world.advance();
        teller.pass_on(&told, world);
    }
}

/// Waits for each event as a real scan does, so that a signal ends it in the same way.
fn in_its_own_time<P: Port, S: Supervisor>(
    world: &mut World<P, S>,
    origin: Instant,
    teller: &mut Teller<'_>,
) -> Result<(), Fatal> {
    let system = |error: io::Error| Fatal::system(format!("unable to wait: {error}"));
    let clock = Clock::new();
    let mut signals = Signals::catch().map_err(system)?;
    let began = clock.now();
    // Events before the request are not shown.
    let told = world.advance_to(origin);
    teller.pass_on(&told, world);
    let limit = origin + SCAN_TIME_MAX;
    let mut asked_to_end = false;
    while !world.scan_has_ended() && world.next_event().is_some_and(|next| next <= limit) {
        let next = [world.next_event(), teller.reporter.next_tick()].into_iter().flatten().min();
        let deadline = next.map(|next| began + next.duration_since(origin));
        event_loop::wait(&[signals.as_fd()], deadline, clock).map_err(system)?;
        let now = origin + clock.now().duration_since(began);
        let told = world.advance_to(now);
        teller.pass_on(&told, world);
        teller.reporter.tick(now);
        if let Some(stop) = signals.take() {
            teller.reporter.note(stop.announcement(asked_to_end));
            if !core::mem::replace(&mut asked_to_end, true) {
                let told = world.abort();
                teller.pass_on(&told, world);
            }
        }
    }
    Ok(())
}

/// Runs on until the guard has given back the service of a dead scan.
fn guard_gives_back<P: Port, S: Supervisor>(world: &mut World<P, S>) -> bool {
    let limit = world.now() + Duration::max(LIVENESS, Duration::from_secs(1));
    while world.machine().lease().is_some() && world.next_event().is_some_and(|next| next <= limit) {
        let _nobody_tells = world.advance();
    }
    world.machine().lease().is_none()
}
