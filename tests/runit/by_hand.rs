//! A `pppd` without a supervisor.

use std::process::{Command, ExitStatus};
use std::thread::JoinHandle;

use cellscan_tests::support::{Bench, Workbench, binaries, processes, wait_for, wait_until};
use rustix::process::Signal;

use super::SOON;
use super::running::on_bench;

/// A bench that keeps its service down; a `pppd` started by hand holds the port.
pub(super) struct ByHand {
    pub(super) bench: Bench,
    /// Its process.
    pub(super) first: u32,
    /// The command that starts it again.
    words: String,
    /// Its starter reaps it, as init would.
    reaper: Option<JoinHandle<std::io::Result<ExitStatus>>>,
}

impl ByHand {
    #[track_caller]
    pub(super) fn start(workbench: Workbench) -> Self {
        let bench = workbench.down().start();
        let program = bench.root().join("pppd");
        // By a process of its own: a fork of another test has, for a moment, what this one writes to, and it cannot be executed then.
        let copied = Command::new("cp").arg(binaries::stand_in()).arg(&program).status();
        assert!(copied.is_ok_and(|copied| copied.success()), "a copy");
        let log = bench.root().join("by-hand.log");
        let (program, log, port) = (program.display(), log.display(), bench.port().display());
        // With the option `lock`: one that is started while the port is locked ends, and no supervisor starts it again.
        let locks = bench.locks().display();
        let words = format!("{program} --log {log} --lock {locks} --dies-after-ms 120 {port}");
        let mut parts = words.split(' ');
        let mut by_hand = Command::new(parts.next().expect("a program"));
        let mut child = by_hand.args(parts).spawn().expect("pppd by hand");
        let first = wait_for(SOON, "it has the port", || bench.holders().first().copied());
        assert_eq!(first, child.id());
        let reaper = Some(std::thread::spawn(move || child.wait()));
        Self { bench, first, words, reaper }
    }

    /// A scan of its port.
    pub(super) fn scan(&self) -> Command {
        let mut command = self.bench.cellscan();
        command.args(["scan", "--backend", "unsupervised", "--start-command", &self.words]);
        command.arg("--port").arg(self.bench.port()).args(["--link", "none"]);
        on_bench(command, &self.bench)
    }

    /// One `pppd`, and another than `before`, has the port; it is ended.
    #[track_caller]
    pub(super) fn must_be_started_again(mut self, before: u32) {
        let holder = || self.bench.holders().into_iter().find(|pid| *pid != before);
        let second = wait_for(SOON, "another has the port", || {
            holder().filter(|pid| processes::comm(*pid).as_deref() == Some("pppd"))
        });
        if let Some(reaper) = self.reaper.take() {
            reaper.join().expect("no panic").expect("it was reaped");
        }
        wait_until(SOON, "it is alone", || self.bench.holders() == [second]);
        wait_until(SOON, "no process of ours is left", || {
            let ours = |pid: &u32| processes::comm(*pid).is_some_and(|name| name.starts_with("cellscan"));
            !self.bench.processes().iter().any(ours)
        });
        assert!(processes::signal(second, Signal::KILL));
        wait_until(SOON, "it is gone", || self.bench.holders().is_empty());
    }
}
