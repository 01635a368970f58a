//! From commands to bytes: the answers, and their framing (V.250 §5.7).

use cellscan_core::time::Instant;

use super::Modem;
use super::command::{self, Command, Domain, Read};
use super::profile::{DomainSupport, Identity};
use super::radio::Signal;

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
    /// Executes one command that does not select a network; its output goes to `lines`.
    pub(super) fn execute(&mut self, command: &Command, lines: &mut Vec<String>) -> Final {
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
            Command::HangUp => self.call_held = false,
            Command::Online if self.call_held => return Final::Connect,
            Command::Dial if self.is_usable_for_pppd() => return Final::Connect,
            Command::Online | Command::Dial => return Final::NoCarrier,
            Command::ErrorsSet(n) => self.settings.cmee = *n,
            Command::OperatorFormat(n) => self.settings.format = *n,
            Command::OperatorAutomatic => self.radio.choose_automatically(self.now),
            Command::OperatorLeave => self.radio.deregister(),
            Command::OperatorSelect { .. } => return Final::Failed(21),
            Command::OperatorSearch => return self.search(lines),
            Command::RegistrationSet(domain, n) => {
                if self.profile.domains[domain.index()] == DomainSupport::Unsupported {
                    return Final::Error;
                }
                self.settings.report[domain.index()] = *n;
            }
            Command::Canned(canned) => {
                lines.extend(canned.lines.iter().cloned());
                return canned.error.map_or(Final::Ok, Final::Failed);
            }
            Command::Refused(code) => return Final::Failed(*code),
            Command::Unknown => return Final::Error,
            Command::Read(read) => return self.read(*read, lines),
        }
        Final::Ok
    }

    fn read(&mut self, read: Read, lines: &mut Vec<String>) -> Final {
        let Identity { manufacturer, model, revision, serial } = &self.profile.identity;
        let line = match read {
            Read::Identity => {
                lines.extend([manufacturer.clone(), model.clone()]);
                revision.clone()
            }
            Read::Manufacturer => manufacturer.clone(),
            Read::Model => model.clone(),
            Read::Revision => revision.clone(),
            Read::Serial => serial.clone(),
            Read::Pin => match &self.profile.sim {
                Some(state) => format!("+CPIN: {state}"),
                None => return Final::Failed(10),
            },
            Read::Errors => format!("+CMEE: {}", self.settings.cmee),
            Read::Functionality => "+CFUN: 1".to_owned(),
            Read::Signal => format!("+CSQ: {},99", self.signal().rssi),
            Read::SignalExtended if !self.profile.cesq => return Final::Error,
            Read::SignalExtended => {
                let Signal { rsrp, rsrq, .. } = self.signal();
                format!("+CESQ: 99,99,255,255,{rsrq},{rsrp}")
            }
            Read::Operator => self.radio.operator_read(self.settings.format),
            Read::Registration(domain) => match self.registration_read(domain) {
                Some(line) => line,
                None => return Final::Error,
            },
        };
        lines.push(line);
        Final::Ok
    }

    fn search(&mut self, lines: &mut Vec<String>) -> Final {
        if self.searches_refused < self.profile.searches_refused {
            self.searches_refused += 1;
            return Final::Failed(self.profile.search_refusal);
        }
        lines.push(format!("+COPS: {}{}", self.radio.operators(), self.profile.list_trailer));
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

    fn registration_read(&self, domain: Domain) -> Option<String> {
        let stat = self.stat_of(domain)?;
        let n = self.settings.report[domain.index()];
        Some(format!("{}: {n},{stat}{}", domain.name(), self.place(domain, stat)))
    }

    /// `,<lac>,<ci>[,<AcT>]`, for `<n>` = 2 and more, and only while registered.
    fn place(&self, domain: Domain, stat: u8) -> String {
        let registered = matches!(stat, 1 | 5);
        match (self.radio.cell(), self.radio.network()) {
            (Some((area, cell)), Some(network))
                if registered && self.settings.report[domain.index()] >= 2 =>
            {
                let act = network.act.map(|act| format!(",{act}")).unwrap_or_default();
                format!(",\"{area}\",\"{cell}\"{act}")
            }
            _ => String::new(),
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
            let line = format!("{}: {stat}{}", domain.name(), self.place(domain, stat));
            self.send_line(&line);
        }
    }

    /// Sends information and result together, modified by the pending faults.
    pub(super) fn answer(&mut self, lines: &[String], result: Final) {
        let dropped = std::mem::take(&mut self.pending.drop_answer);
        let truncate = self.pending.truncate.take();
        let duplicate = std::mem::take(&mut self.pending.duplicate_final);
        if dropped || result == Final::Unanswered {
            return;
        }
        let ending = self.profile.line_ending;
        let mut bytes = Vec::new();
        if !lines.is_empty() {
            bytes.extend_from_slice(if self.settings.verbose { ending.before() } else { b"" });
            for line in lines {
                bytes.extend_from_slice(line.as_bytes());
                bytes.extend_from_slice(ending.after());
            }
        }
        let last = self.result_bytes(result);
        bytes.extend_from_slice(&last);
        if duplicate {
            bytes.extend_from_slice(&last);
        }
        if let Some(length) = truncate {
            bytes.truncate(length);
        }
        self.send(&bytes);
    }

    /// A result without a command, or one that ends a command early.
    pub(super) fn send_result(&mut self, result: Final) {
        let bytes = self.result_bytes(result);
        self.send(&bytes);
    }

    /// An unsolicited result code.
    pub(super) fn send_line(&mut self, text: &str) {
        let bytes = self.framed(text);
        self.send(&bytes);
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.send_at(self.now, bytes);
    }

    pub(super) fn send_at(&mut self, due: Instant, bytes: &[u8]) {
        if self.open || self.profile.queues_while_closed {
            self.wire.send(due, bytes, self.profile.fragments);
        }
    }

    fn framed(&self, text: &str) -> Vec<u8> {
        let ending = self.profile.line_ending;
        [ending.before(), text.as_bytes(), ending.after()].concat()
    }

    fn result_bytes(&self, result: Final) -> Vec<u8> {
        let (word, number) = match result {
            Final::Unanswered => return Vec::new(),
            _ if self.settings.quiet => return Vec::new(),
            Final::Ok => ("OK", "0"),
            Final::Connect => ("CONNECT", "1"),
            Final::NoCarrier => ("NO CARRIER", "3"),
            Final::Failed(code) if self.settings.cmee == 1 => {
                return self.framed(&format!("+CME ERROR: {code}"));
            }
            Final::Failed(code) if self.settings.cmee == 2 => {
                return self.framed(&format!("+CME ERROR: {}", command::error_text(code)));
            }
            Final::Error | Final::Failed(_) => ("ERROR", "4"),
        };
        if self.settings.verbose { self.framed(word) } else { [number.as_bytes(), b"\r"].concat() }
    }
}
