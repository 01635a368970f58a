//! Output for people: one line per state of a scan.
//!
//! A state with a result (1b: time until down) has its line when the result is known; one that the scan leaves without a
//! result, when the scan leaves it. So the lines are in the order of the states.

use std::time::Duration;

use cellscan_core::carrier::{Availability, Carrier, Plmn, Trial};
use cellscan_core::scan::{Event, Outcome, Phase, Report, Scanner};
use cellscan_core::supervisor::{ServiceState, ServiceStatus, Signal, Want};
use cellscan_core::time::Instant;

use super::names::Names;
use super::words;

/// The line of a state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// The state.
    pub phase: Phase,
    /// The text.
    pub text: String,
}

/// Makes lines from events.
#[derive(Clone, Debug)]
pub struct States {
    phase: Phase,
    entered: Instant,
    /// Whether the present state has had its line.
    told: bool,
    found: Option<ServiceStatus>,
    signalled: Option<Signal>,
    /// How often the scan asked for down, after interruptions too.
    asked: u32,
    begun: Vec<Plmn>,
    last_trial: Option<Plmn>,
    /// Names of carriers that are in no list.
    names: Names,
    /// Whether the link is looked at.
    watches_link: bool,
    /// The fold of the events so far.
    report: Report,
    lines: Vec<Line>,
}

impl States {
    /// The idle state of a scan that watches its link, or does not.
    #[must_use]
    pub fn new(watches_link: bool) -> Self {
        Self {
            phase: Phase::Idle,
            entered: Instant::ZERO,
            told: true,
            found: None,
            signalled: None,
            asked: 0,
            begun: Vec::new(),
            last_trial: None,
            names: Names::default(),
            watches_link,
            report: Report::EMPTY,
            lines: Vec::new(),
        }
    }

    /// Uses these names where the modem's list has none.
    pub fn know(&mut self, names: Names) {
        self.names = names;
    }

