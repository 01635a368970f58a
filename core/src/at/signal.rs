//! `+CSQ` and `+CESQ` (3GPP TS 27.007 §8.5, §8.69).

#![expect(clippy::similar_names, reason = "RSRP and RSRQ are what they are called")]

use crate::carrier::Strength;

use super::fields::Fields;

/// The raw values of a `+CSQ:` line.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Csq {
    /// `<rssi>`.
    pub rssi: u16,
    /// `<ber>`; `None` where the modem gives none.
    pub ber: Option<u16>,
}

impl Csq {
    /// Reads a `+CSQ:` line.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = Fields::after(b"+CSQ", line)?;
        let rssi = fields.next()?.number()?;
        Some(Self { rssi, ber: fields.next().and_then(|field| field.number()) })
    }

    /// RSSI 0…31 as −113…−51 dBm, 99 as unknown. 100…191 are the TD-SCDMA range that some modems use (−116 dBm and up,
    /// in steps of one), 199 its unknown.
    #[must_use]
    pub fn dbm(self) -> Option<i16> {
        match i16::try_from(self.rssi).ok()? {
            steps @ 0..=31 => Some((-113_i16).saturating_add(steps.saturating_mul(2))),
            steps @ 100..=191 => Some((-116_i16).saturating_add(steps.saturating_sub(100))),
            _ => None,
        }
    }
}

/// The raw values of a `+CESQ:` line: `None` for "unknown" (99 in the first two, 255 in the others), or a missing value.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cesq {
    /// `<rxlev>`: GSM.
    pub rxlev: Option<u16>,
    /// `<ber>`: GSM.
    pub ber: Option<u16>,
    /// `<rscp>`: UMTS.
    pub rscp: Option<u16>,
    /// `<ecno>`: UMTS.
    pub ecno: Option<u16>,
    /// `<rsrq>`: LTE.
    pub rsrq: Option<u16>,
    /// `<rsrp>`: LTE.
    pub rsrp: Option<u16>,
    /// `<ss_rsrq>`: NR, Release 16 and up.
    pub ss_rsrq: Option<u16>,
    /// `<ss_rsrp>`: NR.
    pub ss_rsrp: Option<u16>,
    /// `<ss_sinr>`: NR.
    pub ss_sinr: Option<u16>,
}

impl Cesq {
    /// Reads a `+CESQ:` line of six fields or nine.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        Self::of(Fields::after(b"+CESQ", line)?, 9)
    }

    /// Reads Intel's `+XCESQ:`, which has `<n>` in front of the same values. Those behind the six are not those of NR.
    #[must_use]
    pub fn parse_intel(line: &[u8]) -> Option<Self> {
        let mut fields = Fields::after(b"+XCESQ", line)?;
        fields.next()?.number()?;
        Self::of(fields, 6)
    }

    fn of(mut fields: Fields<'_>, count_max: usize) -> Option<Self> {
        let (mut count, mut values) = (0_u8, [None; 9]);
        for (value, field) in values.iter_mut().take(count_max).zip(fields.by_ref()) {
            let unknown = if count < 2 { 99 } else { 255 };
            *value = field.number().filter(|raw| *raw != unknown);
            count = count.saturating_add(1);
        }
        let [rxlev, ber, rscp, ecno, rsrq, rsrp, ss_rsrq, ss_rsrp, ss_sinr] = values;
        (count >= 6).then_some(Self { rxlev, ber, rscp, ecno, rsrq, rsrp, ss_rsrq, ss_rsrp, ss_sinr })
    }

    /// RSRP of LTE 0…97 as −141…−44 dBm.
    #[must_use]
    pub fn rsrp_dbm(self) -> Option<i16> {
        steps(self.rsrp, 97).map(|steps| steps.saturating_sub(141))
    }

    /// RSRQ of LTE 0…34 as −20…−3 dB, in tenths.
    #[must_use]
    pub fn rsrq_db10(self) -> Option<i16> {
        steps(self.rsrq, 34).map(|steps| steps.saturating_mul(5).saturating_sub(200))
    }

    /// RSRP of NR 0…126 as −157…−31 dBm.
    #[must_use]
    pub fn ss_rsrp_dbm(self) -> Option<i16> {
        steps(self.ss_rsrp, 126).map(|steps| steps.saturating_sub(157))
    }

    /// RSRQ of NR 0…126 as −43.5…19.5 dB, in tenths.
    #[must_use]
    pub fn ss_rsrq_db10(self) -> Option<i16> {
        steps(self.ss_rsrq, 126).map(|steps| steps.saturating_mul(5).saturating_sub(435))
    }

    /// RSRP and RSRQ of LTE, or of NR where LTE has none.
    pub(super) fn strength(self) -> Strength {
        let (rsrp_dbm, rsrq_db10) = match self.rsrp_dbm() {
            None if self.ss_rsrp_dbm().is_some() => (self.ss_rsrp_dbm(), self.ss_rsrq_db10()),
            lte => (lte, self.rsrq_db10()),
        };
        Strength { rssi_dbm: None, rsrp_dbm, rsrq_db10 }
    }

    /// SINR of NR 0…127 as −23.5…40 dB, in tenths.
    #[must_use]
    pub fn ss_sinr_db10(self) -> Option<i16> {
        steps(self.ss_sinr, 127).map(|steps| steps.saturating_mul(5).saturating_sub(235))
    }
}

