//! Lines for a terminal: broken at blanks, with the rest indented, so that a console of 80 columns shows what belongs together.

use std::os::fd::AsFd;

use rustix::termios::{isatty, tcgetwinsize};

/// Columns of a terminal that does not tell its size, as a serial console does not.
const COLUMNS: usize = 80;
/// Fewer columns than this are not believed.
const COLUMNS_MIN: usize = 40;

/// The columns of the terminal behind a descriptor; `None`: it is no terminal, and a line stays a line.
#[must_use]
pub fn columns(of: impl AsFd) -> Option<usize> {
    if !isatty(&of) {
        return None;
    }
    let told = tcgetwinsize(&of).map_or(0, |size| usize::from(size.ws_col));
    Some(if told < COLUMNS_MIN { COLUMNS } else { told })
}

/// Columns that a text takes; ideographs and what stands beyond them take two each.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|letter| if letter >= '\u{1100}' { 2 } else { 1 }).sum()
}

/// Breaks a line at blanks, so that none is wider than `columns` where its words allow; the first has `before` columns to its left, the
/// others begin with `indent` blanks.
#[must_use]
pub fn wrapped(line: &str, columns: usize, before: usize, indent: usize) -> String {
    if before + width(line) <= columns {
        return line.to_owned();
    }
    let (mut text, mut at, mut empty) = (String::new(), before, true);
    for word in line.split(' ') {
        let len = width(word);
        if !empty && at + 1 + len > columns {
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            (at, empty) = (indent, true);
        }
        if !empty {
            text.push(' ');
            at += 1;
        }
        text.push_str(word);
        at += len;
        // Blanks at the beginning of a line are kept.
        empty = false;
    }
    text
}

/// Wraps each line of a text.
#[must_use]
pub fn lines(text: &str, columns: usize, indent: usize) -> String {
    let wrapped: Vec<String> = text.lines().map(|line| wrapped(line, columns, 0, indent)).collect();
    wrapped.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_at_blanks_and_its_rest_is_indented() {
        assert_eq!(wrapped("one two three", 8, 0, 2), "one two\n  three");
        assert_eq!(wrapped("one two three", 8, 3, 2), "one\n  two\n  three");
        assert_eq!(wrapped("one", 2, 0, 2), "one", "a word is not broken");
        assert_eq!(wrapped("  a bb", 4, 0, 0), "  a\nbb");
        assert_eq!(lines("short\na longer one", 9, 1), "short\na longer\n one");
        assert_eq!(width("a中"), 3);
    }

    #[test]
    fn what_is_no_terminal_has_no_columns() {
        assert_eq!(columns(std::fs::File::open("/dev/null").unwrap()), None);
    }
}
