//! The promises of the dialogue, by example.

extern crate std;

use super::*;
use crate::at::current::{Operator, SelectionMode};
use crate::at::settings::ErrorFormat;
use crate::carrier::Plmn;
use std::vec::Vec;

mod attention;

const TIMEOUT: Span = Span::from_secs(30);

/// A dialogue and its own clock.
struct Talk {
    dialogue: Dialogue,
    now: Instant,
    operators: Vec<Plmn>,
}

impl Talk {
    /// Opened and synchronised with a modem that echoes or does not.
    fn ready(echoes: bool) -> Self {
        let mut talk =
            Self { dialogue: Dialogue::new(), now: Instant::from_millis(1_000), operators: Vec::new() };
        assert_eq!(talk.dialogue.open(talk.now).send, Some(Outgoing::Return));
        assert_eq!(talk.pass().send, Some(Outgoing::Command(Command::Attention)));
        if echoes {
            assert_eq!(talk.hear("AT"), Turn::default());
        }
        assert_eq!(talk.hear("OK"), Turn::default());
        assert_eq!(talk.pass().outcome, Some(Outcome::Ready));
        talk
    }

    fn start(&mut self, command: Command) {
        assert_eq!(self.dialogue.start(self.now, command, TIMEOUT).send, Some(Outgoing::Command(command)));
    }

    fn hear(&mut self, line: &str) -> Turn {
        let operators = &mut self.operators;
        self.dialogue.line(self.now, Line::whole(line.as_bytes()), |found| operators.extend(found.plmn()))
    }

    /// Advances to the next deadline.
    fn pass(&mut self) -> Turn {
        self.now = self.dialogue.next_deadline().expect("a deadline");
        self.dialogue.timeout(self.now)
    }

    /// Lets the command in flight time out and synchronises again; the line brings only the answer to `AT`.
    fn give_up(&mut self, echoes: bool) {
        assert_eq!(self.pass().send, Some(Outgoing::Return));
        assert_eq!(self.pass(), Turn::default());
        assert_eq!(self.pass().send, Some(Outgoing::Command(Command::Attention)));
        if echoes {
            let _ = self.hear("AT");
        }
        let _ = self.hear("OK");
        assert_eq!(self.pass().outcome, Some(Outcome::TimedOut));
    }
}

fn select(digits: &str) -> Command {
    Command::Select(Plmn::parse(digits.as_bytes()).unwrap())
}

#[test]
fn open_sends_a_bare_return_and_then_at_as_soon_as_the_line_is_quiet() {
    let mut dialogue = Dialogue::new();
    let start = Instant::ZERO;
    assert_eq!(dialogue.open(start).send, Some(Outgoing::Return));
    // A partial command was in the modem's buffer: the modem answers it first.
    let later = start + Span::from_millis(100);
    assert!(dialogue.line(later, Line::whole(b"ERROR"), |_| ()).dropped);
    assert_eq!(dialogue.next_deadline(), Some(later + QUIET));
    assert_eq!(dialogue.timeout(later + QUIET).send, Some(Outgoing::Command(Command::Attention)));
}

#[test]
fn endless_noise_delays_at_for_a_bounded_time() {
    let mut dialogue = Dialogue::new();
    let _ = dialogue.open(Instant::ZERO);
    let mut now = Instant::ZERO;
    while dialogue.next_deadline().unwrap() > now + Span::from_millis(100) {
        now = now + Span::from_millis(100);
        let _ = dialogue.line(now, Line::whole(b"noise"), |_| ());
        assert!(now < Instant::ZERO + NOISE_MAX, "still waiting for quiet");
    }
}

#[test]
fn a_modem_in_data_mode_is_escaped_from_it() {
    let mut dialogue = Dialogue::new();
    let mut sent = std::vec![dialogue.open(Instant::ZERO).send];
    while let Some(deadline) = dialogue.next_deadline() {
        let turn = dialogue.timeout(deadline);
        sent.push(turn.send);
        if turn.outcome.is_some() {
            assert_eq!(turn.outcome, Some(Outcome::Dead));
        }
    }
    let escape = sent.iter().position(|out| *out == Some(Outgoing::Escape)).expect("an escape");
    assert_eq!(sent[escape + 1], Some(Outgoing::HangUp));
    let asked = sent.iter().filter(|out| **out == Some(Outgoing::Command(Command::Attention))).count();
    assert_eq!(asked, usize::from(ATTENTION_TRIES_MAX));
}

