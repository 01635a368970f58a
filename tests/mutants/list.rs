//! The mutants: one change of the machine each, and the rule that it violates.

use crate::rules::{
    ASKED_ONCE, BELIEVED, BUDGET, ENDS, FALSE_END, LEFT_ALONE, OPENED_HELD, OVERRULED, OWED, PANICS,
    PORT_KEPT, RELEASED, RETRIED, SENT_CLOSED, SENT_HELD, SIGNALLED, STUCK, UNANSWERED, UNRECORDED_DOWN,
    UNRECORDED_SELECTION, UNSUPERVISED, WRONG_RECORD,
};

/// A change of one place in the core.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mutant {
    /// What the machine does wrong.
    pub(crate) name: &'static str,
    /// The file, from `core/src`.
    pub(crate) file: &'static str,
    /// The text, which occurs once there. Any white space equals any other.
    pub(crate) text: &'static str,
    pub(crate) replacement: &'static str,
    /// The rule that the walk finds violated.
    pub(crate) rule: &'static str,
    /// The one setting that shows it, late, and is walked as a whole; `None`: some setting shows it soon.
    pub(crate) late_in: Option<&'static str>,
}

const fn mutant(
    name: &'static str,
    file: &'static str,
    text: &'static str,
    replacement: &'static str,
    rule: &'static str,
) -> Mutant {
    Mutant { name, file, text, replacement, rule, late_in: None }
}

