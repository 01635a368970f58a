//! The real `runsv` from Debian's `runit`, a process named `pppd` on a pseudo-terminal, a modem at its other end, and the
//! built `cellscan` between them.
//!
//! Waits are for conditions, with a deadline; limits are generous, since the machine may be busy.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails loudly")]

/// Named so that its tests start first: they last longest, and all others run beside them.
#[path = "long.rs"]
mod a_long_search;
mod by_hand;
mod claims;
mod control;
mod custody;
mod daemon;
mod doctor;
mod ends;
mod facts;
mod floods;
mod found;
mod guards;
mod hazards;
mod hazards_unreachable;
mod hostile;
mod lease;
mod links;
mod looking;
mod machines;
mod modes;
mod permissions;
mod planted;
mod preflight;
mod quiet;
mod recorded;
mod running;
mod scan;
mod starting;
mod unlock;

use std::time::Duration;

/// The deadline of steps that take a second at most on an idle machine: the pause after an early death. A wait ends with its
/// condition, so this costs nothing; with a dozen busy loops on two cores each step takes ten times as long.
const SOON: Duration = Duration::from_secs(45);

/// The deadline of a whole scan of the quick modem, which takes three seconds on an idle machine.
const SCAN: Duration = Duration::from_secs(180);
