//! Functions on bytes that all importers need.

use std::borrow::Cow;

use cellscan_core::at::reply::FinalResult;
use memchr::memmem;

/// Bytes as text: UTF-8 if they are valid UTF-8, else Latin-1, which such modems and syslogs mean.
#[must_use]
pub fn shown(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// The bytes before the first `needle`, and after it.
#[must_use]
pub fn split_once<'a>(bytes: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::find(bytes, needle)?;
    Some((&bytes[..at], &bytes[at + needle.len()..]))
}

/// The bytes before the last `needle`, and after it.
#[must_use]
pub fn rsplit_once<'a>(bytes: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::rfind(bytes, needle)?;
    Some((&bytes[..at], &bytes[at + needle.len()..]))
}

/// Whether `bytes` contain `needle`.
#[must_use]
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    memmem::find(bytes, needle).is_some()
}

/// Whether the text looks like a command that a user typed or a program sent: `AT`, and what may follow it.
#[must_use]
pub fn is_command(text: &[u8]) -> bool {
    let Some((head, rest)) = text.split_at_checked(2) else { return false };
    if !head.eq_ignore_ascii_case(b"AT") {
        return false;
    }
    // `ATTENTION` and `at last` are words. One letter with a number or a mark after it is a basic command.
    match rest {
        [] | [b'+' | b'&' | b'#' | b'^' | b'!' | b'*' | b'$' | b'%' | b'\\', ..] => true,
        [b'D' | b'd', ..] => !rest.contains(&b' ') || rest.iter().any(u8::is_ascii_digit),
        [letter, tail @ ..] if letter.is_ascii_alphabetic() => match tail {
            [] => true,
            [next, ..] => {
                next.is_ascii_digit()
                    || matches!(next, b'=' | b'?' | b'&' | b'+' | b' ' | b'\\' | b'*' | b'#')
                    || (tail.len() == 1 && next.is_ascii_uppercase())
            }
        },
        _ => false,
    }
}

/// The final result in a line of a modem, in the words of [`result_text`].
#[must_use]
pub fn final_result(line: &[u8]) -> Option<Cow<'_, str>> {
    let line = line.trim_ascii();
    if line.len() > 256 {
        return None;
    }
    if line.eq_ignore_ascii_case(b"COMMAND NOT SUPPORT")
        || line.eq_ignore_ascii_case(b"COMMAND NOT SUPPORTED")
    {
        return Some(shown(line));
    }
    let result = FinalResult::parse(line)?;
    // `connect chat -s …` is an option of pppd, and `Connect script failed` its message.
    if result == FinalResult::Connect && !line.starts_with(b"CONNECT") {
        return None;
    }
    Some(result_text(result, line))
}

/// Whether the line is a final result as a modem writes it: in capitals, or an error with its code or text. `Ok.` is a word.
#[must_use]
pub fn is_plain_result(line: &[u8]) -> bool {
    let coded = line.first() == Some(&b'+') || contains(line, b" ERROR:");
    (coded || !line.iter().any(u8::is_ascii_lowercase)) && final_result(line).is_some()
}

/// Whether the line is information as a modem writes it, unsolicited or not: `+CSQ: 12,99`, `^SYSINFO:2,3`.
#[must_use]
pub fn is_information(line: &[u8]) -> bool {
    let Some((mark, rest)) = line.split_first() else { return false };
    let name = rest.iter().take(24).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    matches!(mark, b'+' | b'^' | b'#' | b'*' | b'$' | b'%' | b'!')
        && name >= 2
        && rest[0].is_ascii_alphabetic()
        && rest.get(name) == Some(&b':')
}

/// A final result as text: in the modem's words, without the `+` of `+CME ERROR` and without the speed of `CONNECT`.
#[must_use]
pub fn result_text(result: FinalResult, line: &[u8]) -> Cow<'_, str> {
    if result == FinalResult::Connect {
        return Cow::Borrowed("CONNECT");
    }
    let line = line.strip_prefix(b"+").unwrap_or(line);
    let line = line.strip_suffix(b":").unwrap_or(line);
    shown(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_distinguished_from_words() {
        for command in [
            "AT",
            "at+cops?",
            "ATZ",
            "ATE0",
            "ATDT*99#",
            "AT&FZE0&W",
            "AT$QCPDPP",
            "ATH",
            "ATQ0 V1 E1",
            "ATS0=0",
        ] {
            assert!(is_command(command.as_bytes()), "{command}");
        }
        for other in ["ATTENTION", "A", "OK", "", "attached to", "ATmega", "+COPS: 1"] {
            assert!(!is_command(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn final_results_are_in_the_modems_own_words() {
        assert_eq!(final_result(b"OK\r").as_deref(), Some("OK"));
        assert_eq!(final_result(b"+CME ERROR: 30").as_deref(), Some("CME ERROR: 30"));
        assert_eq!(final_result(b"+CME ERROR").as_deref(), Some("CME ERROR"));
        assert_eq!(final_result(b"CONNECT 7200000").as_deref(), Some("CONNECT"));
        assert_eq!(final_result(b"COMMAND NOT SUPPORT").as_deref(), Some("COMMAND NOT SUPPORT"));
        assert_eq!(final_result(b"connect chat -s -v"), None);
        assert_eq!(final_result(b"Connect script failed"), None);
        assert_eq!(final_result(b"+COPS: 1,2,\"310410\",7"), None);
    }
}
