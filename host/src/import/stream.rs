//! Splits the bytes of one direction of one dialogue into lines, and numbers dialogues by name.

/// Largest length of an incomplete line, in bytes.
const HELD_MAX: usize = 64 * 1024;
/// Largest number of separate dialogues; all others share one number.
const NAMES_MAX: usize = 1_000;

/// Bytes received in pieces.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    held: Vec<u8>,
}

impl Stream {
    /// Adds a piece. `line` receives each line that ends in it, without CR and LF; empty lines are skipped.
    pub fn push(&mut self, piece: &[u8], line: &mut dyn FnMut(&[u8])) {
        for byte in piece {
            match byte {
                b'\r' | b'\n' => self.flush(line),
                byte if self.held.len() < HELD_MAX => self.held.push(*byte),
                _ => {}
            }
        }
    }

    /// Drops the incomplete line.
    pub fn clear(&mut self) {
        self.held.clear();
    }

    /// Ends the line here, whatever comes next.
    pub fn flush(&mut self, line: &mut dyn FnMut(&[u8])) {
        if !self.held.is_empty() {
            line(&self.held);
            self.held.clear();
        }
    }
}

/// Names of dialogues, in the order of their appearance.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<Vec<u8>>);

impl Names {
    /// The number of a dialogue.
    pub fn number(&mut self, name: &[u8]) -> u32 {
        let found = self.0.iter().rposition(|known| known == name);
        let index = found.unwrap_or_else(|| {
            if self.0.len() < NAMES_MAX {
                self.0.push(name.to_vec());
            }
            self.0.len() - usize::from(self.0.len() < NAMES_MAX)
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_do_not_depend_on_the_size_of_pieces() {
        let text = b"\r\n+CPIN: READY\r\n\r\nOK\r\n";
        for size in 1..text.len() {
            let (mut stream, mut lines) = (Stream::default(), Vec::new());
            for piece in text.chunks(size) {
                stream.push(piece, &mut |line| lines.push(line.to_vec()));
            }
            assert_eq!(lines, [&b"+CPIN: READY"[..], b"OK"]);
        }
    }

    #[test]
    fn a_name_keeps_its_number() {
        let mut names = Names::default();
        assert_eq!([names.number(b"a"), names.number(b"b"), names.number(b"a")], [0, 1, 0]);
    }
}
