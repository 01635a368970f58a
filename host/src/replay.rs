//! What a log says happened, and what the machine would have done.
//!
//! | module | what it makes |
//! | --- | --- |
//! | [`turns`] | events → the dialogue: command, answer, result, time |
//! | [`scans`] | events and turns → each scan: stop, search, trials, choice, outage |
//! | [`habits`] | turns → how long the recorded modem takes for what |
//! | [`what_if`] | a recorded scan → the core's machine against a modem that answers so |
//! | [`rerun`] | a recording of our own, once more through the machine |
//! | [`findings`] | what went wrong, and why it matters |
//! | [`analysis`] | a whole log, read once |
//! | [`summary`] | many logs in a few lines |
//! | [`json`], [`text`] | what programs and people are told |

pub mod analysis;
pub mod findings;
pub mod habits;
pub mod json;
pub mod rerun;
pub mod scans;
pub mod summary;
pub mod text;
pub mod turns;
pub mod what_if;
