//! Any bytes, in any pieces: no panic, no lost byte, and printed values are read back.

use std::ops::Range;
use std::time::Duration;

use cellscan_core::at::answer::Outcome;
use cellscan_core::at::command::Command;
use cellscan_core::at::current::CurrentOperator;
use cellscan_core::at::decode::{Decoder, Reply};
use cellscan_core::at::dialogue::{ATTENTION_TRIES_BUSY_MAX, Dialogue};
use cellscan_core::at::line::{LINE_LEN_MAX, Line, Lines, Part};
use cellscan_core::at::operators::{ListReader, ListedOperator};
use cellscan_core::at::registration::{Domain, Registration};
use cellscan_core::at::reply::{FinalResult, SimState};
use cellscan_core::at::signal::{cesq, csq};
use cellscan_core::at::text::Text;
use cellscan_core::at::vendor::Vendor;
use cellscan_core::carrier::Plmn;
use cellscan_core::time::{Instant, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::config;

fn split(pieces: &[&[u8]]) -> Vec<(Vec<u8>, Part)> {
    let mut lines = Lines::new();
    let mut found = vec![];
    for piece in pieces {
        let mut bytes = *piece;
        while let Some(line) = lines.next(&mut bytes) {
            found.push((line.bytes.to_vec(), line.part));
        }
    }
    found
}

/// Bytes of a modem: text and line ends more often than other bytes.
fn noise(len: Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![3 => 0x20_u8..0x7f, 1 => select(&b"\r\n\0"[..]), 1 => any::<u8>()], len)
}

/// Answers of modems, complete and torn, and other lines.
fn line() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: &[&str] = &[
        "OK",
        "ERROR",
        "AT",
        "AT+CSQ",
        "AT+COPS?",
        "AT+COPS=?",
        "+CME ERROR: 30",
        "NO CARRIER",
        "+CPIN: READY",
        "+COPS: 0",
        "+COPS: 1,2,\"00101\",7",
        "+COPS: (1,\"A\",\"A\",\"00101\",7),,(0-4),(0-2)",
        "+CEREG: 0,1",
        "+CEREG: 3",
        "+CSQ: 20,99",
        "+CESQ: 99,99,255,255,20,50",
    ];
    prop_oneof![
        4 => select(KNOWN).prop_map(|text| text.as_bytes().to_vec()),
        1 => (select(KNOWN), any::<prop::sample::Index>()).prop_map(|(text, at)| text.as_bytes()[..at.index(text.len())].to_vec()),
        1 => vec(any::<u8>().prop_filter("no line end", |byte| !matches!(byte, b'\r' | b'\n')), 0..40),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![6 => Just(Part::Whole), 1 => Just(Part::First), 1 => Just(Part::Middle), 1 => Just(Part::Last), 1 => Just(Part::Torn)]
}

/// A name that a list can contain: without quotes, and not like UCS2 in hex.
fn operator_name() -> impl Strategy<Value = String> {
    "([^\"\r\n\0]{0,15}[g-zG-Z .])?"
}

#[derive(Clone, Debug)]
struct Printed {
    stat: u8,
    long: String,
    short: String,
    plmn: String,
    act: Option<u8>,
}

fn printed() -> impl Strategy<Value = Printed> {
    (0..4_u8, operator_name(), operator_name(), "[0-9]{5,6}", proptest::option::of(0..16_u8))
        .prop_map(|(stat, long, short, plmn, act)| Printed { stat, long, short, plmn, act })
}

fn print(operators: &[Printed], tail: &str) -> String {
    let one = |operator: &Printed| {
        let Printed { stat, long, short, plmn, act } = operator;
        let act = act.map(|act| format!(",{act}")).unwrap_or_default();
        format!("({stat},\"{long}\",\"{short}\",\"{plmn}\"{act})")
    };
    format!("+COPS: {}{tail}", operators.iter().map(one).collect::<Vec<_>>().join(","))
}

/// An operator as it was read.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    stat: u8,
    long: String,
    short: String,
    code: Option<String>,
    act: Option<u8>,
}

/// The operators of a list, read from its lines in these pieces, and the number of other groups.
fn read(pieces: &[&[u8]]) -> (Vec<Read>, u16) {
    let (mut lines, mut reader, mut found) = (Lines::new(), ListReader::new(), vec![]);
    let text = |text: Text<'_>| text.chars().collect::<String>();
    let mut add = |operator: ListedOperator<'_>| {
        found.push(Read {
            stat: operator.availability.number(),
            long: text(operator.long),
            short: text(operator.short),
            code: operator.code.map(|code| code.as_str().to_owned()),
            act: operator.technology.map(|technology| technology.0),
        });
    };
    for piece in pieces.iter().chain(&[&b"\n"[..]]) {
        let mut bytes = *piece;
        while let Some(line) = lines.next(&mut bytes) {
            reader.take(line, true, &mut add);
        }
    }
    let skipped = reader.end(&mut add);
    (found, skipped)
}

