//! From commands to bytes: the answers, and their framing (V.250 §5.7).

use cellscan_core::time::Instant;

use super::Modem;
use super::command::{self, Command, Domain, Read};
use super::profile::{DomainSupport, Identity};
use super::radio::Signal;
use super::text::Text;

/// The result of a command line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Final {
    Ok,
    /// `ERROR`, at any `+CMEE` setting.
    Error,
    /// The error of 3GPP TS 27.007 §9.2, in the form of `+CMEE`.
    Failed(u16),
    Connect,
    NoCarrier,
    Unanswered,
}

impl Modem {
    /// Executes one command that does not select a network, and appends its lines of information to `out`.
    pub(super) fn execute(&mut self, command: &Command, out: &mut Text) -> Final {
        match command {
            Command::Attention | Command::FunctionalitySet => {}
            Command::Echo(on) => self.settings.echo = *on,
            Command::Verbose(on) => self.settings.verbose = *on,
            Command::Quiet(on) => self.settings.quiet = *on,
            Command::Defaults => {
                let format = self.settings.format;
                self.settings = super::Settings::of(&self.profile);
                self.settings.format = format;
            }
            Command::HangUp => self.end_call(),
            Command::Online if self.call_held => return Final::Connect,
            Command::Dial => return self.dial(),
            Command::Online => return Final::NoCarrier,
            Command::ErrorsSet(n) => self.settings.cmee = *n,
            Command::OperatorFormat(n) => self.settings.format = *n,
            Command::OperatorAutomatic => self.radio.choose_automatically(self.now),
            Command::OperatorLeave => self.radio.deregister(),
            Command::OperatorSelect { .. } => return Final::Failed(21),
            Command::OperatorSearch => return self.search(out),
            Command::RegistrationSet(domain, n) => {
                if self.profile.domains[domain.index()] == DomainSupport::Unsupported {
                    return Final::Error;
                }
                self.settings.report[domain.index()] = *n;
            }
            Command::Canned(canned) => {
                for line in &canned.lines {
                    out.text(line);
                    self.end_line(out);
                }
                return canned.error.map_or(Final::Ok, Final::Failed);
            }
            Command::Refused(code) => return Final::Failed(*code),
            Command::Unknown => return Final::Error,
            Command::Read(read) => return self.read(*read, out),
        }
        Final::Ok
    }

    /// Ends a line of information.
    fn end_line(&self, out: &mut Text) {
        out.0.extend_from_slice(self.profile.line_ending.after());
    }

    fn read(&mut self, read: Read, out: &mut Text) -> Final {
        let Identity { manufacturer, model, revision, serial } = &self.profile.identity;
        match read {
            Read::Identity => {
                for line in [manufacturer, model] {
                    out.text(line);
                    self.end_line(out);
                }
                out.text(revision);
            }
            Read::Manufacturer => out.put(manufacturer),
            Read::Model => out.put(model),
            Read::Revision => out.put(revision),
            Read::Serial => out.put(serial),
            Read::Pin => match &self.profile.sim {
                Some(state) => {
                    out.text("+CPIN: ").text(state);
                }
                None => return Final::Failed(10),
            },
            Read::Errors => {
                out.text("+CMEE: ").number(self.settings.cmee);
            }
            Read::Functionality => out.put("+CFUN: 1"),
            Read::Signal => {
                let rssi = self.signal().rssi;
                out.text("+CSQ: ").number(rssi).text(",99");
            }
            Read::SignalExtended if !self.profile.cesq => return Final::Error,
            Read::SignalExtended => {
                let Signal { rsrp, rsrq, .. } = self.signal();
                out.text("+CESQ: 99,99,255,255,").number(rsrq).text(",").number(rsrp);
            }
            Read::Operator => self.radio.operator_read(self.settings.format, out),
            Read::Registration(domain) => {
                let Some(stat) = self.stat_of(domain) else { return Final::Error };
                let n = self.settings.report[domain.index()];
                out.text(domain.name()).text(": ").number(n).text(",").number(stat);
                self.place(domain, stat, out);
            }
        }
        self.end_line(out);
        Final::Ok
    }

    fn search(&mut self, out: &mut Text) -> Final {
        if self.searches_refused < self.profile.searches_refused {
            self.searches_refused += 1;
            return Final::Failed(self.profile.search_refusal);
        }
        out.text("+COPS: ");
        self.radio.operators(out);
        out.text(&self.profile.list_trailer);
        self.end_line(out);
        Final::Ok
    }

