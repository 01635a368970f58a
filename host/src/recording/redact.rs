//! Identities in what goes over the line: of the subscriber (IMSI, ICCID, numbers), of the modem (IMEI), and credentials
//! of an access point. Digits become `0`, letters of a secret `*`: lengths stay, and so does what a parser makes of it.

/// What is made unreadable, for the header.
pub const KINDS: &str = "imsi iccid imei numbers credentials";

/// Digits in a row that are an identity: an IMSI has 14 or 15 (3GPP TS 23.003 §2.2), an IMEI 14 to 16 (§6.2), an ICCID 18 to
/// 20 (ITU-T E.118). What else a scan's dialogue holds is shorter: a PLMN has 6, a cell 9.
const IDENTITY_DIGITS: usize = 14;
/// Digits of a telephone number where a `+` stands before it.
const NUMBER_DIGITS: usize = 7;
/// Digits of a telephone number where the command says that it is one.
const SHORT_NUMBER_DIGITS: usize = 5;

/// Commands and answers with telephone numbers in them.
const NUMBERS: [&[u8]; 12] = [
    b"+CNUM", b"+CLIP", b"+COLP", b"+CCWA", b"+CPBR", b"+CPBW", b"+CMGL", b"+CMGR", b"+CMGS", b"+CMT",
    b"+CSCA", b"+CLCC",
];
/// Commands and answers with secrets in them, and how many quoted values before the first secret are none.
const SECRETS: [(&[u8], usize); 8] = [
    (b"+CGAUTH", 0),
    (b"^SGAUTH", 0),
    (b"+UAUTHREQ", 0),
    (b"$QCPDPP", 0),
    (b"+QICSGP", 1),
    (b"+CPIN=", 0),
    (b"+CPWD", 1),
    (b"+CLCK", 1),
];

/// Makes unreadable what a line tells of identities. Its length stays.
pub fn line(text: &mut [u8]) {
    let body = text.trim_ascii_start();
    let start = text.len() - body.len();
    let at = usize::from(body.len() >= 2 && body[..2].eq_ignore_ascii_case(b"AT")) * 2;
    let name = &body[at..];
    let begins = |mark: &[u8]| name.len() >= mark.len() && name[..mark.len()].eq_ignore_ascii_case(mark);
    let secret =
        SECRETS.iter().find(|(mark, _)| begins(mark)).map(|(mark, plain)| (start + at + mark.len(), *plain));
    let numbers = NUMBERS.iter().any(|mark| begins(mark));
    let dials = at == 2 && name.first().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'D'));
    if let Some((from, plain)) = secret {
        secrets(&mut text[from..], plain);
    }
    let short = if numbers || dials { SHORT_NUMBER_DIGITS } else { IDENTITY_DIGITS };
    digits(text, short);
}

/// The quoted values behind the first `plain` of them, and a PIN without quotes.
fn secrets(text: &mut [u8], plain: usize) {
    let (mut quoted, mut seen) = (false, 0);
    let bare = !text.contains(&b'"');
    for byte in text {
        if *byte == b'"' {
            seen += usize::from(!quoted);
            quoted = !quoted;
        } else if (quoted && seen > plain) || (bare && byte.is_ascii_digit()) {
            *byte = b'*';
        }
    }
}

fn digits(text: &mut [u8], least: usize) {
    let mut index = 0;
    while index < text.len() {
        if !text[index].is_ascii_digit() {
            index += 1;
            continue;
        }
        let len = text[index..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let plus = index > 0 && text[index - 1] == b'+';
        if len >= least || (plus && len >= NUMBER_DIGITS) {
            text[index..index + len].fill(b'0');
        }
        index += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        line(&mut bytes);
        assert_eq!(bytes.len(), text.len());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn identities_numbers_and_secrets_are_gone() {
        for (text, expected) in [
            ("460020123456789", "000000000000000"),
            ("+CCID: 89316810123456789012", "+CCID: 00000000000000000000"),
            ("IMEI: 358088001234567", "IMEI: 000000000000000"),
            ("+CNUM: ,\"015112345\",129", "+CNUM: ,\"000000000\",129"),
            ("+CLIP: \"+4915112345678\",145", "+CLIP: \"+0000000000000\",145"),
            ("call from +15551234567 now", "call from +00000000000 now"),
            ("ATD0151234567;", "ATD0000000000;"),
            ("AT+CGAUTH=1,2,\"joe\",\"pass word\"", "AT+CGAUTH=1,2,\"***\",\"*********\""),
            ("at+cpin=1234", "at+cpin=****"),
            ("AT+QICSGP=1,1,\"net.apn\",\"joe\",\"x\",1", "AT+QICSGP=1,1,\"net.apn\",\"***\",\"*\",1"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn what_a_scan_needs_stays() {
        for text in [
            "+COPS: (2,\"AT&T\",\"AT&T\",\"310410\",7),,(0,1,2,3,4),(0,1,2)",
            "+C5GREG: 2,1,\"46550B\",\"000170C23\",11",
            "ATD*99***1#",
            "AT+COPS=1,2,\"310410\"",
            "+CPIN: READY",
            "+CGDCONT: 1,\"IP\",\"net.apn\",\"10.64.64.64\"",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
