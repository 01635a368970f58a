//! The example application: an ordinary scan, its ends, and what it leaves alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use cellscan_custody::guard::PROTOCOL;
use cellscan_tests::support::{Bench, Want, Workbench, binaries, processes, quick_modem};
use rustix::process::Signal;

use super::SOON;
use super::app::{
    App, bench, example, leases, must_be_apart, must_be_up_again, on_bench, with_file, with_service,
};
use super::compile::{Library, Program, done};
use super::root;

/// Duration of a search during which the test acts, in milliseconds.
const LONG: u64 = 5_000;
/// Duration of any other search, in milliseconds.
const SHORT: u64 = 600;

#[test]
fn a_scan_under_valgrind_finds_the_carriers_and_leaves_nothing_behind() {
    let (bench, before) = bench(SHORT);
    let program = example(Library::Static);
    let app = App::start(on_bench(program.under_valgrind(), &bench));
    app.signal(Signal::USR1);
    app.wait_for("selected 310410");
    must_be_up_again(&bench, before);
    app.signal(Signal::TERM);
    let ended = app.end();
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{:#?}", ended.lines);
    program.must_have_been_clean();
    assert!(ended.lines.iter().any(|line| line.starts_with("carrier 310410 ")), "{:#?}", ended.lines);
    for state in ["1", "1b", "2", "2b", "3", "4", "5", "6", "10", "11", "0"] {
        let line = format!("state {state}");
        assert!(ended.lines.contains(&line), "{line}: {:#?}", ended.lines);
    }
}

#[test]
fn the_same_application_scans_again() {
    let (bench, mut before) = bench(SHORT);
    let program = example(Library::Shared);
    let app = App::start(on_bench(program.command(), &bench));
    for scan in 1..=2 {
        app.signal(Signal::USR1);
        bench.wait_until(super::SCAN, "a result", || {
            app.lines().iter().filter(|line| line.starts_with("selected 310410")).count() == scan
        });
        must_be_up_again(&bench, before);
        before = bench.wait_for_holder(SOON, None);
    }
    app.signal(Signal::TERM);
    assert_eq!(app.end().code, Some(0));
}

#[test]
fn a_request_to_end_in_the_middle_gives_the_service_back_first_under_valgrind() {
    let (bench, before) = bench(LONG);
    let program = example(Library::Shared);
    let app = App::start(on_bench(program.under_valgrind(), &bench));
    app.signal(Signal::USR1);
    app.wait_for("state 4");
    assert!(bench.status().is_held_down());
    app.signal(Signal::TERM);
    let ended = app.end();
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{:#?}", ended.lines);
    program.must_have_been_clean();
    assert_eq!(ended.lines.last().map(String::as_str), Some("failed aborted, given back"));
    must_be_up_again(&bench, before);
}

#[test]
fn after_sigkill_in_the_middle_the_guard_gives_the_service_back() {
    for (library, state) in
        [(Library::Static, "state 1b"), (Library::Shared, "state 4"), (Library::Static, "state 5")]
    {
        let (bench, before) = bench(SHORT);
        let program = example(library);
        let app = App::start(on_bench(program.command(), &bench));
        app.signal(Signal::USR1);
        app.wait_for(state);
        app.signal(Signal::KILL);
        assert_eq!(app.end().code, None);
        must_be_up_again(&bench, before);
    }
}

#[test]
fn the_guard_has_no_descriptors_and_no_blocked_signals_of_the_application() {
    let (bench, before) = bench(LONG);
    let program = example(Library::Shared);
    let file = bench.root().join("its own");
    let app = App::start(with_file(&on_bench(program.command(), &bench), &file));
    app.signal(Signal::USR1);
    app.wait_for("state 4");
    let guard = app.guard();
    must_be_apart(guard, &file);
    assert_eq!(
        fs::read_link(format!("/proc/{guard}/fd/2")).ok(),
        Some("/dev/null".into()),
        "it prints nothing"
    );
    app.signal(Signal::TERM);
    assert_eq!(app.end().code, Some(0));
    must_be_up_again(&bench, before);
}

#[test]
fn an_unsupervised_pppd_is_restarted_without_anything_of_the_application() {
    let bench = Workbench::new().modem(quick_modem()).down().start();
    let (started, file) = (bench.root().join("pppd"), bench.root().join("its own"));
    fs::copy(binaries::stand_in(), &started).expect("a copy");
    let log = bench.root().join("by-hand.log");
    let words = format!("{} --log {} {}", started.display(), log.display(), bench.port().display());
    let mut parts = words.split(' ');
    let mut command = Command::new(parts.next().expect("a program"));
    let mut first = command.args(parts).spawn().expect("pppd by hand");
    bench.wait_until(SOON, "it has the port", || bench.holders() == [first.id()]);
    let reaper = std::thread::spawn(move || first.wait());

    let program = Program::new(&root().join("host/c/tests/c_interface/by_hand.c"), Library::Static);
    let app = App::start(with_file(&with_service(program.command(), &bench, Path::new(&words)), &file));
    let ended = app.end();
    assert_eq!(ended.code, Some(0), "{:#?} {}", ended.lines, ended.errors);
    reaper.join().expect("no panic").expect("it was reaped");
    let second = bench.wait_for_holder(SOON, None);
    must_be_apart(second, &file);
    assert!(processes::signal(second, Signal::KILL));
    bench.wait_until(SOON, "it is gone", || bench.holders().is_empty());
}

#[test]
fn the_death_of_the_guard_sends_no_signal_and_the_scan_goes_on() {
    let (bench, before) = bench(LONG);
    let program = example(Library::Static);
    let app = App::start(on_bench(program.command(), &bench));
    app.signal(Signal::USR1);
    app.wait_for("state 4");
    assert!(processes::signal(app.guard(), Signal::KILL));
    app.wait_for("selected 310410");
    must_be_up_again(&bench, before);
    app.signal(Signal::TERM);
    let ended = app.end();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
}

#[test]
fn without_a_guard_program_nothing_is_touched() {
    let (bench, before) = bench(SHORT);
    let program = example(Library::Shared);
    let mut command = on_bench(program.command(), &bench);
    command.env("PATH", bench.root());
    let output = command.output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no such program in PATH") && said.contains("wanted the program cellscan"),
        "{said}"
    );
    assert_eq!((bench.status().pid, leases(&bench)), (before, 0));
}

#[test]
fn with_a_program_that_is_no_guard_the_service_is_not_taken() {
    let (bench, before) = bench(SHORT);
    let program = example(Library::Static);
    let mut command = on_bench(program.command(), &bench);
    symlink("/bin/true", bench.root().join("cellscan")).expect("a link");
    command.env("PATH", bench.root());
    let app = App::start(command);
    app.signal(Signal::USR1);
    app.wait_for("failed service_unavailable");
    app.signal(Signal::TERM);
    let ended = app.end();
    assert!(ended.errors.contains("the guard did not get ready"), "{}", ended.errors);
    assert_eq!((ended.code, bench.status().pid, leases(&bench)), (Some(0), before, 0));
}

/// The output of an application on a bench, whose guard's program is this shell script, after its scan has failed for that reason.
fn refused_guard(script: &str) -> String {
    let (bench, before) = bench(SHORT);
    let program = example(Library::Static);
    let guard = bench.root().join("cellscan");
    fs::write(&guard, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&guard, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut command = on_bench(program.command(), &bench);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(bench.root().to_owned()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(dirs).expect("a PATH"));
    let app = App::start(command);
    app.signal(Signal::USR1);
    app.wait_for("failed service_unavailable");
    app.signal(Signal::TERM);
    let ended = app.end();
    assert_eq!((ended.code, leases(&bench)), (Some(0), 0), "{:#?} {}", ended.lines, ended.errors);
    // The supervisor was not asked for down: the pppd from before still runs.
    assert_eq!((bench.status().pid, bench.status().want), (before, Want::Up));
    ended.errors
}

#[test]
fn a_program_that_only_prints_g_is_no_guard_and_the_service_is_not_taken() {
    let said = refused_guard("printf g; exec cat >/dev/null");
    assert!(
        said.contains("cellscan is no guard of this version: found \"g\", wanted \"cellscan-guard "),
        "{said}"
    );
}

#[test]
fn a_guard_of_another_version_or_of_another_scan_is_refused_and_the_service_is_not_taken() {
    let nonce = "while [ \"$1\" != --hello ]; do shift; done";
    let version = PROTOCOL + 1;
    let said = refused_guard(&format!("{nonce}; echo \"cellscan-guard {version} $2\"; exec cat >/dev/null"));
    assert!(said.contains(&format!("found \"cellscan-guard {version} ")), "{said}");
    let said = refused_guard(&format!("echo 'cellscan-guard {PROTOCOL} 1.1'; exec cat >/dev/null"));
    assert!(said.contains(&format!("found \"cellscan-guard {PROTOCOL} 1.1\", wanted ")), "{said}");
}

#[test]
fn a_missing_service_is_named_and_the_application_goes_on() {
    let (bench, before) = bench(SHORT);
    let program = example(Library::Static);
    let nothing = bench.root().join("nothing");
    let app = App::start(with_service(program.command(), &bench, &nothing));
    app.signal(Signal::USR1);
    app.signal(Signal::TERM);
    let ended = app.end();
    assert!(ended.errors.contains("unable to find the service"), "{}", ended.errors);
    assert_eq!((ended.code, bench.status().pid), (Some(0), before));
}

/// An application that stops polling in the middle of a search, with `last` as its last argument.
fn stuck(bench: &Bench, last: &str) -> (Program, App) {
    let program = Program::new(&root().join("host/c/tests/c_interface/stuck.c"), Library::Static);
    let mut command = on_bench(program.command(), bench);
    command.arg(last);
    let app = App::start(command);
    app.wait_for("state 4");
    (program, app)
}

#[test]
fn the_guard_kills_an_application_that_stops_polling_if_configured() {
    let (bench, before) = bench(LONG);
    let (_program, app) = stuck(&bench, "1500");
    assert_eq!(app.end().code, None, "killed");
    must_be_up_again(&bench, before);
}

#[test]
fn after_sigkill_without_a_guard_the_lease_stays_and_restore_uses_it() {
    let (bench, before) = bench(LONG);
    let (_program, app) = stuck(&bench, "unguarded");
    app.signal(Signal::KILL);
    assert_eq!(app.end().code, None);
    assert!(bench.status().is_held_down(), "no process gives it back");
    assert_eq!(leases(&bench), 1);
    let mut restore = bench.cellscan();
    done(restore.arg("restore").arg("--run-dir").arg(bench.locks()));
    must_be_up_again(&bench, before);
}
