//! Screens of 80 columns and 24 lines, by tmux: a terminal emulator that Debian has and people use, so that no crate stands for one. It tells
//! a line that the terminal has wrapped from one that the program has broken: joined, the former are fewer.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use cellscan_tests::support::{Bench, StandIn, Workbench, binaries, quick_modem, skipped, wait_for};

use super::{SCAN, SOON};

/// Printed when a command has ended.
const ENDED: &str = "the command has ended with ";

/// A terminal with one command in it. Its tmux has a socket of its own, and ends with it.
struct Screen {
    socket: String,
}

impl Screen {
    /// Starts a command; `None`, and a SKIPPED line, without tmux.
    fn start(command: &Command) -> Option<Self> {
        static SCREENS: AtomicU32 = AtomicU32::new(0);
        if !Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "tmux is not installed: tests/run installs it");
            skipped("tmux is not installed");
            return None;
        }
        let number = SCREENS.fetch_add(1, Ordering::Relaxed);
        let screen = Self { socket: format!("cellscan-{}-{number}", std::process::id()) };
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let script = format!("{}; echo \"{ENDED}$?\"; exec sleep 1000", words.join(" "));
        let mut tmux = screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"]);
        for (name, value) in command.get_envs() {
            value.map(|value| tmux.env(name, value));
        }
        let started = tmux.arg(script).output().expect("tmux starts");
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        Some(screen)
    }

    fn tmux(&self, words: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-u", "-L", &self.socket]).args(words);
        command
    }

    fn captured(&self, more: &[&str]) -> String {
        let output = self.tmux(&["capture-pane", "-p"]).args(more).output().expect("tmux starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The 24 lines that are seen now.
    fn seen(&self) -> String {
        self.captured(&[])
    }

    /// All lines, once the command has ended.
    #[track_caller]
    fn whole(&self) -> String {
        wait_for(SCAN, "the command ends", || {
            let all = self.captured(&["-S", "-"]);
            all.contains(ENDED).then_some(all)
        })
    }

    /// The lines that the terminal has wrapped.
    fn wrapped(&self) -> Vec<String> {
        let all = self.captured(&["-S", "-"]);
        let joined = self.captured(&["-J", "-S", "-"]);
        let is_whole = |line: &&str| all.lines().any(|other| other.trim_end() == line.trim_end());
        joined.lines().filter(|line| !is_whole(line)).map(str::to_owned).collect()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ended = self.tmux(&["kill-server"]).output();
    }
}

/// Runs a command on a screen to its end: no line is wrapped, and these words are seen, on the last 24 lines if `at_the_end`.
#[track_caller]
fn must_show(command: &Command, words: &[&str], at_the_end: bool) {
    let Some(screen) = Screen::start(command) else { return };
    let all = screen.whole();
    assert_eq!(screen.wrapped(), Vec::<String>::new(), "{all}");
    let shown = if at_the_end { screen.seen() } else { all };
    for word in words {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

fn cellscan(words: &[&str]) -> Command {
    let mut command = binaries::cellscan();
    command.args(words);
    command
}

fn up(search_ms: u64) -> Bench {
    let mut modem = quick_modem();
    modem.delays.search = search_ms;
    let bench = Workbench::new().modem(modem).pppd(StandIn { lock: true, ..StandIn::default() }).start();
    let _pppd = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    bench
}

/// A command about the service and the port of a bench.
fn about(bench: &Bench, word: &str) -> Command {
    let mut command = bench.cellscan();
    command.arg(word).arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
    command.args(["--link", "none", "--lock-dir"]).arg(bench.locks());
    command.arg("--run-dir").arg(bench.root().join("run")).arg("--state-dir").arg(bench.root().join("state"));
    command
}

#[test]
fn the_result_of_a_scan_is_on_the_screen_when_it_ends() {
    let words = ["* 310410  AT&T", "RSSI dBm", "Selected AT&T (310410)", "Link     up", "ended with 0"];
    must_show(&cellscan(&["scan", "--sim"]), &words, true);
    for world in ["next-best", "all-refuse", "port-vanishes", "modem-silent", "stranger"] {
        must_show(&cellscan(&["scan", &format!("--sim={world}")]), &["Service  "], true);
    }
}

#[test]
fn the_first_lines_of_doctor_are_what_is_wrong_and_none_is_wrapped() {
    let bench = up(600);
    must_show(&about(&bench, "doctor"), &["0 errors, "], true);
    let Some(screen) = Screen::start(&cellscan(&["doctor", "--port", "/dev/null"])) else { return };
    let all = screen.whole();
    assert_eq!(screen.wrapped(), Vec::<String>::new(), "{all}");
    assert!(all.starts_with("error    "), "{all}");
}

#[test]
fn the_status_fits_on_the_screen() {
    let bench = up(600);
    must_show(&about(&bench, "status"), &["service: ", "scan: none", "port: ", "carriers of the last"], true);
    must_show(
        &cellscan(&["status", "--service", "nosuch"]),
        &["service: not known", "not known: service: "],
        true,
    );
}

#[test]
fn what_a_log_shows_is_not_wrapped() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/replay/samples/gateway.log");
    let words = ["What cellscan would have done:", "link away", "than recorded", "-85 dBm"];
    must_show(&cellscan(&["replay", sample]), &words, false);
    must_show(&cellscan(&["replay", "--timeline", sample]), &["scan", "registered"], false);
}

#[test]
fn a_bar_shows_a_long_search_and_leaves_nothing_behind() {
    let bench = up(4_000);
    let Some(screen) = Screen::start(&about(&bench, "scan")) else { return };
    let during = wait_for(SCAN, "the bar moves", || {
        let seen = screen.seen();
        seen.contains("] 2 s, 180 s at most").then_some(seen)
    });
    let bar = during.lines().find(|line| line.contains("searching [")).unwrap_or_default();
    assert!(bar.chars().count() <= 60 && bar.starts_with("searching ["), "{during}");
    let all = screen.whole();
    assert!(!all.contains("at most\n") || !all.contains("searching ["), "{all}");
    assert!(!all.contains('[') || !all.contains("=>"), "{all}");
    assert_eq!(screen.wrapped(), Vec::<String>::new(), "{all}");
}
