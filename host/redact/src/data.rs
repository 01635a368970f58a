//! Data mode: from `CONNECT` until modem and host are back in command mode.
//!
//! The modem reports `NO CARRIER`, or `OK` after `+++` (V.250 §6.3.1 and the escape of Hayes); after a drop of DTR by the host it
//! may report nothing, and the host's next command is the first sign. That sign counts where no PPP frame is open (RFC 1662 §4:
//! each begins with `0x7e`).

/// The report that ends data mode, without its line ends.
const NO_CARRIER: &[u8] = b"NO CARRIER";
const OK: &[u8] = b"OK";
const COMMAND: &[u8] = b"AT";
const ESCAPE: &[u8] = b"+++";
/// The flag between frames.
const FLAG: u8 = 0x7e;

/// The state in data mode.
#[derive(Clone, Debug)]
pub(super) struct Data {
    sent: Window,
    received: Window,
    escaped: bool,
}

/// The last bytes of a direction.
type Window = [u8; 12];

impl Default for Data {
    fn default() -> Self {
        // As after a line end.
        Self { sent: [b'\r'; 12], received: [b'\r'; 12], escaped: false }
    }
}

impl Data {
    /// Takes a byte to the modem; returns the bytes, of it and those before it, that belong to command mode again.
    pub(super) fn sent(&mut self, byte: u8) -> Option<&'static [u8]> {
        push(&mut self.sent, byte);
        self.escaped |= self.sent.ends_with(ESCAPE);
        let [.., before, _, _] = self.sent;
        let between_frames = matches!(before, b'\r' | b'\n' | FLAG) || self.escaped && before == b'+';
        (between_frames && self.sent.ends_with(COMMAND)).then_some(COMMAND)
    }

    /// Takes a byte from the modem; likewise.
    pub(super) fn received(&mut self, byte: u8) -> Option<&'static [u8]> {
        push(&mut self.received, byte);
        let line = |words: &[u8]| {
            let end = self.received.strip_suffix(b"\r").or_else(|| self.received.strip_suffix(b"\n"));
            let before = end.and_then(|text| text.strip_suffix(words)).and_then(<[u8]>::last);
            matches!(before, Some(b'\r' | b'\n' | &FLAG))
        };
        if line(NO_CARRIER) {
            Some(b"NO CARRIER\r")
        } else if self.escaped && line(OK) {
            Some(b"OK\r")
        } else {
            None
        }
    }
}

fn push(window: &mut Window, byte: u8) {
    window.rotate_left(1);
    if let Some(last) = window.last_mut() {
        *last = byte;
    }
}
