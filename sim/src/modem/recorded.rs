//! A modem that answers as a recorded one did: builds a [`Profile`] from a record.
//!
//! Each value that the record does not show is assumed, and reported as an [`Assumption`]. None of them makes the modem
//! quicker or better than the record shows it to be elsewhere.

use std::fmt;

use super::{Delays, DomainSupport, Network, Profile, Select, Selection, WhileBusy};

/// The data of a modem in a record. Times are milliseconds; `None`: the record does not show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// The networks, in the order of the list.
    pub networks: Vec<RecordedNetwork>,
    /// The text after the last of them.
    pub list_trailer: Option<String>,
    /// The PLMN before the scan, and whether its selection was manual.
    pub before: Option<(String, bool)>,
    /// Whether it echoes.
    pub echo: Option<bool>,
    /// The durations of commands.
    pub times: Times,
    /// Whether it knows `+CESQ`.
    pub cesq: Option<bool>,
    /// Whether it knows `+CREG`, `+CGREG`, `+CEREG`, `+C5GREG`.
    pub domains: [Option<bool>; 4],
}

/// The durations of the recorded modem's commands, milliseconds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Times {
    /// `AT` and other basic commands.
    pub attention: Option<u64>,
    /// `+CMEE=2`, `+COPS=3,2`.
    pub settings: Option<u64>,
    /// `+COPS?`, `+CEREG?`.
    pub read: Option<u64>,
    /// `+CSQ`.
    pub signal: Option<u64>,
    /// `+COPS=2`.
    pub deregister: Option<u64>,
    /// `+COPS=0`.
    pub automatic: Option<u64>,
    /// `+COPS=?`.
    pub search: Option<u64>,
    /// A selection of its present network.
    pub reselect: Option<u64>,
    /// From the `OK` of a selection to the first answer to anything else.
    pub after_selection: Option<u64>,
    /// From the end of `pppd` to the first answer.
    pub after_stop: Option<u64>,
}

/// An entry of the recorded list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RecordedNetwork {
    /// Its digits.
    pub plmn: String,
    /// The long name.
    pub long: String,
    /// The short name.
    pub short: String,
    /// The access technology.
    pub act: Option<u8>,
    /// `<stat>`.
    pub stat: u8,
    /// `<rssi>` of `+CSQ` on it, the first after its selection.
    pub rssi: Option<u8>,
    /// The same some seconds later.
    pub later: Option<u8>,
    /// The outcome of its selection.
    pub selection: Option<RecordedSelection>,
}

/// The outcome of a manual selection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordedSelection {
    /// `OK`.
    Accepted {
        /// After this time.
        after_ms: u64,
    },
    /// An error.
    Refused {
        /// After this time.
        after_ms: u64,
        /// Its code; `None`: a bare `ERROR`.
        code: Option<u16>,
    },
    /// No answer until the time-out of the recorded host.
    Unanswered {
        /// After this time.
        after_ms: u64,
    },
}

/// A value that the record does not show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assumption {
    /// The duration of these commands; assumed to be `ms`.
    Time {
        /// Which one.
        what: &'static str,
        /// The assumed duration.
        ms: u64,
    },
    /// The network before the scan.
    Before,
    /// This carrier was never tried: it refuses at once.
    NeverTried(String),
    /// The selection of this carrier timed out: an error comes at that time.
    GivenUp {
        /// Which one.
        plmn: String,
        /// The time, ms.
        after_ms: u64,
    },
    /// The signal of this carrier: the weakest that was measured on any.
    Signal {
        /// Which one.
        plmn: String,
        /// `<rssi>`.
        rssi: u8,
    },
    /// The signal of this carrier some seconds after its selection: as at first.
    Lasting(String),
    /// The known registration commands: all but `+C5GREG`.
    Domains,
    /// `+CESQ`: not known.
    Cesq,
    /// The modem is registered as soon as it answers `OK` to a selection, and the signal is then the new network's.
    Registration,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { what, ms } => write!(f, "the record does not show how long {what} takes: {ms} ms"),
            Self::Before => f.write_str(
                "the record does not show the carrier before the scan: the strongest, chosen by the modem",
            ),
            Self::NeverTried(plmn) => write!(f, "{plmn} was never tried in the record: refused at once"),
            Self::GivenUp { plmn, after_ms } => {
                write!(f, "{plmn} was given up in the record after {after_ms} ms: an error then")
            }
            Self::Signal { plmn, rssi } => {
                // 3GPP TS 27.007 §8.5.
                let dbm = 2 * i32::from(*rssi) - 113;
                write!(f, "the record has no signal of {plmn}: {dbm} dBm, the weakest that it has")
            }
            Self::Lasting(plmn) => write!(f, "the record has no later signal of {plmn}: it lasts"),
            Self::Domains => f.write_str("the record does not ask for +CEREG or +CGREG: both follow +COPS?"),
            Self::Cesq => f.write_str("the record does not ask for +CESQ: the modem does not know it"),
            Self::Registration => f.write_str(
                "the modem is registered when it says OK to a selection, and its signal is that network's",
            ),
        }
    }
}