    fn signal(&mut self) -> Signal {
        let mut signal = self.radio.signal(self.now);
        let reach = u64::from(self.profile.signal_noise);
        if reach > 0 && signal.rssi <= 31 {
            let drawn = self.prng.below(reach * 2 + 1);
            let shifted = u64::from(signal.rssi).saturating_add(drawn).saturating_sub(reach).min(31);
            signal.rssi = u8::try_from(shifted).unwrap_or(31);
        }
        signal
    }

    /// `<stat>` in this domain; `None`: the modem does not know the domain.
    fn stat_of(&self, domain: Domain) -> Option<u8> {
        match self.profile.domains[domain.index()] {
            DomainSupport::Unsupported => None,
            DomainSupport::Follows => Some(self.radio.stat()),
            DomainSupport::Fixed(stat) => Some(stat),
        }
    }

    /// `,<lac>,<ci>[,<AcT>]`, for `<n>` = 2 and more, and only while registered.
    fn place(&self, domain: Domain, stat: u8, out: &mut Text) {
        let registered = matches!(stat, 1 | 5);
        if let (Some((area, cell)), Some(network)) = (self.radio.cell(), self.radio.network())
            && registered
            && self.settings.report[domain.index()] >= 2
        {
            out.text(",\"").text(&area).text("\",\"").text(&cell).text("\"").field(network.act);
        }
    }

    /// The unsolicited result codes of a changed registration (3GPP TS 27.007 §7.2); none in data mode.
    pub(super) fn report_registration(&mut self) {
        if self.data.is_some() || self.booting_until.is_some() {
            return;
        }
        for domain in Domain::ALL {
            if self.profile.domains[domain.index()] != DomainSupport::Follows
                || self.settings.report[domain.index()] == 0
            {
                continue;
            }
            let stat = self.radio.stat();
            let mut out = Text::default();
            out.text(domain.name()).text(": ").number(stat);
            self.place(domain, stat, &mut out);
            self.send_framed(&out.0);
        }
    }

    /// Sends information and result together, modified by the pending faults.
    pub(super) fn answer(&mut self, mut information: Text, result: Final) {
        let dropped = std::mem::take(&mut self.pending.drop_answer);
        let truncate = self.pending.truncate.take();
        let duplicate = std::mem::take(&mut self.pending.duplicate_final);
        if dropped || result == Final::Unanswered {
            return;
        }
        let out = &mut information;
        let before = self.profile.line_ending.before();
        if !self.settings.verbose || out.0.len() == before.len() {
            out.0.drain(..before.len());
        }
        let before = out.0.len();
        self.result(result, out);
        if duplicate {
            out.0.extend_from_within(before..);
        }
        if let Some(length) = truncate {
            out.0.truncate(length);
        }
        self.send(&out.0);
        self.spare = information;
    }

    /// A result without a command, or one that ends a command early.
    pub(super) fn send_result(&mut self, result: Final) {
        let mut out = Text::default();
        self.result(result, &mut out);
        self.send(&out.0);
    }

    /// An unsolicited result code.
    pub(super) fn send_line(&mut self, text: &str) {
        self.send_framed(text.as_bytes());
    }

    fn send_framed(&mut self, text: &[u8]) {
        let ending = self.profile.line_ending;
        self.send(&[ending.before(), text, ending.after()].concat());
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.send_at(self.now, bytes);
    }

    pub(super) fn send_at(&mut self, due: Instant, bytes: &[u8]) {
        if self.open || self.profile.queues_while_closed {
            self.wire.send(due, bytes, self.profile.fragments);
        }
    }

    /// Appends a result.
    fn result(&self, result: Final, out: &mut Text) {
        let (word, number) = match result {
            Final::Unanswered => return,
            _ if self.settings.quiet => return,
            Final::Ok => ("OK", "0"),
            Final::Connect => ("CONNECT", "1"),
            Final::NoCarrier => ("NO CARRIER", "3"),
            Final::Failed(code) if matches!(self.settings.cmee, 1 | 2) => {
                out.0.extend_from_slice(self.profile.line_ending.before());
                out.text("+CME ERROR: ");
                if self.settings.cmee == 1 {
                    out.number(code)
                } else {
                    out.text(command::error_text(code))
                };
                out.0.extend_from_slice(self.profile.line_ending.after());
                return;
            }
            Final::Error | Final::Failed(_) => ("ERROR", "4"),
        };
        if self.settings.verbose {
            out.0.extend_from_slice(self.profile.line_ending.before());
            out.text(word);
            out.0.extend_from_slice(self.profile.line_ending.after());
        } else {
            out.text(number).text("\r");
        }
    }
}
