//! For people: one line for each state of a scan, with what matters about it.
//!
//! A state whose point is a result (1b: down after how long?) has its line when the result is there, and one that it
//! left without when it is left. So the lines are in the order of the states.

use std::time::Duration;

use cellscan_core::carrier::{Availability, Carrier, Plmn, Trial};
use cellscan_core::scan::{Event, Outcome, Phase, Report, Scanner};
use cellscan_core::supervisor::{ServiceState, ServiceStatus, Signal, Want};
use cellscan_core::time::Instant;

use super::words;

/// A line about a state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// Which.
    pub phase: Phase,
    /// What is to be known of it.
    pub text: String,
}

/// Makes lines out of events.
#[derive(Clone, Debug)]
pub struct States {
    phase: Phase,
    entered: Instant,
    /// The line of the present state is out.
    told: bool,
    found: Option<ServiceStatus>,
    signalled: Option<Signal>,
    /// How often the service was asked down, by others' doing or by policy.
    asked: u32,
    begun: Vec<Plmn>,
    last_trial: Option<Plmn>,
    lines: Vec<Line>,
}

impl Default for States {
    fn default() -> Self {
        Self::new()
    }
}

impl States {
    /// Idle.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            phase: Phase::Idle,
            entered: Instant::ZERO,
            told: true,
            found: None,
            signalled: None,
            asked: 0,
            begun: Vec::new(),
            last_trial: None,
            lines: Vec::new(),
        }
    }

    /// The lines that follow from an event.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what has no state of its own is one function down")]
    pub fn tell(&mut self, at: Instant, event: Event, scanner: &Scanner) -> Vec<Line> {
        match event {
            Event::Moved { to, .. } => self.moved(at, to, scanner),
            Event::Taken(found) => {
                self.found = Some(found);
                self.once(format!("{}; asking for down", service(found)));
            }
            Event::Down(after) => {
                self.once(format!("down {} after it was {}asked", words::span(after), self.first()));
            }
            Event::PortFree(after) => {
                let text = format!(
                    "port free {} after down was {}asked{}",
                    words::span(after),
                    self.first(),
                    self.end_of_pppd(scanner)
                );
                self.once(text);
            }
            Event::Listed { count, took } => self.listed(count, took, scanner),
            Event::TrialBegins(plmn) => self.trial_begins(plmn, scanner),
            Event::TrialEnded(plmn) => {
                self.last_trial = Some(plmn);
                if self.phase == Phase::WaitSignal {
                    self.once(format!("{} {}", words::carrier(scanner, plmn), result(scanner, plmn)));
                }
            }
            Event::Selected(plmn) => {
                let text =
                    format!("{} is the best, {}", words::carrier(scanner, plmn), result(scanner, plmn));
                self.once(text);
            }
            Event::GivenBack if self.phase == Phase::StartPpp => {
                self.once("the service is given back, wanted as it was found".to_owned());
            }
            Event::LinkUp(after) => {
                self.once(format!("link up {} after the service was given back", words::span(after)));
            }
            Event::Finished(outcome) => self.once(ended(outcome, scanner)),
            other => self.extra(other, scanner),
        }
        core::mem::take(&mut self.lines)
    }

    /// What has no state of its own.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what remains has no line")]
    fn extra(&mut self, event: Event, scanner: &Scanner) {
        match event {
            Event::Signalled(signal) => {
                self.signalled = Some(signal);
                let name = if signal == Signal::Term { "TERM" } else { "KILL" };
                self.say(format!("what remains of the service gets {name}"));
            }
            Event::HeldByStranger(pid) => {
                self.say(format!(
                    "process {pid} holds the port and is none of the service's: it is not touched"
                ));
            }
            Event::Interrupted { supervised, left } => {
                let what =
                    if supervised { "somebody else brought the service up" } else { "the supervisor died" };
                self.say(format!("{what}; asking for down again, {left} more times at most"));
            }
            Event::ForeignDown => {
                self.say("somebody else wants the service down: it will be left so".to_owned());
            }
            Event::PortLost => self.say("the port went away; opening it again".to_owned()),
            Event::Lost(plmn) => {
                self.say(format!("{} is not to be had after all", words::carrier(scanner, plmn)));
            }
            Event::Declined(why) => self.say(format!("the request is declined: {why:?}")),
            _ => {}
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others have their line when their result is there"
    )]
    fn moved(&mut self, at: Instant, to: Phase, scanner: &Scanner) {
        if !self.told {
            let text = self.left(at.saturating_since(self.entered), to, scanner);
            self.once(text);
        }
        (self.phase, self.entered, self.told) = (to, at, to == Phase::Idle);
        match to {
            Phase::StopPppWaitSv => {
                self.signalled = None;
                self.asked += 1;
            }
            Phase::GetOperators => {
                let limit = words::span(scanner.policy().timeouts.search);
                self.once(format!("asking for the operators in reach (AT+COPS=?), {limit} at most"));
            }
            Phase::WaitResults => {
                self.begun.clear();
                self.last_trial = None;
            }
            _ => {}
        }
    }

    /// The line of a state that is left without a result of its own.
    fn left(&self, after: Duration, to: Phase, scanner: &Scanner) -> String {
        let took = words::span(after);
        let report = scanner.report();
        match (self.phase, to) {
            (Phase::StopPpp, _) => "taking the service".to_owned(),
            (Phase::StopPppWaitSv, _) => format!("not down after {took}"),
            (Phase::VerifyStopped, _) => format!("the port is not free after {took}"),
            (Phase::Prepare, Phase::GetOperators | Phase::NextCarrier) => {
                let on =
                    report.before.map_or_else(|| "on no carrier".to_owned(), |plmn| format!("on {plmn}"));
                format!("the modem answers, was {on}; ready in {took}")
            }
            (Phase::Prepare, _) => format!("the modem is not ready after {took}"),
            (Phase::WaitResults, _) => format!("no list after {took}"),
            (Phase::TestCarrier | Phase::WaitSignal, _) => format!("the trial is broken off after {took}"),
            (Phase::NextCarrier, Phase::TestCarrier) => {
                let tried = self.begun.len();
                format!("{}{tried} of {} tried, next", self.in_vain(scanner), candidates(scanner).max(tried))
            }
            (Phase::NextCarrier, _) => {
                let tried = self.begun.len();
                let why = if tried < candidates(scanner) { "that is enough" } else { "none is left to try" };
                format!("{}{tried} tried, {why}", self.in_vain(scanner))
            }
            (Phase::SelectBest, _) => "nobody is left to choose".to_owned(),
            (Phase::ConnectBest, Phase::VerifyCarrier) if after.is_zero() => {
                "the modem is on it already".to_owned()
            }
            (Phase::ConnectBest, Phase::VerifyCarrier) => format!("selected in {took}"),
            (Phase::ConnectBest, _) => format!("not selected after {took}"),
            (Phase::VerifyCarrier, Phase::StartPpp) => {
                let on = report.selected.map_or_else(String::new, |plmn| words::carrier(scanner, plmn));
                format!("registered with {on}, confirmed in {took}")
            }
            (Phase::VerifyCarrier, _) => format!("not confirmed after {took}"),
            (Phase::StartPpp, _) => format!("not given back after {took}"),
            (Phase::WaitPpp, _) => format!("no link after {took}"),
            (Phase::Idle | Phase::GetOperators | Phase::Complete | Phase::Failed, _) => {
                format!("after {took}")
            }
        }
    }

    fn listed(&mut self, count: u16, took: Duration, scanner: &Scanner) {
        let carriers = scanner.carriers();
        self.once(format!("{count} entries, {} carriers, in {}", carriers.len(), words::span(took)));
        for carrier in carriers {
            let technologies = words::technologies(carrier).join(" ");
            let status = words::availability(carrier.availability);
            self.say(format!("- {} {technologies} {status}", words::carrier(scanner, carrier.plmn)));
        }
    }

    fn trial_begins(&mut self, plmn: Plmn, scanner: &Scanner) {
        if !self.begun.contains(&plmn) {
            self.begun.push(plmn);
        }
        let number = self.begun.len();
        let all = candidates(scanner).max(number);
        self.once(format!("trying {}, {number} of {all}", words::carrier(scanner, plmn)));
    }

    /// How the last trial went, where it did not come as far as state 6, which would have said so.
    fn in_vain(&self, scanner: &Scanner) -> String {
        let Some(plmn) = self.last_trial else { return String::new() };
        let failed =
            |carrier: &Carrier| carrier.plmn == plmn && !matches!(carrier.trial, Trial::Registered(_));
        if scanner.carriers().iter().any(failed) {
            format!("{} {}; ", words::carrier(scanner, plmn), result(scanner, plmn))
        } else {
            String::new()
        }
    }

    /// Times count from the first request.
    const fn first(&self) -> &'static str {
        if self.asked > 1 { "first " } else { "" }
    }

    fn end_of_pppd(&self, scanner: &Scanner) -> String {
        let signal = match self.signalled {
            Some(Signal::Term) => ", TERM",
            Some(Signal::Kill) => ", KILL",
            None => "",
        };
        match (self.found.and_then(|found| found.pid), scanner.report().down_after) {
            (Some(pid), Some(down)) if self.asked == 1 => {
                format!(" (process {pid} took {}{signal})", words::span(down))
            }
            _ => String::new(),
        }
    }

    /// The line of the present state, unless it has had one.
    fn once(&mut self, text: String) {
        if self.told {
            return;
        }
        self.told = true;
        self.say(text);
    }

    fn say(&mut self, text: String) {
        self.lines.push(Line { phase: self.phase, text });
    }
}

