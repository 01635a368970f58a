//! A port, and what the modem was told about its selection of a carrier: of commands, for who is not the scan. Of what came only what says
//! why a scan failed.

use cellscan_core::at::reply::FinalResult;
use cellscan_core::carrier::Plmn;
use cellscan_core::port::Port;
use embedded_io::{ErrorType, Read, ReadReady, Write};

/// Bytes of a command that are looked at; the mode and the carrier come first.
const COMMAND_LEN_MAX: usize = 64;
const SELECTION: &[u8] = b"AT+COPS=";

/// What the modem was told last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// `AT+COPS=0`.
    Automatic,
    /// `AT+COPS=1,2,"…"`.
    Manual(Plmn),
    /// `AT+COPS=2`, or a mode with another meaning.
    Other,
}

/// What came from a modem, as far as it says why a scan failed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Heard {
    /// Bytes, echoes included.
    pub bytes: u64,
    /// What the modem said of the SIM where it cannot be used: `SIM PIN`, `11`.
    pub sim: Option<String>,
    line: Vec<u8>,
}

impl Heard {
    fn received(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        for byte in bytes {
            if matches!(byte, b'\r' | b'\n') {
                self.end_line();
                self.line.clear();
            } else if self.line.len() < COMMAND_LEN_MAX {
                self.line.push(*byte);
            }
        }
    }

    fn end_line(&mut self) {
        let behind = |start: &[u8]| self.line.strip_prefix(start).map(<[u8]>::trim_ascii);
        let state = behind(b"+CPIN:").filter(|state| *state != b"READY");
        let blames = FinalResult::parse(&self.line).is_some_and(FinalResult::blames_the_sim);
        let error = behind(b"+CME ERROR:").filter(|_| blames);
        if let Some(words) = state.or(error) {
            self.sim = Some(String::from_utf8_lossy(words).into_owned());
        }
    }
}

/// A port that remembers what the modem was told about its selection.
#[derive(Debug)]
pub struct Selecting<P> {
    inner: P,
    command: Vec<u8>,
    told: Option<Told>,
    went_on: bool,
    has_sent: bool,
    heard: Heard,
}

impl<P> Selecting<P> {
    /// Nothing was sent so far.
    pub fn new(inner: P) -> Self {
        Self {
            inner,
            command: Vec::new(),
            told: None,
            went_on: false,
            has_sent: false,
            heard: Heard::default(),
        }
    }

    /// What came.
    pub const fn heard(&self) -> &Heard {
        &self.heard
    }

    /// What is wrapped.
    pub const fn inner(&self) -> &P {
        &self.inner
    }

    /// Whether any byte was sent.
    pub const fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// What the modem was told last, if anything.
    pub const fn told(&self) -> Option<Told> {
        self.told
    }

    /// Whether a question followed the last selection: a scan that restores a selection asks for the registration if the selection was
    /// accepted, and nothing more if not. (It puts settings back in either case.)
    pub const fn went_on(&self) -> bool {
        self.went_on
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.has_sent |= !bytes.is_empty();
        for byte in bytes {
            if matches!(byte, b'\r' | b'\n') {
                self.end_command();
                self.command.clear();
            } else if self.command.len() < COMMAND_LEN_MAX {
                self.command.push(byte.to_ascii_uppercase());
            }
        }
    }

    fn end_command(&mut self) {
        let Some(mode) = self.command.strip_prefix(SELECTION) else {
            let asks = self.command.starts_with(b"AT+") && self.command.ends_with(b"?");
            self.went_on |= self.told.is_some() && asks;
            return;
        };
        let told = match mode.first() {
            // The list, and the format of names.
            Some(b'?' | b'3') | None => return,
            Some(b'0') => Told::Automatic,
            Some(b'1') => {
                let digits = mode.split(|byte| *byte == b'"').nth(1).unwrap_or_default();
                Plmn::parse(digits).map_or(Told::Other, Told::Manual)
            }
            Some(_) => Told::Other,
        };
        (self.told, self.went_on) = (Some(told), false);
    }
}

