//! Vendors' own signal commands, for modems whose `+CSQ` and `+CESQ` give no value: one small parser each. A scan uses them with
//! the feature `vendor-signal`.
//!
//! Vendors do not agree on units. Where one number may be dBm, tenths of dBm or a step of 3GPP TS 27.007 §8.69, its range
//! decides; a value outside all ranges is unknown. RSRP of LTE and NR is RSRP; RSCP of UMTS is neither that nor RSSI, and
//! is left out.

#![expect(clippy::similar_names, reason = "RSSI, RSRP and RSRQ are what they are called")]

use crate::carrier::Strength;

use super::fields::{Field, Fields, after_colon};
use super::line::trimmed;
use super::signal::Cesq;

/// Whether a scan uses these commands.
pub(crate) const IN_USE: bool = cfg!(feature = "vendor-signal");

/// The modem's vendor (only those with a signal command of their own).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Vendor {
    /// `AT+QCSQ`.
    Quectel,
    /// `AT#RFSTS`.
    Telit,
    /// `AT+CPSI?`.
    Simcom,
    /// `AT!GSTATUS?`: some twenty lines.
    Sierra,
    /// `AT^HCSQ?`.
    Huawei,
    /// `AT^SMONI`; also Gemalto, Thales and Telit under this name.
    Cinterion,
    /// `AT+UCGED?`: three lines, two of them without a name; `+RSRP:` and `+RSRQ:` of SARA-R4.
    Ublox,
    /// `AT+XCESQ?`; modules of Fibocom and others with a chip of Intel's.
    Intel,
}

impl Vendor {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Quectel,
        Self::Telit,
        Self::Simcom,
        Self::Sierra,
        Self::Huawei,
        Self::Cinterion,
        Self::Ublox,
        Self::Intel,
    ];

    /// Reads the vendor from a line of `ATI`, `+CGMI` or `+CGMM`: its name, or the prefix of its models.
    #[must_use]
    #[inline(never)]
    pub fn named(line: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Vendor); 18] = [
            (b"quectel", Vendor::Quectel),
            // Before Telit, under whose name these modems are sold now.
            (b"cinterion", Vendor::Cinterion),
            (b"gemalto", Vendor::Cinterion),
            (b"thales", Vendor::Cinterion),
            (b"telit", Vendor::Telit),
            (b"simcom", Vendor::Simcom),
            (b"sim7", Vendor::Simcom),
            (b"a76", Vendor::Simcom),
            (b"sierra", Vendor::Sierra),
            (b"em7", Vendor::Sierra),
            (b"mc7", Vendor::Sierra),
            (b"huawei", Vendor::Huawei),
            (b"u-blox", Vendor::Ublox),
            (b"sara-", Vendor::Ublox),
            (b"lara-", Vendor::Ublox),
            (b"l850", Vendor::Intel),
            (b"l860", Vendor::Intel),
            (b"xmm7", Vendor::Intel),
        ];
        // A name counts only at the begin of a word.
        let mut words = line.split(|byte| matches!(byte, b' ' | b':' | b'"' | b',' | b'\t'));
        words.find_map(|word| NAMES.iter().find(|(name, _)| begins(word, name)).map(|(_, vendor)| *vendor))
    }

    /// The command, as the modem echoes it.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Quectel => "AT+QCSQ",
            Self::Telit => "AT#RFSTS",
            Self::Simcom => "AT+CPSI?",
            Self::Sierra => "AT!GSTATUS?",
            Self::Huawei => "AT^HCSQ?",
            Self::Cinterion => "AT^SMONI",
            Self::Ublox => "AT+UCGED?",
            Self::Intel => "AT+XCESQ?",
        }
    }

    /// The prefix of its reply.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Quectel => "+QCSQ",
            Self::Telit => "#RFSTS",
            Self::Simcom => "+CPSI",
            Self::Sierra => "!GSTATUS",
            Self::Huawei => "^HCSQ",
            Self::Cinterion => "^SMONI",
            Self::Ublox => "+UCGED",
            Self::Intel => "+XCESQ",
        }
    }

    /// Reads a line of its reply; `None` for lines that are not of it. A reply of many lines gives its values one by one, see
    /// [`Strength::fill`].
    #[must_use]
    #[inline(never)]
    pub fn read(self, line: &[u8]) -> Option<Strength> {
        if self == Self::Intel {
            return Cesq::parse_intel(line).map(Cesq::strength);
        }
        if let Some(values) = after_colon(self.prefix().as_bytes(), line) {
            return Some(self.values(Fields::new(values)));
        }
        match self {
            Self::Sierra => gstatus(line),
            Self::Ublox => sara_r4(line).or_else(|| ucged(line)),
            Self::Quectel | Self::Telit | Self::Simcom | Self::Huawei | Self::Cinterion | Self::Intel => None,
        }
    }

    /// The text after the colon.
    fn values(self, mut fields: Fields<'_>) -> Strength {
        let mode = fields.next().unwrap_or_default();
        // SIMCom's firmwares have different numbers of values before the band, and the same ones behind it.
        let mut behind = fields.clone();
        let is_band = |field: Field<'_>| BANDS.iter().any(|band| begins(field.bytes, band));
        let has_band = self == Self::Simcom && behind.any(is_band);
        if has_band {
            fields = behind;
        }
        let values = Values::read(fields);
        let places = match self {
            Self::Telit => rfsts(&values),
            Self::Simcom if !has_band && begins(mode.bytes, b"NR") => EARLY_NR_OF_SIMCOM,
            Self::Quectel
            | Self::Simcom
            | Self::Huawei
            | Self::Cinterion
            | Self::Sierra
            | Self::Ublox
            | Self::Intel => {
                let is = |format: &&Format| format.vendor == self && begins(mode.bytes, format.mode);
                FORMATS.iter().find(is).map_or(NOWHERE, |format| format.places)
            }
        };
        let said = values.at(places);
        if self == Self::Huawei { said.in_steps() } else { said.strength() }
    }
}

