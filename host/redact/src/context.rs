//! What is known of a line from those before it, and what it says of those behind it.

use super::kept::Asked;

/// Bytes kept of a line, to be compared with results and with the line that was sent.
const TEXT_LEN_MAX: usize = 64;

/// The begin of a line, as it came.
pub(super) type Text = heapless::Vec<u8, TEXT_LEN_MAX>;

/// To or from the modem.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Direction {
    /// To it.
    Sent,
    /// From it.
    Received,
}

/// What a line was, for the lines behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// Commands; what the last of them is answered with.
    Command(Asked),
    /// A result that ends a command.
    Result,
    /// `CONNECT`: data follow.
    Connect,
    /// An answer that is kept.
    Kept,
    /// A line of an operator list, and where in it the line ended.
    List(Inside),
    /// An answer behind which text follows, or in which a quote was still open.
    BeforeText,
    /// Anything else.
    Other,
}

/// Where in an operator list a line ended: some modems break it anywhere.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Inside {
    /// Within an operator.
    pub(super) group: bool,
    /// Within a name.
    pub(super) quoted: bool,
}

/// What is known from the lines before.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// The command under way.
    pub(super) asked: Asked,
    /// Where the operator list is that was begun.
    pub(super) list: Inside,
    /// What comes from the modem may be text of a message.
    pub(super) text_received: bool,
    /// What goes to the modem is text, up to its end.
    pub(super) text_sent: bool,
    /// The line that was sent last, for its echo.
    pub(super) sent: Sent,
}

/// The begin of a line, as it went over the line and as it was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) text: Text,
    pub(super) written: Text,
}
