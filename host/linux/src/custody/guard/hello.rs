//! The handshake: a guard says which language it speaks, and that it was this scan that started it.
//!
//! One line on its standard output, `cellscan-guard <version> <nonce>`, the nonce as the scan gave it on the command line. A
//! program that says something else is no guard, and nothing is asked down.

use std::io::Read;
use std::os::fd::AsFd;
use std::process::ChildStdout;
use std::time::Duration;

use cellscan_custody::guard::PROTOCOL;
use rustix::event::PollFlags;

use crate::clock::Clock;
use crate::event_loop::wait_one;

/// The first word of the line.
const MAGIC: &str = "cellscan-guard";
/// Bytes of a line that are read; ours are half as long.
const LINE_LEN_MAX: usize = 96;
/// Characters of a nonce, at most.
const NONCE_LEN_MAX: usize = 40;

/// What a guard said in place of the line; empty where it said nothing in time, or ended.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Otherwise(pub(super) String);

/// What is given to one guard, and expected of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Hello {
    nonce: String,
}

impl Hello {
    /// For a guard that this process starts now.
    pub(super) fn new() -> Self {
        Self { nonce: format!("{}.{}", std::process::id(), Clock::new().now().as_millis()) }
    }

    /// As a guard was given it on its command line; `None`: that is no nonce.
    pub(super) fn parse(nonce: &str) -> Option<Self> {
        let is_one = (1..=NONCE_LEN_MAX).contains(&nonce.len())
            && nonce.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        is_one.then(|| Self { nonce: nonce.to_owned() })
    }

    /// The word for the command line.
    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// What a guard that is ready says, without the line feed.
    pub(super) fn line(&self) -> String {
        format!("{MAGIC} {PROTOCOL} {}", self.nonce)
    }

    /// Waits up to `limit` for that line.
    pub(super) fn expect(&self, stdout: &mut ChildStdout, limit: Duration) -> Result<(), Otherwise> {
        let clock = Clock::new();
        let until = clock.now() + limit;
        let mut said = Vec::new();
        while !said.contains(&b'\n') && said.len() < LINE_LEN_MAX {
            let left = until.duration_since(clock.now());
            if wait_one(stdout.as_fd(), PollFlags::IN, left, clock) != Ok(true) {
                break;
            }
            let mut piece = [0; LINE_LEN_MAX];
            match stdout.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(count) => said.extend_from_slice(piece.get(..count).unwrap_or_default()),
            }
        }
        // What stands behind the line is not ours either.
        if said == format!("{}\n", self.line()).as_bytes() {
            return Ok(());
        }
        said.truncate(LINE_LEN_MAX);
        Err(Otherwise(String::from_utf8_lossy(&said).trim_end_matches('\n').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What comes of a program that says this and then keeps its output open for as long as it is let.
    fn told(hello: &Hello, says: &str, then: &str) -> Result<(), Otherwise> {
        let script = format!("printf '%b' \"$1\"; {then}");
        let mut child = Command::new("sh")
            .args(["-c", &script, "sh", says])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let came = hello.expect(child.stdout.as_mut().unwrap(), Duration::from_millis(300));
        child.kill().unwrap();
        child.wait().unwrap();
        came
    }

    #[test]
    fn the_line_with_version_and_nonce_is_a_guard_and_nothing_else_is() {
        let hello = Hello::parse("7.4711").unwrap();
        let line = hello.line();
        assert_eq!(line, format!("cellscan-guard {PROTOCOL} 7.4711"));
        // Slow to start is no other guard: the limit is one of silence here, and long on a busy machine.
        let mut child =
            Command::new("printf").arg(format!("{line}\\n")).stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(hello.expect(child.stdout.as_mut().unwrap(), Duration::from_secs(60)), Ok(()));
        child.wait().unwrap();
        for says in [
            String::new(),
            "g".to_owned(),
            "g\\n".to_owned(),
            line.clone(),
            format!("{line}\\ng"),
            format!(" {line}\\n"),
            format!("{MAGIC} {} 7.4711\\n", PROTOCOL + 1),
            format!("{MAGIC} {PROTOCOL} 7.4712\\n"),
            "x".repeat(5_000),
        ] {
            for then in [":", "exec sleep 60"] {
                let Err(Otherwise(found)) = told(&hello, &says, then) else { panic!("{says:?}") };
                assert!(found.len() <= LINE_LEN_MAX, "{found:?}");
            }
        }
    }

    #[test]
    fn a_nonce_is_digits_and_points() {
        assert_eq!(Hello::parse(Hello::new().nonce()).map(|hello| hello.nonce.is_empty()), Some(false));
        for bad in ["", "7 8", "7\n", "abc", &"7".repeat(41)] {
            assert_eq!(Hello::parse(bad), None, "{bad:?}");
        }
    }
}