/// The duration of a set command where a record shows none: as for a read.
const READ_MS: u64 = 100;
/// From the `OK` of a selection to the later value of its signal: a record shows that it had fallen by five seconds.
const LATER_MS: u64 = 3_000;
/// "No network service", for an error without a code (3GPP TS 27.007 §9.2).
const NO_NETWORK_SERVICE: u16 = 30;
/// `<rssi>` where no network of the record was ever measured: the edge of what is usable.
const WEAKEST: u8 = 3;

impl Recorded {
    /// The modem, and what had to be assumed.
    #[must_use]
    pub fn profile(&self) -> (Profile, Vec<Assumption>) {
        let mut assumed = Vec::new();
        let delays = self.delays(&mut assumed);
        let networks = self.networks(&delays, &mut assumed);
        if self.before.is_none() {
            assumed.push(Assumption::Before);
        }
        if self.cesq.is_none() {
            assumed.push(Assumption::Cesq);
        }
        if self.domains.iter().all(Option::is_none) {
            assumed.push(Assumption::Domains);
        }
        assumed.push(Assumption::Registration);
        let profile = Profile {
            echo: self.echo.unwrap_or(true),
            cmee: 2,
            // What a host sends while it is busy it reads afterwards, as the field logs show.
            while_busy: WhileBusy::Buffer,
            delays,
            cesq: self.cesq.unwrap_or(false),
            domains: self.supported(),
            list_trailer: self.list_trailer.clone().unwrap_or_else(|| ",,(0,1,2,3,4),(0,1,2)".to_owned()),
            registered: self.before.as_ref().map(|(plmn, _)| plmn.clone()),
            selection: match &self.before {
                Some((_, true)) => Selection::Manual,
                Some((_, false)) | None => Selection::Automatic,
            },
            signal_unknown_ms: 0,
            signal_settle_ms: 0,
            busy_after_selection_ms: self.times.after_selection.unwrap_or_default(),
            busy_after_open_ms: self.times.after_stop.unwrap_or_default(),
            networks,
            ..Profile::default()
        };
        (profile, assumed)
    }

    fn delays(&self, assumed: &mut Vec<Assumption>) -> Delays {
        let (times, default) = (&self.times, Delays::default());
        let mut known = |what, time: Option<u64>, other: Option<u64>| {
            time.unwrap_or_else(|| {
                let ms = other.unwrap_or(READ_MS);
                assumed.push(Assumption::Time { what, ms });
                ms
            })
        };
        let read = known("reading", times.read, times.settings);
        Delays {
            attention: times.attention.or(times.settings).unwrap_or(read),
            settings: times.settings.unwrap_or(read),
            read,
            signal: known("+CSQ", times.signal, Some(read)),
            deregister: known("+COPS=2", times.deregister, Some(default.deregister)),
            automatic: times.automatic.unwrap_or(default.automatic),
            search: known("+COPS=?", times.search, Some(default.search)),
            reselect: times.reselect.unwrap_or(read),
            ..default
        }
    }

    fn supported(&self) -> [DomainSupport; 4] {
        let silent = self.domains.iter().all(Option::is_none);
        let mut domains = [DomainSupport::Unsupported; 4];
        for (index, (domain, known)) in domains.iter_mut().zip(self.domains).enumerate() {
            // Where the record says nothing of any, three of the four follow; else what it does not show is not there.
            if known.unwrap_or(silent && index < 3) {
                *domain = DomainSupport::Follows;
            }
        }
        domains
    }