pub(crate) const MUTANTS: &[Mutant] = &[
    mutant(
        "forgets up on an abort and on a failure",
        "scan/scanner/giveback.rs",
        "if let Some(want) = self.want_owed() { act(out, Action::Ask(want)); }",
        "if self.want_owed().is_some() { return self.failed(true, out); }",
        OWED,
    ),
    mutant(
        "asks for up where the service was wanted once",
        "scan/scanner/giveback.rs",
        "if let Some(want) = self.want_owed() { act(out, Action::Ask(want)); }",
        "if self.want_owed().is_some() { act(out, Action::Ask(Want::Up)); }",
        RELEASED,
    ),
    mutant(
        "takes a late result for that of the command in flight",
        "at/dialogue.rs",
        "let may_be_late = in_doubt &&",
        "let may_be_late = false &&",
        BELIEVED,
    ),
    mutant(
        "sends the next command without waiting for the modem after a time-out",
        "at/dialogue.rs",
        "self.state = State::Aborting { until: now + ABORT_DRAIN };",
        "self.state = State::Ready; return Turn::ended(Outcome::TimedOut);",
        UNANSWERED,
    ),
    mutant(
        "sends TERM because another process has the port",
        "scan/scanner/handover.rs",
        "remains.service.is_some() && step == Verify::Look",
        "step == Verify::Look",
        SIGNALLED,
    ),
    mutant(
        "releases the service before the record shows it up",
        "scan/scanner/giveback.rs",
        "Some(Want::Up) => status.want == Want::Up,",
        "Some(Want::Up) => true,",
        RELEASED,
    ),
    mutant(
        "sends bytes while another process has the port",
        "scan/scanner/handover.rs",
        "let holder = remains.stranger.or(remains.service);",
        "let holder = remains.service; if holder.is_none() { return self.synchronise(out); }",
        SENT_HELD,
    ),
    mutant(
        "sends bytes as soon as the port is open",
        "scan/scanner/inputs.rs",
        "Input::PortOpened => self.port_is_open(),",
        "Input::PortOpened => { self.port_is_open(); self.synchronise(out); }",
        SENT_HELD,
    ),
    mutant(
        "opens the port once the service is down, without a look at its holders",
        "scan/scanner/handover.rs",
        "report(out, Event::Down(after));",
        "report(out, Event::Down(after)); act(out, Action::OpenPort);",
        OPENED_HELD,
    ),
    mutant(
        "does not restore the selection",
        "scan/scanner/giveback.rs",
        "if !modem_is_ours || !changed || gone {",
        "if modem_is_ours || self.context.disturbed || gone || half_way || !gone {",
        LEFT_ALONE,
    ),
    mutant(
        "asks for up once, and never again",
        "scan/scanner/giveback.rs",
        "State::GivingBack { deadline, again_at: self.after(ASK_AGAIN), failed };",
        "State::GivingBack { deadline, again_at: deadline, failed }; return;",
        ASKED_ONCE,
    ),
    mutant(
        "asks for up for ever",
        "scan/scanner/giveback.rs",
        "State::GivingBack { deadline, again_at: self.after(ASK_AGAIN), failed };",
        "State::GivingBack { deadline: self.after(self.policy.timeouts.give_back), again_at: self.after(ASK_AGAIN), failed };",
        ENDS,
    ),
    mutant(
        "ignores the death of the supervisor",
        "scan/scanner/handover.rs",
        "!status.supervised && !self.context.orphaned",
        "false",
        UNSUPERVISED,
    ),
    mutant(
        "sets no deadline while the service goes down",
        "scan/scanner/state.rs",
        "sooner(sooner(Some(wait.deadline), wait.again_at), wait.successor_by)",
        "sooner(wait.again_at, wait.successor_by)",
        STUCK,
    ),
    mutant(
        "takes the service again without end",
        "scan/scanner/handover.rs",
        "self.context.retakes_left = left;",
        "",
        RETRIED,
    ),
    mutant(
        "ignores the budget",
        "scan/scanner.rs",
        "let Some(asked) = self.context.asked_at else",
        "let Some(asked) = self.context.asked_at.filter(|_| false) else",
        BUDGET,
    ),
    mutant(
        "asks for up although another client wants the service down",
        "scan/scanner/giveback.rs",
        "if let Some(want) = self.want_owed() { act(out, Action::Ask(want)); }",
        "if let Some(want) = self.context.found { act(out, Action::Ask(want)); }",
        OVERRULED,
    ),
    mutant(
        "keeps the port while it gives the service back",
        "scan/scanner/handover.rs",
        "if matches!(self.state, State::Modem(_) | State::Restoring { .. }) {",
        "if matches!(self.state, State::Restoring { .. }) {",
        PORT_KEPT,
    ),
    mutant(
        "lets the dialogue go on after the port was closed",
        "scan/scanner/handover.rs",
        "fn let_go_of_port(&mut self, out: &mut Actions) { self.dialogue.close();",
        "fn let_go_of_port(&mut self, out: &mut Actions) {",
        SENT_CLOSED,
    ),
    mutant(
        "makes a move that is not listed",
        "scan/scanner/handover.rs",
        "report(out, Event::PortFree(after));",
        "report(out, Event::PortFree(after)); return self.with_modem(Modem::NextCarrier, out);",
        PANICS,
    ),
    mutant(
        "asks for down before it records what is owed",
        "scan/scanner/handover.rs",
        "self.owe_want(self.want_owed(), out); if supervised {",
        "if supervised {",
        UNRECORDED_DOWN,
    ),
    mutant(
        "changes the modem's selection without a record of it",
        "scan/scanner/giveback.rs",
        "self.owe(self.context.owed, true, out);",
        "let _ = out;",
        UNRECORDED_SELECTION,
    ),
    mutant(
        "keeps owing a service that another client wants down",
        "scan/scanner/handover.rs",
        "report(out, Event::ForeignDown); } self.owe_want(self.want_owed(), out);",
        "report(out, Event::ForeignDown); }",
        WRONG_RECORD,
    ),
    Mutant {
        late_in: Some("no link: the next of two remembered carriers"),
        ..mutant(
            "tries the next carrier although another client wants the service down",
            "scan/scanner/giveback.rs",
            "self.context.service = Some(status); if self.is_overruled() { self.overruled(out); }",
            "self.context.service = Some(status);",
            OVERRULED,
        )
    },
    mutant(
        "leaves a service that was given back owed",
        "scan/scanner/giveback.rs",
        "self.owe_want(None, out);",
        "",
        FALSE_END,
    ),
];
