//! Error codes, what they mean for a scan, and their texts, both ways (feature `error-texts`).
//!
//! A scan asks for codes. The texts are for people, for logs, and for modems that send nothing else. To parse them, the compiler
//! keeps a 32-bit hash of each: a program that prints no text contains none.

#[cfg(feature = "error-texts")]
mod cme;
#[cfg(feature = "error-texts")]
mod cms;
#[cfg(feature = "error-texts")]
mod texts;

#[cfg(feature = "error-texts")]
pub use texts::{cme_code, cme_text, cms_code, cms_text};

/// Without their table no text has a code.
#[cfg(not(feature = "error-texts"))]
pub(super) const fn cme_code(_text: &[u8]) -> Option<u16> {
    None
}

#[cfg(not(feature = "error-texts"))]
pub(super) const fn cms_code(_text: &[u8]) -> Option<u16> {
    None
}

/// The meaning of an error for a scan.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Meaning {
    /// Temporary: the same command may succeed later.
    TryLater,
    /// This carrier refuses, or is out of reach: the next one may accept.
    NotThisCarrier,
    /// The SIM refuses: no carrier will accept before an operator has dealt with the SIM.
    Sim,
    /// The command fails on any carrier.
    GiveUp,
}

/// The meaning of a `+CME ERROR` code; `None` where it has none (3GPP TS 27.007 §9.2; from 102 on the causes of TS 24.008, 24.301).
#[must_use]
pub const fn cme_meaning(code: i32) -> Option<Meaning> {
    Some(match code {
        // PIN, PUK, locks, not there, wrong; blocked and powered down of the vendors' range.
        5..=7 | 10..=13 | 15..=18 | 40..=48 | 262 | 772 => Meaning::Sim,
        // Not allowed (now), SIM busy, time-out, aborted, out of service for a while, network failures, congestion,
        // busy with something else.
        3 | 14 | 31 | 52 | 57 | 116 | 117 | 119 | 122 | 126 | 134 | 139 | 182 | 187 | 190 | 191 | 195
        | 256 | 258 | 259 | 515 => Meaning::TryLater,
        // The modem, its memory, or the command.
        0..=2 | 4 | 20 | 21 | 23..=27 | 49..=51 | 56 | 58..=61 | 63 | 140 | 173..=175 | 260 | 261 | 263 => {
            Meaning::GiveUp
        }
        // To a selection "not found" means this network (u-blox); no service, emergency calls only, illegal, unknown, not allowed, barred; and other causes of a network.
        22 | 30 | 32 | 53..=55 | 62 | 102..=233 | 257 => Meaning::NotThisCarrier,
        // "Unknown", and codes in no table.
        _ => return None,
    })
}

/// The meaning of a `+CMS ERROR` code for a scan: some modems answer `+COPS` with it.
#[must_use]
pub const fn cms_meaning(code: i32) -> Option<Meaning> {
    Some(match code {
        310..=313 | 315..=318 => Meaning::Sim,
        38 | 41 | 42 | 47 | 192 | 212 | 301 | 314 | 332 => Meaning::TryLater,
        300 | 302..=305 | 320..=322 | 340 => Meaning::GiveUp,
        1..=299 | 331 => Meaning::NotThisCarrier,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meaning_of_a_code_decides_whether_the_next_carrier_is_tried() {
        assert_eq!([30, 111].map(cme_meaning), [Some(Meaning::NotThisCarrier); 2]);
        assert_eq!([14, 515].map(cme_meaning), [Some(Meaning::TryLater); 2]);
        assert_eq!([10, 262].map(cme_meaning), [Some(Meaning::Sim); 2]);
        assert_eq!([4, 50].map(cme_meaning), [Some(Meaning::GiveUp); 2]);
        assert_eq!([100, -1, 40_000].map(cme_meaning), [None; 3]);
        let sms = [Meaning::Sim, Meaning::NotThisCarrier, Meaning::TryLater].map(Some);
        assert_eq!(([310, 331, 332].map(cms_meaning), cms_meaning(500)), (sms, None));
    }
}