fn begins(text: &[u8], name: &[u8]) -> bool {
    text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
}

/// Which values of a reply are RSSI, RSRP and RSRQ, the mode before them counted as 0; 0 is none.
type Places = [u8; 3];

const NOWHERE: Places = [0; 3];

/// How the names of bands begin in `+CPSI:`: `EUTRAN-BAND3`, `NR5G_BAND78`.
const BANDS: [&[u8]; 2] = [b"EUTRAN-", b"NR5G_"];

/// `NR5G,<pci>,<arfcn>,<rsrq>,<rsrp>,<snr>`: SIM8200 before the manual 1.01.
const EARLY_NR_OF_SIMCOM: Places = [0, 4, 3];

/// Where a vendor puts them in a mode.
struct Format {
    vendor: Vendor,
    /// The prefix of the mode's name.
    mode: &'static [u8],
    places: Places,
}

/// The first match counts; a reply that matches none has no value.
const FORMATS: [Format; 12] = {
    const fn row(vendor: Vendor, mode: &'static [u8], places: Places) -> Format {
        Format { vendor, mode, places }
    }
    [
        // `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>`, `"NR5G",<rsrp>,<sinr>,<rsrq>`, `"GSM",<rssi>`, `"WCDMA",<rssi>,<rscp>,<ecio>`.
        row(Vendor::Quectel, b"NR", [0, 1, 3]),
        row(Vendor::Quectel, b"GSM", [1, 0, 0]),
        row(Vendor::Quectel, b"WCDMA", [1, 0, 0]),
        row(Vendor::Quectel, b"", [1, 2, 4]),
        // Behind the band: `LTE`: `<earfcn>,<dl>,<ul>,<rsrq>,<rsrp>,<rssi>,<rssnr>`; `NR5G_SA` and `NR5G_NSA` (EN-DC):
        // `<arfcn>,<rsrp>,<rsrq>,<snr>`. GSM has none: `GSM,<state>,<plmn>,<lac>,<cell>,<arfcn> <band>,<rxlev>,…`.
        row(Vendor::Simcom, b"LTE", [6, 5, 4]),
        row(Vendor::Simcom, b"NR", [0, 2, 3]),
        row(Vendor::Simcom, b"GSM", [6, 0, 0]),
        // All in steps; 255 is unknown. `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>`; `"NR",<rsrp>,<sinr>,<rsrq>` has no RSSI (the manual of
        // MT5700M-CN, §13.5).
        row(Vendor::Huawei, b"LTE", [1, 2, 4]),
        row(Vendor::Huawei, b"NR", [0, 1, 3]),
        row(Vendor::Huawei, b"", [1, 0, 0]),
        // `2G,<arfcn>,<dBm>,…`; `3G,…` has RSCP; `4G,…,<rsrp>,<rsrq>,<state>` with the two as thirteenth and fourteenth; a word
        // such as `SEARCH` where there is no cell.
        row(Vendor::Cinterion, b"2G", [2, 0, 0]),
        row(Vendor::Cinterion, b"4G", [0, 12, 13]),
    ]
};

