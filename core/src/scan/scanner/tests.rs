//! The scan as a specification, state by state. Each fixture drives the machine to its state through inputs alone.

extern crate std;

mod confirm;
mod custody;
mod gate;
mod handover;
mod settings;
mod trials;

use super::*;
use crate::at::command::Outgoing;
use crate::carrier::{Plmn, Strength, Trial};
use crate::scan::gate::{Declined, Origin, Request};
use crate::scan::policy::NoLink;
use crate::scan::{Refused, Report};
use crate::supervisor::{Owed, Remains, ServiceState, ServiceStatus, Signal, Want};
use core::num::NonZeroU32;
use std::format;
use std::string::String;
use std::vec::Vec as StdVec;

const PID: NonZeroU32 = NonZeroU32::new(343).unwrap();
const LIST: &str = "+COPS: (1,\"T-Mobile\",\"T-Mobile\",\"310260\",7),(1,\"Verizon\",\"Verizon\",\"311480\",7),\
    (3,\"313 100\",\"313 100\",\"313100\",7),(1,\"AT&T\",\"AT&T\",\"310410\",7),(1,\"T-Mobile\",\"T-Mobile\",\"310260\",0),\
    ,(0,1,2,3,4),(0,1,2)";

fn service(state: ServiceState, want: Want) -> ServiceStatus {
    let pid = (state != ServiceState::Down).then_some(PID);
    ServiceStatus { pid, ..ServiceStatus::new(state, want) }
}

const fn up() -> ServiceStatus {
    ServiceStatus { pid: Some(PID), ..ServiceStatus::new(ServiceState::Run, Want::Up) }
}

fn down() -> ServiceStatus {
    service(ServiceState::Down, Want::Down)
}

/// How a scan begins: with this policy, and with the service as found, which is wanted up unless a test says otherwise.
struct Begin {
    policy: Policy,
    found: ServiceStatus,
}

impl From<Policy> for Begin {
    fn from(policy: Policy) -> Self {
        Self { policy, found: up() }
    }
}

/// A scan and its actions.
struct Bench {
    scanner: Scanner,
    now: Instant,
    /// The actions of the last input, without reports and records.
    asked: StdVec<Action>,
    /// All actions of the last input.
    actions: StdVec<Action>,
    /// What is recorded for the time after the scan's death.
    owed: Owed,
    /// The events of all inputs.
    events: StdVec<Event>,
    /// Their fold.
    report: Report,
}

impl Bench {
    fn new(policy: Policy) -> Self {
        let now = Instant::from_millis(5_000);
        Self {
            scanner: Scanner::new(policy),
            now,
            asked: StdVec::new(),
            actions: StdVec::new(),
            owed: Owed::default(),
            events: StdVec::new(),
            report: Report::EMPTY,
        }
    }

    fn give(&mut self, input: Input<'_>) -> &[Action] {
        self.asked.clear();
        self.actions = self.scanner.step(self.now, input).to_vec();
        for action in &self.actions {
            if let Action::Report(event) = *action {
                self.events.push(event);
                self.report.apply(&event);
            } else if let Action::Owe(owed) = *action {
                self.owed = owed;
            } else {
                self.asked.push(*action);
            }
        }
        &self.asked
    }

    /// Advances to the next deadline and handles it.
    fn pass(&mut self) -> &[Action] {
        self.now = self.scanner.next_deadline().expect("something to wait for");
        self.give(Input::Timeout);
        assert!(self.scanner.next_deadline().is_none_or(|next| next > self.now), "a deadline stays behind");
        &self.asked
    }

