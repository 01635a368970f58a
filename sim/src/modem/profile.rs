//! The identity and the behaviour of a modem, as plain data.

use super::network::Network;

/// A modem's identity, its quirks on the line, its delays and the networks in reach.
///
/// The default is the Cinterion PLS63-W of a recorded scan (`scan1.log`): five operators found in 59.4 s, 5 to 8 s a
/// manual registration. Every time is in milliseconds.
///
/// ```
/// use cellscan_sim::modem::{Fragments, Profile};
/// let slow_uart = Profile { fragments: Fragments { size: 1, gap_ms: 1 }, ..Profile::default() };
/// assert_eq!(slow_uart.networks.len(), 5);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "habits of a real modem, each of them independent")]
pub struct Profile {
    /// The answers to `ATI`, `+CGMI`, `+CGMM`, `+CGMR` and `+CGSN`.
    pub identity: Identity,
    /// Whether it echoes (`ATE`, V.250 §6.2.4) after power-up and `ATZ`.
    pub echo: bool,
    /// Whether results are words (`ATV1`) or numbers (`ATV0`, V.250 §6.2.6) after power-up and `ATZ`.
    pub verbose: bool,
    /// `+CMEE` (3GPP TS 27.007 §9.1) after power-up and `ATZ`: 0 `ERROR`, 1 a number, 2 words.
    pub cmee: u8,
    /// How lines are framed.
    pub line_ending: LineEnding,
    /// The pieces in which its output arrives.
    pub fragments: Fragments,
    /// The content of its line buffer at the first open, for example half a command of a killed client.
    pub leftover_input: Vec<u8>,
    /// Output that no client has read, delivered at the first open: old answers, unsolicited result codes.
    pub leftover_output: Vec<u8>,
    /// It starts in data mode, as a killed `pppd` leaves it where DTR is not obeyed.
    pub in_data_mode: bool,
    /// It drops the call and the running command when the port is closed (`AT&D2`, V.250 §6.2.9).
    pub obeys_dtr: bool,
    /// Its output while the port is closed waits for the next opener, instead of being lost.
    pub queues_while_closed: bool,
    /// How it handles input while a command is running.
    pub while_busy: WhileBusy,
    /// How it handles a line that does not begin with `AT`.
    pub prefix: Prefix,
    /// The durations of its commands.
    pub delays: Delays,
    /// The answer to `+CPIN?`; `None`: no SIM, error 10. It registers only with `READY`.
    pub sim: Option<String>,
    /// It knows `+CESQ` (3GPP TS 27.007 §8.69).
    pub cesq: bool,
    /// `+CREG` (§7.2), `+CGREG` (§10.1.20), `+CEREG` (§10.1.22) and `+C5GREG` (§10.1.47), in that order.
    pub domains: [DomainSupport; 4],
    /// The networks in the order of the operator list; one PLMN may be listed more than once.
    pub networks: Vec<Network>,
    /// The text after the last operator of the list, for example `,,(0,1,2,3,4),(0,1,2)` (§7.3).
    pub list_trailer: String,
    /// This many searches are refused with error [`search_refusal`](Self::search_refusal) before one succeeds.
    pub searches_refused: u32,
    /// The error of a refused search; 30 is "no network service" (§9.2).
    pub search_refusal: u16,
    /// The PLMN of its registration at the start.
    pub registered: Option<String>,
    /// The selection mode at the start; after a reboot it is [`Selection::Automatic`].
    pub selection: Selection,
    /// From the begin of an automatic selection to the registration.
    pub automatic_registration_ms: u64,
    /// How long after registration the signal is unknown (99).
    pub signal_unknown_ms: u64,
    /// How long after registration the signal of the network before is still reported.
    pub signal_settle_ms: u64,
    /// The signal is off by at most this many steps, drawn anew at each read.
    pub signal_noise: u8,
    /// From the `OK` of a selection that changed networks to the first answer to anything else; field logs show 0.9–2 s.
    pub busy_after_selection_ms: u64,
    /// From the first opening of the port to the first answer: a modem whose call has just ended is busy with that; field
    /// logs show up to 2.2 s.
    pub busy_after_open_ms: u64,
    /// From a reset to the first answer.
    pub boot_ms: u64,
    /// Its output at the end of the boot.
    pub boot_urcs: Vec<String>,
    /// What a client sends in data mode goes to the owner of the modem, who brings what the network sends; see
    /// [`Modem::take_upload`](super::Modem::take_upload). Without, the network's side of PPP is noise.
    pub carries_calls: bool,
    /// How often the network's side of PPP sends in data mode, where it is noise; 3 s is LCP's restart timer (RFC 1661 §4.6).
    pub ppp_noise_every_ms: u64,
    /// Commands with a fixed answer, looked up before all others; letters compare without case.
    pub canned: Vec<Canned>,
}

/// The identity of a modem.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// `+CGMI` (3GPP TS 27.007 §5.1) and the first line of `ATI`.
    pub manufacturer: String,
    /// `+CGMM` (§5.2) and the second line of `ATI`.
    pub model: String,
    /// `+CGMR` (§5.3) and the third line of `ATI`.
    pub revision: String,
    /// `+CGSN` (§5.4).
    pub serial: String,
}

/// A command with a fixed answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Canned {
    /// The text after `AT`, for example `+CGDCONT?`.
    pub command: String,
    /// The lines before the result.
    pub lines: Vec<String>,
    /// The error of `+CME ERROR`; `None`: it succeeds.
    pub error: Option<u16>,
    /// Its duration, in milliseconds.
    pub delay_ms: u64,
}

/// The pieces in which the modem's output arrives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fragments {
    /// Bytes in a piece; 0: a whole answer arrives at once.
    pub size: usize,
    /// Milliseconds between two pieces.
    pub gap_ms: u64,
}