#[test]
fn an_answer_is_its_line_and_ok() {
    let mut talk = Talk::ready(true);
    talk.start(Command::CurrentOperator);
    let _ = talk.hear("AT+COPS?");
    assert!(talk.hear("+CREG: 1").dropped, "an unsolicited result code in between");
    assert_eq!(talk.hear("+COPS: 1,2,\"310410\",7").outcome, None);
    let Some(Outcome::Answered(Answer::Operator(current))) = talk.hear("OK").outcome else {
        panic!("no answer")
    };
    assert_eq!(current.mode, SelectionMode::Manual);
    assert_eq!(current.operator, Some(Operator::Plmn(Plmn::parse(b"310410").unwrap())));
}

#[test]
fn a_torn_list_is_discarded_and_the_next_is_complete() {
    for torn_in in [Part::First, Part::Whole] {
        let mut talk = Talk::ready(false);
        talk.start(Command::Operators);
        let bytes = b"+COPS: (1,\"A\",\"A\",\"26201\",7),(1,\"B\",\"B\",\"2620";
        let _ = talk.dialogue.line(talk.now, Line { bytes, part: torn_in }, |_| ());
        assert!(talk.dialogue.line(talk.now, Line::torn(), |_| ()).dropped);
        assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Empty)), "{torn_in:?}");
        talk.start(Command::Operators);
        let _ = talk.hear("+COPS: (1,\"A\",\"A\",\"26201\",7)");
        assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Operators)));
    }
}

#[test]
fn a_list_may_come_in_parts_and_on_several_lines() {
    let mut talk = Talk::ready(false);
    talk.start(Command::Operators);
    let parts = [
        (&b"+COPS: (1,\"A\",\"A\",\"262"[..], Part::First),
        (b"01\",7),(1,\"B\",\"B\",\"26202\",7)", Part::Last),
        (b"+COPS: (3,\"C\",\"C\",\"26203\",2)", Part::Whole),
        (b",(1,\"D\",\"D\",\"26204\",2)", Part::Whole),
    ];
    let operators = &mut talk.operators;
    for (bytes, part) in parts {
        let turn = talk.dialogue.line(talk.now, Line { bytes, part }, |found| operators.extend(found.plmn()));
        assert_eq!(turn, Turn::default());
    }
    assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Operators)));
    assert_eq!(talk.operators.len(), 4);
}

#[test]
fn after_a_timeout_the_command_is_aborted_and_at_must_be_answered_first() {
    let mut talk = Talk::ready(true);
    talk.start(select("310410"));
    talk.give_up(true);
    assert!(talk.dialogue.is_ready());
}

#[test]
fn a_result_before_the_echo_belongs_to_an_earlier_command() {
    let mut talk = Talk::ready(true);
    talk.start(select("310410"));
    talk.give_up(true);
    talk.start(select("311480"));
    assert!(talk.hear("OK").dropped, "the answer to the first");
    let _ = talk.hear("AT+COPS=1,2,\"311480\"");
    assert_eq!(talk.hear("+CME ERROR: 30").outcome, Some(Outcome::Refused(FinalResult::Cme(Some(30)))));
}

#[test]
fn a_late_ok_is_no_answer_where_a_line_is_expected() {
    let mut talk = Talk::ready(false);
    talk.start(select("310410"));
    talk.give_up(false);
    talk.start(Command::Signal);
    assert!(talk.hear("OK").dropped);
    let _ = talk.hear("+CSQ: 25,99");
    assert!(matches!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Signal(_)))));
}

#[test]
fn a_late_list_consumes_its_own_ok() {
    let mut talk = Talk::ready(false);
    talk.start(Command::Operators);
    talk.give_up(false);
    talk.start(Command::CurrentOperator);
    assert!(talk.hear("+COPS: (1,\"A\",\"A\",\"26201\",7),,(0,1,2,3,4),(0,1,2)").dropped);
    assert!(talk.hear("OK").dropped);
    let _ = talk.hear("+COPS: 0,2,\"26202\",7");
    let answered = talk.hear("OK").outcome;
    assert!(matches!(answered, Some(Outcome::Answered(Answer::Operator(_)))), "{answered:?}");
    assert!(talk.operators.is_empty());
}