fn steps(raw: Option<u16>, top: u16) -> Option<i16> {
    raw.filter(|raw| *raw <= top).and_then(|raw| i16::try_from(raw).ok())
}

/// Reads a `+CSQ:` line for a scan.
///
/// ```
/// use cellscan_core::at::signal::csq;
/// assert_eq!(csq(b"+CSQ: 25,99").and_then(|strength| strength.rssi_dbm), Some(-63));
/// assert_eq!(csq(b"+CSQ: 99,99").map(|strength| strength.is_known()), Some(false));
/// ```
#[must_use]
pub fn csq(line: &[u8]) -> Option<Strength> {
    Csq::parse(line).map(|found| Strength { rssi_dbm: found.dbm(), ..Strength::default() })
}

/// Reads a `+CESQ:` line for a scan: RSRP and RSRQ of LTE, or of NR where LTE has none. For GSM
/// and UMTS the scan uses `+CSQ`, which covers them.
#[must_use]
#[inline(never)]
pub fn cesq(line: &[u8]) -> Option<Strength> {
    Cesq::parse(line).map(Cesq::strength)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csq_covers_its_table_and_knows_unknown() {
        let rssi = |line: &[u8]| csq(line).and_then(|strength| strength.rssi_dbm);
        assert_eq!((rssi(b"+CSQ: 0,0"), rssi(b"+CSQ:31,99")), (Some(-113), Some(-51)));
        assert_eq!((rssi(b"+CSQ: 99,99"), rssi(b"+CSQ: 32,99")), (None, None));
        assert_eq!(
            (rssi(b"+CSQ: 100,99"), rssi(b"+CSQ: 191,99"), rssi(b"+CSQ: 199,99")),
            (Some(-116), Some(-25), None)
        );
        assert_eq!(csq(b"+CSQ: ,"), None);
        assert_eq!(Csq::parse(b"+CSQ: 17"), Some(Csq { rssi: 17, ber: None }));
    }

    #[test]
    fn cesq_gives_the_values_of_lte() {
        let strength = cesq(b"+CESQ: 99,99,255,255,20,80").unwrap();
        assert_eq!((strength.rsrp_dbm, strength.rsrq_db10), (Some(-61), Some(-100)));
        assert_eq!(cesq(b"+CESQ: 30,99,255,255,255,255"), Some(Strength::default()));
        assert_eq!(cesq(b"+CESQ: 99,99"), None);
    }

    #[test]
    fn xcesq_of_intel_gives_the_same_values_behind_its_own_first_one() {
        let found = Cesq::parse_intel(b"+XCESQ: 0,99,99,255,255,26,57,50,255,255,255,255").unwrap();
        assert_eq!(
            (found.rsrq, found.rsrp, found.ss_rsrp, found.rsrp_dbm()),
            (Some(26), Some(57), None, Some(-84))
        );
        assert_eq!(
            (Cesq::parse_intel(b"+XCESQ: 0,99,99"), Cesq::parse_intel(b"+XCESQ: x,99,99,255,255,26,57")),
            (None, None)
        );
    }

    #[test]
    fn cesq_of_nine_fields_gives_the_values_of_nr() {
        let found = Cesq::parse(b"+CESQ: 99,99,255,255,255,255,83,73,77").unwrap();
        assert_eq!(
            (found.ss_rsrq_db10(), found.ss_rsrp_dbm(), found.ss_sinr_db10()),
            (Some(-20), Some(-84), Some(150))
        );
        assert_eq!(cesq(b"+CESQ: 99,99,255,255,255,255,65,75,75").unwrap().rsrp_dbm, Some(-82));
        assert_eq!(
            cesq(b"+CESQ: 99,99,255,255,20,80,65,75,75").unwrap().rsrp_dbm,
            Some(-61),
            "LTE where both are"
        );
        let empty = Cesq::parse(b"+CESQ: 99,99,,255,128,98,255,127,128").unwrap();
        assert_eq!(
            (empty.rscp, empty.rsrp, empty.rsrp_dbm(), empty.ss_rsrp_dbm()),
            (None, Some(98), None, None)
        );
    }
}