/// How lines are framed (V.250 §5.7.1; S3 and S4 are not modelled).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LineEnding {
    /// `CR LF text CR LF`, as in the standard.
    #[default]
    CrLf,
    /// `CR LF text CR CR LF`, as a modem behind a terminal that adds a CR.
    CrCrLf,
    /// `text CR LF`: nothing before the text.
    Trailing,
    /// `text LF`.
    Lf,
}

impl LineEnding {
    pub(crate) const fn before(self) -> &'static [u8] {
        match self {
            Self::CrLf | Self::CrCrLf => b"\r\n",
            Self::Trailing | Self::Lf => b"",
        }
    }

    pub(crate) const fn after(self) -> &'static [u8] {
        match self {
            Self::CrLf | Self::Trailing => b"\r\n",
            Self::CrCrLf => b"\r\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// How a modem handles input while a command is running.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WhileBusy {
    /// One character aborts a search or a selection (V.250 §5.6.1), except in the first 125 ms; other commands continue and
    /// the input is lost.
    Abort(AbortAnswer),
    /// The input is lost.
    Ignore,
    /// It is read, and echoed, after the end of the command: `net19.log` shows `AT+CSQ` answered 21 s after it was
    /// sent, after two selections.
    Buffer,
}

/// The answer to an aborted command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AbortAnswer {
    /// `OK`.
    Ok,
    /// `ERROR`, or error 100 ("unknown") in the form of `+CMEE`.
    Error,
    /// `ABORTED`, which is in no standard and in many modems.
    Aborted,
    /// No answer.
    Nothing,
}

/// How a modem handles a line that does not begin with `AT`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prefix {
    /// It skips text before the first `AT` and ignores a line without one (V.250 §5.2.1).
    Find,
    /// It answers such a line with `ERROR`: half a command makes the next one fail too.
    Strict,
}

/// The modem's support of a registration domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DomainSupport {
    /// Answered with an error.
    Unsupported,
    /// Reports the registration.
    Follows,
    /// Always reports this: `+CREG` stays at 3 where a SIM has no voice service, whatever `+CEREG` reports.
    Fixed(u8),
}

/// The selection mode: `<mode>` of `+COPS` (3GPP TS 27.007 §7.3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Selection {
    /// 0: the strongest that allows it.
    #[default]
    Automatic,
    /// 1: the requested network.
    Manual,
    /// 2: none.
    Deregistered,
}

impl Selection {
    /// `<mode>` of `+COPS?`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Automatic => 0,
            Self::Manual => 1,
            Self::Deregistered => 2,
        }
    }
}

/// The durations of commands, in milliseconds; those of selections are in the [`Network`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delays {
    /// From a character to its echo.
    pub echo: u64,
    /// `AT` alone and other basic commands.
    pub attention: u64,
    /// Settings such as `+CMEE=2` or `+COPS=3,2`.
    pub settings: u64,
    /// Reads such as `+COPS?` or `+CEREG?`.
    pub read: u64,
    /// `+CSQ` and `+CESQ`.
    pub signal: u64,
    /// `+COPS=2`.
    pub deregister: u64,
    /// `+COPS=0`.
    pub automatic: u64,
    /// `+COPS=?`.
    pub search: u64,
    /// A selection of its present network.
    pub reselect: u64,
    /// A selection of a network out of reach.
    pub not_found: u64,
    /// `ATD*99#`.
    pub dial: u64,
    /// At most this much is added to each, drawn from the seed.
    pub jitter: u64,
}

impl Default for Delays {
    /// `scan1.log`, in ms: deregistration 1 441, search 59 516, signal 1 022 right after a selection, refusal of an
    /// unknown network 514; `cell1.log`: reselection 117. Reads and settings took less than one 100 ms poll.
    fn default() -> Self {
        Self {
            echo: 2,
            attention: 8,
            settings: 12,
            read: 12,
            signal: 1_020,
            deregister: 1_440,
            automatic: 400,
            search: 59_516,
            reselect: 110,
            not_found: 510,
            dial: 60,
            jitter: 0,
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            identity: Identity {
                manufacturer: "Cinterion".to_owned(),
                model: "PLS63-W".to_owned(),
                revision: "REVISION 01.202".to_owned(),
                serial: "358088000000000".to_owned(),
            },
            echo: true,
            verbose: true,
            cmee: 2,
            line_ending: LineEnding::CrLf,
            fragments: Fragments::default(),
            leftover_input: Vec::new(),
            leftover_output: Vec::new(),
            in_data_mode: false,
            obeys_dtr: true,
            queues_while_closed: false,
            while_busy: WhileBusy::Buffer,
            prefix: Prefix::Find,
            delays: Delays::default(),
            sim: Some("READY".to_owned()),
            cesq: true,
            domains: [
                DomainSupport::Follows,
                DomainSupport::Follows,
                DomainSupport::Follows,
                DomainSupport::Unsupported,
            ],
            networks: Network::of_the_recorded_scan(),
            list_trailer: ",,(0,1,2,3,4),(0,1,2)".to_owned(),
            searches_refused: 0,
            search_refusal: 30,
            registered: Some("310410".to_owned()),
            selection: Selection::Automatic,
            automatic_registration_ms: 6_000,
            signal_unknown_ms: 0,
            signal_settle_ms: 500,
            signal_noise: 0,
            busy_after_selection_ms: 0,
            busy_after_open_ms: 0,
            boot_ms: 12_000,
            boot_urcs: vec!["^SYSSTART".to_owned(), "+PBREADY".to_owned()],
            carries_calls: false,
            ppp_noise_every_ms: 3_000,
            canned: Vec::new(),
        }
    }
}
