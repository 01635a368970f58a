//! The firmware with the simulated modem in virtual time. The test polls it after a byte and at its deadline only: an executor
//! need not do more.

extern crate std;

use std::string::{String, ToString};
use std::vec::Vec;

use cellscan_sim::modem::{Modem, ModemEvent, ModemFault, Profile};

use super::*;
use crate::words::Words;

/// The other end of the UART, and the time.
struct World {
    modem: Modem,
    now: Instant,
}

/// The result, the output of the firmware, and the final world. `each` gets every piece of news.
fn run(profile: Profile, mut each: impl FnMut(&mut World, News)) -> (Ending, Vec<String>, World) {
    let mut modem = Modem::new(profile, 1);
    modem.opened(Instant::ZERO);
    let mut world = World { modem, now: Instant::ZERO };
    let levels = Levels::new();
    let mut app = App::new(&levels, Policy::DEFAULT, Instant::ZERO);
    let mut said = Vec::new();
    loop {
        let news = app.poll(world.now);
        world.modem.receive(world.now, app.transmit());
        app.transmitted(app.transmit().len());
        if let Some(news) = news {
            said.push(Words { news, carriers: app.scanner().carriers() }.to_string());
            each(&mut world, news);
            if let News::Ended(ending) = news {
                return (ending, said, world);
            }
            continue;
        }
        let next = [app.next_deadline(), world.modem.next_event()].into_iter().flatten().min();
        let next = next.expect("the modem or the firmware has a deadline");
        assert!(next > world.now || app.next_deadline() != Some(next), "a deadline must be in the future");
        world.now = world.now.max(next);
        let mut bytes = Vec::new();
        world.modem.poll(world.now, &mut bytes);
        if !bytes.is_empty() {
            app.receive(world.now, &bytes);
        }
    }
}

fn commands(world: &World) -> Vec<String> {
    let heard =
        |what: &ModemEvent| if let ModemEvent::Received(line) = what { Some(line.clone()) } else { None };
    world.modem.log().iter().filter_map(|entry| heard(&entry.what)).collect()
}

#[test]
fn at_the_end_the_link_is_up_over_the_best_carrier() {
    let (ending, said, world) = run(Profile::default(), |_, _| {});
    assert_eq!(ending.exit_code(), 0, "{said:#?}");
    assert_eq!(said.last().map(String::as_str), Some("link up over 310410"), "{said:#?}");
    assert_eq!(world.modem.registered(), Some("310410"));
    let commands = commands(&world);
    assert_eq!(commands[..2], ["ATD*99#", "ATH"]);
    assert_eq!(commands.iter().filter(|command| *command == "ATD*99#").count(), 2, "{commands:#?}");
    assert_eq!(commands.last().map(String::as_str), Some("ATD*99#"));
}

#[test]
fn a_modem_without_a_sim_is_redialled_until_the_timeout_and_never_scanned() {
    let (ending, said, world) = run(Profile { sim: None, ..Profile::default() }, |_, _| {});
    assert_eq!(ending, Ending::NoLink);
    assert_eq!(ending.exit_code(), 111);
    assert_eq!(said, ["no link"]);
    let commands = commands(&world);
    assert!(commands.len() > 10 && commands.iter().all(|command| command == "ATD*99#"), "{commands:#?}");
}

#[test]
fn a_modem_that_does_not_answer_the_hang_up_is_scanned_anyway() {
    let mut asked = false;
    let (ending, said, _) = run(Profile::default(), |world, news| {
        if let News::Scan(Event::Taken(_)) = news {
            asked = true;
            world.modem.apply(world.now, ModemFault::Silent { for_ms: 4_000 });
        }
    });
    assert!(asked);
    assert_eq!(ending.exit_code(), 0, "{said:#?}");
}

#[test]
fn a_scan_without_a_carrier_gives_the_link_back() {
    let profile = Profile { searches_refused: 9, ..Profile::default() };
    let (ending, said, world) = run(profile, |_, _| {});
    assert_eq!(ending, Ending::GivenBack(Failure::SearchFailed), "{said:#?}");
    assert_eq!(ending.exit_code(), 1);
    assert_eq!(world.modem.registered(), Some("310410"), "as before");
}
