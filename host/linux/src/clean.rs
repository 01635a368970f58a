//! Makes text from others (operators' names come over the air, names of processes and files from their owners) safe for a
//! terminal, a log or a table.

use std::borrow::Cow;

use serde::Serialize;

/// Whether a character controls a terminal, begins a new line, changes the direction of text, or is invisible.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Text within a line: [unsafe](is_unsafe) characters become `?`.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '?' } else { c }).collect()
}

/// An operator's name within a line of words, in quotes if it could be taken for more of the line than a name.
#[must_use]
pub fn name(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " &.-_+'/!*".contains(c);
    if name.chars().all(plain) && name.trim() == name {
        name.to_owned()
    } else {
        format!("\"{}\"", shown(name).replace('"', "'"))
    }
}

/// Our own lines with text from others in them, before they are printed: unsafe characters other than line ends and tabs
/// become `?`.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    let acts = |c: char| is_unsafe(c) && c != '\n' && c != '\t';
    if text.contains(acts) {
        Cow::Owned(text.chars().map(|c| if acts(c) { '?' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// An object as one line of JSON, without the line end. JSON itself escapes only the control characters of ASCII: those of Latin-1,
/// and characters that change the direction of text, would still reach a terminal. A program reads the same text.
///
/// # Errors
/// The object cannot be serialised.
pub fn json(object: &impl Serialize) -> serde_json::Result<String> {
    use std::fmt::Write as _;

    let line = serde_json::to_string(object)?;
    if !line.contains(is_unsafe) {
        return Ok(line);
    }
    let mut escaped = String::with_capacity(line.len());
    for character in line.chars() {
        if is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _always = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Ok(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An escape sequence in both forms, a line end, characters that change the direction of text or are invisible, a tag.
    const HOSTILE: &str =
        "\x1b[2J\u{9b}31m\r\n\t\x07\u{7f}\u{202e}\u{2066}\u{61c}\u{200b}\u{feff}\u{e0041}evil";

    #[test]
    fn a_name_from_the_network_cannot_control_the_terminal() {
        assert_eq!(shown("AT&T"), "AT&T");
        assert_eq!(shown("\x1b[2J\u{202e}evil\r\n"), "?[2J?evil??");
        assert!(!shown(HOSTILE).contains(is_unsafe) && shown(HOSTILE).ends_with("evil"));
    }

    #[test]
    fn a_name_that_looks_like_more_of_the_line_is_quoted() {
        for plain in ["AT&T", "T-Mobile", "Orange F", "3 UK", "Yoigo.", "Κόσμος", "中国移动"] {
            assert_eq!(name(plain), plain);
        }
        assert_eq!(name("AT&T (310410)"), "\"AT&T (310410)\"");
        assert_eq!(name("x\nCellular Scan - State 11: complete"), "\"x?Cellular Scan - State 11: complete\"");
        assert_eq!(name("a\", \"b"), "\"a', 'b\"");
        assert_eq!(name(" x"), "\" x\"");
    }

    #[test]
    fn lines_keep_their_ends_and_lose_unsafe_characters() {
        assert_eq!(lines("a\tb\nc\n"), "a\tb\nc\n");
        assert_eq!(lines("a\x1b[2J\r\n"), "a?[2J?\n");
    }

    #[test]
    fn json_escapes_unsafe_characters_and_keeps_the_text() {
        let line = json(&[HOSTILE]).unwrap();
        assert!(!line.contains(is_unsafe), "{line}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&line).unwrap()[0], HOSTILE);
        assert_eq!(json(&["AT&T"]).unwrap(), "[\"AT&T\"]");
    }
}
