//! What the scan tells, and what the supervisor says, in words that can be read back.

use cellscan_core::carrier::{Plmn, Remembered};
use cellscan_core::scan::deny::Denied;
use cellscan_core::scan::gate::{Declined, Origin, Request};
use cellscan_core::scan::{Event, Failure, Outcome};
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Want};
use cellscan_core::time::Instant;
use core::num::NonZeroU32;

use crate::words;

/// An event of the scan.
#[must_use]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list may grow, and then its own name is better than nothing"
)]
pub fn event(event: &Event) -> String {
    match event {
        Event::Moved { to, .. } => format!("state {} {}", to.number(), words::phase(*to)),
        Event::Declined(why) => format!("declined {}", declined(*why)),
        Event::Taken(found) => format!("taken {}", status(found)),
        Event::Down(after) => format!("down {}", after.as_millis()),
        Event::PortFree(after) => format!("free {}", after.as_millis()),
        Event::Signalled(which) => format!("signalled {}", signal(*which)),
        Event::HeldByStranger(pid) => format!("held {pid}"),
        Event::Interrupted { supervised, left } => format!("interrupted {supervised} {left}"),
        Event::ForeignDown => "foreign-down".to_owned(),
        Event::PortLost { reopens } => format!("port-lost {reopens}"),
        Event::Before(plmn) => format!("before {plmn}"),
        Event::Listed { count, took } => format!("listed {count} {}", took.as_millis()),
        Event::TrialBegins(plmn) => format!("trial {plmn}"),
        Event::TrialEnded(plmn) => format!("tried {plmn}"),
        Event::Selected(plmn) => format!("selected {plmn}"),
        Event::Confirmed(plmn) => format!("confirmed {plmn}"),
        Event::Lost(plmn) => format!("lost {plmn}"),
        Event::Restored(done) => format!("restored {done}"),
        Event::GivenBack => "given-back".to_owned(),
        Event::LinkUp(after) => format!("link {}", after.as_millis()),
        Event::NoLink => "no-link".to_owned(),
        Event::Outage(span) => format!("outage {}", span.as_millis()),
        Event::Dropped(lines) => format!("dropped {lines}"),
        Event::Released(released) => format!("released {released}"),
        Event::Finished(Outcome::Complete) => "finished complete".to_owned(),
        Event::Finished(Outcome::Failed(Failure::PortHeld(Some(pid)))) => {
            format!("finished failed port_held {pid}")
        }
        Event::Finished(Outcome::Failed(failure)) => format!("finished failed {}", failure.name()),
        other => format!("other {other:?}"),
    }
}

const fn declined(why: Declined) -> &'static str {
    match why {
        Declined::Busy => "busy",
        Declined::Repeated => "repeated",
        Declined::CoolingDown => "cooling-down",
        Declined::LinkHealthy => "link-healthy",
    }
}

/// A carrier that failed before, with how often, and for how many milliseconds from `now` it is tried last.
#[must_use]
pub fn denied(denied: &Denied, now: Instant) -> String {
    let left = denied.until.duration_since(now).as_millis();
    format!("{}/{}/{left}", denied.plmn, denied.failures)
}

/// A remembered carrier, and its RSSI in dBm where that is known.
#[must_use]
pub fn remembered(carrier: &Remembered) -> String {
    let Remembered { plmn, rssi_dbm } = carrier;
    rssi_dbm.map_or_else(|| plmn.to_string(), |dbm| format!("{plmn}/{dbm}"))
}

/// Read back.
#[must_use]
pub fn parse_remembered(words: &str) -> Option<Remembered> {
    let (digits, dbm) = words
        .trim()
        .split_once('/')
        .map_or_else(|| (words.trim(), None), |(digits, dbm)| (digits, Some(dbm)));
    let plmn = Plmn::parse(digits.as_bytes()).ok()?;
    let rssi_dbm = dbm.map(str::parse).transpose().ok()?;
    Some(Remembered { plmn, rssi_dbm })
}

/// Read back, from a `now` of zero.
#[must_use]
pub fn parse_denied(words: &str) -> Option<Denied> {
    let mut parts = words.trim().split('/');
    let plmn = Plmn::parse(parts.next()?.as_bytes()).ok()?;
    let failures = parts.next()?.parse().ok()?;
    let until = Instant::from_millis(parts.next()?.parse().ok()?);
    Some(Denied { plmn, failures, until }).filter(|_| parts.next().is_none())
}

/// What the modem was told before.
#[must_use]
pub fn selection(selection: Selection) -> String {
    match selection {
        Selection::Automatic => "automatic".to_owned(),
        Selection::Manual(plmn) => format!("manual {plmn}"),
    }
}

