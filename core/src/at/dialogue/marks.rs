//! Marks by which a line shows which command it belongs to.

use crate::at::command::Command;
use crate::at::line::{Line, Part};

pub(super) fn whole(line: Line<'_>) -> Option<&[u8]> {
    (line.part == Part::Whole).then_some(line.bytes)
}

/// The line is the echo of `command`, perhaps behind a rest in the modem's line buffer (`AATQ0`, field log).
pub(super) fn is_echo(command: Command, line: Line<'_>) -> bool {
    let text = command.text();
    let tail = line.bytes.len().checked_sub(text.len()).and_then(|at| line.bytes.get(at..));
    line.part == Part::Whole && tail.is_some_and(|tail| tail.eq_ignore_ascii_case(&text))
}

/// It answers `+COPS?` or `+COPS=?`.
pub(super) fn begins_cops(line: &[u8]) -> bool {
    line.get(..6).is_some_and(|head| head.eq_ignore_ascii_case(b"+COPS:"))
}
