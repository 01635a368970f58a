//! A byte-wise UART as a port.

use core::fmt;

use embedded_hal_nb::serial;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};

use crate::port::Port;

/// A [`Port`] made of an `embedded-hal-nb` UART. It reads one byte ahead, since such a UART shows whether there is
/// one only by returning it.
#[derive(Debug)]
pub struct NbPort<U: serial::ErrorType> {
    uart: U,
    /// The next byte, or an error after bytes already returned: a UART reports each once.
    ahead: Option<Result<u8, U::Error>>,
}

/// An error of the UART.
#[derive(Debug)]
pub struct NbError<E>(pub E);

impl<E: fmt::Debug> fmt::Display for NbError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UART: {:?}", self.0)
    }
}

impl<E: fmt::Debug> core::error::Error for NbError<E> {}

impl<E: serial::Error> embedded_io::Error for NbError<E> {
    /// `InvalidData` for lost and damaged bytes: the current line is discarded, and the port goes on.
    fn kind(&self) -> ErrorKind {
        match self.0.kind() {
            serial::ErrorKind::Overrun
            | serial::ErrorKind::FrameFormat
            | serial::ErrorKind::Parity
            | serial::ErrorKind::Noise => ErrorKind::InvalidData,
            serial::ErrorKind::Other | _ => ErrorKind::Other,
        }
    }
}

impl<U: serial::ErrorType> NbPort<U> {
    /// Wraps the UART.
    pub const fn new(uart: U) -> Self {
        Self { uart, ahead: None }
    }

    /// Unwraps the UART; a byte read ahead is lost.
    pub fn into_inner(self) -> U {
        self.uart
    }
}

impl<U: serial::ErrorType> ErrorType for NbPort<U> {
    type Error = NbError<U::Error>;
}

impl<U: serial::Read> Read for NbPort<U> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        let mut count = 0_usize;
        for to in buf {
            let next = match self.ahead.take() {
                Some(next) => next,
                None if count == 0 => nb::block!(self.uart.read()),
                None => match self.uart.read() {
                    Ok(byte) => Ok(byte),
                    Err(nb::Error::WouldBlock) => break,
                    Err(nb::Error::Other(error)) => Err(error),
                },
            };
            match next {
                Ok(byte) => *to = byte,
                // The bytes read so far come first.
                Err(error) if count > 0 => {
                    self.ahead = Some(Err(error));
                    break;
                }
                Err(error) => return Err(NbError(error)),
            }
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

impl<U: serial::Read> ReadReady for NbPort<U> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        if self.ahead.is_none() {
            self.ahead = match self.uart.read() {
                Ok(byte) => Some(Ok(byte)),
                Err(nb::Error::WouldBlock) => return Ok(false),
                Err(nb::Error::Other(error)) => Some(Err(error)),
            };
        }
        // The read returns it.
        Ok(true)
    }
}

impl<U: serial::Write> Write for NbPort<U> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        for byte in buf {
            nb::block!(self.uart.write(*byte)).map_err(NbError)?;
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        nb::block!(self.uart.flush()).map_err(NbError)
    }
}

impl<U: serial::Read + serial::Write> Port for NbPort<U> {
    fn open(&mut self) -> nb::Result<(), Self::Error> {
        Ok(())
    }

    fn close(&mut self) {
        self.ahead = None;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::collections::VecDeque;

    #[derive(Debug, Default)]
    struct Uart {
        received: VecDeque<Result<u8, serial::ErrorKind>>,
        sent: std::vec::Vec<u8>,
    }

    impl serial::ErrorType for Uart {
        type Error = serial::ErrorKind;
    }

    impl serial::Read for Uart {
        fn read(&mut self) -> nb::Result<u8, Self::Error> {
            self.received.pop_front().ok_or(nb::Error::WouldBlock)?.map_err(nb::Error::Other)
        }
    }

    impl serial::Write for Uart {
        fn write(&mut self, word: u8) -> nb::Result<(), Self::Error> {
            self.sent.push(word);
            Ok(())
        }

        fn flush(&mut self) -> nb::Result<(), Self::Error> {
            Ok(())
        }
    }

    #[test]
    fn reads_available_bytes_and_reports_when_there_are_none() {
        let received = b"OK\r\n".iter().copied().map(Ok).collect();
        let mut port = NbPort::new(Uart { received, ..Uart::default() });
        let mut buffer = [0; 8];
        assert!(port.read_ready().unwrap());
        assert_eq!(port.read(&mut buffer).unwrap(), 4, "the byte read ahead is the first");
        assert_eq!(&buffer[..4], b"OK\r\n");
        assert!(!port.read_ready().unwrap());
        port.write_all(b"AT\r").unwrap();
        assert_eq!(port.into_inner().sent, b"AT\r");
    }

    #[test]
    fn an_error_comes_after_the_bytes_before_it_and_its_kind_says_whether_the_port_goes_on() {
        use embedded_io::Error as _;
        for (error, kind) in [
            (serial::ErrorKind::Overrun, ErrorKind::InvalidData),
            (serial::ErrorKind::FrameFormat, ErrorKind::InvalidData),
            (serial::ErrorKind::Parity, ErrorKind::InvalidData),
            (serial::ErrorKind::Noise, ErrorKind::InvalidData),
            (serial::ErrorKind::Other, ErrorKind::Other),
        ] {
            let received = VecDeque::from([Ok(b'+'), Ok(b'C'), Err(error), Ok(b'9')]);
            let mut port = NbPort::new(Uart { received, ..Uart::default() });
            let mut buffer = [0; 8];
            assert!(port.read_ready().unwrap());
            assert_eq!(port.read(&mut buffer).unwrap(), 2);
            assert!(port.read_ready().unwrap(), "there is an error to read");
            assert_eq!(port.read(&mut buffer).unwrap_err().kind(), kind);
            assert_eq!(port.read(&mut buffer).unwrap(), 1, "no byte after it is lost");
            assert_eq!(buffer.first(), Some(&b'9'));
        }
    }
}
