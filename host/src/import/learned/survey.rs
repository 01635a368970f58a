//! The first pass over the beginning of a log: what precedes commands, and what answers.

use super::super::envelope::uncoloured;
use super::super::payload;
use super::super::text::{contains, is_command, is_information, is_plain_result};
use super::is_about;
use super::marker::{Commands, MARKER_MAX, Marker, pattern, stripped};

/// Markers that are kept; of a log with more, the first.
const MARKERS_MAX: usize = 64;
/// Bytes of a line that are looked at for an answer.
const ANSWER_MAX: usize = 2_048;

/// Words before an answer that the program waits for.
const WAITS: [&[u8]; 6] = [b"expect", b"Expect", b"abort", b"wait", b"Wait", b"WAIT"];

/// How often what followed a marker.
#[derive(Debug, Default)]
struct Count {
    marker: Marker,
    /// Commands that no other marker told before.
    commands: u32,
    /// Commands that another marker told before.
    repeated: u32,
    /// Commands of this marker that an answer followed.
    followed: u32,
    /// Final results of open commands.
    results: u32,
    /// Final results that belong to no open command.
    stray: u32,
    /// Lines of information.
    information: u32,
}

/// What the beginning of a log shows of its markers.
#[derive(Debug, Default)]
pub struct Survey {
    counts: Vec<Count>,
    /// The last command, its marker, and the marker that has repeated it.
    last: Option<(Vec<u8>, usize, Option<usize>)>,
    /// The last command is open.
    open: bool,
    /// Commands with their answer on the same line.
    behind: u32,
}

impl Survey {
    /// Surveys the beginning of a log.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        let mut survey = Self::default();
        for line in head.split(|byte| *byte == b'\n') {
            survey.line(uncoloured(line));
        }
        survey
    }

    fn line(&mut self, line: &[u8]) {
        let (stamp, text) = stripped(line);
        let stamped = stamp.is_some();
        let begins = |at: &usize| {
            let (before, rest) = text.split_at(*at);
            before.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
                && !matches!(rest.first(), None | Some(b' ' | b'\t'))
        };
        let starts = || (0..text.len().min(MARKER_MAX)).filter(begins);
        let command = starts().find_map(|at| Some((at, payload::command(&text[..at], &text[at..])?)));
        if let Some((at, command)) = command.filter(|(at, _)| !is_echoed_answer(&text[*at..])) {
            if !is_about(&text[..at], command, &text[at..])
                && let Some(index) = self.index(stamped, &text[..at])
            {
                self.command(index, command);
                let ends = payload::answer_behind(&text[at + command.len()..]).and_then(answer);
                if let Some(ends) = ends {
                    self.answer(index, ends);
                    self.behind += 1;
                }
            }
            return;
        }
        if is_status(text) {
            return;
        }
        let waits = |before: &[u8]| WAITS.iter().any(|word| contains(before, word));
        let answer = starts().find_map(|at| Some((at, answer(&text[at..])?)));
        if let Some((at, ends)) = answer
            && !waits(&text[..at])
            && let Some(index) = self.index(stamped, &text[..at])
        {
            self.answer(index, ends);
        }
    }

    fn index(&mut self, stamped: bool, before: &[u8]) -> Option<usize> {
        let pattern = pattern(before);
        let found = self
            .counts
            .iter()
            .position(|count| count.marker.stamped == stamped && count.marker.pattern == pattern);
        found.or_else(|| {
            (self.counts.len() < MARKERS_MAX).then(|| {
                let marker = Marker { stamped, pattern, ..Marker::default() };
                self.counts.push(Count { marker, ..Count::default() });
                self.counts.len() - 1
            })
        })
    }

    fn command(&mut self, index: usize, command: &[u8]) {
        if let Some((last, by, repeated)) = &mut self.last
            && last.eq_ignore_ascii_case(command)
            && *by != index
            && *repeated != Some(index)
        {
            *repeated = Some(index);
            self.counts[index].repeated += 1;
            return;
        }
        self.last = Some((command.to_vec(), index, None));
        self.counts[index].commands += 1;
        self.open = true;
    }

    fn answer(&mut self, index: usize, ends: bool) {
        if let Some((_, by, _)) = self.last.as_ref().filter(|_| self.open) {
            self.counts[*by].followed += 1;
        }
        let count = &mut self.counts[index];
        match (ends, self.open) {
            (true, true) => count.results += 1,
            (true, false) => count.stray += 1,
            (false, _) => count.information += 1,
        }
        self.open &= !ends;
    }

    /// Whether commands and results are there, and most of the commands or most of the results stand behind a marker.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        let markers = self.markers();
        let most = |of: fn(&Count) -> u32| {
            let sum = |marked: bool| {
                self.counts.iter().filter(|count| count.marker.marks() == marked).map(of).sum::<u32>()
            };
            sum(true) > sum(false)
        };
        markers.iter().any(|marker| marker.commands == Commands::Sent)
            && self.answered() > 0
            && (self.behind > 0 || most(|count| count.commands) || most(|count| count.results))
    }

    /// The number of commands with a result that the markers find in the beginning of the log.
    #[must_use]
    pub fn answered(&self) -> u32 {
        self.counts.iter().map(|count| count.results).sum()
    }

    /// The markers with their parts.
    pub(super) fn markers(&self) -> Vec<Marker> {
        let answered = self.counts.iter().any(|count| count.followed > 0);
        let part = |count: &Count| {
            let mentions = count.commands >= 3 && count.followed == 0 && answered;
            let sends = count.commands > count.repeated && !mentions;
            let told = count.results + count.information;
            let commands = match (sends, count.repeated) {
                (true, _) => Commands::Sent,
                (false, 0) => Commands::None,
                (false, _) => Commands::Repeated,
            };
            Marker {
                commands,
                // `[OK]` of a program follows the modem's `OK`.
                receives: told > 0 && count.results >= count.stray,
                ..count.marker.clone()
            }
        };
        let used = |marker: &Marker| marker.commands != Commands::None || marker.receives;
        self.counts.iter().map(part).filter(used).collect()
    }
}

