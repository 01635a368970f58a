//! The reactions of the real `runsv` to a process that takes its service without asking, and to one that asks.
//!
//! Times that are asserted are those that `runsv` guarantees, from below.

use cellscan_tests::support::processes::{comm, is_alive, signal};
use cellscan_tests::support::{RunScript, StandIn, State, Want, Workbench};
use rustix::process::Signal;

use super::SOON;

#[test]
fn killing_pppd_loses_against_runsv() {
    let bench = Workbench::new().start();
    let mut holder = bench.wait_for_holder(SOON, None);
    // When each was started, on runsv's own clock.
    let mut started_s = Vec::new();
    for _ in 0..5 {
        // runsv writes its record after the fork, when the new pppd may have opened the port already.
        let up = bench.wait_for(SOON, "up, since no client asked for anything else", || {
            Some(bench.status()).filter(|status| status.is_up() && status.pid == holder)
        });
        started_s.push(up.tai_seconds);
        if started_s.len() < 5 {
            assert!(signal(holder, Signal::KILL));
            holder = bench.wait_for_holder(SOON, Some(holder));
        }
    }
    assert_eq!(bench.events().iter().filter(|event| event.what == "start").count(), 5, "{}", bench.story());
    // Killed within its first second, each is started again a second after its death: runsv.c sleeps that long. One that lived
    // longer is replaced at once. Either way there is a second.
    assert!(started_s.windows(2).all(|pair| pair[0] < pair[1]), "{started_s:?}: {}", bench.story());
}

#[test]
fn sv_down_frees_the_port() {
    let bench = Workbench::new().pppd(StandIn { dies_after_ms: 150, ..StandIn::default() }).start();
    let holder = bench.wait_for_holder(SOON, None);
    assert!(bench.sv(&["down"]).status.success());
    bench.wait_until(SOON, "down, and no process holds the port", || {
        bench.status().is_held_down() && bench.holders().is_empty()
    });
    assert!(!is_alive(holder));
    bench.wait_until(SOON, "the modem sees DTR drop", || !bench.modem().is_open());
    assert!(bench.sv(&["up"]).status.success());
    let next = bench.wait_for_holder(SOON, Some(holder));
    bench.wait_until(SOON, "the record names the new holder", || bench.status().pid == next);
}

#[test]
fn a_killed_wrapper_leaves_pppd_with_the_port() {
    let bench = Workbench::new().run(RunScript::Shell).start();
    let holder = bench.wait_for_holder(SOON, None);
    assert_ne!(bench.status().pid, holder, "runsv knows the shell, not pppd");
    assert!(bench.sv(&["down"]).status.success());
    bench.wait_until(SOON, "status says down", || bench.status().is_held_down());
    assert_eq!(bench.holders(), [holder], "{}", bench.story());
    assert!(is_alive(holder));
}

#[test]
fn a_child_of_a_killed_wrapper_keeps_the_port() {
    // Long enough for the test on any machine; it ends with the bench.
    let bench = Workbench::new().pppd(StandIn { child_holds_ms: Some(60_000), ..StandIn::default() }).start();
    bench.wait_until(SOON, "pppd and its child hold the port", || bench.holders().len() == 2);
    assert!(bench.sv(&["down"]).status.success());
    bench.wait_until(SOON, "status says down", || bench.status().is_held_down());
    bench.wait_until(SOON, "one is left", || bench.holders().len() == 1);
    assert_eq!(bench.holders().first().and_then(|pid| comm(*pid)).as_deref(), Some("chat"));
    assert!(bench.modem().is_open(), "DTR has not dropped");
}

#[test]
fn a_live_lock_keeps_pppd_from_opening_the_port() {
    let bench = Workbench::new().pppd(StandIn { lock: true, ..StandIn::default() }).down().start();
    assert_eq!((bench.status().state, bench.status().want), (State::Down, Want::Down));
    let slave = bench.modem().slave().expect("a port that is there");
    let name = slave.strip_prefix("/dev").expect("a device").to_string_lossy().replace('/', "_");
    let lock = bench.locks().join(format!("LCK..{name}"));
    std::fs::write(&lock, format!("{:>10}\n", std::process::id())).expect("a lock");
    assert!(bench.sv(&["up"]).status.success());
    bench.wait_until(SOON, "pppd meets the lock", || {
        bench.events().iter().any(|event| event.what == "locked")
    });
    assert!(bench.holders().is_empty());
    std::fs::remove_file(&lock).expect("the lock goes");
    let _ = bench.wait_for_holder(SOON, None);
}

#[test]
fn a_new_runsv_knows_nothing_of_down() {
    let mut bench = Workbench::new().start();
    let first = bench.wait_for_holder(SOON, None);
    assert!(bench.sv(&["down"]).status.success());
    bench.wait_until(SOON, "down", || bench.status().is_held_down() && !is_alive(first));
    bench.kill_runsv();
    assert!(!bench.sv(&["status"]).status.success());
    bench.start_runsv();
    let next = bench.wait_for_holder(SOON, Some(first));
    bench.wait_until(SOON, "the record names the new holder", || bench.status().pid == next);
}

#[test]
fn no_process_of_a_bench_survives_it() {
    for run in [RunScript::Exec, RunScript::Shell, RunScript::Trap, RunScript::Detach] {
        let pppd = StandIn { child_holds_ms: Some(60_000), ignores_term: true, ..StandIn::default() };
        let bench = Workbench::new().run(run).pppd(pppd).start();
        bench.wait_until(SOON, "a child holds the port", || {
            bench.events().iter().any(|event| event.what == "child")
        });
        let mine = bench.processes();
        assert!(mine.len() >= 2, "runsv and a child at least: {mine:?}");
        let root = bench.root().to_owned();
        drop(bench);
        assert!(mine.into_iter().all(|pid| !is_alive(pid)));
        assert!(!root.exists());
    }
}
