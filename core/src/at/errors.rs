//! Error codes and their texts, both ways, and what they mean for a scan.
//!
//! The texts are for people and for modems that send nothing else. To parse them, the compiler keeps a 32-bit hash of each:
//! a program that prints no text contains none.

mod cme;
mod cms;

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

/// The text of a `+CME ERROR` code, as the standard has it.
#[must_use]
pub fn cme_text(code: i32) -> Option<&'static str> {
    text_of(cme::TEXTS, code)
}

/// The text of a `+CMS ERROR` code, as the standard has it.
#[must_use]
pub fn cms_text(code: i32) -> Option<&'static str> {
    text_of(cms::TEXTS, code)
}

fn text_of(texts: &[(u16, &'static str)], code: i32) -> Option<&'static str> {
    texts.iter().find(|(known, _)| i32::from(*known) == code).map(|(_, text)| *text)
}

/// The code of a `+CME ERROR` text, whatever its case and punctuation.
#[must_use]
pub fn cme_code(text: &[u8]) -> Option<u16> {
    static HASHES: [u32; CME_LEN] = hashes([cme::TEXTS, cme::SPELLINGS]);
    static CODES: [u16; CME_LEN] = codes([cme::TEXTS, cme::SPELLINGS]);
    code_of(&HASHES, &CODES, text)
}

/// The code of a `+CMS ERROR` text, whatever its case and punctuation.
#[must_use]
pub fn cms_code(text: &[u8]) -> Option<u16> {
    static HASHES: [u32; CMS_LEN] = hashes([cms::TEXTS, cms::SPELLINGS]);
    static CODES: [u16; CMS_LEN] = codes([cms::TEXTS, cms::SPELLINGS]);
    code_of(&HASHES, &CODES, text)
}

const CME_LEN: usize = cme::TEXTS.len().saturating_add(cme::SPELLINGS.len());
const CMS_LEN: usize = cms::TEXTS.len().saturating_add(cms::SPELLINGS.len());

fn code_of(hashes: &[u32], codes: &[u16], text: &[u8]) -> Option<u16> {
    let wanted = hash(text);
    hashes.iter().zip(codes).find(|(hash, _)| **hash == wanted).map(|(_, code)| *code)
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
        0..=2 | 4 | 20..=27 | 49..=51 | 56 | 58..=61 | 63 | 140 | 173..=175 | 260 | 261 | 263 => {
            Meaning::GiveUp
        }
        // No service, emergency calls only, illegal, unknown, not allowed, barred; and other causes of a network.
        30 | 32 | 53..=55 | 62 | 102..=233 | 257 => Meaning::NotThisCarrier,
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

/// FNV-1a over lower-case letters and digits; other characters are skipped, and so is a cause such as `(#11)`.
#[expect(clippy::as_conversions, reason = "the compiler runs it too, and `u32::from` cannot be")]
const fn hash(text: &[u8]) -> u32 {
    let mut sum = 0x811c_9dc5_u32;
    let mut rest = text;
    let mut in_cause = false;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        in_cause = *byte == b'#' || (in_cause && byte.is_ascii_digit());
        if byte.is_ascii_alphanumeric() && !in_cause {
            sum = (sum ^ byte.to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193);
        }
    }
    sum
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time, where the compiler rejects an index out of bounds"
)]
const fn hashes<const N: usize>(tables: [&[(u16, &str)]; 2]) -> [u32; N] {
    let mut all = [0; N];
    let mut at = 0;
    while at < N {
        all[at] = hash(entry(tables, at).1.as_bytes());
        at += 1;
    }
    all
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time, where the compiler rejects an index out of bounds"
)]
const fn codes<const N: usize>(tables: [&[(u16, &str)]; 2]) -> [u16; N] {
    let mut all = [0; N];
    let mut at = 0;
    while at < N {
        all[at] = entry(tables, at).0;
        at += 1;
    }
    all
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time, where the compiler rejects an index out of bounds"
)]
const fn entry<'a>(tables: [&[(u16, &'a str)]; 2], at: usize) -> (u16, &'a str) {
    let [texts, spellings] = tables;
    if at < texts.len() { texts[at] } else { spellings[at - texts.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_gives_its_code_in_any_case_and_punctuation() {
        extern crate std;
        use std::string::String;
        for (texts, code_of) in [
            (cme::TEXTS, cme_code as fn(&[u8]) -> Option<u16>),
            (cme::SPELLINGS, cme_code),
            (cms::TEXTS, cms_code),
            (cms::SPELLINGS, cms_code),
        ] {
            for (code, text) in texts {
                // In the standard's table and again in the vendors'.
                let code = if *code == 257 { 62 } else { *code };
                let bare: String = text.chars().filter(|letter| letter.is_alphanumeric()).collect();
                for spelled in [String::from(*text), text.to_uppercase(), text.replace(' ', "_"), bare] {
                    assert_eq!(code_of(spelled.as_bytes()), Some(code), "{spelled}");
                }
            }
        }
    }

    #[test]
    fn no_two_texts_have_the_same_hash() {
        for (tables, len) in
            [([cme::TEXTS, cme::SPELLINGS], CME_LEN), ([cms::TEXTS, cms::SPELLINGS], CMS_LEN)]
        {
            for one in 0..len {
                for other in 0..one {
                    let ((a, first), (b, second)) = (entry(tables, one), entry(tables, other));
                    let same = hash(first.as_bytes()) == hash(second.as_bytes());
                    assert!(!same || (a, b) == (257, 62), "{first} and {second}");
                }
            }
        }
    }

    #[test]
    fn a_cause_after_a_text_is_ignored() {
        assert_eq!(cme_code(b"PLMN not allowed (#11)"), Some(111));
        assert_eq!(cme_code(b"network not allowed, emergency calls only"), Some(32));
        assert_eq!((cme_code(b"what"), cme_code(b""), cms_code(b"SIM busy")), (None, None, Some(314)));
    }

    #[test]
    fn codes_give_their_texts() {
        assert_eq!((cme_text(30), cme_text(-1), cme_text(9_999)), (Some("No network service"), None, None));
        assert_eq!(cms_text(500), Some("Unknown error"));
    }

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