/// Values after the mode in the longest reply that is read.
const VALUES_MAX: usize = 13;

/// The values of a reply in tenths; `None` where one is no number.
struct Values([Option<i16>; VALUES_MAX]);

impl Values {
    fn read(mut fields: Fields<'_>) -> Self {
        let mut values = [None; VALUES_MAX];
        for value in &mut values {
            *value = fields.next().and_then(|field| field.tenths());
        }
        Self(values)
    }

    fn get(&self, place: u8) -> Option<i16> {
        place.checked_sub(1).and_then(|behind| *self.0.get(usize::from(behind))?)
    }

    fn at(&self, [rssi, rsrp, rsrq]: Places) -> Said {
        Said { rssi: self.get(rssi), rsrp: self.get(rsrp), rsrq: self.get(rsrq) }
    }
}

/// LTE: `"<plmn>",<earfcn>,<rsrp>,<rssi>,<rsrq>,…`; GSM: `"<plmn>",<arfcn>,<rssi>,<lac>,…`; UMTS:
/// `"<plmn>",<uarfcn>,<psc>,<ecio>,<rscp>,<rssi>,…`. Only the signs of the values show which it is.
fn rfsts(values: &Values) -> Places {
    match [2, 3, 4].map(|place| values.get(place).is_some_and(i16::is_negative)) {
        [true, true, true] => [3, 2, 4],
        [true, ..] => [2, 0, 0],
        [false, true, true] => [5, 0, 0],
        [false, ..] => NOWHERE,
    }
}

/// Steps of 3GPP TS 27.007 §8.69 for RSRP and RSRQ, and their upper ends.
const RSRP_STEPS: i16 = 970;
const RSRQ_STEPS: i16 = 340;

/// dBm of RSRP, from tenths of any unit.
fn rsrp(said: Option<i16>) -> Option<i16> {
    let tenths = said?;
    match tenths {
        // Tenths of dBm, read as dBm: −95.0 dBm as −950 has become −9 500.
        -15_700..=-3_100 => tenths.checked_div(100),
        -1_570..=-310 => tenths.checked_div(10),
        0..=RSRP_STEPS => tenths.checked_div(10).map(|steps| steps.saturating_sub(141)),
        _ => None,
    }
}

/// Tenths of dB of RSRQ, in the unit of the RSRP beside it.
fn rsrq(said: Option<i16>, beside: Option<i16>) -> Option<i16> {
    let (tenths, beside) = (said?, beside?);
    let found = match beside {
        -15_700..=-3_100 => tenths.checked_div(10)?,
        -1_570..=-310 => tenths,
        0..=RSRP_STEPS if (0..=RSRQ_STEPS).contains(&tenths) => tenths.checked_div(2)?.saturating_sub(200),
        _ => return None,
    };
    (-435..=200).contains(&found).then_some(found)
}

/// dBm of RSSI, in the unit of the RSRP beside it; its steps differ by vendor.
fn rssi(said: Option<i16>, beside: Option<i16>) -> Option<i16> {
    let divisor = if matches!(beside, Some(-15_700..=-3_100)) { 100 } else { 10 };
    said?.checked_div(divisor).filter(|dbm| (-120..=-20).contains(dbm))
}

