//! Runs supervision scenarios (JSON lines) through the simulated `runsv`, and writes observations (JSON lines).
//!
//! One scenario per line: `id`, `service`, `stimuli`, `duration`, and if they matter `phase_ms` and `only_impl`; other
//! keys (recordings from a real `runsv`, above all) are skipped. One answer per line, in the same order: `id`, `status`,
//! `log_status`, `signals`, `sleeps`, `exit`. Times are milliseconds from the first status
//! record.

mod scenario;

use std::io::{self, BufRead, Write};

use cellscan_core::supervisor::ServiceState;
use cellscan_sim::supervision::{self, Observed, SeenStatus};
use cellscan_sim::trace::Ending;
use serde_json::{Value, json};
use thiserror::Error;

/// A line that is no scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub cause: String,
}

/// Why some scenarios have no answer.
#[derive(Debug, Error)]
pub enum SimsvError {
    /// These lines are no scenarios; all others were answered.
    #[error("{}", listed(.0))]
    Lines(Vec<BadLine>),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// One line of text per bad line.
fn listed(bad: &[BadLine]) -> String {
    let lines: Vec<String> =
        bad.iter().map(|BadLine { line, cause }| format!("line {line}: {cause}")).collect();
    lines.join("\n")
}

/// Runs every scenario of `input` and writes one answer for each to `output`. Empty lines are skipped.
///
/// # Errors
/// Some lines are no scenarios (all others were answered), or input or output failed.
pub fn run(input: impl BufRead, mut output: impl Write) -> Result<(), SimsvError> {
    let mut bad = Vec::new();
    for (index, line) in input.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        match scenario::parse(&line) {
            Ok((id, scenario)) => writeln!(output, "{}", answer(&id, &supervision::run(&scenario)))?,
            Err(cause) => bad.push(BadLine { line: index + 1, cause }),
        }
    }
    output.flush()?;
    if bad.is_empty() { Ok(()) } else { Err(SimsvError::Lines(bad)) }
}

fn answer(id: &str, observed: &Observed) -> Value {
    let signals: Vec<Value> = observed
        .signals
        .iter()
        .map(|(t, signal, to)| json!({"t": t, "sig": signal.name(), "to": to}))
        .collect();
    let sleeps: Vec<Value> = observed.sleeps.iter().map(|(t, ms)| json!({"t": t, "ms": ms})).collect();
    let exit = observed.exit.map(|(t, ending)| match ending {
        Ending::Exit(code) => json!({"t": t, "how": code}),
        Ending::Signal(signal) => json!({"t": t, "how": format!("SIG{}", signal.name())}),
    });
    json!({
        "id": id,
        "status": observed.status.iter().map(status).collect::<Vec<_>>(),
        "log_status": observed.log_status.iter().map(status).collect::<Vec<_>>(),
        "signals": signals,
        "sleeps": sleeps,
        "exit": exit,
    })
}

fn status(seen: &SeenStatus) -> Value {
    let state = match seen.record.state {
        ServiceState::Down => "down",
        ServiceState::Run => "run",
        ServiceState::Finish => "finish",
    };
    json!({
        "t": seen.t_ms,
        "state": state,
        "pid": seen.name,
        "want": if seen.record.want_up { "u" } else { "d" },
        "paused": u8::from(seen.record.paused),
        "term": u8::from(seen.record.got_term),
        "since": seen.since_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(text: &str) -> Result<Vec<Value>, SimsvError> {
        let mut out = Vec::new();
        run(text.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    #[test]
    fn an_answer_has_all_its_keys() {
        let text = r#"{"id":"x","service":{"run":{"prog":{}}},"stimuli":[{"at":1300,"op":"ctl","bytes":"d"}],
            "duration":2000}"#
            .replace('\n', " ");
        let all = answers(&text).unwrap();
        let [answer] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(answer["id"], "x");
        assert_eq!(answer["status"][1]["pid"], "R1");
        assert_eq!(answer["status"][3]["term"], 1);
        assert_eq!(answer["signals"][0]["sig"], "TERM");
        assert_eq!(answer["exit"], Value::Null);
    }

    #[test]
    fn a_bad_line_is_named() {
        let good = r#"{"id":"x","service":{"run":null},"stimuli":[],"duration":10}"#;
        let error = answers(&format!("{good}\n\n{{\"id\":3}}\n")).unwrap_err();
        assert!(error.to_string().starts_with("line 3: "), "{error}");
        let bad_op = good.replace("[]", r#"[{"at":1,"op":"explode"}]"#);
        let error = answers(&bad_op).unwrap_err().to_string();
        assert!(error.starts_with("line 1: ") && error.contains("explode"), "{error}");
    }
}
