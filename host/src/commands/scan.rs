//! `scan`: a real port and a real service; one `poll(2)` waits for all events.

use std::os::fd::{AsFd, BorrowedFd};

use cellscan_core::scan::Scanner;
use cellscan_core::scan::gate::{Origin, Request};

use crate::audience::Audience;
use crate::clock::Clock;
use crate::event_loop::{self, Signals};
use crate::exit::{Exit, Fatal};
use crate::gateway::plan::GatewayPlan;
use crate::gateway::{GatewayScan, remembered};
use crate::recording::listening::To;
use crate::report::{Ended, Reporter, Style};

/// Scans on this gateway.
///
/// # Errors
/// The service or the port cannot be used, and nothing was touched. Or the output failed after the service was given back.
pub fn run(plan: &GatewayPlan, record: Option<&To>, style: Style) -> Result<Exit, Fatal> {
    let clock = Clock::new();
    // Before the scan takes anything: from here on a signal requests the end, and does not end the program.
    let mut signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    let style = Style { link_unseen: plan.link.is_none(), ..style };
    let mut reporter = Reporter::new(style, clock.now());
    reporter.know(remembered::names(&plan.state_dir));
    let request = Request { id: 1, origin: Origin::Manual };
    let scanner = Scanner::new(plan.policy);
    let mut scan = GatewayScan::begin(plan, scanner, request, record, clock, &mut reporter)?;
    run_to_the_end(&mut scan, &mut signals, clock, &mut reporter, Reporter::note);
    finish(&scan, plan, &mut reporter)
}

/// Turns a scan until it is over; a signal ends it. `say` tells the user what ended it.
pub fn run_to_the_end<A: Audience>(
    scan: &mut GatewayScan,
    signals: &mut Signals,
    clock: Clock,
    audience: &mut A,
    say: impl Fn(&mut A, &str),
) {
    loop {
        scan.turn(audience);
        if scan.is_over() {
            return;
        }
        let deadline = scan.deadline(audience);
        let mut fds: Vec<BorrowedFd<'_>> = vec![signals.as_fd()];
        fds.extend(scan.wake_fds());
        if let Err(error) = event_loop::wait(&fds, deadline, clock) {
            say(audience, &format!("unable to wait for what happens: {error}"));
            scan.end();
            scan.look_again();
            let _without_even_that = event_loop::wait(&[], scan.deadline(audience), clock);
        }
        if let Some(stop) = signals.take() {
            let again = scan.end();
            say(audience, stop.announcement(again));
        }
    }
}

/// [Keeps](GatewayScan::keep) what is to be kept, and tells the result.
///
/// # Errors
/// The output failed, after all was given back.
pub fn finish(scan: &GatewayScan, plan: &GatewayPlan, reporter: &mut Reporter) -> Result<Exit, Fatal> {
    scan.keep(plan, reporter);
    let report = scan.report();
    let exit = Exit::of(report);
    reporter.finish(&Ended {
        report: scan.report(),
        scanner: scan.scanner(),
        exit,
        reason: None,
        given_back: report.given_back,
        heard: scan.heard().bytes > 0,
        sim: scan.heard().sim.as_deref(),
        watches_link: scan.watches_link(),
        simulated: None,
        virtual_time: None,
    })?;
    Ok(exit)
}