#[test]
fn a_command_with_a_doubtful_error_is_sent_again_once() {
    let mut talk = Talk::ready(false);
    talk.start(select("310410"));
    talk.give_up(false);
    talk.start(select("311480"));
    assert_eq!(talk.hear("+CME ERROR: 30").send, Some(Outgoing::Return));
    assert_eq!(talk.pass().send, Some(Outgoing::Command(Command::Attention)));
    let _ = talk.hear("OK");
    assert_eq!(talk.pass().send, Some(Outgoing::Command(select("311480"))));
    assert_eq!(talk.hear("+CME ERROR: 30").outcome, Some(Outcome::Refused(FinalResult::Cme(Some(30)))));
}

#[test]
fn an_immediate_error_is_the_previous_one_sent_twice() {
    let mut talk = Talk::ready(false);
    talk.start(select("310410"));
    talk.now = talk.now + Span::from_secs(1);
    assert!(matches!(talk.hear("+CME ERROR: 30").outcome, Some(Outcome::Refused(_))));
    talk.start(select("311480"));
    assert_eq!(talk.hear("+CME ERROR: 30").send, Some(Outgoing::Return));
    assert_eq!(talk.pass().send, Some(Outgoing::Command(Command::Attention)));
    let _ = talk.hear("OK");
    assert_eq!(talk.pass().send, Some(Outgoing::Command(select("311480"))));
    assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Done)));
}

#[test]
fn an_error_after_an_error_may_be_its_second_copy_however_late() {
    for late in [0, 24, 500, 10_000] {
        let mut talk = Talk::ready(false);
        talk.start(select("310410"));
        talk.now = talk.now + Span::from_secs(1);
        assert!(matches!(talk.hear("+CME ERROR: 30").outcome, Some(Outcome::Refused(_))));
        talk.start(select("311480"));
        talk.now = talk.now + Span::from_millis(late);
        assert_eq!(talk.hear("+CME ERROR: 30").send, Some(Outgoing::Return), "{late} ms");
        let _ = talk.pass();
        let _ = talk.hear("OK");
        assert_eq!(talk.pass().send, Some(Outgoing::Command(select("311480"))));
        talk.now = talk.now + Span::from_secs(1);
        let refused = talk.hear("+CME ERROR: 30").outcome;
        assert!(
            matches!(refused, Some(Outcome::Refused(_))),
            "received twice, with the line cleared in between"
        );
    }
}

#[test]
fn an_ok_without_its_line_is_an_empty_answer_where_no_late_result_is_expected() {
    let mut talk = Talk::ready(false);
    talk.start(Command::Operators);
    assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Empty)));
}

#[test]
fn the_end_of_a_call_answers_no_command() {
    let mut talk = Talk::ready(false);
    talk.start(Command::Deregister);
    assert!(talk.hear("NO CARRIER").dropped, "of the pppd before us");
    assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Done)));
}

#[test]
fn after_a_timeout_step_every_deadline_is_in_the_future() {
    let mut talk = Talk::ready(true);
    talk.start(select("310410"));
    for _ in 0..100 {
        let Some(deadline) = talk.dialogue.next_deadline() else { return };
        talk.now = deadline + Span::from_millis(50);
        let _ = talk.dialogue.timeout(talk.now);
        assert!(talk.dialogue.next_deadline().is_none_or(|next| next > talk.now));
    }
    panic!("a silent modem keeps the dialogue busy for ever");
}

#[test]
fn a_command_with_a_doubtful_answer_is_sent_again_until_two_answers_agree() {
    for echoes in [true, false] {
        // The late answer may be the first or the second of three.
        for (said, outcome) in [
            (["OK", "OK", ""], Outcome::Answered(Answer::Done)),
            (["OK", "+CME ERROR: 30", "OK"], Outcome::Answered(Answer::Done)),
            (["ERROR", "OK", "OK"], Outcome::Answered(Answer::Done)),
            (["OK", "ERROR", "ERROR"], Outcome::Refused(FinalResult::Error)),
        ] {
            let mut talk = Talk::ready(echoes);
            talk.start(select("310410"));
            talk.give_up(echoes);
            let command = select("311480");
            talk.start(command);
            for (times, line) in said.into_iter().enumerate() {
                if echoes {
                    let _ = talk.hear("AT+COPS=1,2,\"311480\"");
                }
                let turn = talk.hear(line);
                if turn.outcome.is_some() {
                    assert_eq!(
                        (turn.outcome, times),
                        (Some(outcome), if said[2].is_empty() { 1 } else { 2 })
                    );
                    break;
                }
                assert_eq!(turn.send, Some(Outgoing::Return), "{said:?} {times}");
                assert_eq!(talk.pass().send, Some(Outgoing::Command(Command::Attention)));
                if echoes {
                    let _ = talk.hear("AT");
                }
                let _ = talk.hear("OK");
                assert_eq!(talk.pass().send, Some(Outgoing::Command(command)));
            }
            assert!(talk.dialogue.is_ready());
        }
    }
}

