//! A modem with several ports: each has a line, settings and a call of its own, and all have one radio.
//!
//! ```
//! use cellscan_core::time::Instant;
//! use cellscan_sim::modem::{Ports, Profile};
//!
//! let mut ports = Ports::new(Profile::default(), 1, 2);
//! ports.port(Instant::ZERO, 1).opened(Instant::ZERO);
//! ports.port(Instant::ZERO, 1).receive(Instant::ZERO, b"AT+COPS=2\r");
//! let later = Instant::from_millis(2_000);
//! ports.poll(later, &mut [Vec::new(), Vec::new()]);
//! assert_eq!(ports.port(later, 0).registered(), None, "what one port deregisters, the other is no longer on");
//! ```

use std::mem;

use cellscan_core::time::Instant;

use super::radio::Radio;
use super::{Modem, Profile};

/// The ports of one modem. The radio is with the port that was asked for last: a port without it has no registration, so that
/// nothing looks at one but through [`port`](Self::port).
#[derive(Clone, Debug)]
pub struct Ports {
    first: Modem,
    others: Vec<Modem>,
    /// The number of the port that has the radio.
    tuned: usize,
}

impl Ports {
    /// A modem with this many ports, at least one. Only the first holds what the profile has left on the line
    /// ([`leftover_input`](Profile::leftover_input), [`leftover_output`](Profile::leftover_output),
    /// [`in_data_mode`](Profile::in_data_mode)).
    #[must_use]
    pub fn new(profile: Profile, seed: u64, count: usize) -> Self {
        let other = Profile {
            leftover_input: Vec::new(),
            leftover_output: Vec::new(),
            in_data_mode: false,
            networks: Vec::new(),
            ..profile.clone()
        };
        let untuned = |number| {
            let mut modem = Modem::new(other.clone(), seed.wrapping_add(number));
            modem.radio = Radio::off();
            modem
        };
        let others = (1..).take(count.saturating_sub(1)).map(untuned).collect();
        Self { first: Modem::new(profile, seed), others, tuned: 0 }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// A port of the modem at `now`, with the radio; the first where there is none of this number. What another port has changed
    /// reaches this one now: a call ends with the registration.
    pub fn port(&mut self, now: Instant, number: usize) -> &mut Modem {
        let number = if number < self.count() { number } else { 0 };
        if number != self.tuned {
            let radio = mem::replace(&mut self.at(self.tuned).radio, Radio::off());
            self.at(number).radio = radio;
            self.tuned = number;
            let port = self.at(number);
            port.advance(now);
            port.note_registration();
        }
        self.at(number)
    }

    /// Processes the events of all ports up to `now`, and appends to `out` of each port the bytes that have reached its client.
    pub fn poll(&mut self, now: Instant, out: &mut [Vec<u8>]) {
        // The first round is for what a port changes for those before it.
        for _ in 0..2 {
            for (number, out) in out.iter_mut().enumerate().take(self.count()) {
                self.port(now, number).poll(now, out);
            }
        }
    }

    /// The time of the next event of any port.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        let others = self.others.iter().filter_map(Modem::next_event);
        others.chain(self.first.next_event()).min()
    }

    fn at(&mut self, number: usize) -> &mut Modem {
        match number.checked_sub(1).and_then(|other| self.others.get_mut(other)) {
            Some(other) => other,
            None => &mut self.first,
        }
    }
}