/// Three values in tenths, as the modem gave them.
struct Said {
    rssi: Option<i16>,
    rsrp: Option<i16>,
    rsrq: Option<i16>,
}

impl Said {
    /// In the unit that the RSRP shows. An RSRP of 0 is no measurement: no cell of that level can be registered on.
    fn strength(&self) -> Strength {
        if self.rsrp == Some(0) {
            return Strength::default();
        }
        Strength {
            rssi_dbm: rssi(self.rssi, self.rsrp),
            rsrp_dbm: rsrp(self.rsrp),
            rsrq_db10: rsrq(self.rsrq, self.rsrp),
        }
    }

    /// In steps, each with a table of its own. All of them 0 are no measurement.
    fn in_steps(&self) -> Strength {
        if [self.rssi, self.rsrp, self.rsrq].iter().flatten().all(|tenths| *tenths == 0) {
            return Strength::default();
        }
        let steps = |said: Option<i16>, top: i16| {
            said.and_then(|tenths| tenths.checked_div(10)).filter(|steps| (0..=top).contains(steps))
        };
        Strength {
            rssi_dbm: steps(self.rssi, 96).map(|steps| steps.saturating_sub(121)),
            rsrp_dbm: steps(self.rsrp, 97).map(|steps| steps.saturating_sub(141)),
            rsrq_db10: steps(self.rsrq, 34).map(|steps| steps.saturating_mul(5).saturating_sub(200)),
        }
    }
}

/// One of the lines of `!GSTATUS`: `PCC RxM RSSI:  -45   RSRP (dBm):  -81`, `RSRQ (dB):     -14.0   …`.
fn gstatus(line: &[u8]) -> Option<Strength> {
    let (rssi, rsrp, rsrq) = (labelled(line, b"RSSI"), labelled(line, b"RSRP"), labelled(line, b"RSRQ"));
    (rssi.or(rsrp).or(rsrq)).map(|_| Strength {
        rssi_dbm: self::rssi(rssi, None),
        rsrp_dbm: self::rsrp(rsrp),
        // Its line has no RSRP, and it is always in dB.
        rsrq_db10: rsrq.filter(|tenths| (-435..=200).contains(tenths)),
    })
}

/// The number after the first colon after a name.
fn labelled<const N: usize>(line: &[u8], name: &[u8; N]) -> Option<i16> {
    let at = line.windows(N).position(|window| window == name)?;
    let behind = line.get(at..)?.get(N..)?;
    let colon = behind.iter().position(|byte| *byte == b':')?;
    let number = trimmed(behind.get(colon..)?.get(1..)?);
    let end = number.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(number.len());
    Field { bytes: number.get(..end)?, quoted: false }.tenths()
}

/// `+RSRP: <pci>,<earfcn>,"<rsrp>",…` and `+RSRQ:` in the same form: `+UCGED: 5` of SARA-R4. The first cell serves.
#[inline(never)]
fn sara_r4(line: &[u8]) -> Option<Strength> {
    let (values, is_rsrp) = match after_colon(b"+RSRP", line) {
        Some(values) => (values, true),
        None => (after_colon(b"+RSRQ", line)?, false),
    };
    let value = Fields::new(values).nth(2)?.tenths();
    Some(if is_rsrp {
        Strength { rsrp_dbm: rsrp(value), ..Strength::default() }
    } else {
        // Its line has no RSRP, and it is always in dB.
        Strength { rsrq_db10: value.filter(|tenths| (-435..=200).contains(tenths)), ..Strength::default() }
    })
}

/// The third line of `+UCGED: 2` on LTE:
/// `<earfcn>,<band>,<ul>,<dl>,<tac>,<cell>,<pci>,<tmsi>,<group>,<code>,<rsrp>,<rsrq>,…`.
fn ucged(line: &[u8]) -> Option<Strength> {
    let mut fields = Fields::new(line);
    fields.next()?.number()?;
    let said = Values::read(fields).at([0, 10, 11]);
    said.rsrp.is_some().then(|| said.strength())
}

#[cfg(test)]
mod tests;
