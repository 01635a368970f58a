//! Modem bytes to JSON: one object per reply, in order, in constant memory.

use std::io::{self, Read, Write};

use cellscan_core::at::current::OperatorLine;
use cellscan_core::at::decode::{Decoder, Reply};
use cellscan_core::at::errors::{self, Meaning};
use cellscan_core::at::line::{Line, Lines, Part};
use cellscan_core::at::operators::ListedOperator;
use cellscan_core::at::registration::{Domain, RegistrationLine};
use cellscan_core::at::reply::FinalResult;
use cellscan_core::at::signal::{Cesq, Csq};
use cellscan_core::at::text::Text;
use serde::Serialize;

use crate::report::clean;

/// Largest number of operators of one list; more are counted, and the list is marked. The longest list collected from real
/// modems has some forty entries.
pub const OPERATORS_MAX: usize = 1_000;

/// Bytes per read.
const READ_LEN_MAX: usize = 64 * 1024;

#[derive(Serialize)]
struct Operator {
    stat: u8,
    long: Option<String>,
    short: Option<String>,
    plmn: Option<String>,
    act: Option<u8>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Object<'a> {
    OperatorList {
        operators: &'a [Operator],
        truncated: bool,
        listed: usize,
        skipped: u16,
    },
    CurrentOperator {
        mode: u8,
        format: Option<u8>,
        operator: Option<String>,
        act: Option<u8>,
    },
    Signal {
        rssi: u16,
        ber: Option<u16>,
        dbm: Option<i16>,
    },
    SignalExt(SignalExt),
    Registration {
        domain: &'static str,
        n: Option<u16>,
        stat: u8,
        lac: Option<&'a str>,
        ci: Option<&'a str>,
        act: Option<u8>,
        unsolicited: bool,
    },
    SignalOwn {
        command: &'static str,
        rssi_dbm: Option<i16>,
        rsrp_dbm: Option<i16>,
        rsrq_db: Option<f64>,
        text: String,
    },
    Sim {
        state: String,
    },
    Final {
        result: &'static str,
        code: Option<i32>,
        text: Option<String>,
        means: Option<&'static str>,
    },
    Line {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<&'static str>,
    },
}

#[derive(Serialize)]
struct SignalExt {
    rxlev: Option<u16>,
    ber: Option<u16>,
    rscp: Option<u16>,
    ecno: Option<u16>,
    rsrq: Option<u16>,
    rsrp: Option<u16>,
    ss_rsrq: Option<u16>,
    ss_rsrp: Option<u16>,
    ss_sinr: Option<u16>,
    rsrp_dbm: Option<i16>,
    rsrq_db: Option<f64>,
    ss_rsrp_dbm: Option<i16>,
    ss_rsrq_db: Option<f64>,
    ss_sinr_db: Option<f64>,
}

/// Reads to the end of `input` and writes an object for each reply. `command` is the command that was sent.
///
/// # Errors
/// Reading or writing failed.
pub fn run(mut input: impl Read, output: impl Write, command: Option<&str>) -> io::Result<()> {
    let (mut lines, mut decoder) = (Lines::new(), Decoder::new());
    decoder.ask(command.unwrap_or_default().as_bytes());
    let mut writer = Writer { output, operators: Vec::new(), listed: 0, cut: false, failed: Ok(()) };
    let mut buffer = vec![0; READ_LEN_MAX];
    loop {
        let count = match input.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        // The end of the input ends its last line.
        let mut bytes = if count == 0 { &b"\n"[..] } else { buffer.get(..count).unwrap_or_default() };
        while let Some(line) = lines.next(&mut bytes) {
            decoder.line(line, &mut |reply| writer.say(reply));
        }
        if count == 0 {
            decoder.end(&mut |reply| writer.say(reply));
        }
        // On a live line each reply must appear as it comes.
        writer.flush()?;
        if count == 0 {
            return Ok(());
        }
    }
}

struct Writer<W> {
    output: W,
    operators: Vec<Operator>,
    /// Entries of the list, including those beyond [`OPERATORS_MAX`].
    listed: usize,
    cut: bool,
    failed: io::Result<()>,
}

impl<W: Write> Writer<W> {
    fn flush(&mut self) -> io::Result<()> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        self.output.flush()
    }

    fn say(&mut self, reply: Reply<'_>) {
        match reply {
            Reply::Operator(found) => self.keep(found),
            Reply::OperatorsEnd { skipped } => {
                let operators = std::mem::take(&mut self.operators);
                let truncated = self.listed > operators.len() || self.cut;
                let listed = self.listed;
                self.put(&Object::OperatorList { operators: &operators, truncated, listed, skipped });
                (self.listed, self.cut) = (0, false);
            }
            Reply::Current(line) => self.put(&current(line)),
            Reply::Registration { line, unsolicited } => self.put(&registration(line, unsolicited)),
            Reply::Signal(signal @ Csq { rssi, ber }) => {
                self.put(&Object::Signal { rssi, ber, dbm: signal.dbm() });
            }
            Reply::SignalExtended(signal) => self.put(&Object::SignalExt(signal_ext(signal))),
            Reply::VendorSignal { vendor, strength, line } => self.put(&Object::SignalOwn {
                command: vendor.prefix(),
                rssi_dbm: strength.rssi_dbm,
                rsrp_dbm: strength.rsrp_dbm,
                rsrq_db: decibels(strength.rsrq_db10),
                text: readable(line),
            }),
            Reply::Sim(state) => self.put(&Object::Sim { state: state.chars().collect() }),
            Reply::Final { result, line } => self.put(&ended(result, line)),
            Reply::Line(line) => self.put(&unknown(line)),
            // A kind added later is shown too.
            other => self.put(&Object::Line { text: format!("{other:?}"), part: None }),
        }
    }

    fn keep(&mut self, found: ListedOperator<'_>) {
        self.listed += 1;
        self.cut |= found.cut;
        if self.operators.len() < OPERATORS_MAX {
            self.operators.push(Operator {
                stat: found.availability.number(),
                long: some(found.long),
                short: some(found.short),
                plmn: found.code.map(|code| code.as_str().to_owned()),
                act: found.technology.map(|technology| technology.0),
            });
        }
    }

    fn put(&mut self, object: &Object<'_>) {
        if self.failed.is_ok() {
            self.failed = line_of(object).and_then(|line| self.output.write_all(line.as_bytes()));
        }
    }
}

