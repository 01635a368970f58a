//! What goes wrong with a modem, as data.

/// One thing that goes wrong, at the time it is applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ModemFault {
    /// It hears nothing and says nothing for so many milliseconds; what it would have said is lost.
    Silent {
        /// How long, in milliseconds.
        for_ms: u64,
    },
    /// The next command is carried out, and not answered.
    DropNextAnswer,
    /// The next command takes this many milliseconds longer and cannot be aborted: its answer comes when the client
    /// may have sent another.
    DelayNextAnswer(u64),
    /// These bytes arrive from nowhere.
    Garbage(Vec<u8>),
    /// This unsolicited line arrives.
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
    /// What was to befall the next command does not, and silence ends.
    Heal,
}

/// What befalls the next command or its answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Pending {
    pub(crate) drop_answer: bool,
    pub(crate) delay_ms: u64,
    pub(crate) truncate: Option<usize>,
    pub(crate) duplicate_final: bool,
    pub(crate) echo_lost: bool,
}
