//! Text in C: bytes up to a NUL, in an array of a known length.

use core::ffi::{CStr, c_char};

use cellscan_core::carrier::Plmn;

/// Bytes of a PLMN in C: six digits, a NUL, and one byte of padding for the next field.
pub(crate) const PLMN_LEN: usize = 8;

/// Bytes of a name in C: as many as the core keeps, and a NUL, rounded up to a multiple of four.
pub(crate) const NAME_LEN: usize = 36;

const _: () = assert!(cellscan_core::carrier::PLMN_DIGITS_MAX < PLMN_LEN);
const _: () = assert!(cellscan_core::carrier::NAME_LEN_MAX < NAME_LEN);

/// The part of it that fits, with a NUL at its end.
pub(crate) fn array<const N: usize>(text: &str) -> [c_char; N] {
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(text.bytes().take(N.saturating_sub(1))) {
        *to = c_char::from_ne_bytes([from]);
    }
    array
}

/// A PLMN, empty where there is none.
pub(crate) fn plmn(plmn: Option<Plmn>) -> [c_char; PLMN_LEN] {
    array(plmn.as_ref().map_or("", Plmn::as_str))
}

/// The PLMN in an array that C has filled; `None`: it is not valid.
pub(crate) fn read_plmn(array: [c_char; PLMN_LEN]) -> Option<Plmn> {
    let bytes = array.map(|character| character.to_ne_bytes()[0]);
    Plmn::parse(CStr::from_bytes_until_nul(&bytes).ok()?.to_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plmn_survives_the_round_trip_and_anything_else_is_rejected() {
        let text: [c_char; PLMN_LEN] = array("310410");
        assert_eq!(read_plmn(text).map(|plmn| plmn.as_str().len()), Some(6));
        assert_eq!(plmn(read_plmn(text)), text);
        for wrong in ["", "3104", "31041x"] {
            assert_eq!(read_plmn(array(wrong)), None, "{wrong}");
        }
        assert_eq!(read_plmn([49; PLMN_LEN]), None, "no NUL");
    }

    #[test]
    fn long_text_is_cut_and_ends_with_a_nul() {
        let text: [c_char; 4] = array("abcdef");
        assert_eq!(text, [97, 98, 99, 0]);
    }
}