/// Read back.
#[must_use]
pub fn parse_selection(words: &str) -> Option<Selection> {
    match words.split_once(' ') {
        None => (words == "automatic").then_some(Selection::Automatic),
        Some(("manual", plmn)) => Plmn::parse(plmn.as_bytes()).ok().map(Selection::Manual),
        Some(_) => None,
    }
}

/// A wish for a scan.
#[must_use]
pub fn request(request: Request) -> String {
    let origin = match request.origin {
        Origin::Manual => "manual",
        Origin::Automatic { link_healthy: true } => "automatic healthy",
        Origin::Automatic { link_healthy: false } => "automatic",
    };
    format!("request {} {origin}", request.id)
}

/// The wish again, out of what follows `request `.
#[must_use]
pub fn parse_request(words: &str) -> Option<Request> {
    let (id, origin) = words.split_once(' ')?;
    let origin = match origin {
        "manual" => Origin::Manual,
        "automatic" => Origin::Automatic { link_healthy: false },
        "automatic healthy" => Origin::Automatic { link_healthy: true },
        _ => return None,
    };
    Some(Request { id: id.parse().ok()?, origin })
}

/// A signal.
#[must_use]
pub const fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::Term => "term",
        Signal::Kill => "kill",
    }
}

fn pid(pid: Option<NonZeroU32>) -> String {
    pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string())
}

/// A word that is no pid.
struct NoPid;

fn parse_pid(word: &str) -> Result<Option<NonZeroU32>, NoPid> {
    if word == "-" { Ok(None) } else { word.parse().map(Some).map_err(|_| NoPid) }
}

/// How the service stands: `supervised run 103 up`.
#[must_use]
pub fn status(status: &ServiceStatus) -> String {
    let supervised = if status.supervised { "supervised" } else { "orphaned" };
    let foreign = if status.foreign_down { " foreign-down" } else { "" };
    let (state, want) = (words::service_state(status.state), words::want(status.want));
    let given_back = match status.given_back {
        Some(true) => " given-back",
        Some(false) => " unanswered",
        None => "",
    };
    format!("{supervised} {state} {} {want}{foreign}{given_back}", pid(status.pid))
}

/// How it stands, again.
#[must_use]
pub fn parse_status(text: &str) -> Option<ServiceStatus> {
    let mut parts = text.split(' ');
    let supervised = match parts.next()? {
        "supervised" => true,
        "orphaned" => false,
        _ => return None,
    };
    let state = match parts.next()? {
        "down" => ServiceState::Down,
        "run" => ServiceState::Run,
        "finish" => ServiceState::Finish,
        _ => return None,
    };
    let pid = parse_pid(parts.next()?).ok()?;
    let want = parse_want(parts.next()?)?;
    // Recordings before 0.1 say nothing about our last request.
    let (mut foreign_down, mut given_back) = (false, None);
    for word in parts {
        match word {
            "foreign-down" => foreign_down = true,
            "given-back" => given_back = Some(true),
            "unanswered" => given_back = Some(false),
            _ => return None,
        }
    }
    Some(ServiceStatus { supervised, state, pid, want, foreign_down, given_back })
}

/// What is wanted, again.
#[must_use]
pub fn parse_want(word: &str) -> Option<Want> {
    [Want::Up, Want::Once, Want::Down].into_iter().find(|want| words::want(*want) == word)
}

/// Who is left: `12 -`.
#[must_use]
pub fn remains(remains: &Remains) -> String {
    format!("{} {}", pid(remains.service), pid(remains.stranger))
}

/// Who is left, again.
#[must_use]
pub fn parse_remains(text: &str) -> Option<Remains> {
    let (service, stranger) = text.split_once(' ')?;
    Some(Remains { service: parse_pid(service).ok()?, stranger: parse_pid(stranger).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_can_be_read_back() {
        for (state, pid, want) in [
            (ServiceState::Run, 103, Want::Up),
            (ServiceState::Finish, 7, Want::Once),
            (ServiceState::Down, 0, Want::Down),
        ] {
            for (supervised, foreign_down) in [(true, false), (false, true)] {
                for given_back in [None, Some(false), Some(true)] {
                    let pid = NonZeroU32::new(pid);
                    let known = ServiceStatus { supervised, state, pid, want, foreign_down, given_back };
                    assert_eq!(parse_status(&status(&known)), Some(known));
                }
            }
        }
        let known = Remains { service: NonZeroU32::new(9), stranger: None };
        assert_eq!(parse_remains(&remains(&known)), Some(known));
        for origin in [
            Origin::Manual,
            Origin::Automatic { link_healthy: true },
            Origin::Automatic { link_healthy: false },
        ] {
            let known = Request { id: 7, origin };
            assert_eq!(parse_request(request(known).strip_prefix("request ").unwrap()), Some(known));
        }
        assert_eq!(parse_status("supervised run x up"), None);
        assert_eq!(parse_status("supervised run 7 up else"), None);
    }
}
