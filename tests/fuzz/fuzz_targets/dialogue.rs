//! A whole dialogue: the input says which command is sent, what comes back, and when time passes. In one read and byte by
//! byte the same outcomes; no deadline stays behind; a silent line ends it.
#![no_main]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use cellscan_core::at::answer::Outcome;
use cellscan_core::at::command::Command;
use cellscan_core::at::dialogue::{ATTENTION_TRIES_BUSY_MAX, Dialogue, Turn};
use cellscan_core::at::line::Lines;
use cellscan_core::at::registration::Domain;
use cellscan_core::at::vendor::Vendor;
use cellscan_core::carrier::Plmn;
use cellscan_core::time::{Instant, Span};
use libfuzzer_sys::fuzz_target;

/// In the input: so much time passes, by the byte behind; a byte that no modem sends.
const TIME: u8 = 0x1d;
/// In the input: the deadline comes.
const DEADLINE: u8 = 0x1e;
/// In the input: the command is given up.
const ABORT: u8 = 0x1f;

/// Timeouts until a silent line is given up: tries of `AT`, the waits between them, the escape.
const SILENCE_STEPS_MAX: usize = 2 * ATTENTION_TRIES_BUSY_MAX as usize + 8;

struct Talk {
    dialogue: Dialogue,
    lines: Lines,
    now: Instant,
    commands: usize,
    heard: DefaultHasher,
}

impl Talk {
    fn new(command: u8) -> Self {
        let mut talk = Self {
            dialogue: Dialogue::new(),
            lines: Lines::new(),
            now: Instant::ZERO,
            commands: usize::from(command),
            heard: DefaultHasher::new(),
        };
        let turn = talk.dialogue.open(talk.now);
        talk.take(turn);
        talk
    }

    fn take(&mut self, turn: Turn) {
        turn.send.hash(&mut self.heard);
        turn.outcome.hash(&mut self.heard);
        assert!(
            self.dialogue.next_deadline().is_none_or(|deadline| deadline > self.now),
            "{:?}",
            self.dialogue
        );
        if !self.dialogue.is_ready() {
            return;
        }
        let plmn = Plmn::parse(b"00101").expect("five digits");
        let commands = [
            Command::Operators,
            Command::Select(plmn),
            Command::CurrentOperator,
            Command::Registration(Domain::Eps),
            Command::Signal,
            Command::SignalExtended,
            Command::Sim,
            Command::Deregister,
            Command::ErrorFormat,
            Command::Identify,
            Command::VendorSignal(Vendor::Sierra),
        ];
        let command = commands[self.commands % commands.len()];
        self.commands += 1;
        let turn = self.dialogue.start(self.now, command, Span::from_secs(5));
        turn.send.hash(&mut self.heard);
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        let mut lines = std::mem::take(&mut self.lines);
        while let Some(line) = lines.next(&mut bytes) {
            let heard = &mut self.heard;
            let turn = self.dialogue.line(self.now, line, |operator| operator.hash(heard));
            self.take(turn);
        }
        self.lines = lines;
    }

    fn pass(&mut self, until: Instant) {
        self.now = self.now.max(until);
        let turn = self.dialogue.timeout(self.now);
        self.take(turn);
    }

    /// What was heard and said, as one number. `size`: bytes in a read.
    fn talk(input: &[u8], size: usize) -> u64 {
        let Some((first, mut rest)) = input.split_first() else { return 0 };
        let mut talk = Self::new(*first);
        while let Some(at) = rest.iter().position(|byte| matches!(*byte, TIME | DEADLINE | ABORT)) {
            let (bytes, behind) = rest.split_at(at);
            bytes.chunks(size).for_each(|piece| talk.hear(piece));
            let mark = behind[0];
            rest = &behind[1..];
            match mark {
                TIME => {
                    let (steps, behind) =
                        rest.split_first().map_or((0, rest), |(steps, behind)| (*steps, behind));
                    rest = behind;
                    talk.pass(talk.now + Duration::from_millis(u64::from(steps) * 25));
                }
                DEADLINE => talk.pass(talk.dialogue.next_deadline().unwrap_or(talk.now)),
                _ => {
                    let turn = talk.dialogue.abort(talk.now);
                    talk.take(turn);
                }
            }
        }
        rest.chunks(size).for_each(|piece| talk.hear(piece));
        talk.commands.hash(&mut talk.heard);
        let said = talk.heard.finish();
        talk.end();
        said
    }

    /// Silence: no answer comes of it, and it ends.
    fn end(mut self) {
        let mut steps = 0;
        while let Some(deadline) = self.dialogue.next_deadline() {
            self.now = deadline;
            let turn = self.dialogue.timeout(self.now);
            assert!(!matches!(turn.outcome, Some(Outcome::Refused(_))), "of silence");
            assert!(self.dialogue.next_deadline().is_none_or(|next| next > self.now));
            steps += 1;
            assert!(steps <= SILENCE_STEPS_MAX, "{:?}", self.dialogue);
        }
    }
}

fuzz_target!(|input: &[u8]| {
    assert_eq!(Talk::talk(input, usize::MAX), Talk::talk(input, 1));
});
