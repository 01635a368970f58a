//! Small formats with one line per command and per reply: comgt's trace, ublox-cellular-rs' notes, `MikroTik`'s `at-chat`.

use super::event::{Event, Millis, What};
use super::stamp::clock;
use super::text::{final_result, rsplit_once, split_once};
use super::{Importer, Sink};

/// Reads `comgt -v`: `comgt HH:MM:SS -> @NNNN statement`.
#[derive(Debug, Default)]
pub struct Comgt {
    at: Option<Millis>,
    /// A command is open, and has an answer.
    answered: bool,
}

impl Importer for Comgt {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let stamped = line.strip_prefix(b"comgt ").and_then(clock);
        self.at = stamped.map(|(at, _)| at).or(self.at);
        let mut tell = |what: What<'_>| sink(Event::new(number, self.at, what));
        let said = split_once(line, b" -> ").map_or(line, |(_, said)| said);
        let statement = match said.strip_prefix(b"@") {
            Some(rest) => split_once(rest, b" ").map_or(rest, |(_, statement)| statement),
            None => said,
        };
        if let Some(text) = statement.strip_prefix(b"send \"").and_then(|rest| rest.strip_suffix(b"\"")) {
            self.answered = false;
            let text = text.strip_suffix(b"^m").or_else(|| text.strip_suffix(b"^M")).unwrap_or(text);
            return tell(What::Sent(text));
        }
        if let Some(answer) = statement.strip_prefix(b"Got answer: ") {
            self.answered = final_result(answer).is_none();
            return tell(What::Received(answer));
        }
        if statement == b"exit 0" && self.answered {
            // The expected text came: the script succeeds, and its `OK` is not in the trace.
            return tell(What::Ended(b"OK"));
        }
        tell(What::Other(said));
    }
}

/// Reads the notes of ublox-cellular-rs: `>> "cmd"`, `<< OK`, `<< "line"`, `<<< urc`. The `OK` after a line is omitted.
#[derive(Debug, Default)]
pub struct Ublox {
    /// A command is open, and a line answered it.
    answered: bool,
}

impl Importer for Ublox {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.trim_ascii();
        let mut tell = |what: What<'_>| sink(Event::new(number, None, what));
        if line.is_empty() {
            return;
        }
        if let Some(command) = line.strip_prefix(b">>") {
            if core::mem::take(&mut self.answered) {
                tell(What::Ended(b"OK"));
            }
            return tell(What::Sent(unquoted(command)));
        }
        if line.starts_with(b"<<<") {
            return tell(What::Other(line));
        }
        let Some(reply) = line.strip_prefix(b"<<") else { return tell(What::Other(line)) };
        let reply = reply.trim_ascii();
        let reply = unquoted(reply.strip_prefix(b"response:").unwrap_or(reply));
        self.answered = final_result(reply).is_none();
        tell(What::Received(reply));
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        if core::mem::take(&mut self.answered) {
            sink(Event::new(0, None, What::Ended(b"OK")));
        }
    }
}

/// The text between the first quote and the last; a remark in round brackets may follow.
fn unquoted(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let Some(inner) = text.strip_prefix(b"\"") else {
        // `OK      (a remark)`
        return split_once(text, b"  (").map_or(text, |(text, _)| text.trim_ascii());
    };
    let before_remark = rsplit_once(inner, b"\" ").filter(|(_, rest)| rest.trim_ascii().starts_with(b"("));
    match before_remark {
        Some((inner, _)) => inner,
        None => inner.strip_suffix(b"\"").unwrap_or(inner),
    }
}

/// Reads `MikroTik`'s `at-chat`: `input="cmd"`, then `output: reply` with line ends turned into blanks.
#[derive(Debug, Default)]
pub struct Mikrotik {
    /// A reply is open: indented lines belong to it.
    open: bool,
}

impl Importer for Mikrotik {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let mut tell = |what: What<'_>| sink(Event::new(number, None, what));
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        if let Some((_, rest)) = split_once(text, b"input=") {
            self.open = true;
            let command = rest
                .strip_prefix(b"\"")
                .map_or(rest, |rest| rsplit_once(rest, b"\"").map_or(rest, |(command, _)| command));
            return unescaped(command, &mut |command| tell(What::Sent(command)));
        }
        let Some(reply) = text.strip_prefix(b"output:").or_else(|| self.open.then_some(text)) else {
            return tell(What::Other(text));
        };
        for part in marks(reply.trim_ascii()) {
            let part = part.trim_ascii();
            // `+COPS: 0,0,"x",7 OK`
            let end = [&b" OK"[..], b" ERROR"].into_iter().find(|end| part.ends_with(end));
            let (body, end) = part.split_at(part.len() - end.map_or(0, <[u8]>::len));
            for piece in [body, end].map(<[u8]>::trim_ascii).into_iter().filter(|piece| !piece.is_empty()) {
                tell(What::Received(piece));
            }
        }
    }
}

/// The parts between escaped `\r` and `\n`.
fn marks(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = vec![text];
    for mark in [&b"\\r"[..], b"\\n"] {
        parts = parts
            .into_iter()
            .flat_map(|part| {
                let mut found = Vec::new();
                let mut rest = part;
                while let Some((head, tail)) = split_once(rest, mark) {
                    found.push(head);
                    rest = tail;
                }
                found.push(rest);
                found
            })
            .collect();
    }
    parts
}

/// A command in a `RouterOS` string: `\"` is a quote.
fn unescaped(text: &[u8], take: &mut dyn FnMut(&[u8])) {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    take(&plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_remarks_are_removed() {
        assert_eq!(
            unquoted(b" \"+CREG: 2,5,\"9E9A\",\"0196\",2\"         (2 = URC enabled)"),
            b"+CREG: 2,5,\"9E9A\",\"0196\",2"
        );
        assert_eq!(unquoted(b" \"AT+CGDCONT=1,\"IP\",\"em\"\""), b"AT+CGDCONT=1,\"IP\",\"em\"");
        assert_eq!(unquoted(b" OK"), b"OK");
        assert_eq!(marks(b"a\\r\\nb"), [&b"a"[..], b"", b"b"]);
    }
}
