//! Data mode: the call, the bytes that it carries, and its escape.
//!
//! A modem that [carries calls](Profile::carries_calls) hands on the bytes between its client and its owner, who has the network's
//! side of PPP; otherwise it makes the noise of that side itself. A call ends when DTR drops, with `ATH`, when the network hangs up,
//! and with the registration. `+++` between two silences holds it: the line takes commands until `ATO`.

use std::collections::VecDeque;
use std::time::Duration;

use cellscan_core::time::Instant;

#[cfg(doc)]
use super::Profile;
use super::answer::Final;
use super::{Calls, Modem, ModemEvent};

/// The guard time before and after `+++`: S12 of most modems, 50 × 20 ms.
const ESCAPE_GUARD: Duration = Duration::from_secs(1);
/// From `CONNECT` to the network's first PPP frame.
const PPP_FIRST: Duration = Duration::from_millis(100);
/// An LCP Configure-Request on an asynchronous line (RFC 1661 §5.1, RFC 1662 §4.2).
const PPP_FRAME: &[u8] = b"~\xff}#\xc0!}!}!} }4}\"}&} } } } }%}&\x9a\x1c\x10\xe4}'}\"}(}\"s\x8e~";
/// Bytes that wait in each direction of a call, at most; more are lost, as in a modem without flow control.
const CALL_BYTES_MAX: usize = 64 * 1024;

/// Data mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data {
    pub(super) noise_at: Instant,
    /// When the last byte came from the client.
    heard_at: Instant,
    pluses: u8,
    pub(super) escape_at: Option<Instant>,
}

/// The bytes of the call.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    /// How many there have been.
    dialled: u64,
    upload: Vec<u8>,
    download: VecDeque<u8>,
}

impl Call {
    pub(super) fn has_download(&self) -> bool {
        !self.download.is_empty()
    }

    pub(super) fn deliver(&mut self, out: &mut Vec<u8>) {
        out.extend(self.download.drain(..));
    }
}

impl Modem {
    /// The number of the present call, counted from the first `CONNECT`; `None`: there is none. A call that `+++` holds is one.
    #[must_use]
    pub const fn call(&self) -> Option<u64> {
        if self.data.is_some() || self.call_held { Some(self.call.dialled) } else { None }
    }

    /// Takes what the client has sent to the network since the last time. Empty where the modem does not
    /// [carry calls](Profile::carries_calls), and where the network is [mute](Calls::Mute).
    #[must_use]
    pub fn take_upload(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.call.upload)
    }

    /// Takes `bytes` of the network, for the client. They are lost where the line is not in data mode, and where the network is
    /// [mute](Calls::Mute).
    pub fn download(&mut self, now: Instant, bytes: &[u8]) {
        self.advance(now);
        if self.data.is_some() && !self.is_mute() {
            let room = CALL_BYTES_MAX.saturating_sub(self.call.download.len());
            self.call.download.extend(bytes.iter().take(room));
        }
    }

    /// Whether the network of its registration sends and takes nothing.
    #[must_use]
    pub fn is_mute(&self) -> bool {
        self.radio.network().is_some_and(|network| network.calls == Calls::Mute)
    }

    /// `ATD`.
    pub(super) fn dial(&mut self) -> Final {
        let calls = self.radio.network().map_or(Calls::Refused, |network| network.calls);
        if self.booting_until.is_some() || calls == Calls::Refused {
            return Final::NoCarrier;
        }
        self.call.dialled += 1;
        Final::Connect
    }

    pub(super) fn enter_data(&mut self, now: Instant) {
        let noise = !self.profile.carries_calls && !self.is_mute();
        let noise_at = if noise { now + PPP_FIRST } else { Instant::MAX };
        self.data = Some(Data { noise_at, heard_at: now, pluses: 0, escape_at: None });
        self.journal.note(now, ModemEvent::DataMode(true));
    }

    pub(super) fn advance_data(&mut self, at: Instant, horizon: Instant) {
        let Some(data) = &mut self.data else {
            return;
        };
        if data.escape_at.is_some_and(|due| due <= at) {
            self.leave_data();
            self.call_held = true;
            self.send_result(Final::Ok);
        } else if data.noise_at <= at {
            let every = Duration::from_millis(self.profile.ppp_noise_every_ms.max(1));
            data.noise_at = (at + every).max(horizon + Duration::from_millis(1));
            self.send(PPP_FRAME);
        }
    }

    pub(super) fn take_data(&mut self, byte: u8) {
        if !self.profile.carries_calls {
            self.journal.ignored(self.now, byte);
        } else if self.call.upload.len() < CALL_BYTES_MAX && !self.is_mute() {
            self.call.upload.push(byte);
        }
        let now = self.now;
        let Some(data) = &mut self.data else {
            return;
        };
        let quiet: bool = now >= data.heard_at + ESCAPE_GUARD;
        data.pluses = match (byte, data.pluses) {
            (b'+', 0) if quiet => 1,
            (b'+', count @ 1..=2) if !quiet => count + 1,
            _ => 0,
        };
        data.heard_at = now;
        data.escape_at = (data.pluses == 3).then(|| now + ESCAPE_GUARD).filter(|at| *at < Instant::MAX);
    }

    /// The network ends the call, if there is one.
    pub(super) fn hang_up(&mut self) {
        if self.call().is_some() {
            self.end_call();
            self.send_result(Final::NoCarrier);
        }
    }

    /// The call ends, without a word.
    pub(super) fn end_call(&mut self) {
        self.leave_data();
        self.call_held = false;
    }

    fn leave_data(&mut self) {
        self.call.upload.clear();
        self.call.download.clear();
        if self.data.take().is_some() {
            self.journal.note(self.now, ModemEvent::DataMode(false));
        }
    }
}
