//! The radio side of a modem: its network, its selection, its signal.

use std::time::Duration;

use cellscan_core::time::Instant;

use super::network::{Calls, Network, Select};
use super::profile::{Delays, Profile, Selection};
use super::text::Text;

/// The present registration, and the planned one.
#[derive(Clone, Debug)]
pub(crate) struct Radio {
    networks: Vec<Network>,
    selection: Selection,
    /// The manually selected network.
    wanted: Option<usize>,
    camp: Option<Camp>,
    coming: Option<(Instant, Coming)>,
    denied: bool,
    heard: Signal,
    may_register: bool,
    automatic: Duration,
    unknown: Duration,
    settle: Duration,
}

/// A registration.
#[derive(Clone, Debug)]
struct Camp {
    index: usize,
    since: Instant,
    before: Signal,
}

/// A planned registration.
#[derive(Clone, Copy, Debug)]
enum Coming {
    Strongest,
    Network(usize),
}

/// Raw values of `+CSQ` and `+CESQ`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Signal {
    pub(crate) rssi: u8,
    pub(crate) rsrp: u8,
    pub(crate) rsrq: u8,
}

impl Signal {
    const UNKNOWN: Self = Self { rssi: 99, rsrp: 255, rsrq: 255 };

    /// The same network at another `<rssi>`, whose steps are of 2 dB; those of `<rsrp>` are of 1 dB.
    fn at(self, rssi: u8) -> Self {
        let moved = i16::from(self.rsrp) + 2 * (i16::from(rssi) - i16::from(self.rssi));
        let rsrp = if self.rsrp > 97 { self.rsrp } else { u8::try_from(moved.clamp(0, 97)).unwrap_or(0) };
        Self { rssi, rsrp, ..self }
    }
}

/// The plan of a selection: its duration, its result, when and where it registers.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) takes_ms: u64,
    pub(crate) end: PlanEnd,
    registers: Option<(u64, usize)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PlanEnd {
    Accepted,
    Refused(u16),
    Unanswered,
}

impl Plan {
    /// Whether it will register.
    pub(crate) const fn changes_network(&self) -> bool {
        self.registers.is_some()
    }
}

impl Radio {
    /// Takes the networks out of the profile.
    pub(crate) fn new(profile: &mut Profile) -> Self {
        let mut radio = Self {
            networks: core::mem::take(&mut profile.networks),
            selection: profile.selection,
            wanted: None,
            camp: None,
            coming: None,
            denied: false,
            heard: Signal::UNKNOWN,
            may_register: profile.sim.as_deref() == Some("READY"),
            automatic: Duration::from_millis(profile.automatic_registration_ms.max(1)),
            unknown: Duration::from_millis(profile.signal_unknown_ms),
            settle: Duration::from_millis(profile.signal_settle_ms),
        };
        let plmn = profile.registered.as_deref();
        let start = radio.networks.iter().position(|network| Some(network.plmn.as_str()) == plmn);
        match start {
            Some(index) if radio.may_register && radio.selection != Selection::Deregistered => {
                radio.wanted = (radio.selection == Selection::Manual).then_some(index);
                radio.heard = radio.signal_of(index);
                radio.camp = Some(Camp { index, since: Instant::ZERO, before: radio.heard });
            }
            _ => radio.go_on(Instant::ZERO),
        }
        radio
    }

    /// A radio without a network, of a port that is not asked: nothing happens to it.
    pub(crate) const fn off() -> Self {
        Self {
            networks: Vec::new(),
            selection: Selection::Deregistered,
            wanted: None,
            camp: None,
            coming: None,
            denied: false,
            heard: Signal::UNKNOWN,
            may_register: false,
            automatic: Duration::ZERO,
            unknown: Duration::ZERO,
            settle: Duration::ZERO,
        }
    }

    /// Power-up: on no network, in automatic mode from `booted` on.
    pub(crate) fn reboot(&mut self, booted: Instant) {
        self.camp = None;
        self.wanted = None;
        self.denied = false;
        self.heard = Signal::UNKNOWN;
        self.selection = Selection::Automatic;
        self.go_on(booted);
    }

    /// `+COPS=0`: keeps a present registration; the standard leaves that to the modem.
    pub(crate) fn choose_automatically(&mut self, now: Instant) {
        self.selection = Selection::Automatic;
        self.wanted = None;
        self.denied = false;
        if self.camp.is_none() {
            self.go_on(now);
        }
    }

    /// `+COPS=2`.
    pub(crate) fn deregister(&mut self) {
        self.selection = Selection::Deregistered;
        self.wanted = None;
        self.denied = false;
        self.coming = None;
        self.leave();
    }

