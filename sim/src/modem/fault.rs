//! The faults of a modem, as data.

use super::Calls;

/// A fault, effective when it is applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ModemFault {
    /// It ignores input and sends nothing for this many milliseconds; its output of that time is lost.
    Silent {
        /// How long, in milliseconds.
        for_ms: u64,
    },
    /// The next command is executed, and not answered.
    DropNextAnswer,
    /// The next command takes this many milliseconds longer and cannot be aborted: its answer may come after the client's
    /// next command.
    DelayNextAnswer(u64),
    /// The modem sends these bytes as noise.
    Garbage(Vec<u8>),
    /// The modem sends this unsolicited result code.
    Urc(String),
    /// It reboots: silent for the boot time, all settings lost, then it registers by itself.
    ResetNow,
    /// The network is lost; unless deregistered on purpose, it registers again as after a boot.
    LoseRegistration,
    /// Only so many bytes of the next answer arrive.
    TruncateNextAnswer(usize),
    /// The result of the next command arrives twice.
    DuplicateNextFinal,
    /// The next command is not echoed.
    EchoLost,
    /// The network of this PLMN is no longer heard.
    NetworkGone(String),
    /// The network of this PLMN is heard again.
    NetworkBack(String),
    /// The network of this PLMN is heard at this `<rssi>`.
    Signal {
        /// The network.
        plmn: String,
        /// `<rssi>` of `+CSQ`: 0 to 31, 99 unknown.
        rssi: u8,
    },
    /// The network of this PLMN takes calls like this from now on; one that becomes mute silences the present call too.
    Calls {
        /// The network.
        plmn: String,
        /// The outcome of `ATD`.
        calls: Calls,
    },
    /// The network ends the call.
    HangUp,
    /// Cancels pending faults of the next command, and ends silence.
    Heal,
}

/// The pending faults of the next command or its answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Pending {
    pub(crate) drop_answer: bool,
    pub(crate) delay_ms: u64,
    pub(crate) truncate: Option<usize>,
    pub(crate) duplicate_final: bool,
    pub(crate) echo_lost: bool,
}