fn service(found: ServiceStatus) -> String {
    let state = match found.state {
        ServiceState::Down => "down",
        ServiceState::Run => "up",
        ServiceState::Finish => "finishing",
    };
    let want = match found.want {
        Want::Up => "up",
        Want::Once => "once",
        Want::Down => "down",
    };
    let pid = found.pid.map_or_else(String::new, |pid| format!(", process {pid}"));
    format!("service found {state}{pid}, wanted {want}")
}

/// How many will be tried, as far as that can be told.
fn candidates(scanner: &Scanner) -> usize {
    let all = scanner.policy().try_forbidden;
    scanner.carriers().iter().filter(|carrier| all || carrier.availability != Availability::Forbidden).count()
}

fn result(scanner: &Scanner, plmn: Plmn) -> String {
    let Some(carrier) = scanner.carriers().iter().find(|carrier| carrier.plmn == plmn) else {
        return String::new();
    };
    let took = words::span(Duration::from_millis(carrier.took_ms.into()));
    match carrier.trial {
        Trial::Registered(strength) => words::strength(strength),
        Trial::Refused(Some(code)) => format!("refused (+CME ERROR: {code}) after {took}"),
        Trial::Refused(None) => format!("refused after {took}"),
        Trial::TimedOut => format!("not registered after {took}"),
        Trial::Lost => "was lost".to_owned(),
        Trial::Untried => "not tried".to_owned(),
    }
}

fn ended(outcome: Outcome, scanner: &Scanner) -> String {
    let report = scanner.report();
    let away = report.outage.map_or_else(
        || "the link was not touched".to_owned(),
        |outage| {
            format!(
                "link away for {} of at most {}",
                words::span(outage),
                words::span(scanner.policy().budget)
            )
        },
    );
    match outcome {
        Outcome::Complete => {
            let on = report.selected.map_or_else(String::new, |plmn| words::carrier(scanner, plmn));
            format!("complete: {on}; {away}")
        }
        Outcome::Failed(failure) => {
            format!("failed: {}; {}{away}", words::failure(failure), as_found(report))
        }
    }
}

const fn as_found(report: &Report) -> &'static str {
    match (report.restored, report.given_back) {
        (_, false) => "the service is NOT given back; ",
        (Some(true), true) => "registration restored, service given back; ",
        (Some(false), true) => "service given back, registration not restored; ",
        (None, true) => "service as it was found; ",
    }
}
