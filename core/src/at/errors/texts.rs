//! Texts and their codes.

use super::{cme, cms};

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
}