    /// These names.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// The lines for an event.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`extra` has the events without a state of their own")]
    pub fn tell(&mut self, at: Instant, event: Event, scanner: &Scanner) -> Vec<Line> {
        self.report.apply(&event);
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
                    self.end_of_pppd()
                );
                self.once(text);
            }
            Event::Listed { count, took } => self.listed(count, took.into(), scanner),
            Event::TrialBegins(plmn) => self.trial_begins(plmn, scanner),
            Event::TrialEnded(plmn) => {
                self.last_trial = Some(plmn);
                if self.phase == Phase::WaitSignal {
                    self.once(format!("{} {}", self.names.carrier(scanner, plmn), result(scanner, plmn)));
                }
            }
            Event::Selected(plmn) => {
                let text =
                    format!("{} is the best, {}", self.names.carrier(scanner, plmn), result(scanner, plmn));
                self.once(text);
            }
            Event::GivenBack if self.phase == Phase::StartPpp => {
                self.once("the service is given back, wanted as it was found".to_owned());
            }
            Event::LinkUp(_) if !self.watches_link => {
                self.once("the link is not looked at (--link none)".to_owned());
            }
            Event::LinkUp(after) => {
                self.once(format!("link up {} after the service was given back", words::span(after)));
            }
            Event::Finished(outcome) => self.once(ended(outcome, &self.report, scanner, &self.names)),
            other => self.extra(other, scanner),
        }
        core::mem::take(&mut self.lines)
    }

    /// Takes an event without a state of its own.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events have no line")]
    fn extra(&mut self, event: Event, scanner: &Scanner) {
        match event {
            Event::Signalled(signal) => {
                self.signalled = Some(signal);
                let name = if signal == Signal::Term { "TERM" } else { "KILL" };
                self.say(format!("remaining processes of the service get {name}"));
            }
            Event::HeldByStranger(pid) => {
                self.say(format!(
                    "process {pid} holds the port and does not belong to the service: it is not touched"
                ));
            }
            Event::Interrupted { supervised, left } => {
                let what =
                    if supervised { "another process brought the service up" } else { "the supervisor died" };
                self.say(format!("{what}; asking for down again, {left} more times at most"));
            }
            Event::ForeignDown => {
                self.say("another process wants the service down: it will stay down".to_owned());
            }
            Event::PortLost { reopens: true } => self.say("the port went away; opening it again".to_owned()),
            Event::PortLost { reopens: false } => self.say("the port went away".to_owned()),
            Event::Confirmed(plmn) => {
                self.say(format!(
                    "{} {}, read again",
                    self.names.carrier(scanner, plmn),
                    result(scanner, plmn)
                ));
            }
            Event::Lost(plmn) if self.phase == Phase::WaitPpp => {
                let text = format!(
                    "no link over {}: the service is taken again for the next best",
                    self.names.carrier(scanner, plmn)
                );
                self.once(text);
            }
            Event::Lost(plmn) => {
                self.say(format!("{} is not available after all", self.names.carrier(scanner, plmn)));
            }
            Event::Declined(why) => {
                self.say(format!("the request is declined: {}", words::declined_for(why)));
            }
            _ => {}
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other states have their line when their result is known"
    )]
    fn moved(&mut self, at: Instant, to: Phase, scanner: &Scanner) {
        if !self.told {
            let text = self.left(at.duration_since(self.entered), to, scanner);
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

    /// The line of a state that the scan leaves without a result.
    fn left(&self, after: Duration, to: Phase, scanner: &Scanner) -> String {
        let took = words::span(after);
        let report = &self.report;
        match (self.phase, to) {
            (Phase::StopPpp, _) => "taking the service".to_owned(),
            (Phase::StopPppWaitSv, _) => format!("not down after {took}"),
            (Phase::VerifyStopped, _) => format!("the port is not free after {took}"),
            (Phase::Prepare, Phase::GetOperators | Phase::NextCarrier) => {
                let on = report.before.map_or_else(
                    || "on no carrier".to_owned(),
                    |plmn| format!("on {}", self.names.carrier(scanner, plmn)),
                );
                // Taken again, it is on the carrier that was tried last.
                if self.asked > 1 {
                    format!("the modem answers; ready in {took}")
                } else {
                    format!("the modem answers, was {on}; ready in {took}")
                }
            }
            (Phase::Prepare, _) => format!("the modem is not ready after {took}"),
            (Phase::WaitResults, _) => format!("no list after {took}"),
            (Phase::TestCarrier | Phase::WaitSignal, _) => format!("the trial is aborted after {took}"),
            (Phase::NextCarrier, Phase::TestCarrier) => {
                let tried = tried(scanner);
                format!(
                    "{}{tried} of {} tried, next",
                    self.failed_trial(scanner),
                    candidates(scanner).max(tried)
                )
            }
            (Phase::NextCarrier, _) => {
                let tried = tried(scanner);
                let why = if tried < candidates(scanner) { "that is enough" } else { "none is left to try" };
                format!("{}{tried} tried, {why}", self.failed_trial(scanner))
            }
            (Phase::SelectBest, _) => "no carrier is left to choose".to_owned(),
            (Phase::ConnectBest, Phase::VerifyCarrier) if after.is_zero() => {
                "the modem is on it already".to_owned()
            }
            (Phase::ConnectBest, Phase::VerifyCarrier) => format!("selected in {took}"),
            (Phase::ConnectBest, _) => format!("not selected after {took}"),
            (Phase::VerifyCarrier, Phase::StartPpp) => {
                let on = report.selected.map_or_else(String::new, |plmn| self.names.carrier(scanner, plmn));
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
            self.say(format!("- {} {technologies} {status}", self.names.carrier(scanner, carrier.plmn)));
        }
    }

    fn trial_begins(&mut self, plmn: Plmn, scanner: &Scanner) {
        let again = if self.begun.contains(&plmn) {
            " again"
        } else {
            self.begun.push(plmn);
            ""
        };
        let number = self.begun.len();
        let all = candidates(scanner).max(number);
        self.once(format!("trying {}{again}, {number} of {all}", self.names.carrier(scanner, plmn)));
    }

    /// How the last trial failed, if it did not reach state 6, whose line would say so.
    fn failed_trial(&self, scanner: &Scanner) -> String {
        let Some(plmn) = self.last_trial else { return String::new() };
        let failed =
            |carrier: &Carrier| carrier.plmn == plmn && !matches!(carrier.trial, Trial::Registered(_));
        if scanner.carriers().iter().any(failed) {
            format!("{} {}; ", self.names.carrier(scanner, plmn), result(scanner, plmn))
        } else {
            String::new()
        }
    }

    /// For times that count from the first request.
    const fn first(&self) -> &'static str {
        if self.asked > 1 { "first " } else { "" }
    }

    fn end_of_pppd(&self) -> String {
        let signal = match self.signalled {
            Some(Signal::Term) => ", TERM",
            Some(Signal::Kill) => ", KILL",
            None => "",
        };
        match (self.found.and_then(|found| found.pid), self.report.down_after) {
            (Some(pid), Some(down)) if self.asked == 1 => {
                format!(" (process {pid} took {}{signal})", words::span(down))
            }
            _ => String::new(),
        }
    }

    /// Writes the line of the present state, unless it has had one.
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

/// The number of carriers to try, as far as it is known.
fn candidates(scanner: &Scanner) -> usize {
    let all = scanner.policy().try_forbidden;
    scanner.carriers().iter().filter(|carrier| all || carrier.availability != Availability::Forbidden).count()
}

/// The number of carriers whose trial has a result.
fn tried(scanner: &Scanner) -> usize {
    scanner.carriers().iter().filter(|carrier| carrier.trial != Trial::Untried).count()
}

fn result(scanner: &Scanner, plmn: Plmn) -> String {
    let Some(carrier) = scanner.carriers().iter().find(|carrier| carrier.plmn == plmn) else {
        return String::new();
    };
    let took = words::span(carrier.took);
    match carrier.trial {
        Trial::Registered(strength) => words::strength(strength),
        Trial::Refused(Some(code)) => format!("refused (+CME ERROR: {code}) after {took}"),
        Trial::Refused(None) => format!("refused after {took}"),
        Trial::TimedOut => format!("not registered after {took}"),
        Trial::Lost => "was given up".to_owned(),
        Trial::Untried => "not tried".to_owned(),
    }
}

fn ended(outcome: Outcome, report: &Report, scanner: &Scanner, names: &Names) -> String {
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
            let on = report.selected.map_or_else(String::new, |plmn| names.carrier(scanner, plmn));
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
