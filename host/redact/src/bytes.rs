//! Kinds of bytes, and a run of letters and digits.

/// Consecutive letters and digits so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Token {
    pub(super) len: u8,
    pub(super) first: u8,
    /// Consecutive digits at its end.
    pub(super) digits: u8,
    /// It contains a digit.
    pub(super) mixed: bool,
}

impl Token {
    pub(super) const fn new() -> Self {
        Self { len: 0, first: 0, digits: 0, mixed: false }
    }

    pub(super) fn push(&mut self, byte: u8) {
        if !byte.is_ascii_alphanumeric() {
            *self = Self::default();
            return;
        }
        if self.len == 0 {
            self.first = byte;
        }
        self.len = self.len.saturating_add(1);
        self.digits = if byte.is_ascii_digit() { self.digits.saturating_add(1) } else { 0 };
        self.mixed |= self.digits > 0;
    }
}

pub(super) const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Whether a byte may begin the name of a command or of an answer (V.250 §5.4.1 and the vendors').
pub(super) const fn is_mark(byte: u8) -> bool {
    matches!(byte, b'+' | b'^' | b'#' | b'$' | b'%' | b'*' | b'!' | b'@' | b'_' | b'-' | b'&')
}

/// Whether a byte carries information: the rest is structure.
pub(super) const fn is_telling(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

pub(super) const fn masked(byte: u8) -> u8 {
    if byte.is_ascii_digit() { b'0' } else { b'*' }
}
