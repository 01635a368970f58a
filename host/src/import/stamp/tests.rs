use super::*;

/// The time of day and the text of a line.
#[track_caller]
fn read(line: &str) -> (Millis, &str) {
    let found = at_start(line.as_bytes()).unwrap_or_else(|| panic!("no stamp: {line}"));
    (found.at.rem_euclid(DAY_MS), core::str::from_utf8(found.rest).unwrap())
}

const AT: Millis = ((10 * 60 + 11) * 60 + 12) * 1_000;

#[test]
fn clocks_have_seconds_and_may_have_a_fraction() {
    assert_eq!(clock_with_fraction(b"00:09:31.225] x", b"."), Some((571_225, &b"] x"[..])));
    assert_eq!(clock_with_fraction(b"00:01:23]", b"."), Some((83_000, &b"]"[..])));
    assert_eq!(clock_with_fraction(b"17:35:14:362] AT", b":."), Some((63_314_362, &b"] AT"[..])));
    assert_eq!(clock(b"00:9:31.225"), None);
    assert_eq!(fraction(b"77886"), Some(778));
}

#[test]
fn an_up_time_has_any_number_of_hours() {
    assert_eq!(clock(b"100:00:01"), Some((360_001_000, &b""[..])));
    assert_eq!(clock(b"12345:00:01 x"), Some((12_345 * 3_600_000 + 1_000, &b" x"[..])));
    assert_eq!(at_start(b"[123:00:00.500,000] <dbg> x").map(|found| found.origin), Some(Origin::Boot));
}

#[test]
fn dates_are_converted_to_days() {
    assert_eq!((days(1970, 1, 1), days(2000, 3, 1), days(2025, 12, 31)), (0, 11_017, 20_453));
    let (at, rest) = date_and_clock(b"2025-11-16_23:22:33.77886 Start", b".").unwrap();
    assert_eq!((at % DAY_MS, rest), (84_153_778, &b" Start"[..]));
    let (early, _) = syslog(b"Jun  9 22:37:47 host").unwrap();
    let (late, rest) = syslog(b"Jun 26 22:37:47 host").unwrap();
    assert_eq!((late - early, rest), (17 * DAY_MS, &b" host"[..]));
}

#[test]
fn the_stamps_of_syslog_and_journald_are_read() {
    for line in [
        "Feb  3 10:11:12 gw x",
        "Feb 03 10:11:12.000001 gw x",
        "<30>Feb  3 10:11:12 gw x",
        "<30>1 2024-02-03T10:11:12.000001Z gw x",
        "Sat Feb  3 10:11:12 2024 gw x",
        "Sat 2024-02-03 10:11:12 CET gw x",
        "Sa 2024-02-03 10:11:12 UTC gw x",
        "2024-02-03T10:11:12Z gw x",
        "2024-02-03 10:11:12 gw x",
        "2024-02-03T11:11:12+0100 gw x",
        "2024-02-03T11:11:12.000123+01:00 gw x",
        "2024-02-03T07:11:12-03 gw x",
        "2024-02-03 11:11:12,000 +0100 gw x",
        "[Feb  3 10:11:12] gw x",
        "[2024-02-03 10:11:12] gw x",
        "[Sat Feb  3 10:11:12 2024] gw x",
        "[02-03_10:11:12:000] gw x",
        "02-03 10:11:12.000 gw x",
        "03.02.2024 10:11:12 gw x",
        "1706955072 gw x",
        "1706955072.000456 gw x",
        "1706955072000 gw x",
        "[1706955072.000] gw x",
        "@4000000065be114a075bca00 gw x",
        "10:11:12.000 gw x",
        "[10:11:12] gw x",
        "[10:11:12.000,000] gw x",
        "D (36672000) gw x",
        "I (10:11:12.000) gw x",
        "[36672.000000] gw x",
        "[36672000ms]gw x",
        "36672.000 gw x",
    ] {
        let (at, rest) = read(line);
        assert!((at - AT).abs() <= 124, "{line}: {at}");
        assert_eq!(rest, "gw x", "{line}");
    }
}