/// The object as one line.
fn line_of(object: &Object<'_>) -> io::Result<String> {
    let mut line = clean::json(object)?;
    line.push('\n');
    Ok(line)
}

/// The text, unless it is blank.
fn some(text: Text<'_>) -> Option<String> {
    let text: String = text.chars().collect();
    (!text.trim().is_empty()).then_some(text)
}

fn current(line: OperatorLine<'_>) -> Object<'static> {
    let OperatorLine { mode, format, operator, technology } = line;
    Object::CurrentOperator {
        mode,
        format,
        operator: operator.and_then(some),
        act: technology.map(|technology| technology.0),
    }
}

fn registration(line: RegistrationLine<'_>, unsolicited: bool) -> Object<'_> {
    let hex = |digits| std::str::from_utf8(digits).ok();
    Object::Registration {
        domain: match line.domain {
            Domain::Circuit => "creg",
            Domain::Packet => "cgreg",
            Domain::Eps => "cereg",
            Domain::FiveG => "c5greg",
        },
        n: line.n,
        stat: line.stat,
        lac: line.area.and_then(hex),
        ci: line.cell.and_then(hex),
        act: line.technology.map(|technology| technology.0),
        unsolicited,
    }
}

fn decibels(tenths: Option<i16>) -> Option<f64> {
    tenths.map(|tenths| f64::from(tenths) / 10.0)
}

fn signal_ext(signal: Cesq) -> SignalExt {
    SignalExt {
        rxlev: signal.rxlev,
        ber: signal.ber,
        rscp: signal.rscp,
        ecno: signal.ecno,
        rsrq: signal.rsrq,
        rsrp: signal.rsrp,
        ss_rsrq: signal.ss_rsrq,
        ss_rsrp: signal.ss_rsrp,
        ss_sinr: signal.ss_sinr,
        rsrp_dbm: signal.rsrp_dbm(),
        rsrq_db: decibels(signal.rsrq_db10()),
        ss_rsrp_dbm: signal.ss_rsrp_dbm(),
        ss_rsrq_db: decibels(signal.ss_rsrq_db10()),
        ss_sinr_db: decibels(signal.ss_sinr_db10()),
    }
}

fn ended(result: FinalResult, line: &[u8]) -> Object<'static> {
    let (name, code, text_of): (_, _, fn(i32) -> Option<&'static str>) = match result {
        FinalResult::Ok => ("ok", None, errors::cme_text),
        FinalResult::Error => ("error", None, errors::cme_text),
        FinalResult::Cme(code) => ("cme", code, errors::cme_text),
        FinalResult::Cms(code) => ("cms", code, errors::cms_text),
        FinalResult::NoCarrier => ("no_carrier", None, errors::cme_text),
        FinalResult::Busy => ("busy", None, errors::cme_text),
        FinalResult::NoAnswer => ("no_answer", None, errors::cme_text),
        FinalResult::NoDialtone => ("no_dialtone", None, errors::cme_text),
        FinalResult::Connect => ("connect", None, errors::cme_text),
        FinalResult::Aborted => ("aborted", None, errors::cme_text),
        _ => ("other", None, errors::cme_text),
    };
    // What the modem said after the result word; for a bare code the text of the table; for a vendor's own result that word.
    let said = FinalResult::detail(line).and_then(some);
    let is_code = said.as_deref().is_some_and(|text| text.parse::<i32>().is_ok()) && code.is_some();
    let own_word = result == FinalResult::Error && !line.eq_ignore_ascii_case(b"ERROR") && line != b"4";
    let text = match said {
        Some(text) if !is_code => Some(text),
        Some(_) => code.and_then(text_of).map(str::to_owned),
        None if own_word => Some(readable(line)),
        None => None,
    };
    let means = result.meaning().map(|meaning| match meaning {
        Meaning::TryLater => "try_later",
        Meaning::NotThisCarrier => "not_this_carrier",
        Meaning::Sim => "sim",
        Meaning::GiveUp => "give_up",
    });
    Object::Final { result: name, code, text, means }
}

fn unknown(line: Line<'_>) -> Object<'static> {
    let part = match line.part {
        Part::Whole => None,
        Part::First => Some("first"),
        Part::Middle => Some("middle"),
        Part::Last => Some("last"),
        Part::Torn => Some("torn"),
    };
    Object::Line { text: readable(line.bytes), part }
}

/// Bytes as text: UTF-8 if valid, else each byte as Latin-1.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
