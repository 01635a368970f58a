//! A simulated world whose scan is recorded.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use cellscan_sim::machine::Machine;
use cellscan_sim::scenario::Scenario;
use cellscan_sim::supervisor::SimSupervisor;
use cellscan_sim::world::{Heard, SimPort, World};

use crate::recording::listening::of_scan;
use crate::recording::recorded::Now;
use crate::recording::{Header, Recorded, Recorder, Tape, Who, words};

/// A world, and a scan in it that may be listened to.
pub type RecordedWorld = World<Recorded<SimPort>, Recorded<SimSupervisor>>;

/// A world whose scan is recorded to `out`; `None`: it is not.
///
/// # Errors
/// The recording cannot be begun.
pub fn world(
    scenario: Scenario,
    out: Option<Box<dyn Write>>,
    header: Header,
) -> io::Result<(RecordedWorld, Option<Tape>)> {
    let header = of_scan(header, &scenario.policy, &scenario.remembered).with("deadlines", "exact");
    let tape = out.map(|out| Recorder::new(out, &header)).transpose()?.map(Recorder::shared);
    let mut world = World::with(
        scenario,
        |port, machine| recorded(port, tape.as_ref(), machine),
        |supervisor, machine| recorded(supervisor, tape.as_ref(), machine),
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

fn recorded<T>(inner: T, tape: Option<&Tape>, machine: &Rc<RefCell<Machine>>) -> Recorded<T> {
    let Some(tape) = tape else { return Recorded::silent(inner) };
    let machine = Rc::clone(machine);
    let now: Now = Box::new(move || machine.borrow().now());
    Recorded::new(inner, Rc::clone(tape), now)
}
