//! `run`: the daemon. First it gives back what a killed scan has left; then it scans on request, one scan at a time, and keeps the
//! unlock rule in between.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use cellscan_core::scan::Scanner;
use cellscan_core::scan::gate::{self, Declined, Origin};
use cellscan_core::time::Instant;

use super::restore;
use super::scan::finish;
use crate::cli::RestoreArgs;
use crate::clock::Clock;
use crate::control::{Answer, ClientId, Control, Request};
use crate::custody::guard;
use crate::error::chain;
use crate::event_loop::{self, Signals};
use crate::exit::{Exit, Fatal};
use crate::gateway::{GatewayScan, ours, remembered};
use crate::link::Link;
use crate::plan::DaemonPlan;
use crate::recording::Shown;
use crate::recording::listening::To;
use crate::recording::ring::{Next, Ring};
use crate::report::words;
use crate::report::{Reporter, Style, console};
use crate::spans::in_seconds;

mod unlocking;

use unlocking::Unlocking;

/// How long `restore` asks for a service at the start: a daemon that cannot give it back goes on, and its next start tries
/// again.
const RESTORE_LIMIT: Duration = Duration::from_secs(20);
/// Pause between two looks at a link that is down, and after a declined automatic request.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// Requests without a number get numbers from here, so that they do not meet the numbers of users.
const OWN_IDS: u32 = 1 << 31;

/// A scan in progress.
struct ActiveScan {
    scan: GatewayScan,
    reporter: Reporter,
    /// The client that asked; it may have disconnected.
    asker: Option<ClientId>,
    id: u32,
    told: bool,
    recording: Option<PathBuf>,
    /// It is no scan: it only tells the modem to choose its carrier by itself.
    unlocks: bool,
}

/// Where the next scan is recorded. A scan runs even if it cannot be recorded.
fn place(ring: &Ring, shown: Shown, reporter: &mut Reporter) -> Option<To> {
    match ring.next() {
        Ok(Next { path, skipped }) => {
            for stray in skipped {
                reporter.warn(&format!("{} is no recording of this program: skipped", stray.display()));
            }
            Some(To { path: Some(path), extent: ring.extent, optional: true, shown })
        }
        Err(error) => {
            reporter.warn(&format!("unable to record to {}: {error}", ring.dir.display()));
            None
        }
    }
}

struct Daemon<'a> {
    plan: &'a DaemonPlan,
    /// How much of a scan is shown on standard error.
    shown: Shown,
    clock: Clock,
    signals: Signals,
    control: Control,
    /// The state machine between scans: it remembers carriers that failed, and the end of the last scan.
    scanner: Scanner,
    active: Option<ActiveScan>,
    link: Option<Link>,
    link_down_since: Option<Instant>,
    look_at: Option<Instant>,
    unlocking: Option<Unlocking>,
    next_id: u32,
    scans: u32,
    /// Until when automatic requests are declined.
    cool_until: Option<Instant>,
    stopping: bool,
}

/// Runs until SIGTERM, SIGINT or SIGHUP; a scan in progress then ends first, and gives back what it holds.
///
/// # Errors
/// Another daemon runs, or the run directory or signals cannot be used.
pub fn run(plan: &DaemonPlan, shown: Shown) -> Result<Exit, Fatal> {
    let signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    let control = Control::listen(&plan.gateway.run_dir)?;
    let run_dir = plan.gateway.run_dir.clone();
    // What could not be given back is reported, and the daemon still waits for requests.
    let restored = restore::leases(&RestoreArgs {
        run_dir,
        state_dir: plan.gateway.state_dir.clone(),
        timeout: RESTORE_LIMIT,
        json: false,
    });
    if let Err(fatal) = restored {
        console::complain("warning", &fatal.message);
    }
    let clock = Clock::new();
    let unlocking = Unlocking::of(&plan.gateway, clock.now());
    let is_watched = plan.when_link_down.is_some() || unlocking.is_some();
    let link = match plan.gateway.link.clone().filter(|_| is_watched).map(Link::of) {
        Some(Err(error)) if plan.when_link_down.is_some() => {
            return Err(Fatal::system(format!("unable to watch the link: {}", chain(&error))));
        }
        // It is looked at from time to time.
        Some(Err(_)) | None => None,
        Some(Ok(link)) => Some(link),
    };
    let look_at = plan.when_link_down.map(|_| clock.now());
    let scanner = Scanner::new(plan.gateway.policy);
    let mut daemon = Daemon {
        plan,
        shown,
        clock,
        signals,
        control,
        scanner,
        active: None,
        link,
        link_down_since: None,
        look_at,
        unlocking,
        next_id: OWN_IDS,
        scans: 0,
        cool_until: None,
        stopping: false,
    };
    console::complain("note", &format!("waiting for requests in {}", plan.gateway.run_dir.display()));
    while !daemon.turn() {
        daemon.wait();
    }
    Ok(Exit::Done)
}

