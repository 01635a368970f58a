//! From bytes to commands: the line, its echo, input during a running command, and data mode.

use std::time::Duration;

use cellscan_core::time::Instant;

use super::answer::Final;
use super::command::{self, Command};
use super::profile::{AbortAnswer, Prefix, WhileBusy};
use super::radio::PlanEnd;
use super::{ESCAPE_GUARD, Modem, ModemEvent, Running};

/// Bytes in a command line, at most. V.250 §5.2.3 asks for 40; modems take a few hundred.
pub(super) const LINE_BYTES_MAX: usize = 512;
/// Bytes that wait for the end of a command, at most; more are lost, as in a UART.
const WAITING_BYTES_MAX: usize = 1_024;
/// For this time after the CR a character does not abort, so that CR LF does no harm (V.250 §5.6.1).
const ABORT_GUARD: Duration = Duration::from_millis(125);

const CR: u8 = b'\r';
const LF: u8 = b'\n';
/// S5, the character that deletes the one before it (V.250 §6.2.3).
const BACKSPACE: u8 = 8;

impl Modem {
    pub(super) fn take_bytes(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            let plain = bytes.iter().take_while(|byte| !matches!(**byte, CR | LF | BACKSPACE)).count();
            if plain == 0 || !self.takes_commands() {
                self.take_byte(*first);
                bytes = rest;
            } else {
                let (typed, rest) = bytes.split_at(plain);
                self.take_plain(typed);
                bytes = rest;
            }
        }
    }

    /// Whether the next byte belongs to a command line.
    fn takes_commands(&self) -> bool {
        let silent = self.silent.is_some_and(|(_, until)| self.now < until);
        !silent && self.booting_until.is_none() && self.data.is_none() && self.running.is_none()
    }

    /// Bytes of a command line without a meaning of their own.
    fn take_plain(&mut self, bytes: &[u8]) {
        if self.settings.echo && !self.pending.echo_lost {
            self.echo.extend_from_slice(bytes);
        }
        let room = LINE_BYTES_MAX.saturating_sub(self.line.len()).min(bytes.len());
        let (kept, lost) = bytes.split_at(room);
        self.line.extend_from_slice(kept);
        self.line_overlong |= !lost.is_empty();
    }

    fn take_byte(&mut self, byte: u8) {
        let silent = self.silent.is_some_and(|(_, until)| self.now < until);
        if self.booting_until.is_some() || silent {
            self.journal.ignored(self.now, byte);
        } else if self.data.is_some() {
            self.take_data(byte);
        } else if self.running.is_some() {
            self.take_while_busy(byte);
        } else {
            self.take_typed(byte);
        }
    }

    /// Processes input that came during a command, after its end.
    pub(super) fn take_waiting(&mut self) {
        while self.running.is_none() && self.data.is_none() {
            let Some(byte) = self.waiting.pop_front() else {
                break;
            };
            self.take_typed(byte);
        }
        self.flush_echo();
    }

    pub(super) fn flush_echo(&mut self) {
        if !self.echo.is_empty() {
            let mut echo = std::mem::take(&mut self.echo);
            let due = self.now + Duration::from_millis(self.profile.delays.echo);
            self.send_at(due, &echo);
            echo.clear();
            self.echo = echo;
        }
    }

    fn take_typed(&mut self, byte: u8) {
        match byte {
            CR | LF | BACKSPACE if self.settings.echo && !self.pending.echo_lost => self.echo.push(byte),
            CR | LF | BACKSPACE => {}
            _ => return self.take_plain(&[byte]),
        }
        match byte {
            CR => {
                self.flush_echo();
                self.pending.echo_lost = false;
                let mut line = std::mem::take(&mut self.line);
                let overlong = std::mem::take(&mut self.line_overlong);
                self.take_line(&line, overlong);
                line.clear();
                self.line = line;
            }
            BACKSPACE => {
                let _ = self.line.pop();
            }
            _ => {}
        }
    }

    fn take_line(&mut self, line: &[u8], overlong: bool) {
        let read = match core::str::from_utf8(line) {
            Ok(text) if line.iter().all(|byte| matches!(byte, b' '..=b'~')) => text.to_owned(),
            _ => line.iter().filter(|byte| !byte.is_ascii_control()).map(|byte| char::from(*byte)).collect(),
        };
        let text = read.trim();
        if text.is_empty() {
            return;
        }
        let start = text.as_bytes().windows(2).position(|two| two.eq_ignore_ascii_case(b"AT"));
        let commands = match (start, self.profile.prefix) {
            _ if overlong => vec![Command::Unknown],
            (Some(0), _) | (Some(_), Prefix::Find) => {
                let body = start.and_then(|start| text.get(start + 2..)).unwrap_or_default();
                command::parse(body, &self.profile.canned)
            }
            (None, Prefix::Find) => Vec::new(),
            (_, Prefix::Strict) => vec![Command::Unknown],
        };
        let received = if text.len() == read.len() { read } else { text.to_owned() };
        self.journal.note(self.now, ModemEvent::Received(received));
        if !commands.is_empty() {
            self.start(commands);
        }
    }

    fn start(&mut self, commands: Vec<Command>) {
        let delays = &self.profile.delays;
        let mut takes_ms = 0_u64;
        let mut plan = None;
        for command in &commands {
            takes_ms = takes_ms.saturating_add(command.delay_ms(delays));
            if let Command::OperatorSelect { name, act, .. } = command {
                let begun = self.radio.begin_selection(self.now, name, *act, delays);
                takes_ms = takes_ms.saturating_add(begun.takes_ms);
                plan = Some(begun);
            }
        }
        let jitter = self.prng.below(delays.jitter.saturating_add(1));
        let late_ms = std::mem::take(&mut self.pending.delay_ms);
        let takes = Duration::from_millis(takes_ms.saturating_add(jitter).saturating_add(late_ms).max(1));
        let takes = takes.max(self.busy_until.duration_since(self.now));
        self.running = Some(Running {
            abortable: late_ms == 0 && commands.iter().any(Command::is_abortable),
            deaf: late_ms > 0,
            commands,
            plan,
            began: self.now,
            ends: self.now + takes,
        });
        self.note_registration();
    }

    fn take_while_busy(&mut self, byte: u8) {
        let Some(running) = &self.running else {
            return;
        };
        let policy = if running.deaf { WhileBusy::Buffer } else { self.profile.while_busy };
        match policy {
            WhileBusy::Abort(answer) if running.abortable => {
                if self.now >= running.began + ABORT_GUARD {
                    self.abort(answer);
                }
            }
            WhileBusy::Abort(_) | WhileBusy::Ignore => {
                // The LF of CR LF gets no entry in the journal.
                if byte != LF {
                    self.journal.ignored(self.now, byte);
                }
            }
            WhileBusy::Buffer if self.waiting.len() < WAITING_BYTES_MAX => self.waiting.push_back(byte),
            WhileBusy::Buffer => self.journal.ignored(self.now, byte),
        }
    }

    /// Aborts the command. A running selection is not finished: the modem is on no network, in manual mode, unless it had
    /// registered before its `OK`.
    fn abort(&mut self, answer: AbortAnswer) {
        self.running = None;
        self.journal.note(self.now, ModemEvent::Aborted);
        match answer {
            AbortAnswer::Ok => self.send_result(Final::Ok),
            AbortAnswer::Error => self.send_result(Final::Failed(100)),
            AbortAnswer::Aborted => self.send_line("ABORTED"),
            AbortAnswer::Nothing => {}
        }
    }

    pub(super) fn end_command(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let mut information = std::mem::take(&mut self.spare);
        information.0.clear();
        // Stands before the first line, if there is one.
        information.0.extend_from_slice(self.profile.line_ending.before());
        let mut result = Final::Ok;
        for command in &running.commands {
            result = match (command, &running.plan) {
                (Command::OperatorSelect { fallback, .. }, Some(plan)) => {
                    self.radio.end_selection(running.began, self.now, plan, *fallback);
                    if plan.end == PlanEnd::Accepted && plan.changes_network() {
                        self.busy_for(self.profile.busy_after_selection_ms);
                    }
                    match plan.end {
                        PlanEnd::Accepted => Final::Ok,
                        PlanEnd::Refused(_) if *fallback => Final::Ok,
                        PlanEnd::Refused(code) => Final::Failed(code),
                        PlanEnd::Unanswered => Final::Unanswered,
                    }
                }
                _ => self.execute(command, &mut information),
            };
            if result != Final::Ok {
                break;
            }
        }
        self.answer(information, result);
        if result == Final::Connect {
            self.call_held = false;
            self.enter_data(self.now);
            self.waiting.clear();
        }
    }

    fn take_data(&mut self, byte: u8) {
        self.journal.ignored(self.now, byte);
        let now = self.now;
        let Some(data) = &mut self.data else {
            return;
        };
        let quiet: bool = now >= data.heard_at + ESCAPE_GUARD;
        data.pluses = match (byte, data.pluses) {
            (b'+', 0) if quiet => 1,
            (b'+', count @ 1..=2) if !quiet => count + 1,
            _ => 0,
        };
        data.heard_at = now;
        data.escape_at = (data.pluses == 3).then(|| now + ESCAPE_GUARD).filter(|at| *at < Instant::MAX);
    }
}
