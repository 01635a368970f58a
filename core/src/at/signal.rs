//! `+CSQ` and `+CESQ`.

use crate::carrier::Strength;

use super::fields::Fields;

/// Reads a `+CSQ:` line: RSSI 0…31 as −113…−51 dBm, 99 as unknown (3GPP TS 27.007 §8.5). 100…199 are the
/// TD-SCDMA range that some modems use (−116 dBm and up, in steps of one).
///
/// ```
/// # use cellscan_core::at::signal::csq;
/// assert_eq!(csq(b"+CSQ: 25,99").and_then(|strength| strength.rssi_dbm), Some(-63));
/// assert_eq!(csq(b"+CSQ: 99,99").map(|strength| strength.is_known()), Some(false));
/// ```
#[must_use]
pub fn csq(line: &[u8]) -> Option<Strength> {
    let rssi = Fields::after(b"+CSQ", line)?.next()?.number()?;
    let rssi_dbm = match i16::try_from(rssi).ok()? {
        steps @ 0..=31 => Some((-113_i16).saturating_add(steps.saturating_mul(2))),
        steps @ 100..=191 => Some((-116_i16).saturating_add(steps.saturating_sub(100))),
        _ => None,
    };
    Some(Strength { rssi_dbm, ..Strength::default() })
}

/// Reads a `+CESQ:` line: RSRQ 0…34 as −20…−3 dB, RSRP 0…97 as −141…−44 dBm, 255 as unknown (3GPP TS 27.007 §8.69).
/// What it says of GSM and UMTS is left to `+CSQ`, which covers them.
#[must_use]
pub fn cesq(line: &[u8]) -> Option<Strength> {
    let mut fields = Fields::after(b"+CESQ", line)?.skip(4);
    let (quality, power) = (fields.next()?.number()?, fields.next()?.number()?);
    let steps = |raw: u16, top: u16| i16::try_from(raw).ok().filter(|_| raw <= top);
    Some(Strength {
        rssi_dbm: None,
        rsrp_dbm: steps(power, 97).map(|steps| steps.saturating_sub(141)),
        rsrq_db10: steps(quality, 34).map(|steps| steps.saturating_mul(5).saturating_sub(200)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csq_spans_its_table_and_knows_unknown() {
        let rssi = |line: &[u8]| csq(line).and_then(|strength| strength.rssi_dbm);
        assert_eq!((rssi(b"+CSQ: 0,0"), rssi(b"+CSQ:31,99")), (Some(-113), Some(-51)));
        assert_eq!((rssi(b"+CSQ: 99,99"), rssi(b"+CSQ: 32,99")), (None, None));
        assert_eq!(csq(b"+CSQ: ,"), None);
    }

    #[test]
    fn cesq_gives_what_lte_measures() {
        let strength = cesq(b"+CESQ: 99,99,255,255,20,80").unwrap();
        assert_eq!((strength.rsrp_dbm, strength.rsrq_db10), (Some(-61), Some(-100)));
        assert_eq!(cesq(b"+CESQ: 30,99,255,255,255,255"), Some(Strength::default()));
        assert_eq!(cesq(b"+CESQ: 99,99"), None);
    }
}
