//! `sv`, as far as it affects the service: what it reads, which bytes it writes, how long it waits (sv.c 2.1.2).

use cellscan_core::supervisor::ServiceState;
use cellscan_core::time::Instant;
use core::time::Duration;

use crate::machine::kernel::{Event, Kernel};
use crate::machine::program::{Command, Program};
use crate::machine::runsv::Rule;
use crate::trace::Actor;

/// From fork to sv's first look at the status: measured 3–5 ms with the shell around it.
const STARTS: Duration = Duration::from_millis(3);
/// From its last look to its end.
const ENDS: Duration = Duration::from_millis(1);
/// sv.c: main, `usleep(420000)`.
const POLL: Duration = Duration::from_millis(420);
/// sv.c: `wait`, without `-w` and `SVWAIT`.
const WAIT_S: u64 = 7;

/// An `sv` command line without its service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SvCommand {
    /// The bytes for the FIFO; empty for `status`.
    bytes: Vec<u8>,
    /// The condition to wait for (sv.c: check); `None`: returns at once.
    check: Option<u8>,
    /// Writes `k` when the wait is over (`force-…`).
    kill: bool,
    wait: Duration,
}

impl SvCommand {
    /// Reads the arguments between `sv` and the service. `None`: sv would print its usage.
    ///
    /// `svwait` is the value of `$SVWAIT` in seconds.
    #[must_use]
    pub fn parse(args: &[&str], svwait: Option<u64>, rule: Rule) -> Option<Self> {
        let mut verbose = false;
        let mut wait_s = svwait.unwrap_or(WAIT_S);
        let mut args = args.iter();
        let word = loop {
            match *args.next()? {
                "-v" => verbose = true,
                "-V" => {}
                "-w" => {
                    wait_s = args.next()?.parse().ok()?;
                    // busybox: -w alone does not wait.
                    verbose |= rule == Rule::Upstream;
                }
                option => match option.strip_prefix("-w") {
                    Some(number) => {
                        wait_s = number.parse().ok()?;
                        verbose |= rule == Rule::Upstream;
                    }
                    None => break option,
                },
            }
        };
        let (bytes, check, kill) = Self::action(word, verbose)?;
        Some(Self { bytes: bytes.to_vec(), check, kill, wait: Duration::from_secs(wait_s) })
    }

    /// sv.c: main, the switch over the command; its first letter decides unless the word is known.
    fn action(word: &str, verbose: bool) -> Option<(&'static [u8], Option<u8>, bool)> {
        let (bytes, waits, kill): (&'static [u8], bool, bool) = match word {
            "shutdown" => (b"x", true, false),
            "start" => (b"u", true, false),
            "stop" => (b"d", true, false),
            "restart" => (b"tcu", true, false),
            "reload" => (b"h", true, false),
            "try-restart" => (b"tc", true, false),
            "force-reload" => (b"tc", true, true),
            "force-restart" => (b"tcu", true, true),
            "force-shutdown" => (b"x", true, true),
            "force-stop" => (b"d", true, true),
            "check" => return Some((b"", Some(b'C'), false)),
            _ => match *word.as_bytes().first()? {
                b's' => return Some((b"", None, false)),
                b'x' | b'e' => (b"x", verbose, false),
                b'X' | b'E' => (b"x", verbose, true),
                b'D' => (b"d", verbose, true),
                b'T' => (b"tc", verbose, true),
                b'u' => (b"u", verbose, false),
                b'd' => (b"d", verbose, false),
                b'o' => (b"o", verbose, false),
                b't' => (b"t", verbose, false),
                b'p' => (b"p", verbose, false),
                b'c' => (b"c", verbose, false),
                b'h' => (b"h", verbose, false),
                b'a' => (b"a", verbose, false),
                b'i' => (b"i", verbose, false),
                b'k' => (b"k", verbose, false),
                b'q' => (b"q", verbose, false),
                b'1' => (b"1", verbose, false),
                b'2' => (b"2", verbose, false),
                _ => return None,
            },
        };
        Some((bytes, waits.then(|| bytes[0]), kill))
    }
}

/// A client that runs `sv` commands one after the other.
#[derive(Clone, Debug)]
pub(crate) struct SvClient {
    commands: Vec<SvCommand>,
    next: usize,
    /// When the current command first read the status, in virtual time and on the wall clock.
    began: Option<(Instant, i64)>,
    /// The wait is over; `sv` only sleeps once more.
    over: bool,
    failed: bool,
    /// The answer of `./check`, once it has ended.
    checked: Option<(Instant, bool)>,
    /// Exit codes of the commands that have ended.
    pub(crate) codes: Vec<u8>,
}

enum Checked {
    Holds,
    NotYet,
    Failed,
}