    /// `+COPS=1,…` begins: the modem leaves its network now, unless it is the selected one.
    pub(crate) fn begin_selection(
        &mut self,
        now: Instant,
        name: &str,
        act: Option<u8>,
        delays: &Delays,
    ) -> Plan {
        if name.is_empty() {
            // `net19.log`: "invalid index", and the modem stays on its network.
            return Plan { takes_ms: delays.settings, end: PlanEnd::Refused(21), registers: None };
        }
        let Some(index) = self.find(name, act) else {
            self.leave_for(None);
            return Plan { takes_ms: delays.not_found, end: PlanEnd::Refused(30), registers: None };
        };
        if self.camp.as_ref().is_some_and(|camp| camp.index == index) {
            self.selection = Selection::Manual;
            self.wanted = Some(index);
            return Plan { takes_ms: delays.reselect, end: PlanEnd::Accepted, registers: None };
        }
        self.leave_for(Some(index));
        let delay = self.networks[index].registration_ms;
        match self.networks[index].select.clone() {
            Select::Accept { after_ms } => Plan {
                takes_ms: after_ms,
                end: PlanEnd::Accepted,
                registers: Some((after_ms.saturating_add(delay), index)),
            },
            Select::Refuse { after_ms, code } => {
                Plan { takes_ms: after_ms, end: PlanEnd::Refused(code), registers: None }
            }
            Select::Silent { busy_ms } => {
                Plan { takes_ms: busy_ms, end: PlanEnd::Unanswered, registers: None }
            }
            Select::AcceptButRegistersElsewhere { after_ms, plmn } => {
                let registers = self.find(&plmn, None).map(|index| (after_ms.saturating_add(delay), index));
                Plan { takes_ms: after_ms, end: PlanEnd::Accepted, registers }
            }
            Select::AcceptLate { registered_after_ms, after_ms } => {
                self.coming =
                    Some((now + Duration::from_millis(registered_after_ms), Coming::Network(index)));
                Plan { takes_ms: after_ms, end: PlanEnd::Accepted, registers: None }
            }
        }
    }

    /// `+COPS=1,…` has ended as planned; `began` is when it began.
    pub(crate) fn end_selection(&mut self, began: Instant, now: Instant, plan: &Plan, fallback: bool) {
        match plan.end {
            PlanEnd::Accepted => {
                if let Some((after_ms, index)) = plan.registers {
                    self.coming = Some((began + Duration::from_millis(after_ms), Coming::Network(index)));
                }
            }
            PlanEnd::Refused(_) if fallback => self.choose_automatically(now),
            PlanEnd::Refused(_) => self.denied = self.camp.is_none(),
            PlanEnd::Unanswered => {}
        }
    }

    /// The network is lost; the selection stays.
    pub(crate) fn lose(&mut self, now: Instant) {
        if self.camp.is_some() {
            self.leave();
            self.go_on(now);
        }
    }

    pub(crate) fn set_present(&mut self, now: Instant, plmn: &str, present: bool) {
        for network in self.networks.iter_mut().filter(|network| network.plmn == plmn) {
            network.present = present;
        }
        if self.network().is_some_and(|network| !network.present) {
            self.lose(now);
        }
    }

    pub(crate) fn set_rssi(&mut self, plmn: &str, rssi: u8) {
        for network in self.networks.iter_mut().filter(|network| network.plmn == plmn) {
            let like = Network::new(plmn, "", rssi);
            (network.rssi, network.rsrp, network.rsrq) = (like.rssi, like.rsrp, like.rsrq);
        }
    }

    pub(crate) fn set_calls(&mut self, plmn: &str, calls: Calls) {
        self.networks
            .iter_mut()
            .filter(|network| network.plmn == plmn)
            .for_each(|network| network.calls = calls);
    }

    pub(crate) fn next_event(&self) -> Option<Instant> {
        self.coming.map(|(at, _)| at)
    }

    /// Processes the plan that is due at `at`. An impossible one is retried, not before `horizon`.
    pub(crate) fn advance(&mut self, at: Instant, horizon: Instant) {
        let Some((_, coming)) = self.coming.take_if(|(due, _)| *due <= at) else {
            return;
        };
        let index = match coming {
            Coming::Strongest => self.strongest(),
            Coming::Network(index) => {
                self.networks.get(index).filter(|network| network.present).map(|_| index)
            }
        };
        match index {
            Some(index) => {
                self.denied = false;
                let before = self.heard;
                self.heard = self.signal_of(index);
                self.camp = Some(Camp { index, since: at, before });
            }
            None => self.coming = Some(((at + self.automatic).max(horizon), coming)),
        }
    }

