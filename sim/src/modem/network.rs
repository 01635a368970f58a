//! A network in a modem's view.

/// An entry of the operator list, and the outcome of its selection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Network {
    /// Country and network code, five or six digits.
    pub plmn: String,
    /// The long alphanumeric name; may be empty.
    pub long: String,
    /// The short alphanumeric name; may be empty.
    pub short: String,
    /// The access technology, `<AcT>` of 3GPP TS 27.007 §7.3 (0 GSM, 7 LTE); `None`: the modem leaves it out.
    pub act: Option<u8>,
    /// `<stat>`: 0 unknown, 1 available, 3 forbidden. The network of the modem is always listed as 2.
    pub stat: u8,
    /// `<rssi>` of `+CSQ` (§8.5): 0 to 31, 99 unknown.
    pub rssi: u8,
    /// `<rssi>` as it lasts, from this many milliseconds after the modem came to the network; RSRP moves with it.
    pub later: Option<(u64, u8)>,
    /// `<rsrp>` of `+CESQ` (§8.69): 0 to 97, 255 unknown.
    pub rsrp: u8,
    /// `<rsrq>` of `+CESQ` (§8.69): 0 to 34, 255 unknown.
    pub rsrq: u8,
    /// The outcome of `+COPS=1,2,"<plmn>"`.
    pub select: Select,
    /// From the modem's `OK` to the registration.
    pub registration_ms: u64,
    /// Registration is reported as roaming (5) instead of home (1).
    pub roaming: bool,
    /// The outcome of `ATD`.
    pub calls: Calls,
    /// The network is in reach; otherwise it is neither listed nor found.
    pub present: bool,
}

/// The outcome of a call for data.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Calls {
    /// `CONNECT`, and the network speaks PPP.
    #[default]
    Ppp,
    /// `CONNECT`, and the network sends nothing, whatever the client sends.
    Mute,
    /// `NO CARRIER`.
    Refused,
}

/// The outcome of a manual selection. Times are milliseconds from the command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Select {
    /// `OK` after this time, and registration [`Network::registration_ms`] later.
    Accept {
        /// Until the `OK`.
        after_ms: u64,
    },
    /// An error, and no registration afterwards.
    Refuse {
        /// Until the error.
        after_ms: u64,
        /// `<err>` of 3GPP TS 27.007 §9.2: 30 no network service, 32 not allowed, 3 operation not allowed.
        code: u16,
    },
    /// No answer and no registration; the modem takes commands again after this time.
    Silent {
        /// Until it takes commands again.
        busy_ms: u64,
    },
    /// `OK`, and registration on another network.
    AcceptButRegistersElsewhere {
        /// Until the `OK`.
        after_ms: u64,
        /// The other network.
        plmn: String,
    },
    /// Registered long before the `OK`, which may come after the client's time-out.
    AcceptLate {
        /// Until the registration.
        registered_after_ms: u64,
        /// Until the `OK`.
        after_ms: u64,
    },
}

/// The level of an `<rssi>` from 0 to 31, dBm (3GPP TS 27.007 §8.5).
pub(crate) fn in_dbm(rssi: u8) -> i16 {
    i16::from(rssi).saturating_mul(2).saturating_sub(113)
}

impl Network {
    /// An LTE network that accepts after 6 s and registers 300 ms later; the signal is `rssi` with matching RSRP and RSRQ.
    #[must_use]
    pub fn new(plmn: &str, name: &str, rssi: u8) -> Self {
        // 3GPP TS 27.007: rssi n is -113 + 2n dBm (§8.5), rsrp n is -141 + n dBm (§8.69); RSRP lies below RSSI by
        // about 28 dB on a 10 MHz carrier (12 tones in each of 50 resource blocks).
        let rsrp = if rssi > 31 { 255 } else { rssi.saturating_mul(2) };
        Self {
            plmn: plmn.to_owned(),
            long: name.to_owned(),
            short: name.to_owned(),
            act: Some(7),
            stat: 1,
            rssi,
            later: None,
            rsrp,
            rsrq: if rssi > 31 { 255 } else { 20 },
            select: Select::Accept { after_ms: 6_000 },
            registration_ms: 300,
            roaming: false,
            calls: Calls::Ppp,
            present: true,
        }
    }

    /// Whether automatic selection may end here.
    pub(crate) fn allows_automatic(&self) -> bool {
        let accepts = match self.select {
            Select::Accept { .. } | Select::AcceptLate { .. } => true,
            Select::Refuse { .. } | Select::Silent { .. } | Select::AcceptButRegistersElsewhere { .. } => {
                false
            }
        };
        self.present && self.stat != 3 && accepts
    }

    /// The five entries of `scan1.log`, with the durations and results of each trial.
    pub(crate) fn of_the_recorded_scan() -> Vec<Self> {
        let accepting = |plmn, name, rssi, after_ms| Self {
            select: Select::Accept { after_ms },
            ..Self::new(plmn, name, rssi)
        };
        vec![
            accepting("310260", "T-Mobile", 16, 8_340),
            accepting("311480", "Verizon", 22, 5_450),
            accepting("310410", "AT&T", 25, 5_860),
            Self { select: Select::Refuse { after_ms: 510, code: 30 }, ..Self::new("313100", "313 100", 20) },
            Self { act: Some(0), ..accepting("310260", "T-Mobile", 16, 8_420) },
        ]
    }
}
