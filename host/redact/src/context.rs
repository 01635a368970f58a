//! What earlier lines tell about a line, and what it tells about later ones.

use super::kept::Asked;

/// Bytes kept of a line, for comparison with results and with the line sent last.
const TEXT_LEN_MAX: usize = 64;

/// The beginning of a line, as it came.
pub(super) type Text = heapless::Vec<u8, TEXT_LEN_MAX>;

/// The direction of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Direction {
    /// To the modem.
    Sent,
    /// From the modem.
    Received,
}

/// The kind of a line, for the lines after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// Commands; which lines answer the last of them.
    Command(Asked),
    /// A result that ends a command.
    Result,
    /// `CONNECT`: data follow.
    Connect,
    /// An answer in the table of kept answers.
    Kept,
    /// A line of an operator list, and where in the list it ended.
    List(Inside),
    /// An answer followed by text, or one with an open quote at its end.
    BeforeText,
    /// Anything else.
    Other,
}

/// The place in an operator list where a line ended: some modems break the list anywhere.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Inside {
    /// Within an operator.
    pub(super) group: bool,
    /// Within a name.
    pub(super) quoted: bool,
}

/// Facts from earlier lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// The command in flight.
    pub(super) asked: Asked,
    /// The place in the operator list so far.
    pub(super) list: Inside,
    /// Bytes from the modem may be the text of a message.
    pub(super) text_received: bool,
    /// Bytes to the modem are text, up to its end.
    pub(super) text_sent: bool,
    /// The line sent last, to recognise its echo.
    pub(super) sent: Sent,
}

/// The beginning of a line, as it was sent and as it was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) text: Text,
    pub(super) written: Text,
}
