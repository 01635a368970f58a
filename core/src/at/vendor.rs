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
    /// `AT+UCGED?`: three lines, two of them without a name.
    Ublox,
}

impl Vendor {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Quectel, Self::Telit, Self::Simcom, Self::Sierra, Self::Huawei, Self::Cinterion, Self::Ublox];

    /// Reads the vendor from a line of `ATI`, `+CGMI` or `+CGMM`: its name, or the prefix of its models.
    #[must_use]
    #[inline(never)]
    pub fn named(line: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Vendor); 15] = [
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
        }
    }

    /// Reads a line of its reply; `None` for lines that are not of it. A reply of many lines gives its values one by one, see
    /// [`Strength::fill`].
    #[must_use]
    #[inline(never)]
    pub fn read(self, line: &[u8]) -> Option<Strength> {
        if let Some(values) = after_colon(self.prefix().as_bytes(), line) {
            return Some(self.values(Fields::new(values)));
        }
        match self {
            Self::Sierra => gstatus(line),
            Self::Ublox => ucged(line),
            Self::Quectel | Self::Telit | Self::Simcom | Self::Huawei | Self::Cinterion => None,
        }
    }

    /// The text after the colon.
    fn values(self, mut fields: Fields<'_>) -> Strength {
        let mode = fields.next().unwrap_or_default();
        let values = Values::read(fields);
        let places = match self {
            Self::Telit => rfsts(&values),
            Self::Quectel | Self::Simcom | Self::Huawei | Self::Cinterion | Self::Sierra | Self::Ublox => {
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

/// Where a vendor puts them in a mode.
struct Format {
    vendor: Vendor,
    /// The prefix of the mode's name.
    mode: &'static [u8],
    places: Places,
}

/// The first match counts; a reply that matches none has no value.
const FORMATS: [Format; 11] = {
    const fn row(vendor: Vendor, mode: &'static [u8], places: Places) -> Format {
        Format { vendor, mode, places }
    }
    [
        // `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>`, `"NR5G",<rsrp>,<sinr>,<rsrq>`, `"GSM",<rssi>`, `"WCDMA",<rssi>,<rscp>,<ecio>`.
        row(Vendor::Quectel, b"NR", [0, 1, 3]),
        row(Vendor::Quectel, b"GSM", [1, 0, 0]),
        row(Vendor::Quectel, b"WCDMA", [1, 0, 0]),
        row(Vendor::Quectel, b"", [1, 2, 4]),
        // `LTE,…,<rsrq>,<rsrp>,<rssi>,<rssnr>` from the eleventh value on; `NR5G_SA,…,<rsrp>,<rsrq>,<snr>` from the ninth.
        row(Vendor::Simcom, b"LTE", [12, 11, 10]),
        row(Vendor::Simcom, b"NR", [0, 8, 9]),
        // `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>` and the like, all in steps; 255 is unknown.
        row(Vendor::Huawei, b"LTE", [1, 2, 4]),
        row(Vendor::Huawei, b"NR", [1, 2, 4]),
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
    /// In the unit that the RSRP shows.
    fn strength(&self) -> Strength {
        Strength {
            rssi_dbm: rssi(self.rssi, self.rsrp),
            rsrp_dbm: rsrp(self.rsrp),
            rsrq_db10: rsrq(self.rsrq, self.rsrp),
        }
    }

    /// In steps, each with a table of its own.
    fn in_steps(&self) -> Strength {
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

/// The third line of `+UCGED: 2` on LTE:
/// `<earfcn>,<band>,<ul>,<dl>,<tac>,<cell>,<pci>,<tmsi>,<group>,<code>,<rsrp>,<rsrq>,…`.
fn ucged(line: &[u8]) -> Option<Strength> {
    let mut fields = Fields::new(line);
    fields.next()?.number()?;
    let said = Values::read(fields).at([0, 10, 11]);
    said.rsrp.is_some().then(|| said.strength())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RSSI, RSRP, RSRQ in tenths.
    fn read(vendor: Vendor, line: &str) -> Option<(Option<i16>, Option<i16>, Option<i16>)> {
        let found = vendor.read(line.as_bytes())?;
        Some((found.rssi_dbm, found.rsrp_dbm, found.rsrq_db10))
    }

    #[test]
    fn each_vendor_is_read_in_its_own_units() {
        let cases = [
            (Vendor::Quectel, "+QCSQ: \"LTE\",-62,-92,93,-14", (Some(-62), Some(-92), Some(-140))),
            (Vendor::Quectel, "+QCSQ: \"NR5G\",-75,4,-11", (None, Some(-75), Some(-110))),
            (Vendor::Quectel, "+QCSQ: \"WCDMA\",-70,-80,-6", (Some(-70), None, None)),
            (Vendor::Quectel, "+QCSQ: \"eMTC\",-65,-10,18,-8", (Some(-65), None, None)),
            (Vendor::Quectel, "+QCSQ: \"NOSERVICE\"", (None, None, None)),
            (
                Vendor::Telit,
                "#RFSTS: \"999 01\",1795,-101,-67,-15,2242,,128",
                (Some(-67), Some(-101), Some(-150)),
            ),
            (Vendor::Telit, "#RFSTS:\"999 01\",14,-80,0CBC,00,5", (Some(-80), None, None)),
            (Vendor::Telit, "#RFSTS: \"999 01\",10564,96,-6.5,-77,-70,00A1", (Some(-70), None, None)),
            (
                Vendor::Simcom,
                "+CPSI: LTE,Online,999-01,0x1234,123,3,EUTRAN-BAND2,900,5,5,-73,-950,-650,12",
                (Some(-65), Some(-95), Some(-73)),
            ),
            (
                Vendor::Simcom,
                "+CPSI: LTE CAT-M1,Online,999-01,0x1234,123,3,EUTRAN-BAND2,900,5,5,-13,-102,-71,15",
                (Some(-71), Some(-102), Some(-130)),
            ),
            (
                Vendor::Simcom,
                "+CPSI: LTE,Online,999-01,0x1234,123,3,EUTRAN-BAND2,900,5,0,16,59,61,9",
                (None, Some(-82), Some(-120)),
            ),
            (
                Vendor::Simcom,
                "+CPSI: NR5G_SA,Online,999-01,0x12,34,5,NR5G_BAND78,627264,-880,-110,240",
                (None, Some(-88), Some(-110)),
            ),
            (Vendor::Simcom, "+CPSI: NO SERVICE,Online", (None, None, None)),
            (Vendor::Huawei, "^HCSQ:\"LTE\",30,19,66,0", (Some(-91), Some(-122), Some(-200))),
            (Vendor::Huawei, "^HCSQ: \"WCDMA\",30,30,58", (Some(-91), None, None)),
            (Vendor::Huawei, "^HCSQ: \"NOSERVICE\"", (None, None, None)),
            (Vendor::Cinterion, "^SMONI: 2G,71,-61,999,02,0143,83BA", (Some(-61), None, None)),
            (Vendor::Cinterion, "^SMONI: 3G,10564,96,-6.5,-77,999,02", (None, None, None)),
            (
                Vendor::Cinterion,
                "^SMONI: 4G,6300,20,10,10,FDD,999,02,BF75,0345103,350,33,-90,-6,LIMSRV",
                (None, Some(-90), Some(-60)),
            ),
            (Vendor::Cinterion, "^SMONI: 4G,SEARCH", (None, None, None)),
            (Vendor::Sierra, "!GSTATUS: ", (None, None, None)),
            (Vendor::Sierra, "PCC RxM RSSI:  -45\t\tRSRP (dBm):  -81", (Some(-45), Some(-81), None)),
            (Vendor::Sierra, "PCC RxM RSSI:  -89\t\tPCC RxM RSRP:  -117", (Some(-89), Some(-117), None)),
            (Vendor::Sierra, "RSRQ (dB):     -14.0\t\tCell ID: 00A1", (None, None, Some(-140))),
            (Vendor::Ublox, "+UCGED: 2", (None, None, None)),
            (
                Vendor::Ublox,
                "2525,5,25,50,2b67,69f6bc7,111,00000000,ffff,ff,67,19,0.00,255",
                (None, Some(-74), Some(-105)),
            ),
            (Vendor::Ublox, "65535,255,255,255,ffff,0000000,65535,0,ffff,ff,255,255,255", (None, None, None)),
        ];
        for (vendor, line, expected) in cases {
            assert_eq!(read(vendor, line), Some(expected), "{line}");
        }
        for vendor in Vendor::ALL {
            assert_eq!(read(vendor, "+CREG: 1"), None);
            assert_eq!(read(vendor, "RING"), None);
        }
        assert_eq!(read(Vendor::Sierra, "Tx Power:      --\t\tTAC:         0001 (1)"), None);
        assert_eq!(read(Vendor::Ublox, "6,2,fff,fff"), None);
    }

    #[test]
    fn vendors_are_recognised_by_their_names_and_their_models() {
        for (line, vendor) in [
            (&b"Quectel"[..], Some(Vendor::Quectel)),
            (b"Manufacturer: SIMCOM INCORPORATED", Some(Vendor::Simcom)),
            (b"Model: SIM7670G-MNGV", Some(Vendor::Simcom)),
            (b"Cinterion", Some(Vendor::Cinterion)),
            (b"Manufacturer: Sierra Wireless, Incorporated", Some(Vendor::Sierra)),
            (b"Manufacturer: huawei", Some(Vendor::Huawei)),
            (b"SARA-R510S-01B", Some(Vendor::Ublox)),
            (b"Telit", Some(Vendor::Telit)),
            (b"Model: HSDPA USB MODEM", None),
            (b"not quectel-like: insierra", Some(Vendor::Quectel)),
            (b"", None),
        ] {
            assert_eq!(Vendor::named(line), vendor, "{}", line.escape_ascii());
        }
    }
}
