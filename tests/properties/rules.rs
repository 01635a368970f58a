//! The rules that the walk checks at each step. `tests/mutants` has a machine for each that violates it.

/// Of a step.
pub(crate) const PANICS: &str = "no step panics";
pub(crate) const STUCK: &str = "a scan that has not ended waits for a deadline";
pub(crate) const ENDS: &str = "from every state the scan ends when only time passes";
pub(crate) const BUDGET: &str = "the scan gives up while the rest of the budget suffices to give back";
pub(crate) const RETRIED: &str = "the scan takes service and port again no more often than the policy says";

/// Of the port.
pub(crate) const OPENED_HELD: &str = "the port is opened only once it was seen free";
pub(crate) const SENT_HELD: &str = "nothing is sent before the open port was seen to have no other holder";
pub(crate) const SENT_CLOSED: &str = "nothing is sent on a port that is not open";
pub(crate) const PORT_KEPT: &str = "the port is closed before the service is given back";

/// Of the dialogue.
pub(crate) const UNANSWERED: &str =
    "after a command without a result nothing is sent but AT, until that is answered";
pub(crate) const BELIEVED: &str =
    "after a time-out a result that names no command is believed only if it comes twice";
pub(crate) const LEFT_ALONE: &str =
    "a modem in reach whose selection was changed is not left alone on an abort";

/// Of the service.
pub(crate) const OWED: &str = "a service that was asked down is asked for its want from before";
pub(crate) const RELEASED: &str = "the service is released only once the record shows its want from before";
pub(crate) const ASKED_ONCE: &str = "a service is not handed over before it was asked twice";
pub(crate) const OVERRULED: &str =
    "a service that another client wants down is not asked up, nor down and up again";
pub(crate) const UNSUPERVISED: &str = "the port is closed when the supervisor dies";
pub(crate) const SIGNALLED: &str =
    "TERM goes to a process that was seen, and KILL to one that got TERM or does not stop";

/// Of the record for the time after the scan's death.
pub(crate) const UNRECORDED_DOWN: &str = "down is requested only once the record says what is owed";
pub(crate) const UNRECORDED_SELECTION: &str = "the modem is changed only once the record has its selection";
pub(crate) const WRONG_RECORD: &str = "while the scan holds the service the record has the want from before, unless another client wants it down";
pub(crate) const FALSE_END: &str =
    "at the end a service given back is owed nothing, and one that is not is handed over with its want";