    pub(crate) fn network(&self) -> Option<&Network> {
        self.networks.get(self.camp.as_ref()?.index)
    }

    pub(crate) const fn selection(&self) -> Selection {
        self.selection
    }

    /// `<stat>` of `+CREG` and the like (3GPP TS 27.007 §7.2).
    pub(crate) fn stat(&self) -> u8 {
        match self.network() {
            Some(network) if network.roaming => 5,
            Some(_) => 1,
            None if self.selection == Selection::Deregistered || !self.may_register => 0,
            None if self.denied => 3,
            None => 2,
        }
    }

    /// Area and cell of its network: made up, and different for each network.
    pub(crate) fn cell(&self) -> Option<(String, String)> {
        let index = self.camp.as_ref()?.index;
        Some((format!("{:04X}", 0x1A00 + index), format!("{:08X}", 0x0123_4500 + index)))
    }

    /// Without a network the last signal stays, as in `net19.log` after a refused selection.
    pub(crate) fn signal(&self, now: Instant) -> Signal {
        let Some(camp) = &self.camp else {
            return self.heard;
        };
        if now < camp.since + self.unknown {
            Signal::UNKNOWN
        } else if now < camp.since + self.settle {
            camp.before
        } else {
            let first = self.signal_of(camp.index);
            let later = self.networks.get(camp.index).and_then(|network| network.later);
            match later {
                Some((after_ms, rssi)) if now >= camp.since + Duration::from_millis(after_ms) => {
                    first.at(rssi)
                }
                Some(_) | None => first,
            }
        }
    }

    /// The operators of `+COPS=?`, each in its brackets.
    pub(super) fn operators(&self, out: &mut Text) {
        let current = self.camp.as_ref().map(|camp| camp.index);
        let entries = self.networks.iter().enumerate().filter(|(_, network)| network.present);
        for (nth, (index, network)) in entries.enumerate() {
            let stat = match network.stat {
                _ if current == Some(index) => 2,
                2 => 1,
                stat => stat,
            };
            out.text(if nth == 0 { "(" } else { ",(" }).number(stat);
            out.text(",\"").text(&network.long).text("\",\"").text(&network.short);
            out.text("\",\"").text(&network.plmn).text("\"").field(network.act).text(")");
        }
    }

    /// `+COPS?` in the format set with `+COPS=3`.
    pub(super) fn operator_read(&self, format: u8, out: &mut Text) {
        out.text("+COPS: ").number(self.selection.code());
        let Some(network) = self.network() else { return };
        let name = match format {
            0 => &network.long,
            1 => &network.short,
            _ => &network.plmn,
        };
        out.text(",").number(format).text(",\"").text(name).text("\"").field(network.act);
    }

    /// The network of a PLMN: the current one before others, since one PLMN may be listed more than once.
    fn find(&self, name: &str, act: Option<u8>) -> Option<usize> {
        let fits = |index: &usize| {
            self.networks.get(*index).is_some_and(|network| {
                let named = network.plmn == name || network.long == name || network.short == name;
                named && network.present && (act.is_none() || network.act == act)
            })
        };
        let current = self.camp.as_ref().map(|camp| camp.index);
        current.filter(fits).or_else(|| (0..self.networks.len()).find(fits)).filter(|_| self.may_register)
    }

    fn strongest(&self) -> Option<usize> {
        let audible = |network: &Network| if network.rssi > 31 { 0 } else { network.rssi };
        let allowed = self.networks.iter().enumerate().filter(|(_, network)| network.allows_automatic());
        // The first of equals: `max_by_key` prefers the last.
        allowed.rev().max_by_key(|(_, network)| audible(network)).map(|(index, _)| index)
    }

    fn signal_of(&self, index: usize) -> Signal {
        self.networks.get(index).map_or(Signal::UNKNOWN, |network| Signal {
            rssi: network.rssi,
            rsrp: network.rsrp,
            rsrq: network.rsrq,
        })
    }

    fn leave(&mut self) {
        if let Some(camp) = self.camp.take() {
            self.heard = self.signal_of(camp.index);
        }
    }

    fn leave_for(&mut self, wanted: Option<usize>) {
        self.leave();
        self.coming = None;
        self.denied = false;
        self.selection = Selection::Manual;
        self.wanted = wanted;
    }

    fn go_on(&mut self, now: Instant) {
        let coming = match (self.selection, self.wanted) {
            _ if !self.may_register => None,
            (Selection::Automatic, _) => Some(Coming::Strongest),
            (Selection::Manual, Some(index)) => Some(Coming::Network(index)),
            (Selection::Manual, None) | (Selection::Deregistered, _) => None,
        };
        self.coming = coming.map(|coming| (now + self.automatic, coming));
    }
}
