//! A command or an answer inside the text of a program: quotes, brackets, written-out line ends, remarks.
//!
//! ```text
//! payload = open text close [words] | text [remark]
//! text    = bytes, line ends as CR, LF, `\r`, `\n`, `\x0d`, `<CR>`, `[CR]`, `^M`, `␍`
//! remark  = blanks ("//" | "/*" | "# " | "<--") words | two blanks "(" words ")"
//! ```

use std::borrow::Cow;

use memchr::memchr_iter;

use super::text::{is_command, is_information, is_plain_result};

/// Marks that close a payload, at most.
const CLOSING_MAX: usize = 6;

/// Line ends as programs write them out.
const LINE_ENDS: [&[u8]; 22] = [
    b"\\r",
    b"\\n",
    b"\\x0d",
    b"\\x0D",
    b"\\x0a",
    b"\\x0A",
    b"<CR>",
    b"<LF>",
    b"<cr>",
    b"<lf>",
    b"<ln>",
    b"[CR]",
    b"[LF]",
    b"[cr]",
    b"[lf]",
    b"^M",
    b"^J",
    "␍".as_bytes(),
    "␊".as_bytes(),
    b"\r",
    b"\n",
    b"<0D>",
];

/// The length of the line end at the beginning of `text`.
fn line_end(text: &[u8]) -> Option<usize> {
    let first = text.first()?;
    matches!(first, b'\\' | b'<' | b'[' | b'^' | 0xe2 | b'\r' | b'\n').then_some(())?;
    LINE_ENDS.iter().find(|end| text.starts_with(end)).map(|end| end.len())
}

/// The position of the first line end.
fn first_line_end(text: &[u8]) -> Option<usize> {
    (0..text.len()).find(|at| line_end(&text[*at..]).is_some())
}

/// The mark that closes what `open` opens.
const fn closes(open: u8) -> Option<u8> {
    Some(match open {
        b'\'' | b'"' | b'`' => open,
        b'[' => b']',
        b'(' => b')',
        b'<' => b'>',
        b'{' => b'}',
        _ => return None,
    })
}

/// The text up to the mark that closes it, and what follows the mark; `None` if it does not come. A quote in a command is closed before, and
/// more of the command follows it.
fn closed(open: u8, text: &[u8]) -> Option<(&[u8], &[u8])> {
    let close = closes(open)?;
    let (mut marks, mut last) = (0_usize, None);
    for (at, byte) in text.iter().enumerate() {
        if *byte != close || (at > 0 && text[at - 1] == b'\\') {
            continue;
        }
        last = Some(at);
        let after = &text[at + 1..];
        let ends = match after.first() {
            None | Some(b' ' | b'\t' | b')' | b']' | b'}' | b';') => true,
            Some(b',' | b'.') => matches!(after.get(1), None | Some(b' ')),
            Some(_) => false,
        };
        if ends && (close != open || marks.is_multiple_of(2)) {
            return Some((&text[..at], after));
        }
        marks += 1;
    }
    last.map(|at| (&text[..at], &text[at + 1..]))
}

/// The runs of blanks outside of double quotes: where each begins, and where the text goes on.
fn gaps(text: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let (mut quoted, mut at) = (false, 0);
    core::iter::from_fn(move || {
        while let Some(byte) = text.get(at) {
            quoted ^= *byte == b'"';
            if quoted || !matches!(byte, b' ' | b'\t') {
                at += 1;
                continue;
            }
            let begin = at;
            at += text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            return Some((begin, at));
        }
        None
    })
}

/// The text without a remark behind it.
#[must_use]
pub fn without_remark(text: &[u8]) -> &[u8] {
    let remark = gaps(text).find(|(begin, end)| {
        let rest = &text[*end..];
        let wide = end - begin >= 2;
        let marks: [&[u8]; 4] = [b"//", b"/*", b"# ", b"<--"];
        *begin > 0
            && (marks.iter().any(|mark| rest.starts_with(mark))
                || (wide && (matches!(rest.first(), Some(b'(' | b'#')) || rest.starts_with(b"; "))))
    });
    remark.map_or(text, |(begin, _)| &text[..begin])
}

/// The command at the beginning of `text`, which stands behind `before` on its line; `None` if there is none. A command goes to the end of the
/// line, of its quotes or brackets, or to words of the program.
#[must_use]
pub fn command<'a>(before: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
    if !text.get(..2)?.eq_ignore_ascii_case(b"AT") {
        return None;
    }
    let (inside, whole) = match before.last().and_then(|open| closed(*open, text)) {
        Some((inside, _)) => (inside, true),
        None => (text, before.last().copied().and_then(closes).is_some()),
    };
    let ended = first_line_end(inside);
    let inside = &inside[..ended.unwrap_or(inside.len())];
    let found = if whole || ended.is_some() { inside } else { without_words(without_remark(inside)) };
    let found = without_closing(found.trim_ascii());
    // `AT` alone is a word of many messages, `at` one of English.
    let alone = found.len() > 2
        || (found == b"AT"
            && (whole || ended.is_some() || without_closing(without_remark(inside).trim_ascii()) == b"AT"))
        || (found == b"AT" && answer_behind(&text[2..]).is_some());
    let small =
        found.starts_with(b"a") && found.get(2).is_some_and(u8::is_ascii_alphabetic) && !before.is_empty();
    (alone && !small && is_command(found)).then_some(found)
}