impl Daemon<'_> {
    /// Handles all events that are due; returns whether the daemon is to end.
    fn turn(&mut self) -> bool {
        if let Some(stop) = self.signals.take() {
            self.stopping = true;
            if let Some(active) = &mut self.active {
                let again = active.scan.end();
                active.reporter.note(stop.announcement(again));
            }
        }
        for (client, request) in self.control.turn(self.clock.now()) {
            self.serve(client, request);
        }
        self.look_at_link();
        self.look_for_unlock();
        self.go_on();
        self.control.sweep();
        self.stopping && self.active.is_none()
    }

    fn wait(&mut self) {
        let now = self.clock.now();
        let active = self.active.as_ref().and_then(|active| active.scan.deadline(&active.reporter));
        // During a scan the scan itself watches the link.
        let unlock_at = self.unlocking.as_ref().and_then(Unlocking::look_at);
        let look_at = [self.look_at, unlock_at].into_iter().flatten().min().filter(|_| self.active.is_none());
        // A guard that ends after its scan is a zombie until it is waited for.
        let ending = guard::reap_ended().then(|| now + LOOK_AGAIN);
        let deadline = [active, self.control.deadline(now), look_at, ending].into_iter().flatten().min();
        let mut fds: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd()];
        fds.extend(self.control.wake_fds());
        fds.extend(self.active.iter().flat_map(|active| active.scan.wake_fds()));
        fds.extend(self.link.as_ref().and_then(Link::fd));
        if let Err(error) = event_loop::wait(&fds, deadline, self.clock) {
            console::complain("warning", &format!("unable to wait for what happens: {error}"));
            self.stopping = true;
            if let Some(active) = &mut self.active {
                active.scan.end();
                active.scan.look_again();
            }
            let _without_even_that = event_loop::wait(&[], Some(now + LOOK_AGAIN / 10), self.clock);
        }
    }

    fn serve(&mut self, client: ClientId, request: Request) {
        let answer = match request {
            Request::Scan { id, automatic } => return self.begin(Some(client), id, automatic),
            Request::Status => self.status(),
            Request::Abort => {
                let scanning = self.active.as_mut().map(|active| active.scan.end()).is_some();
                Answer::Aborting { scanning }
            }
        };
        self.control.answer(client, &answer);
        self.control.close(client);
    }

    fn status(&self) -> Answer {
        let now = self.clock.now();
        let scanner = self.active.as_ref().map_or(&self.scanner, |active| active.scan.scanner());
        let scans = self.active.as_ref().filter(|active| !active.unlocks);
        let denied = scans
            .map_or(&self.scanner, |active| active.scan.scanner())
            .deny_list()
            .iter()
            .filter(|denied| denied.until > now);
        Answer::Daemon {
            pid: std::process::id(),
            phase: words::phase(scanner.phase()).to_owned(),
            scans: self.scans,
            deny_list: denied.map(|denied| denied.plmn.to_string()).collect(),
            unlock_in_s: self.unlocking.as_ref().and_then(|unlocking| unlocking.left(now)).map(in_seconds),
        }
    }

    /// Begins a scan, and sends its answers to the client.
    fn begin(&mut self, asker: Option<ClientId>, id: Option<u32>, automatic: bool) {
        let id = id.unwrap_or_else(|| {
            self.next_id = self.next_id.wrapping_add(1).max(OWN_IDS);
            self.next_id
        });
        if self.active.is_some() || self.stopping {
            return self.decline(asker, Declined::Busy);
        }
        let gateway = &self.plan.gateway;
        let up = gateway.link.as_ref().map(|interfaces| interfaces.up(&ours(gateway)));
        let link_healthy = up.is_some_and(|up| up.is_ok_and(|names| !names.is_empty()));
        let origin = if automatic { Origin::Automatic { link_healthy } } else { Origin::Manual };
        let mut reporter = Reporter::new(
            Style { relay: true, link_unseen: gateway.link.is_none(), ..Style::default() },
            self.clock.now(),
        );
        reporter.know(remembered::names(&gateway.state_dir));
        let ring = self.plan.recordings.as_ref();
        let record = ring.and_then(|ring| place(ring, self.shown, &mut reporter));
        let record = record.or_else(|| To::show(self.shown));
        let begun = GatewayScan::begin(
            &self.plan.gateway,
            self.scanner.clone(),
            gate::Request { id, origin },
            record.as_ref(),
            self.clock,
            &mut reporter,
        );
        match begun {
            Ok(scan) => {
                let recording = record.and_then(|to| to.path);
                let (told, unlocks) = (false, false);
                self.active = Some(ActiveScan { scan, reporter, asker, id, told, recording, unlocks });
            }
            Err(error) => {
                let fatal = Fatal::from(error);
                console::complain("error", &fatal.message);
                if let Some(asker) = asker {
                    let (message, exit) = (fatal.message, fatal.exit.code());
                    self.control.answer(asker, &Answer::Error { message, exit });
                    self.control.close(asker);
                }
            }
        }
    }

    fn decline(&mut self, asker: Option<ClientId>, reason: Declined) {
        if let Some(asker) = asker {
            let left = self.cool_until.map(|until| until.saturating_since(self.clock.now()));
            let again_in_s = left.filter(|_| reason == Declined::CoolingDown).map(in_seconds);
            let reason = words::declined(reason).to_owned();
            self.control.answer(asker, &Answer::Declined { reason, again_in_s });
            self.control.close(asker);
        }
    }

    /// Continues the scan in progress: sends its events to the client, and at its end keeps the state machine.
    fn go_on(&mut self) {
        let Some(mut active) = self.active.take() else { return };
        active.scan.turn(&mut active.reporter);
        if let Some(reason) = active.scan.declined() {
            self.scanner = active.scan.scanner().clone();
            // The recordings of a client's repeated failing requests would push out the recordings of scans.
            if let Some(path) = &active.recording {
                let _not_begun = fs::remove_file(path);
            }
            return self.decline(active.asker, reason);
        }
        if !core::mem::replace(&mut active.told, true)
            && let Some(asker) = active.asker
        {
            self.control.answer(asker, &Answer::Accepted { id: active.id });
        }
        let exit = active.scan.is_over().then(|| self.end(&mut active));
        for told in active.reporter.relayed() {
            if let Some(asker) = active.asker {
                self.control.relay(asker, &told);
            }
        }
        match exit {
            Some(exit) => {
                if let Some(asker) = active.asker {
                    self.control.answer(asker, &Answer::Done { exit: exit.code() });
                    self.control.close(asker);
                }
            }
            None => self.active = Some(active),
        }
    }

    fn end(&mut self, active: &mut ActiveScan) -> Exit {
        if let Some(unlocking) = &mut self.unlocking {
            unlocking.look_at_once(self.clock.now());
        }
        if active.unlocks {
            return self.end_unlock(active);
        }
        self.scans = self.scans.saturating_add(1);
        self.link_down_since = None;
        self.scanner = active.scan.scanner().clone();
        if active.scan.report().outage.is_some() {
            self.cool_until = Some(self.clock.now() + gate::COOL_DOWN);
        }
        if let (Some(path), None) = (&active.recording, active.scan.report().outage) {
            // It never asked for down, and no cool-down delays the next request: its recordings would push out the others.
            let _nothing_in_it = fs::remove_file(path);
        }
        if let Some(ring) = &self.plan.recordings
            && let Err(error) = ring.prune()
        {
            console::complain("warning", &format!("{}: old recordings: {error}", ring.dir.display()));
        }
        finish(&active.scan, &self.plan.gateway, &mut active.reporter).unwrap_or_else(|fatal| {
            console::complain("error", &fatal.message);
            Exit::of(active.scan.report())
        })
    }

    /// Requests a scan if the link has been down for `--when-link-down`.
    fn look_at_link(&mut self) {
        let Some(link) = &mut self.link else { return };
        // Also during a scan, which watches the link itself: what is not taken in wakes for ever.
        if link.woken()
            && let Some(unlocking) = &mut self.unlocking
        {
            unlocking.look_at_once(self.clock.now());
        }
        let (Some(limit), None) = (self.plan.when_link_down, &self.active) else { return };
        let now = self.clock.now();
        if link.is_up(&ours(&self.plan.gateway)).unwrap_or(true) {
            self.link_down_since = None;
            self.look_at = Some(now + LOOK_AGAIN);
            return;
        }
        let since = *self.link_down_since.get_or_insert(now);
        if now < since + limit {
            self.look_at = Some((since + limit).min(now + LOOK_AGAIN));
            return;
        }
        if self.look_at.is_none_or(|at| at <= now) {
            self.look_at = Some(now + LOOK_AGAIN);
            self.begin(None, None, true);
        }
    }
}
