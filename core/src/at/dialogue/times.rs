//! The time-outs and retry counts of a dialogue, with their sources.

use crate::time::Span;

/// Silence that counts as quiet. A modem's lines of one answer come within some ten milliseconds; field logs show up to
/// 209 ms between echo and `OK` through a USB port.
pub const QUIET: Span = Span::from_millis(250);

/// Silence after the bare CR that begins a dialogue, as long as the line has brought nothing: the answer to a partial
/// command in the modem's buffer has mostly come by then; if it comes later it is not the echo of `AT`, and the line has
/// to settle for [`QUIET`].
pub const LULL: Span = Span::from_millis(100);

/// Silence after the `OK` of an echoed `AT`, where nothing else came since the port was opened.
pub const LULL_AFTER_OK: Span = Span::from_millis(50);

/// How long noise may keep the line from being quiet before the dialogue sends `AT` anyway.
pub const NOISE_MAX: Span = Span::from_secs(3);

/// The time-out of `AT`. Field logs show up to 1.3 s on a busy gateway.
pub const ATTENTION_TIMEOUT: Span = Span::from_secs(2);

/// The time-out of the first `AT` on a port: the modem may be ending a call (field logs: up to 2.1 s after `pppd`'s).
pub const FIRST_ATTENTION_TIMEOUT: Span = Span::from_secs(3);

/// How long the modem may take to answer an abort.
pub const ABORT_DRAIN: Span = Span::from_secs(5);

/// The guard time before and after `+++` (V.250 §6.3.11 leaves it to S12, whose default is a second).
pub const ESCAPE_GUARD: Span = Span::from_millis(1_100);

/// How often the dialogue sends `AT` before the line counts as dead: with the pauses some 25 s, which is longer than
/// the boot time that modem manuals state (10–20 s).
pub const ATTENTION_TRIES_MAX: u8 = 8;

/// The same after a time-out of a selection or a search: a modem that cannot abort it answers nothing before it is done
/// (field log: 21 s; manuals: up to 180 s), and with the pauses these tries last some 70 s.
pub const ATTENTION_TRIES_BUSY_MAX: u8 = 30;

/// No network refuses sooner than this; an earlier error was already on its way (a result sent twice, found by the swarm).
/// The quickest refusal in a field log took 106 ms. On a slow line or a late machine the second copy comes later than
/// that: without an echo, the dialogue sends a selection again that was refused right after another refusal.
pub const NETWORK_ANSWER_MIN: Span = Span::from_millis(20);

/// How often a command is sent again while its answer is in doubt. There is one stray result: of three answers two agree.
pub(super) const REPEATS_MAX: u8 = 2;

/// After this many tries the modem may be in data mode, and the dialogue sends `+++` before the next.
pub(super) const TRIES_BEFORE_ESCAPE: u8 = 2;
