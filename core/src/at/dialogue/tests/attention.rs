//! `AT`: when the line is ready.

use super::*;

/// The time from opening to ready; `said`: the modem's lines with their times after the opening.
fn synchronised(heard: &[(u64, &str)]) -> Span {
    let mut dialogue = Dialogue::new();
    let _ = dialogue.open(Instant::ZERO);
    let mut heard = heard.iter();
    let mut next = heard.next();
    loop {
        let due = dialogue.next_deadline().unwrap();
        match next {
            Some((at, line)) if Instant::from_millis(*at) <= due => {
                let _ = dialogue.line(Instant::from_millis(*at), Line::whole(line.as_bytes()), |_| ());
                next = heard.next();
            }
            _ if dialogue.timeout(due).outcome == Some(Outcome::Ready) => {
                assert_eq!(next, None, "not awaited");
                return due.saturating_since(Instant::ZERO);
            }
            _ => {}
        }
    }
}

#[test]
fn a_line_with_only_the_answer_to_at_is_ready_soon() {
    assert_eq!(
        synchronised(&[(105, "AT"), (130, "OK")]),
        Span::from_millis(130).saturating_add(LULL_AFTER_OK)
    );
}

#[test]
fn a_line_with_any_other_bytes_is_ready_once_it_was_quiet() {
    let after = |ok| Span::from_millis(ok).saturating_add(QUIET);
    assert_eq!(synchronised(&[(150, "OK")]), after(150), "no echo: it may answer another command");
    assert_eq!(synchronised(&[(60, "ERROR"), (320, "AT"), (330, "OK")]), after(330), "a partial command");
    assert_eq!(synchronised(&[(120, "ERROR"), (140, "AT"), (150, "OK")]), after(150), "the same, late");
    assert_eq!(synchronised(&[(105, "AT"), (130, "OK"), (170, "OK")]), after(170), "an extra OK");
}

#[test]
fn two_errors_in_a_row_are_an_answer_to_at_and_an_ok_is_preferred() {
    // With an echo, without one, with a coded error, in digits. `AT` is sent after 100 ms of silence, and again 500 ms after the
    // first error.
    for error in ["ERROR", "+CME ERROR: 100", "4"] {
        let ready = Span::from_millis(640).saturating_add(QUIET);
        assert_eq!(synchronised(&[(120, error), (640, error)]), ready, "{error}");
        assert_eq!(synchronised(&[(105, "AT"), (120, error), (625, "AT"), (640, error)]), ready, "{error}");
    }
    let ok = Span::from_millis(280).saturating_add(QUIET);
    assert_eq!(synchronised(&[(105, "AT"), (120, "ERROR"), (280, "OK")]), ok, "the error was another's");
    // One that was not answered stands between them: they do not agree.
    let ready = Span::from_millis(4_420).saturating_add(QUIET);
    assert_eq!(synchronised(&[(120, "ERROR"), (3_900, "ERROR"), (4_420, "ERROR")]), ready);
}

#[test]
fn an_error_before_the_echo_is_no_answer() {
    let after = |ok| Span::from_millis(ok).saturating_add(QUIET);
    assert_eq!(synchronised(&[(120, "ERROR"), (140, "AT"), (1_500, "OK")]), after(1_500));
}

#[test]
fn a_modem_at_the_end_of_a_call_gets_more_time_for_its_first_answer() {
    assert_eq!(
        synchronised(&[(2_150, "AT"), (2_160, "OK")]),
        Span::from_millis(2_160).saturating_add(LULL_AFTER_OK)
    );
}
