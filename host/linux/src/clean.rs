//! Text that others have made (operators' names come over the air, processes and files are called as their owners like), as it may
//! reach a terminal, a log or a table.

use std::borrow::Cow;

use serde::Serialize;

/// Whether a character does something to a terminal, begins a line of its own, turns the direction of text, or is not seen.
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

/// A text of others within a line: what is [unsafe](is_unsafe) is shown as `?`.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '?' } else { c }).collect()
}

/// An operator's name within a line of words. One that could be taken for more of the line than a name is quoted.
#[must_use]
pub fn name(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " &.-_+'/!*".contains(c);
    if name.chars().all(plain) && name.trim() == name {
        name.to_owned()
    } else {
        format!("\"{}\"", shown(name).replace('"', "'"))
    }
}

/// Lines of ours with texts of others in them, before they are printed: what is unsafe, and is neither the end of a line nor a
/// tab, is shown as `?`.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    let acts = |c: char| is_unsafe(c) && c != '\n' && c != '\t';
    if text.contains(acts) {
        Cow::Owned(text.chars().map(|c| if acts(c) { '?' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// An object as one line of JSON, without the end of the line. JSON itself escapes the control characters of ASCII alone: those of
/// Latin-1, and what turns the direction of text, would still speak to a terminal. For a program it is the same text.
///
/// # Errors
/// The object cannot be written as JSON.
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

    /// An escape of a terminal in both forms, the end of a line, characters that turn text and that are not seen, a tag.
    const HOSTILE: &str =
        "\x1b[2J\u{9b}31m\r\n\t\x07\u{7f}\u{202e}\u{2066}\u{61c}\u{200b}\u{feff}\u{e0041}evil";

    #[test]
    fn a_name_from_the_air_cannot_speak_to_the_terminal() {
        assert_eq!(shown("AT&T"), "AT&T");
        assert_eq!(shown("\x1b[2J\u{202e}evil\r\n"), "?[2J?evil??");
        assert!(!shown(HOSTILE).contains(is_unsafe) && shown(HOSTILE).ends_with("evil"));
    }

    #[test]
    fn a_name_that_could_be_more_of_the_line_is_quoted() {
        for plain in ["AT&T", "T-Mobile", "Orange F", "3 UK", "Yoigo.", "Κόσμος", "中国移动"] {
            assert_eq!(name(plain), plain);
        }
        assert_eq!(name("AT&T (310410)"), "\"AT&T (310410)\"");
        assert_eq!(name("x\nCellular Scan - State 11: complete"), "\"x?Cellular Scan - State 11: complete\"");
        assert_eq!(name("a\", \"b"), "\"a', 'b\"");
        assert_eq!(name(" x"), "\" x\"");
    }

    #[test]
    fn lines_stay_lines_and_hold_nothing_that_acts() {
        assert_eq!(lines("a\tb\nc\n"), "a\tb\nc\n");
        assert_eq!(lines("a\x1b[2J\r\n"), "a?[2J?\n");
    }

    #[test]
    fn json_says_the_same_without_a_character_that_acts() {
        let line = json(&[HOSTILE]).unwrap();
        assert!(!line.contains(is_unsafe), "{line}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&line).unwrap()[0], HOSTILE);
        assert_eq!(json(&["AT&T"]).unwrap(), "[\"AT&T\"]");
    }
}