#[test]
fn months_have_names_of_many_languages_before_or_behind_the_day() {
    for (line, month) in [
        ("Okt 12 10:11:12 gw x", 10),
        ("Mär 12 10:11:12 gw x", 3),
        ("Dez 12 10:11:12 gw x", 12),
        ("févr. 12 10:11:12 gw x", 2),
        ("août 12 10:11:12 gw x", 8),
        ("12 déc. 10:11:12 gw x", 12),
        ("12. Mai 10:11:12 gw x", 5),
        ("ene 12 10:11:12 gw x", 1),
        ("dic 12 10:11:12 gw x", 12),
        ("juil. 12 10:11:12 gw x", 7),
        ("juin 12 10:11:12 gw x", 6),
        ("paź 12 10:11:12 gw x", 10),
        ("янв 12 10:11:12 gw x", 1),
        ("12 окт 10:11:12 gw x", 10),
        ("2月 12 10:11:12 gw x", 2),
        ("September 12 10:11:12 gw x", 9),
        ("lun. 12 mai 10:11:12 gw x", 5),
        ("Mo 12. Mär 10:11:12 gw x", 3),
        ("12-Feb-2024 10:11:12 gw x", 2),
    ] {
        let found = at_start(line.as_bytes()).unwrap_or_else(|| panic!("no stamp: {line}"));
        let year = if found.origin == Origin::Epoch { 2_024 } else { 2_000 };
        let begin = if found.origin == Origin::Epoch { 0 } else { days(2_000, 1, 1) };
        assert_eq!(found.at, (days(year, month, 12) - begin) * DAY_MS + AT, "{line}");
        assert_eq!(found.rest, b"gw x", "{line}");
    }
    // A language that is not known: the order and the clock are right.
    assert_eq!(read("Xyzzy 12 10:11:12 gw x"), (AT, "gw x"));
}

#[test]
fn text_is_no_stamp() {
    for line in [
        "OK",
        "+CSQ: 14,99",
        "AT+CCLK?",
        "10.64.64.64 is up",
        "123456 x",
        "867698040000000",
        "49 6e 69 74",
        "[dongle0] x",
        "Script /usr/sbin/chat finished",
        "Connect time 46.0 minutes.",
        "local  IP address 10.0.0.1",
        "12.5 dBm",
        "10:11",
        "D (x) y",
        "<dbg> x",
        "<6>",
        "[",
        "@40000000",
        "",
    ] {
        assert_eq!(at_start(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn a_log_goes_on_over_new_year_and_over_midnight() {
    let mut calendar = Calendar::default();
    let mut place = |line: &str| calendar.place(&at_start(line.as_bytes()).unwrap());
    let (before, after) = (place("Dec 31 23:59:58 gw x"), place("Jan  1 00:00:03 gw x"));
    assert_eq!(after - before, 5_000);
    // A line of another process that was late.
    assert_eq!(place("Dec 31 23:59:59 gw x") - before, 1_000);
    assert_eq!(place("Jan  1 00:00:04 gw x") - before, 6_000);
    let (before, after) = (place("23:59:58 x"), place("00:00:03 x"));
    assert_eq!(after - before, 5_000);
    assert_eq!(place("2024-01-01 00:00:00 x"), days(2_024, 1, 1) * DAY_MS);
}

#[test]
fn tai64n_of_svlogd_is_ten_seconds_ahead_of_utc() {
    let tai = at_start(b"@4000000065c2b3aa1dcd6500 OK").unwrap();
    let utc = at_start(b"2024-02-06_22:33:04.50000 OK").unwrap();
    assert_eq!((tai.at, tai.rest), (utc.at, utc.rest));
    assert_eq!(tai.at, 1_707_258_784_500);
}

#[test]
fn stamps_of_any_bytes_do_not_panic() {
    for bytes in [
        &b"<"[..],
        b"<1",
        b"<1>",
        b"@",
        b"[]",
        b"D",
        b"D (",
        b"9999-99-99T99:59:59",
        b"99999999999999999999",
        b"31.",
    ] {
        let _read = at_start(bytes);
    }
    assert_eq!(at_start(b"@7fffffffffffffffffffffff x"), None);
}