/// Whether an answer of a modem follows the command, which is its echo, in the same payload: `AT<CR><CR><LF>OK<CR><LF>`.
pub(super) fn is_echoed_answer(payload: &[u8]) -> bool {
    let (mut pieces, mut echo, mut answers) = (0, false, false);
    payload::lines(&payload[..payload.len().min(ANSWER_MAX)], &mut |line| {
        echo |= pieces == 0 && is_command(line);
        answers |= pieces == 1 && (is_plain_result(line) || is_information(line));
        pieces += 1;
    });
    echo && answers
}

/// `[OK]`, the word of a program on a line of its own.
pub(super) fn is_status(text: &[u8]) -> bool {
    text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).is_some_and(|word| {
        word.len() < 16 && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ')
    })
}

/// Whether an answer of a modem begins here, and whether it ends a command.
fn answer(text: &[u8]) -> Option<bool> {
    // Most places hold something else: the first byte decides.
    let first = match text.first()? {
        b'\'' | b'"' | b'[' | b'<' | b'(' | b'{' | b'`' | b'b' | b'\\' | b'^' | b'+' | b'A' | b'a' => true,
        first => matches!(first, b'#' | b'*' | b'$' | b'%' | b'!' | 0xe2) || b"OENBCR".contains(first),
    };
    first.then_some(())?;
    let text = &text[..text.len().min(ANSWER_MAX)];
    let (mut begins, mut ends, mut pieces) = (is_echoed_answer(text), false, 0);
    payload::lines(text, &mut |line| {
        let result = is_plain_result(line);
        begins |= pieces == 0 && (result || is_information(line));
        ends |= result;
        pieces += 1;
    });
    begins.then_some(ends)
}
