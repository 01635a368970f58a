//! Says what happened according to a log, and what the state machine would have done.
//!
//! | module | input and output |
//! | --- | --- |
//! | [`turns`] | events → the dialogue: command, answer, result, time |
//! | [`scans`] | events and turns → each scan: stop, search, trials, choice, outage |
//! | [`habits`] | turns → how long the recorded modem takes for each kind of command |
//! | [`what_if`] | a recorded scan → core's state machine against a modem with the recorded answers |
//! | [`regret`] | a choice → how many dB it was below the best carrier, as the record shows them some seconds later |
//! | [`rerun`] | a recording of our own → the same state machine again, with the recorded inputs |
//! | [`findings`] | what went wrong, and why it matters |
//! | [`analysis`] | a whole log, in one pass |
//! | [`summary`] | many logs → a few lines |
//! | [`json`], [`text`] | all of that for programs and for people |

pub mod analysis;
pub mod findings;
pub mod habits;
pub mod json;
pub mod regret;
pub mod rerun;
pub mod scans;
pub mod summary;
pub mod text;
pub mod turns;
pub mod what_if;
