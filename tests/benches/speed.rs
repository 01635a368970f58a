//! The speed of the core: a gateway has one slow core, which a scan shares with the data traffic.
//!
//! `cargo bench -p cellscan-tests`

use cellscan_core::at::command::{Command, Outgoing};
use cellscan_core::at::dialogue::Dialogue;
use cellscan_core::at::line::{Line, Lines};
use cellscan_core::at::operators::OperatorList;
use cellscan_core::scan::{Input, Outcome, Phase, Policy};
use cellscan_core::supervisor::{ServiceState, ServiceStatus, Want};
use cellscan_core::time::{Instant, Span};
use cellscan_sim::scenario::Scenario;
use cellscan_sim::world::World;
use cellscan_tests::support::Driven;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use std::time::Duration;

#[path = "speed/counted.rs"]
mod counted;

fn main() {
    if counted::was_run() {
        return;
    }
    divan::main();
    // A test run of the benches, and one of a single bench, does not count.
    if std::env::args().all(|argument| argument == "--bench" || !argument.starts_with('-')) {
        counted::print();
    }
}

/// The service while the scan waits for it to go down.
const STOPPING: ServiceStatus = ServiceStatus::new(ServiceState::Run, Want::Down);

/// A list of a border region: twenty networks, each once.
fn list() -> String {
    let one = |n: u32| format!("(1,\"Carrier Number {n}\",\"Carrier {n}\",\"26{n:03}\",7)");
    format!(
        "\r\n+COPS: {},,(0,1,2,3,4),(0,1,2)\r\n\r\nOK\r\n",
        (0..20).map(one).collect::<Vec<_>>().join(",")
    )
}

/// In state 1b.
fn stopping() -> Driven {
    let driven = Driven::stopping(Policy::DEFAULT, Instant::from_millis(1_000));
    assert_eq!(driven.scanner.phase(), Phase::StopPppWaitSv);
    driven
}

/// In state 4.
fn searching() -> Driven {
    let mut driven = stopping();
    driven.prepare();
    driven.line("OK");
    driven.until(Command::Deregister);
    driven.line("OK");
    assert_eq!(driven.scanner.phase(), Phase::WaitResults);
    driven
}

#[divan::bench]
fn step_service_while_waiting(bencher: Bencher<'_, '_>) {
    let mut bench = stopping();
    bencher.bench_local(move || bench.scanner.step(bench.now, black_box(Input::Service(STOPPING))));
}

#[divan::bench]
fn step_line_in_a_search(bencher: Bencher<'_, '_>) {
    let mut bench = searching();
    bencher.bench_local(move || {
        bench
            .scanner
            .step(bench.now, black_box(Input::Line(Line::whole(b"+CREG: 2,\"1A2B\",\"01C3D4E5\",7"))))
    });
}

#[divan::bench]
fn step_list_in_a_search(bencher: Bencher<'_, '_>) {
    let (bench, text) = (searching(), list());
    bencher.counter(BytesCount::new(text.len())).with_inputs(|| bench.clone()).bench_local_refs(|bench| {
        let (mut lines, mut bytes) = (Lines::new(), text.as_bytes());
        while let Some(line) = lines.next(&mut bytes) {
            black_box(bench.scanner.step(bench.now, Input::Line(line)));
        }
    });
}

#[divan::bench]
fn lines_and_dialogue(bencher: Bencher<'_, '_>) {
    let (ready, text) = (ready(), list());
    bencher.counter(BytesCount::new(text.len())).with_inputs(|| ready.clone()).bench_local_refs(|dialogue| {
        list_through_dialogue(dialogue, &text);
    });
}

fn list_through_dialogue(dialogue: &mut Dialogue, text: &str) {
    let now = Instant::from_millis(60_000);
    let _ = dialogue.start(now, Command::Operators, Span::from_secs(180));
    let (mut lines, mut bytes, mut found) = (Lines::new(), text.as_bytes(), 0);
    while let Some(line) = lines.next(&mut bytes) {
        let _ = black_box(dialogue.line(now, line, |_| found += 1));
    }
    assert_eq!(found, 20);
}

/// A dialogue in which a command can be started.
fn ready() -> Dialogue {
    let mut dialogue = Dialogue::new();
    let mut turn = dialogue.open(Instant::ZERO);
    while let Some(deadline) = dialogue.next_deadline() {
        let asked = turn.send == Some(Outgoing::Command(Command::Attention));
        turn = if asked {
            dialogue.line(deadline, Line::whole(b"OK"), |_| ())
        } else {
            dialogue.timeout(deadline)
        };
    }
    assert!(dialogue.is_ready());
    dialogue
}

#[divan::bench]
fn operator_list(bencher: Bencher<'_, '_>) {
    let text = list();
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        let mut list = OperatorList::new();
        text.bytes().filter(|byte| list.push(black_box(*byte)).is_some()).count()
    });
}

/// A whole scan of the recorded gateway, 97 s of its time, in the simulated world, without the checkers.
#[divan::bench]
fn simulated_scan(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(1_u32))
        .with_inputs(|| World::new(Scenario::default()))
        .bench_local_values(|mut world| {
            world.run_scan(Duration::from_secs(900));
            assert_eq!(world.report().outcome, Some(Outcome::Complete));
            world
        });
}
