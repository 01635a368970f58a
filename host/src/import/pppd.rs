//! Lines of `pppd` and its `run` and `finish` scripts, in any log (`FORMATS` 4 and 5 of the reference).

use super::event::{Note, Pppd};
use super::text::contains;

/// The meaning of a line of `pppd`, or of a script around it; `None` for a line without interest here.
#[must_use]
pub fn note(text: &[u8]) -> Option<Note<'static>> {
    let text = text.trim_ascii();
    let pppd = match text {
        b"Connect script failed" => Pppd::ConnectFailed,
        b"Serial connection established." => Pppd::Connected,
        _ if text.starts_with(b"Connect: ") => Pppd::Connected,
        b"Modem hangup" | b"Hangup (SIGHUP)" => Pppd::HungUp,
        b"Exit." => Pppd::Ended,
        _ if text.starts_with(b"Start Pppd") => Pppd::Started,
        _ if text.starts_with(b"Finish Pppd") => Pppd::Ended,
        _ if text.starts_with(b"pppd ") && contains(text, b" started by ") => Pppd::Started,
        _ if text.starts_with(b"Terminating on signal") => Pppd::Stopping,
        _ if text.starts_with(b"local  IP address") || text.starts_with(b"not replacing default route") => {
            Pppd::Addressed
        }
        _ if text.starts_with(b"Failed to open ") && text.ends_with(b"No such file or directory") => {
            return Some(Note::PortGone);
        }
        _ if text.ends_with(b"Input/output error") || text.ends_with(b"I/O error") => {
            return Some(Note::PortGone);
        }
        _ => return None,
    };
    Some(Note::Pppd(pppd))
}