impl Kernel {
    /// Runs `sv` commands one after the other; answers the index under which they are found.
    pub(crate) fn start_sv(&mut self, commands: Vec<SvCommand>) -> usize {
        let index = self.sv.len();
        self.sv.push(SvClient {
            commands,
            next: 0,
            began: None,
            over: false,
            failed: false,
            checked: None,
            codes: Vec::new(),
        });
        self.queue.push(self.now + STARTS, Event::Sv(index));
        index
    }

    pub(crate) fn run_sv(&mut self, index: usize) {
        let (now, wall_ms) = (self.now, self.wall_ms());
        let Some(client) = self.sv.get_mut(index) else { return };
        let Some(command) = client.commands.get(client.next).cloned() else { return };
        if client.over {
            self.end_sv(index);
            return;
        }
        let (began, began_wall_ms) = if let Some(began) = client.began {
            began
        } else {
            client.began = Some((now, wall_ms));
            let failed = !command.bytes.is_empty() && !self.sv_control(&command.bytes);
            if failed || command.check.is_none() {
                let failed = failed || self.probe_ok() != Some(true);
                self.sv[index].failed = failed;
                self.end_sv(index);
                return;
            }
            (now, wall_ms)
        };
        let Some(check) = command.check else { return };
        match self.sv_check(index, check, began_wall_ms) {
            None => return,
            Some(Checked::Holds) => {
                self.end_sv(index);
                return;
            }
            Some(Checked::Failed) => {
                self.sv[index].failed = true;
                self.end_sv(index);
                return;
            }
            Some(Checked::NotYet) => {}
        }
        // sv.c: main: the deadline is compared after the check, and one more sleep follows it.
        let waited = match self.rule {
            Rule::Upstream => now.duration_since(began) > command.wait,
            Rule::Busybox => {
                let whole_s = wall_ms.div_euclid(1_000) - began_wall_ms.div_euclid(1_000);
                whole_s >= i64::try_from(command.wait.as_secs()).unwrap_or(i64::MAX)
            }
        };
        if waited {
            self.sv[index].failed = true;
            self.sv[index].over = true;
            if command.kill {
                self.sv_control(b"k");
            }
        }
        self.queue.push(now + POLL, Event::Sv(index));
    }

    fn end_sv(&mut self, index: usize) {
        let now = self.now;
        let Some(client) = self.sv.get_mut(index) else { return };
        client.codes.push(u8::from(client.failed));
        client.next += 1;
        client.began = None;
        client.over = false;
        client.failed = false;
        client.checked = None;
        if client.next < client.commands.len() {
            self.queue.push(now + ENDS + STARTS, Event::Sv(index));
        }
    }

    /// sv.c: control. Writes nothing where the record already shows the requested want: the cause of the lost `u`.
    fn sv_control(&mut self, bytes: &[u8]) -> bool {
        if self.probe_ok() != Some(true) {
            return false;
        }
        let Some(status) = self.status() else { return false };
        let want = if status.want_up { b'u' } else { b'd' };
        if bytes.first() == Some(&want) && (want != b'd' || status.got_term) {
            return true;
        }
        self.write_control(Actor::Other, false, bytes).is_ok()
    }

    /// sv.c: check. `None`: `./check` is still running, and `sv` waits for it.
    fn sv_check(&mut self, index: usize, letter: u8, began_wall_ms: i64) -> Option<Checked> {
        if self.probe_ok() != Some(true) {
            return Some(if letter == b'x' { Checked::Holds } else { Checked::Failed });
        }
        let Some(status) = self.status() else { return Some(Checked::Failed) };
        let early = began_wall_ms.div_euclid(1_000) > status.stamp_ms.div_euclid(1_000);
        let holds = match letter {
            b'x' => false,
            b'u' => {
                status.pid.is_some() && status.state == ServiceState::Run && self.sv_checkscript(index)?
            }
            b'd' => status.pid.is_none() && status.state == ServiceState::Down,
            b'C' => status.pid.is_none() || self.sv_checkscript(index)?,
            b't' | b'k' => {
                (status.pid.is_none() && !status.want_up)
                    || (!early && status.pid.is_some() && !status.got_term && self.sv_checkscript(index)?)
            }
            b'o' => !((status.pid.is_none() && early) || (status.pid.is_some() && status.want_up)),
            _ => true,
        };
        Some(if holds { Checked::Holds } else { Checked::NotYet })
    }

    /// sv.c: checkscript: `./check` by its duration and exit code. `None`: it has only just begun.
    fn sv_checkscript(&mut self, index: usize) -> Option<bool> {
        if let Some((at, answer)) = self.sv.get(index)?.checked {
            if self.now < at {
                return None;
            }
            self.sv[index].checked = None;
            return Some(answer);
        }
        let Some(file) = self.current().and_then(|place| place.files.check.clone()) else {
            return Some(true);
        };
        if !file.executable {
            return Some(self.rule == Rule::Upstream);
        }
        let (takes_ms, answer) = outcome(&file.next(&mut self.counts));
        let at = self.now + Duration::from_millis(takes_ms);
        self.sv[index].checked = Some((at, answer));
        self.queue.push(at, Event::Sv(index));
        None
    }
}

