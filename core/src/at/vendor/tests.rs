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
        (
            Vendor::Simcom,
            "+CPSI: NR5G_NSA,298,NR5G_BAND41,520110,-760,-110,18,0,12",
            (None, Some(-76), Some(-110)),
        ),
        (Vendor::Simcom, "+CPSI: NR5G_NSA,644,NR5G_BAND78,627264,-96,-12,95", (None, Some(-96), Some(-120))),
        (Vendor::Simcom, "+CPSI: NR5G,58,643296,-12,-86,8.5", (None, Some(-86), Some(-120))),
        (
            Vendor::Simcom,
            "+CPSI: GSM,Online,999-01,0x182d,12401,27 EGSM 900,-64,2110,42-42",
            (Some(-64), None, None),
        ),
        (
            Vendor::Simcom,
            "+CPSI: WCDMA,Online,999-01,0xA809,11122855,WCDMA IMT 2000,279,10663,0,1.5,62,33,52,500",
            (None, None, None),
        ),
        (
            Vendor::Simcom,
            "+CPSI: LTE CAT-M1,Online,999-01,0x0086,7681025,0,EUTRAN-BAND1,1925,2,2,0,0,125,0",
            (None, None, None),
        ),
        (Vendor::Simcom, "+CPSI: NO SERVICE,Online", (None, None, None)),
        (Vendor::Huawei, "^HCSQ: \"NR\",77,236,31", (None, Some(-64), Some(-45))),
        (Vendor::Huawei, "^HCSQ: \"NR\",31,95,12", (None, Some(-110), Some(-140))),
        (Vendor::Huawei, "^HCSQ: \"NR\",255,255,255", (None, None, None)),
        (Vendor::Huawei, "^HCSQ: \"LTE\",0,0,0,0", (None, None, None)),
        (Vendor::Intel, "+XCESQ: 0,99,99,255,255,26,57,50,255,255,255,255", (None, Some(-84), Some(-70))),
        (Vendor::Ublox, "+RSRP: 175,6400,\"-053.70\",", (None, Some(-53), None)),
        (Vendor::Ublox, "+RSRQ: 175,6400,\"-03.20\",", (None, None, Some(-32))),
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
        (b"Model: L850-GL", Some(Vendor::Intel)),
        (b"Model: HSDPA USB MODEM", None),
        (b"not quectel-like: insierra", Some(Vendor::Quectel)),
        (b"", None),
    ] {
        assert_eq!(Vendor::named(line), vendor, "{}", line.escape_ascii());
    }
}