    fn networks(&self, delays: &Delays, assumed: &mut Vec<Assumption>) -> Vec<Network> {
        let weakest =
            self.networks.iter().filter_map(|network| network.rssi).filter(|rssi| *rssi <= 31).min();
        let weakest = weakest.unwrap_or(WEAKEST);
        let mut told: Vec<&str> = Vec::new();
        let mut networks = Vec::new();
        for recorded in &self.networks {
            let first = !told.contains(&recorded.plmn.as_str());
            told.push(&recorded.plmn);
            // A forbidden one is not tried: nothing is assumed about it.
            let tell = first && recorded.stat != 3;
            let accepted = matches!(recorded.selection, Some(RecordedSelection::Accepted { .. }));
            if tell && accepted && recorded.rssi.is_none() {
                assumed.push(Assumption::Signal { plmn: recorded.plmn.clone(), rssi: weakest });
            }
            let rssi = recorded.rssi.unwrap_or(weakest);
            if tell && accepted && recorded.later.is_none() {
                assumed.push(Assumption::Lasting(recorded.plmn.clone()));
            }
            networks.push(Network {
                long: recorded.long.clone(),
                short: recorded.short.clone(),
                act: recorded.act,
                stat: recorded.stat,
                select: select(recorded, delays, tell, assumed),
                registration_ms: 0,
                later: recorded.later.map(|later| (LATER_MS, later)),
                ..Network::new(&recorded.plmn, &recorded.long, rssi)
            });
        }
        networks
    }
}

fn select(network: &RecordedNetwork, delays: &Delays, tell: bool, assumed: &mut Vec<Assumption>) -> Select {
    match network.selection {
        Some(RecordedSelection::Accepted { after_ms }) => Select::Accept { after_ms },
        Some(RecordedSelection::Refused { after_ms, code }) => {
            Select::Refuse { after_ms, code: code.unwrap_or(NO_NETWORK_SERVICE) }
        }
        Some(RecordedSelection::Unanswered { after_ms }) => {
            if tell {
                assumed.push(Assumption::GivenUp { plmn: network.plmn.clone(), after_ms });
            }
            Select::Refuse { after_ms, code: NO_NETWORK_SERVICE }
        }
        None => {
            if tell {
                assumed.push(Assumption::NeverTried(network.plmn.clone()));
            }
            Select::Refuse { after_ms: delays.not_found, code: NO_NETWORK_SERVICE }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(plmn: &str, selection: Option<RecordedSelection>, rssi: Option<u8>) -> RecordedNetwork {
        RecordedNetwork { plmn: plmn.to_owned(), stat: 1, selection, rssi, ..RecordedNetwork::default() }
    }

    #[test]
    fn what_is_recorded_is_taken_and_what_is_not_is_told() {
        let recorded = Recorded {
            networks: vec![
                RecordedNetwork {
                    later: Some(23),
                    ..network("310410", Some(RecordedSelection::Accepted { after_ms: 5_960 }), Some(25))
                },
                network("310260", Some(RecordedSelection::Accepted { after_ms: 8_400 }), None),
                network("313100", Some(RecordedSelection::Unanswered { after_ms: 10_080 }), None),
                network("311480", None, None),
            ],
            before: Some(("310410".to_owned(), true)),
            times: Times { read: Some(104), search: Some(59_516), ..Times::default() },
            ..Recorded::default()
        };
        let (profile, assumed) = recorded.profile();
        assert_eq!(profile.networks[0].select, Select::Accept { after_ms: 5_960 });
        assert_eq!(profile.networks[0].later, Some((LATER_MS, 23)));
        assert_eq!((profile.networks[1].rssi, profile.delays.search), (25, 59_516));
        assert_eq!(profile.networks[2].select, Select::Refuse { after_ms: 10_080, code: 30 });
        assert_eq!(profile.selection, Selection::Manual);
        let told: Vec<String> = assumed.iter().map(ToString::to_string).collect();
        for word in ["310260", "313100", "311480", "+CESQ", "+CEREG", "+COPS=2"] {
            assert!(told.iter().any(|told| told.contains(word)), "{word}: {told:#?}");
        }
        assert!(!told.iter().any(|told| told.contains("310410") || told.contains("+COPS=?")), "{told:#?}");
    }
}
