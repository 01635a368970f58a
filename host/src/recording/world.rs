//! A simulated world whose scan is recorded.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::{Policy, Scanner};
use cellscan_core::time::Instant;
use cellscan_sim::machine::Machine;
use cellscan_sim::scenario::Scenario;
use cellscan_sim::supervisor::SimSupervisor;
use cellscan_sim::world::{Heard, SimPort, World};

use super::entry::Who;
use super::recorder::{Header, Recorder, Tape};
use super::taped::{Now, Taped};
use super::{policy, words};

/// A world, and a scan in it that somebody may listen to.
pub type TapedWorld = World<Taped<SimPort>, Taped<SimSupervisor>>;

/// A world whose scan is recorded to `out`; `None`: it is not.
///
/// # Errors
/// The recording cannot be begun.
pub fn world(
    scenario: Scenario,
    out: Option<Box<dyn Write>>,
    header: Header,
) -> io::Result<(TapedWorld, Option<Tape>)> {
    let header = of_scan(header, &scenario.policy, &scenario.remembered).with("deadlines", "exact");
    let tape = out.map(|out| Recorder::new(out, &header)).transpose()?.map(Recorder::shared);
    let mut world = World::with(
        scenario,
        |port, machine| taped(port, tape.as_ref(), machine),
        |supervisor, machine| taped(supervisor, tape.as_ref(), machine),
    );
    if let Some(tape) = &tape {
        let tape = Rc::clone(tape);
        world.listen(Box::new(move |now, heard| {
            let words = match heard {
                Heard::Requested(request) => words::request(request),
                Heard::Aborted => "abort".to_owned(),
                Heard::Told(event) => words::event(&event),
            };
            tape.borrow_mut().said(now, Who::Scan, words);
        }));
    }
    Ok((world, tape))
}

fn taped<T>(inner: T, tape: Option<&Tape>, machine: &Rc<RefCell<Machine>>) -> Taped<T> {
    let Some(tape) = tape else { return Taped::silent(inner) };
    let machine = Rc::clone(machine);
    let now: Now = Box::new(move || machine.borrow().now());
    Taped::new(inner, Rc::clone(tape), now)
}

/// What a replay needs to know of the machine before its scan.
#[must_use]
pub fn of_machine(header: Header, scanner: &Scanner, now: Instant) -> Header {
    let denied: Vec<String> = scanner.deny_list().iter().map(|denied| words::denied(denied, now)).collect();
    of_scan(header, scanner.policy(), scanner.remembered()).with("denied", denied.join(","))
}

fn of_scan(header: Header, policy: &Policy, remembered: &[Plmn]) -> Header {
    let known: Vec<&str> = remembered.iter().map(Plmn::as_str).collect();
    header.with("policy", policy::words(policy)).with("remembered", known.join(","))
}