impl<P: ErrorType> ErrorType for Selecting<P> {
    type Error = P::Error;
}

impl<P: Read> Read for Selecting<P> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, P::Error> {
        let count = self.inner.read(buf)?;
        self.heard.received(buf.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl<P: ReadReady> ReadReady for Selecting<P> {
    fn read_ready(&mut self) -> Result<bool, P::Error> {
        self.inner.read_ready()
    }
}

impl<P: Write> Write for Selecting<P> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, P::Error> {
        let count = self.inner.write(buf)?;
        self.sent(buf.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), P::Error> {
        self.inner.flush()
    }
}

impl<P: Port> Port for Selecting<P> {
    fn open(&mut self) -> nb::Result<(), P::Error> {
        self.inner.open()
    }

    fn close(&mut self) {
        self.command.clear();
        self.inner.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bytes: &[u8]) -> Selecting<()> {
        let mut whole = Selecting::new(());
        whole.sent(bytes);
        let mut pieces = Selecting::new(());
        bytes.chunks(1).for_each(|piece| pieces.sent(piece));
        assert_eq!((whole.told(), whole.went_on()), (pieces.told(), pieces.went_on()));
        whole
    }

    #[test]
    fn the_last_selection_counts_and_nothing_else() {
        let att = Told::Manual(Plmn::parse(b"310410").unwrap());
        for (bytes, told, went_on) in [
            (&b""[..], None, false),
            (b"\rAT\rAT+CMEE=1\rAT+COPS=3,2\rAT+COPS?\rAT+COPS=?\r", None, false),
            (b"AT+COPS=0", None, false),
            (b"AT+COPS=0\r", Some(Told::Automatic), false),
            (b"AT+COPS=0\rAT\r\rAT\r", Some(Told::Automatic), false),
            (b"AT+COPS=0\rAT+COPS?\r", Some(Told::Automatic), true),
            (b"AT+COPS=0\rAT+CEREG?\r", Some(Told::Automatic), true),
            (b"AT+COPS=0\rAT+COPS=3,0\rAT+CMEE=2\r", Some(Told::Automatic), false),
            (b"AT+COPS=2\rAT+COPS=1,2,\"310410\"\r", Some(att), false),
            (b"AT+COPS=1,2,\"310410\",7\rAT+COPS?\r", Some(att), true),
            (b"AT+COPS=0\rAT+COPS?\rAT+COPS=1,2,\"310410\"\r", Some(att), false),
            (b"at+cops=1,0,\"AT&T\"\r", Some(Told::Other), false),
            (b"AT+COPS=1\r", Some(Told::Other), false),
            (b"AT+COPS=4,2,\"310410\"\r", Some(Told::Other), false),
            (b"AT+COPS=2\r", Some(Told::Other), false),
        ] {
            let port = after(bytes);
            assert_eq!((port.told(), port.went_on()), (told, went_on), "{}", bytes.escape_ascii());
            assert_eq!(port.has_sent(), !bytes.is_empty());
        }
        let long = [b"AT+COPS=0".as_slice(), &[b' '; 10_000], b"\r"].concat();
        assert_eq!(after(&long).told(), Some(Told::Automatic));
    }

    #[test]
    fn what_a_modem_says_of_its_sim_is_kept_and_a_ready_sim_says_nothing() {
        let sim = |bytes: &[u8]| {
            let mut heard = Heard::default();
            bytes.chunks(3).for_each(|piece| heard.received(piece));
            heard.sim
        };
        assert_eq!(sim(b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n").as_deref(), Some("SIM PIN"));
        assert_eq!(sim(b"\r\n+CME ERROR: 11\r\n").as_deref(), Some("11"));
        assert_eq!(sim(b"\r\n+CPIN: READY\r\n\r\nOK\r\n+CME ERROR: 30\r\n"), None);
    }
}