/// The value for "never": longer than any run of the simulator.
const FOR_EVER_MS: u64 = 1 << 40;

/// How long a program runs, and whether it exits 0.
fn outcome(program: &Program) -> (u64, bool) {
    match program {
        Program::Plain(plain) => {
            (plain.run_ms.unwrap_or(FOR_EVER_MS), plain.exit == 0 || plain.dies_of.is_some())
        }
        Program::Shell(commands) => {
            let (mut takes_ms, mut good) = (0, true);
            for command in commands {
                match command {
                    Command::Run(_, program) | Command::Exec(_, program) => {
                        let (ms, exits_0) = outcome(program);
                        takes_ms += ms;
                        good = exits_0;
                    }
                    Command::Exit(code) => return (takes_ms, code.map_or(good, |code| code == 0)),
                    Command::Background(..)
                    | Command::Wait
                    | Command::IgnoreTerm
                    | Command::ForwardTerm
                    | Command::ForwardTermThenExit(_)
                    | Command::ExitOnTerm(_) => {}
                }
            }
            (takes_ms, good)
        }
        Program::Reader | Program::Pppd(_) => (FOR_EVER_MS, true),
        Program::Unrunnable => (0, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::directory::ServiceFiles;
    use crate::machine::program::{File, Plain, Term};
    use crate::signal::Signal;
    use crate::supervision::{Observed, Scenario, Stimulus, run};

    fn sv(args: &[&str], rule: Rule) -> Stimulus {
        Stimulus::Sv(vec![SvCommand::parse(args, None, rule).unwrap()])
    }

    fn observe(plain: Plain, stimuli: Vec<(u64, Stimulus)>, rule: Rule, duration_ms: u64) -> Observed {
        let service = ServiceFiles { run: Some(File::new("run", plain.into())), ..ServiceFiles::default() };
        run(&Scenario { service, rule, phase_ms: 100, stimuli, duration_ms })
    }

    fn deaf() -> Plain {
        Plain { term: Term::Ignores, ..Plain::default() }
    }

    #[test]
    fn force_stop_kills_after_the_wait_and_still_fails() {
        let stop = sv(&["-w", "1", "force-stop"], Rule::Upstream);
        let observed = observe(deaf(), vec![(1_200, stop)], Rule::Upstream, 3_400);
        let kill = observed.signals.iter().find(|(_, signal, _)| *signal == Signal::Kill);
        assert!(kill.is_some_and(|(at, ..)| (2_455..2_475).contains(at)), "{kill:?}");
        assert_eq!(observed.sv_codes, [[1]]);
    }

    #[test]
    fn plain_down_returns_at_once_and_stop_waits() {
        let stimuli =
            vec![(1_200, sv(&["down"], Rule::Upstream)), (1_210, sv(&["-w", "2", "stop"], Rule::Upstream))];
        let early = observe(deaf(), stimuli.clone(), Rule::Upstream, 3_700);
        assert_eq!(early.sv_codes, [vec![0], vec![]]);
        let late = observe(deaf(), stimuli, Rule::Upstream, 3_800);
        assert_eq!(late.sv_codes, [[0], [1]], "2.52 s for -w 2");
    }

    #[test]
    fn sv_writes_nothing_where_the_record_shows_the_want() {
        let stimuli = vec![(1_200, sv(&["up"], Rule::Upstream))];
        let observed = observe(Plain::default(), stimuli, Rule::Upstream, 2_000);
        assert_eq!((observed.status.len(), observed.sv_codes), (2, vec![vec![0]]));
    }

    #[test]
    fn stop_in_the_pause_succeeds_while_its_byte_is_unread() {
        let crashes = Plain { run_ms: Some(200), ..Plain::default() };
        let observed = observe(crashes, vec![(500, sv(&["stop"], Rule::Upstream))], Rule::Upstream, 1_000);
        assert_eq!(observed.sv_codes, [[0]]);
        assert!(observed.status.iter().all(|seen| seen.record.want_up));
    }

    #[test]
    fn in_busybox_a_wait_alone_does_not_wait() {
        let waits = |rule| SvCommand::parse(&["-w", "1", "down"], None, rule).map(|sv| sv.check.is_some());
        assert_eq!((waits(Rule::Upstream), waits(Rule::Busybox)), (Some(true), Some(false)));
    }

    #[test]
    fn unknown_words_are_refused() {
        assert_eq!(SvCommand::parse(&["zap"], None, Rule::Upstream), None);
        assert_eq!(SvCommand::parse(&["-v"], None, Rule::Upstream), None);
    }
}
