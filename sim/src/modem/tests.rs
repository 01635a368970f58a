//! The modem as its client sees it. Times are milliseconds.

use super::*;

mod calls;
mod commands;
mod habits;

/// A modem and a client that notes when each line arrived.
struct Bench {
    modem: Modem,
    now: u64,
    heard: Vec<u8>,
}

impl Bench {
    #[track_caller]
    fn new(profile: Profile) -> Self {
        let mut modem = Modem::new(profile, 7);
        modem.opened(Instant::ZERO);
        Self { modem, now: 0, heard: Vec::new() }
    }

    fn send(&mut self, text: &str) {
        self.modem.receive(Instant::from_millis(self.now), text.as_bytes());
    }

    fn until(&mut self, millis: u64) {
        while let Some(at) = self.modem.next_event().filter(|at| at.as_millis() <= millis) {
            self.modem.poll(at, &mut self.heard);
        }
        self.now = millis;
        self.modem.poll(Instant::from_millis(millis), &mut self.heard);
    }

    fn after(&mut self, millis: u64) -> String {
        self.until(self.now + millis);
        self.take()
    }

    fn take(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.heard)).into_owned()
    }

    /// The answer to a command and the time of its last byte.
    #[track_caller]
    fn ask(&mut self, command: &str) -> (String, u64) {
        let began = self.now;
        let mut done = began;
        self.send(&format!("{command}\r"));
        while self.modem.is_busy() || self.modem.wire.next_due().is_some() {
            let at = self.modem.next_event().expect("a busy modem knows when it ends").as_millis();
            let before = self.heard.len();
            self.until(at);
            done = if self.heard.len() > before { at } else { done };
        }
        let heard = self.take();
        let answer =
            heard.strip_prefix(&format!("{command}\r")).unwrap_or(&heard).trim().replace("\r\n", "|");
        (answer, done - began)
    }

    #[track_caller]
    fn says(&mut self, command: &str, answer: &str) {
        assert_eq!(self.ask(command).0, answer, "to {command}");
    }

    fn fault(&mut self, fault: ModemFault) {
        self.modem.apply(Instant::from_millis(self.now), fault);
    }
}
