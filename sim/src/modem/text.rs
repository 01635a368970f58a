//! Text of an answer, written without the formatting of the standard library: most of what a modem sends are short
//! fields.

/// Bytes of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Text(pub(super) Vec<u8>);

impl Text {
    /// Appends text.
    pub(super) fn put(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// The same, for more behind it.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.put(text);
        self
    }

    /// Appends a number in decimal.
    pub(super) fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        let mut number = number.into();
        // The digits of `u64::MAX`.
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            first = at;
            if number == 0 {
                break;
            }
        }
        self.0.extend_from_slice(digits.get(first..).unwrap_or_default());
        self
    }

    /// Appends a comma and a number, where there is one.
    pub(super) fn field(&mut self, number: Option<u8>) -> &mut Self {
        if let Some(number) = number {
            self.text(",").number(number);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for number in [0, 1, 9, 10, 99, 100, 65_535, 1_000_000_007, u64::MAX - 1, u64::MAX] {
            let mut text = Text::default();
            text.text("+CSQ: ").number(number).field(None).field(Some(99));
            assert_eq!(String::from_utf8(text.0), Ok(format!("+CSQ: {number},99")));
        }
    }
}