    fn pass_until(&mut self, wanted: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if wanted(self) {
                return;
            }
            self.pass();
        }
        panic!("never so; the scan is in {:?} and asked {:?}", self.scanner.phase(), self.asked);
    }

    fn line(&mut self, text: &str) {
        for part in text.as_bytes().chunks(crate::at::line::LINE_LEN_MAX) {
            let first = part.as_ptr() == text.as_ptr();
            let last = part.as_ptr_range().end == text.as_bytes().as_ptr_range().end;
            let part_of = match (first, last) {
                (true, true) => crate::at::line::Part::Whole,
                (true, false) => crate::at::line::Part::First,
                (false, true) => crate::at::line::Part::Last,
                (false, false) => crate::at::line::Part::Middle,
            };
            self.give(Input::Line(Line { bytes: part, part: part_of }));
        }
    }

    /// An error, as long after the command as a network takes.
    fn refuse(&mut self, text: &str) {
        self.now = self.now + Span::from_millis(500);
        self.line(text);
    }

    /// The command that the last input had sent.
    fn sent(&self) -> Option<String> {
        self.asked.iter().find_map(|action| {
            let Action::Send(Outgoing::Command(command)) = action else { return None };
            Some(String::from_utf8(command.text().to_vec()).expect("ASCII"))
        })
    }

    /// Lets time pass until a command is sent, checks which, and answers it.
    fn answer(&mut self, command: &str, lines: &[&str]) {
        self.pass_until(|bench| bench.sent().is_some());
        assert_eq!(self.sent().as_deref(), Some(command));
        for line in lines {
            self.line(line);
        }
    }

    fn start(&mut self) {
        self.give(Input::Start(Request { id: 1, origin: Origin::Manual }));
    }

    /// In state 1b, asked.
    fn stopping(begin: impl Into<Begin>) -> Self {
        let Begin { policy, found } = begin.into();
        let mut bench = Self::new(policy);
        bench.start();
        assert_eq!(bench.asked, [Action::Take]);
        assert_eq!(bench.give(Input::Taken(found.into())), [Action::Ask(Want::Down)]);
        bench
    }

    /// In state 2: the record says down.
    fn verifying(begin: impl Into<Begin>) -> Self {
        let mut bench = Self::stopping(begin);
        bench.give(Input::Service(down()));
        assert_eq!(bench.scanner.phase(), Phase::VerifyStopped);
        bench
    }

    /// In state 2b: the port is open.
    fn preparing(begin: impl Into<Begin>) -> Self {
        let mut bench = Self::verifying(begin);
        assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::OpenPort]);
        assert!(bench.give(Input::PortOpened).is_empty(), "no byte before the port is known to be free");
        assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Send(Outgoing::Return)]);
        bench
    }

    fn prepare(&mut self, before: &str) {
        self.prepare_found("+CMEE: 1", "+COPS: 0,2,\"310410\",7", before);
    }

    /// The same; the modem answers `AT+CMEE?` and the first `AT+COPS?` with these lines.
    fn prepare_found(&mut self, errors: &str, names: &str, before: &str) {
        self.answer("AT", &["OK"]);
        self.answer("AT+CMEE?", &[errors, "OK"]);
        self.answer("AT+CMEE=1", &["OK"]);
        self.answer("AT+CPIN?", &["+CPIN: READY", "OK"]);
        self.answer("AT+COPS?", &[names, "OK"]);
        self.answer("AT+COPS=3,2", &["OK"]);
        self.answer("AT+COPS?", &[before, "OK"]);
    }

    /// In state 4: the list was asked for. The modem was on AT&T, chosen by itself.
    fn searching(begin: impl Into<Begin>) -> Self {
        Self::searching_found(begin, "+CMEE: 1", "+COPS: 0,2,\"310410\",7")
    }

    /// The same, with the modem's settings as found.
    fn searching_found(begin: impl Into<Begin>, errors: &str, names: &str) -> Self {
        let mut bench = Self::preparing(begin);
        bench.prepare_found(errors, names, "+COPS: 0,2,\"310410\",7");
        bench.answer("AT+COPS=2", &["OK"]);
        assert_eq!(bench.sent().as_deref(), Some("AT+COPS=?"));
        bench
    }

    /// In state 5, T-Mobile being tried.
    fn trying(begin: impl Into<Begin>) -> Self {
        let mut bench = Self::searching(begin);
        bench.line(LIST);
        bench.line("OK");
        assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"310260\""));
        bench
    }

    fn register(&mut self, digits: &str) {
        self.answer("AT+COPS?", &[&format!("+COPS: 1,2,\"{digits}\",7"), "OK"]);
        self.answer("AT+CEREG?", &["+CEREG: 0,1", "OK"]);
    }

    /// A whole trial, from its selection on.
    fn measure(&mut self, digits: &str, csq: u8) {
        assert_eq!(self.sent(), Some(format!("AT+COPS=1,2,\"{digits}\"")));
        self.line("OK");
        self.register(digits);
        assert_eq!(self.scanner.phase(), Phase::WaitSignal);
        self.answer("AT+CSQ", &[&format!("+CSQ: {csq},99"), "OK"]);
        if !self.scanner.context.no_rsrp {
            self.answer("AT+CESQ", &["ERROR"]);
        }
    }

    /// In state 10: AT&T was the best and the last tried.
    fn starting(begin: impl Into<Begin>) -> Self {
        let mut bench = Self::trying(begin);
        bench.measure("310260", 16);
        bench.measure("311480", 22);
        bench.measure("310410", 25);
        assert_eq!(bench.scanner.phase(), Phase::VerifyCarrier, "it is on it already");
        bench.register("310410");
        let want = bench.owed.want.expect("a want");
        assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(want)]);
        assert_eq!(bench.owed.selection, None);
        bench
    }

    fn outcome(&self) -> Option<Outcome> {
        self.report.outcome
    }

    fn phases(&self) -> StdVec<Phase> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Moved { to, .. } = event { Some(*to) } else { None })
            .collect()
    }
}

/// A scan in state 10b, its service given back at this time.
pub(crate) fn waiting_for_link() -> (Scanner, Instant) {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(up()));
    assert_eq!(bench.scanner.phase(), Phase::WaitPpp);
    (bench.scanner, bench.now)
}

fn policy() -> Policy {
    Policy { samples: 1, confirm: Span::ZERO, ..Policy::DEFAULT }
}