#[test]
fn a_result_while_the_line_is_drained_is_the_late_one() {
    let mut talk = Talk::ready(false);
    talk.start(select("310410"));
    assert_eq!(talk.pass().send, Some(Outgoing::Return));
    assert!(talk.hear("ABORTED").dropped);
    assert_eq!(talk.pass().send, Some(Outgoing::Command(Command::Attention)));
    let _ = talk.hear("OK");
    assert_eq!(talk.pass().outcome, Some(Outcome::TimedOut));
    talk.start(select("311480"));
    talk.now = talk.now + Span::from_secs(5);
    assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Done)), "not in doubt");
}

#[test]
fn a_late_result_is_no_longer_expected_after_two_commands() {
    let mut talk = Talk::ready(false);
    talk.start(select("310410"));
    talk.give_up(false);
    for _ in 0..2 {
        talk.start(Command::Signal);
        let _ = talk.hear("+CSQ: 25,99");
        assert!(talk.hear("OK").outcome.is_some());
    }
    talk.start(Command::Operators);
    assert_eq!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Empty)));
}

#[test]
fn a_list_that_may_be_of_an_earlier_search_waits_until_the_modem_answers_again() {
    let mut talk = Talk::ready(true);
    talk.start(Command::Operators);
    talk.give_up(true);
    talk.start(Command::Operators);
    let _ = talk.hear("AT+COPS=?");
    let _ = talk.hear("+COPS: (1,\"A\",\"A\",\"26201\",7),,(0-4),(0-2)");
    assert_eq!(talk.hear("OK").send, Some(Outgoing::Return));
    assert_eq!(talk.pass().send, Some(Outgoing::Command(Command::Attention)));
    let _ = talk.hear("AT");
    let _ = talk.hear("OK");
    assert_eq!(talk.pass().outcome, Some(Outcome::Answered(Answer::Operators)));
    assert_eq!(talk.operators.len(), 1);
}

#[test]
fn an_unrequested_list_in_parts_consumes_its_ok() {
    let mut talk = Talk::ready(false);
    talk.start(Command::Signal);
    for (bytes, part) in [(&b"+COPS: (1,\"A\",\"A\",\"262"[..], Part::First), (b"01\",7)", Part::Last)] {
        assert!(talk.dialogue.line(talk.now, Line { bytes, part }, |_| ()).dropped);
    }
    assert!(talk.hear("OK").dropped);
    let _ = talk.hear("+CSQ: 25,99");
    assert!(matches!(talk.hear("OK").outcome, Some(Outcome::Answered(Answer::Signal(_)))));
}

#[test]
fn a_modem_that_answers_in_digits_is_understood() {
    let mut dialogue = Dialogue::new();
    let _ = dialogue.open(Instant::ZERO);
    let asked = dialogue.next_deadline().unwrap();
    let _ = dialogue.timeout(asked);
    assert_eq!(dialogue.line(asked, Line::whole(b"0"), |_| ()), Turn::default());
    let now = dialogue.next_deadline().unwrap();
    assert_eq!(dialogue.timeout(now).outcome, Some(Outcome::Ready));
    let _ = dialogue.start(now, Command::Signal, TIMEOUT);
    let _ = dialogue.line(now, Line::whole(b"+CSQ: 25,99"), |_| ());
    let outcome = dialogue.line(now, Line::whole(b"0"), |_| ()).outcome;
    assert!(matches!(outcome, Some(Outcome::Answered(Answer::Signal(_)))), "{outcome:?}");
    let _ = dialogue.start(now, Command::SetErrorFormat(ErrorFormat::Numeric), TIMEOUT);
    assert_eq!(
        dialogue.line(now, Line::whole(b"4"), |_| ()).outcome,
        Some(Outcome::Refused(FinalResult::Error))
    );
}
