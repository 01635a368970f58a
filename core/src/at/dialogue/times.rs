//! How long the parts of a dialogue take, and how often they are tried, with their sources.

use core::time::Duration;

/// Silence that counts as quiet. A modem's lines of one answer come within some ten milliseconds; field logs show up to
/// 209 ms between echo and `OK` through a USB port.
pub const QUIET: Duration = Duration::from_millis(250);

/// Silence behind the bare CR that begins a dialogue, as long as the line has said nothing: what half a command in the
/// modem's buffer comes to is mostly there by then, and what comes later is not the echo of `AT` and has the line settle
/// for [`QUIET`].
pub const LULL: Duration = Duration::from_millis(100);

/// Silence behind the `OK` of an echoed `AT`, where nothing else came since the port was opened.
pub const LULL_AFTER_OK: Duration = Duration::from_millis(50);

/// How long noise may keep the line from being quiet before `AT` is tried all the same.
pub const NOISE_MAX: Duration = Duration::from_secs(3);

/// How long `AT` may take. Field logs show up to 1.3 s on a busy gateway.
pub const ATTENTION_TIMEOUT: Duration = Duration::from_secs(2);

/// The same for the first `AT` on a port: the modem may be at the end of a call (field logs: up to 2.1 s after `pppd`'s).
pub const FIRST_ATTENTION_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a command that was aborted may take to say so.
pub const ABORT_DRAIN: Duration = Duration::from_secs(5);

/// Silence before and after `+++` (V.250 §6.3.11 leaves it to S12, whose default is a second).
pub const ESCAPE_GUARD: Duration = Duration::from_millis(1_100);

/// How often `AT` is tried before the line counts as dead: with the waits between them some 25 s, which is longer than
/// the boot of the modems whose manuals say (10–20 s).
pub const ATTENTION_TRIES_MAX: u8 = 8;

/// The same after a selection or a search was given up: a modem that cannot abort one answers nothing before it is done
/// (field log: 21 s; manuals: up to 180 s), and with the waits between them these tries last some 70 s.
pub const ATTENTION_TRIES_BUSY_MAX: u8 = 30;

/// No network says no sooner than this; an error that does was on its way already (a result sent twice, found by the
/// swarm). The quickest refusal in a field log took 106 ms. On a slow line or a late machine the second copy comes later than
/// that: without an echo, a selection refused behind another refusal is asked again.
pub const NETWORK_ANSWER_MIN: Duration = Duration::from_millis(20);

/// How often a command is sent again while its answer is in doubt. A stray result is one: of three answers two agree.
pub(super) const REPEATS_MAX: u8 = 2;

/// After so many tries the modem may be in data mode, and `+++` goes before the next.
pub(super) const TRIES_BEFORE_ESCAPE: u8 = 2;