/// The command without words of the program behind it: `AT+CSQ timeout=3`, `AT+COPS=? (180 s)`.
fn without_words(text: &[u8]) -> &[u8] {
    let goes_on = |rest: &[u8]| match rest {
        [b'+' | b'&' | b'#' | b'^' | b'$' | b'%' | b'*' | b'\\' | b'"' | b'0'..=b'9', ..] | [] => true,
        [b';' | b'=' | b',' | b'?', rest @ ..] => !matches!(rest.first(), Some(b' ' | b'>')),
        [letter, tail @ ..] if letter.is_ascii_alphabetic() => {
            matches!(tail.first(), None | Some(b'0'..=b'9' | b'=' | b'?' | b'&' | b' '))
        }
        _ => false,
    };
    let ends = |begin: usize, end: usize| text[..begin].ends_with(b":") || !goes_on(&text[end..]);
    gaps(text).find(|(begin, end)| ends(*begin, *end)).map_or(text, |(begin, _)| {
        let found = &text[..begin];
        found.split_last().filter(|(last, _)| b",;:".contains(last)).map_or(found, |(_, found)| found)
    })
}

/// Without marks at the end that close what the text before the command opened.
fn without_closing(mut text: &[u8]) -> &[u8] {
    for _ in 0..CLOSING_MAX {
        let Some((last, head)) = text.split_last() else { break };
        let count = |mark: u8| memchr_iter(mark, text).count();
        let closing = match last {
            b'"' | b'\'' | b'`' => !count(*last).is_multiple_of(2),
            b')' => count(b')') > count(b'('),
            b']' => count(b']') > count(b'['),
            b'}' => count(b'}') > count(b'{'),
            b'>' => count(b'>') > count(b'<'),
            _ => false,
        };
        if !closing {
            break;
        }
        text = head.trim_ascii_end();
    }
    text
}

/// Tells each line of an answer in `payload`, without quotes or brackets around it, line ends and remarks.
pub fn lines(payload: &[u8], tell: &mut dyn FnMut(&[u8])) {
    let payload = payload.trim_ascii();
    if let Some(strings) = list(payload) {
        return strings.into_iter().for_each(|string| decoded_lines(string, tell));
    }
    let payload = payload.strip_prefix(b"b'").map_or(payload, |_| &payload[1..]);
    let inside = match payload.split_first() {
        Some((open, text)) if line_end(payload).is_none() => closed(*open, text).map(|(inside, _)| inside),
        _ => None,
    };
    let text = inside.unwrap_or_else(|| without_closing(without_remark(payload)));
    decoded_lines(text, tell);
}

/// Tells each line of a text without quotes around it.
fn decoded_lines(text: &[u8], tell: &mut dyn FnMut(&[u8])) {
    let text = decoded(text);
    let mut rest: &[u8] = &text;
    while let Some(at) = first_line_end(rest) {
        joined_result(rest[..at].trim_ascii(), tell);
        rest = &rest[at + line_end(&rest[at..]).unwrap_or(1)..];
    }
    joined_result(rest.trim_ascii(), tell);
}

/// Tells a line; of one whose line ends became blanks, `+CSQ: 12,99 OK`, the result apart.
fn joined_result(line: &[u8], tell: &mut dyn FnMut(&[u8])) {
    let end = [&b" OK"[..], b" ERROR"].into_iter().find(|end| line.ends_with(end));
    let (body, end) = line.split_at(line.len() - end.filter(|_| is_information(line)).map_or(0, <[u8]>::len));
    for piece in [body, end].map(<[u8]>::trim_ascii).into_iter().filter(|piece| !piece.is_empty()) {
        tell(piece);
    }
}

/// The answer on the line of its command, behind an arrow or a colon: `AT+CSQ -> +CSQ: 12,99 OK`. `behind` follows the command.
#[must_use]
pub fn answer_behind(behind: &[u8]) -> Option<&[u8]> {
    let text = behind.trim_ascii_start();
    let marks: [&[u8]; 8] = [b"-->", b"->", b"=>", b"==>", b":", b"|", b"returned", "→".as_bytes()];
    let answer = marks.iter().find_map(|mark| text.strip_prefix(*mark))?.trim_ascii();
    let mut first = None;
    lines(answer, &mut |line| {
        first.get_or_insert_with(|| is_plain_result(line) || is_information(line));
    });
    first.filter(|is_answer| *is_answer).map(|_| answer)
}