/// An event of a dialogue.
#[derive(Clone, Debug)]
enum Turning {
    Line(Vec<u8>, Part),
    /// This time passes, and the deadline may pass with it.
    Wait(u64),
    Deadline,
    Start(Command),
    Abort,
    Open,
    Close,
}

fn turning() -> impl Strategy<Value = Turning> {
    let commands = vec![
        Command::Sim,
        Command::CurrentOperator,
        Command::Operators,
        Command::Deregister,
        Command::Select(Plmn::parse(b"00101").expect("five digits")),
        Command::Registration(Domain::Eps),
        Command::Signal,
        Command::SignalExtended,
        Command::Identify,
        Command::VendorSignal(Vendor::Sierra),
    ];
    prop_oneof![
        8 => (line(), part()).prop_map(|(line, part)| Turning::Line(line, part)),
        4 => Just(Turning::Deadline),
        4 => (0..6_000_u64).prop_map(Turning::Wait),
        6 => select(commands).prop_map(Turning::Start),
        1 => Just(Turning::Abort),
        1 => Just(Turning::Open),
        1 => Just(Turning::Close),
    ]
}

/// Timeouts until a silent line is given up: tries of `AT`, the waits between them, the escape.
const SILENCE_STEPS_MAX: usize = 2 * ATTENTION_TRIES_BUSY_MAX as usize + 8;

/// The replies of a stream, each in its `Debug` form.
fn decode(command: &str, pieces: &[&[u8]]) -> Vec<String> {
    let (mut lines, mut decoder, mut said) = (Lines::new(), Decoder::new(), vec![]);
    decoder.ask(command.as_bytes());
    let mut say = |reply: Reply<'_>| said.push(format!("{reply:?}"));
    for piece in pieces {
        let mut bytes = *piece;
        while let Some(line) = lines.next(&mut bytes) {
            decoder.line(line, &mut say);
        }
    }
    decoder.end(&mut say);
    said
}

/// Replies of modems, complete and torn, one after the other, with any line ends.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    const ENDS: &[&[u8]] = &[b"\r\n", b"\r", b"\n", b"\r\r\n", b"\r\n\r\n", b"\0\r\n", b""];
    let end = select(ENDS);
    let list = (vec(printed(), 0..8), select(&["", ",,(0-4),(0-2)", "),2),"][..]));
    let piece = prop_oneof![
        4 => line(),
        2 => list.prop_map(|(operators, tail)| print(&operators, tail).into_bytes()),
        1 => noise(0..300),
    ];
    vec((piece, end), 0..20)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end.to_vec()].concat()).collect())
}