/// The strings of a list as Python writes it: `['+CSQ: 14,99', 'OK']`.
fn list(payload: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = payload.strip_prefix(b"[")?;
    let mut strings = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b"b").unwrap_or(rest);
        let (quote, text) = rest.split_first().filter(|(quote, _)| matches!(quote, b'\'' | b'"'))?;
        let end = (0..text.len()).find(|at| text[*at] == *quote && (*at == 0 || text[at - 1] != b'\\'))?;
        strings.push(&text[..end]);
        rest = &text[end + 1..];
        match rest.first()? {
            b',' => rest = &rest[1..],
            b']' => return Some(strings),
            _ => return None,
        }
    }
}

/// `\"`, `\'` and `\\` as the bytes that they mean; only in text with an escaped line end or quote.
#[must_use]
pub fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.windows(2).any(|pair| matches!(pair, [b'\\', b'"' | b'\'' | b'\\'])) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if let (b'\\', Some(quote @ (b'"' | b'\'' | b'\\'))) = (first, after.first()) {
            bytes.push(*quote);
            rest = &after[1..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(before: &str, text: &str) -> String {
        command(before.as_bytes(), text.as_bytes())
            .map_or_else(|| "-".to_owned(), |found| String::from_utf8_lossy(found).into_owned())
    }

    #[test]
    fn a_command_ends_where_its_quotes_or_the_programs_words_begin() {
        for (before, text, expected) in [
            ("", "AT+CSQ", "AT+CSQ"),
            ("", "AT          // checks the module", "AT"),
            ("", "AT+CGDCONT=1,\"IP\",\"a b\"  // sets the APN", "AT+CGDCONT=1,\"IP\",\"a b\""),
            ("", "AT+HTTPPARA=\"URL\",\"http://x\"", "AT+HTTPPARA=\"URL\",\"http://x\""),
            ("write command '", "AT+COPS=1,2,\"26201\"' expected response 'OK'", "AT+COPS=1,2,\"26201\""),
            (">> \"", "AT+CGDCONT=1,\"IP\",\"em\"\" sent", "AT+CGDCONT=1,\"IP\",\"em\""),
            ("at_cmd(\"", "AT+CEREG?\")", "AT+CEREG?"),
            ("Sent \"", "AT\\r\"", "AT"),
            ("[", "AT+COPS?", "AT+COPS?"),
            ("[", "AT+COPS?]", "AT+COPS?"),
            ("tx: ", "AT+COPS=? (timeout 180 s)", "AT+COPS=?"),
            ("tx: ", "AT+CSQ, waits for OK", "AT+CSQ"),
            ("tx: ", "ATQ0 V1 E1 S0=0", "ATQ0 V1 E1 S0=0"),
            ("", "AT+CSQ -> +CSQ: 12,99 OK", "AT+CSQ"),
            ("", "AT+CSQ: OK", "AT+CSQ"),
            ("", "AT+CSQ => OK", "AT+CSQ"),
            ("tx: ", "AT<CR>", "AT"),
            ("cmd=", "AT+CSQ timeout=300", "AT+CSQ"),
            ("Sending ", "AT command: x", "-"),
            ("Sending ", "AT commands", "-"),
            ("looks ", "at+1", "at+1"),
            ("", "at last", "-"),
            ("looks ", "ati", "-"),
            ("O='", "AT+CSQ;+CREG?", "AT+CSQ;+CREG?"),
        ] {
            assert_eq!(found(before, text), expected, "{before}{text}");
        }
    }

    #[test]
    fn an_answer_is_told_line_by_line() {
        for (payload, expected) in [
            ("'\\r\\n+CSQ: 14,99\\r\\n\\r\\nOK\\r\\n'", &["+CSQ: 14,99", "OK"][..]),
            ("b'\\r\\nOK\\r\\n'", &["OK"]),
            ("\"+COPS: 0,0,\\\"a b\\\",7\\r\\nOK\"", &["+COPS: 0,0,\"a b\",7", "OK"]),
            ("<CR><LF>+CREG: 0,1<CR><LF>", &["+CREG: 0,1"]),
            ("['+CSQ: 14,99', \"OK\"]", &["+CSQ: 14,99", "OK"]),
            ("+CSQ: 14,99 OK", &["+CSQ: 14,99", "OK"]),
            ("[+CSQ: 14,99]", &["+CSQ: 14,99"]),
            ("[CR][LF]OK[CR][LF]", &["OK"]),
            ("+CREG: 2        // it searches", &["+CREG: 2"]),
            ("+COPS: 0,0,\"a // b\",7", &["+COPS: 0,0,\"a // b\",7"]),
            (
                "+COPS: (1,\"a\",\"a\",\"26201\",7),,(0-4),(0-2)",
                &["+COPS: (1,\"a\",\"a\",\"26201\",7),,(0-4),(0-2)"],
            ),
            ("'", &[]),
            ("]", &[]),
        ] {
            let mut told = Vec::new();
            lines(payload.as_bytes(), &mut |line| told.push(String::from_utf8_lossy(line).into_owned()));
            assert_eq!(told, expected, "{payload}");
        }
    }
}