/// Cuts at these places.
fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = vec![];
    let mut rest = bytes;
    for cut in cuts {
        let (piece, behind) = rest.split_at(cut - (bytes.len() - rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    pieces
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_were_cut(
        bytes in noise(0..700),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let pieces = cut(&bytes, &cuts);
        prop_assert_eq!(split(&pieces), split(&[&bytes]));
    }

    #[test]
    fn any_split_of_the_same_bytes_gives_the_same_replies(
        bytes in stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
        command in select(&["", "AT+COPS=?", "AT+CREG?;+CEREG?"][..]),
    ) {
        let whole = decode(command, &[&bytes]);
        prop_assert_eq!(&decode(command, &cut(&bytes, &cuts)), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&decode(command, &single), &whole, "byte by byte");
    }

    #[test]
    fn every_line_gives_a_reply_where_there_is_no_list(mut bytes in stream()) {
        bytes.push(b'\n');
        for byte in &mut bytes {
// No `+COPS:`, so no list.
            if matches!(byte, b'P' | b'p') {
                *byte = b'Q';
            }
        }
// Noise before a reply is a reply of its own.
        prop_assert!(decode("", &[&bytes]).len() >= split(&[&bytes]).len());
    }

    #[test]
    fn no_byte_of_a_line_is_lost(bytes in noise(0..1_500)) {
        for (line, part) in split(&[&bytes]) {
            let ends = line.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
            prop_assert!(!ends && line.len() <= LINE_LEN_MAX);
            prop_assert!(part != Part::Whole || !line.is_empty());
        }
        let visible = |bytes: &[u8]| -> Vec<u8> {
            bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0 | b' ' | b'\t')).collect()
        };
        let mut ended = bytes;
        ended.push(b'\n');
        let lines: Vec<u8> = split(&[&ended]).into_iter().flat_map(|(line, _)| line).collect();
        prop_assert_eq!(visible(&lines), visible(&ended));
    }

    #[test]
    fn a_complete_line_follows_any_noise_that_ends(mut bytes in noise(0..600)) {
        bytes.extend_from_slice(b"\n+CSQ: 20,99\r\n");
        prop_assert_eq!(split(&[&bytes]).pop(), Some((b"+CSQ: 20,99".to_vec(), Part::Whole)));
    }

    #[test]
    fn a_list_that_was_printed_is_read_back(
        operators in vec(printed(), 0..30),
        tail in select(&["", ",,(0,1,2,3,4),(0,1,2)", ",,(0-4),(0-2)", ",(0,1,2,3,4),(0,1,2)"][..]),
    ) {
        let (found, skipped) = read(&[print(&operators, tail).as_bytes()]);
        prop_assert_eq!((found.len(), skipped), (operators.len(), 0));
        for (found, printed) in found.iter().zip(&operators) {
            prop_assert_eq!(found.stat, printed.stat);
            prop_assert_eq!(&found.long, &printed.long);
            prop_assert_eq!(&found.short, &printed.short);
            prop_assert_eq!(found.code.as_ref(), Some(&printed.plmn));
            prop_assert_eq!(found.act, printed.act);
        }
    }

    #[test]
    fn any_bytes_give_no_more_operators_than_fit(bytes in noise(0..2_000)) {
        // `(0,x,,)` is the shortest.
        let (found, skipped) = read(&[&bytes]);
        prop_assert!(found.len() <= bytes.len() / 7, "{found:?}");
        prop_assert!(usize::from(skipped) <= bytes.len());
    }

    #[test]
    fn replies_are_read_from_any_line(line in prop_oneof![line(), vec(any::<u8>(), 0..300)]) {
        let _ = (FinalResult::parse(&line), SimState::parse(&line), CurrentOperator::parse(&line));
        for domain in Domain::ALL {
            if let Some(found) = Registration::parse(domain, &line) {
                prop_assert_eq!(found.domain, domain);
                prop_assert!(!(found.is_registered() && found.is_denied()));
            }
        }
        if let Some(strength) = csq(&line) {
            prop_assert!(strength.rssi_dbm.is_none_or(|dbm| (-116..=-25).contains(&dbm)));
        }
        if let Some(strength) = cesq(&line) {
            prop_assert!(strength.rsrp_dbm.is_none_or(|dbm| (-141..=-44).contains(&dbm)));
            prop_assert!(strength.rsrq_db10.is_none_or(|db| (-200..=-30).contains(&db)));
        }
    }

    #[test]
    fn numbers_in_their_range_are_read_as_in_the_table(rssi in 0..32_i16, rsrq in 0..35_i16, rsrp in 0..98_i16) {
        let found = csq(format!("+CSQ: {rssi},99").as_bytes());
        prop_assert_eq!(found.and_then(|strength| strength.rssi_dbm), Some(2 * rssi - 113));
        let found = cesq(format!("+CESQ: 99,99,255,255,{rsrq},{rsrp}").as_bytes());
        prop_assert_eq!(found.and_then(|strength| strength.rsrp_dbm), Some(rsrp - 141));
        prop_assert_eq!(found.and_then(|strength| strength.rsrq_db10), Some(5 * rsrq - 200));
    }

    #[test]
    fn a_dialogue_keeps_deadlines_in_the_future_and_ends_on_a_silent_line(turns in vec(turning(), 0..60)) {
        let (mut dialogue, mut now) = (Dialogue::new(), Instant::ZERO);
        let _ = dialogue.open(now);
        for turn in turns {
            let due = dialogue.next_deadline();
            let _ = match turn {
                Turning::Line(bytes, part) => dialogue.line(now, Line { bytes: &bytes, part }, |_| ()),
                Turning::Wait(millis) => {
                    now = now + Duration::from_millis(millis);
                    dialogue.timeout(now)
                }
                Turning::Deadline => {
                    now = due.unwrap_or(now);
                    dialogue.timeout(now)
                }
                Turning::Start(command) if dialogue.is_ready() => {
                    dialogue.start(now, command, Span::from_secs(5))
                }
                Turning::Start(_) => continue,
                Turning::Abort => dialogue.abort(now),
                Turning::Open => dialogue.open(now),
                Turning::Close => {
                    dialogue.close();
                    continue;
                }
            };
            prop_assert!(dialogue.next_deadline().is_none_or(|next| next > now), "{dialogue:?} at {now}");
        }
        let mut steps = 0;
        while let Some(deadline) = dialogue.next_deadline() {
            now = deadline;
            let turn = dialogue.timeout(now);
            prop_assert!(!matches!(turn.outcome, Some(Outcome::Answered(_) | Outcome::Refused(_))), "of silence");
            steps += 1;
            prop_assert!(steps <= SILENCE_STEPS_MAX, "{dialogue:?}");
        }
    }
}
