//! A scan of this gateway, turn by turn: what `cellscan scan` and the daemon have in common.

use std::cell::OnceCell;
use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::carrier::Remembered;
use cellscan_core::driver::Driver;
use cellscan_core::scan::gate::{Declined, Origin, Request};
use cellscan_core::scan::{Event, Outcome, Phase, Report, Scanner, Strategy};
use cellscan_core::time::Instant;

use crate::audience::Audience;
use crate::clock::Clock;
use crate::custody::guard::GuardOptions;
use crate::custody::lease::LeaseOptions;
use crate::custody::registration::ModemLine;
use crate::custody::selected::{Selected, SelectedError};
use crate::custody::{Held, HeldOptions, Undone};
use crate::error::chain;
use crate::link::{Interfaces, Link};
use crate::recording::listening::{self, Listening, To};
use crate::recording::{Recorded, words};
use crate::serial::SerialLine;
use crate::serial::selecting::{Heard, Selecting, Told};
use crate::service::family::Family;
use crate::service::locate::{self, Backend, Choice, LocateOptions};

mod error;
pub mod plan;
pub mod preflight;
pub mod remembered;
pub mod unlock;

pub use error::GatewayError;
use plan::{GatewayPlan, GuardPlan};

/// Between two looks where the caller cannot wait for what happens.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After the end of a scan: how long its release may wait behind a slow backend. What is not released by then is honoured
/// by the guard, which sees the end of this process.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);

/// A scan of this gateway.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub struct GatewayScan {
    driver: Driver<Recorded<Selecting<SerialLine>>, Recorded<Held>>,
    listening: Option<Listening>,
    clock: Clock,
    ended: Option<Instant>,
    declined: Option<Declined>,
    asked_to_end: bool,
    /// The caller could not wait for what happens.
    blind: bool,
    link: Option<Interfaces>,
    /// The port was seen free, and the service has not come up since.
    port_free: bool,
    /// It takes the modem only to set it to choose its carrier by itself.
    unlocks: bool,
    /// The record of the chosen carrier.
    selected: Option<Selected>,
    /// For that record; what it needs of the plan.
    plan: GatewayPlan,
}

impl GatewayScan {
    /// Finds port and service, and asks for the scan. `scanner` is the machine of the scans before, which remembers what
    /// they met with.
    ///
    /// # Errors
    /// The service or the port cannot be had; nothing was touched then.
    pub fn begin(
        plan: &GatewayPlan,
        scanner: Scanner,
        request: Request,
        record: Option<&To>,
        clock: Clock,
        audience: &mut impl Audience,
    ) -> Result<Self, GatewayError> {
        let undone = unlock::due(plan, clock.now()).unwrap_or_else(|error| {
            audience.warn(&format!("the record of the last selection is not used: {}", chain(&error)));
            None
        });
        Self::start(plan, scanner, request, record, undone, clock, audience)
    }

    /// Takes the service as a scan does, sets the modem to choose its carrier by itself instead of scanning, and gives the service
    /// back: state 12 of a scan to which automatic selection is owed. See [`cellscan_custody::unlock`].
    ///
    /// # Errors
    /// As [`GatewayScan::begin`].
    pub fn unlock(
        plan: &GatewayPlan,
        selected: Selected,
        clock: Clock,
        audience: &mut impl Audience,
    ) -> Result<Self, GatewayError> {
        let undone = Undone { state_dir: plan.state_dir.clone(), selected, alone: true };
        let plan = &unlock::of_unlock(plan);
        let request = Request { id: 1, origin: Origin::Manual };
        Self::start(plan, Scanner::new(plan.policy), request, None, Some(undone), clock, audience)
    }

    fn start(
        plan: &GatewayPlan,
        mut scanner: Scanner,
        request: Request,
        record: Option<&To>,
        undone: Option<Undone>,
        clock: Clock,
        audience: &mut impl Audience,
    ) -> Result<Self, GatewayError> {
        preflight::ports(plan)?;
        let unlocks = undone.as_ref().is_some_and(|undone| undone.alone);
        let held = HeldOptions { undone, ..held_options(plan)? };
        let Choice { service, dir, why } = choose(plan)?;
        preflight::users(plan, dir.as_deref())?;
        audience.note(&why);
        if !unlocks {
            for carrier in known(plan, audience) {
                scanner.remember(carrier);
            }
        }
        let now = clock.now();
        let begin = |to| Listening::begin(to, &plan.serial.path, &scanner, now);
        let listening = match record.map(|to| (to, begin(to))) {
            Some((To { optional: true, .. }, Err(error))) => {
                audience.warn(&chain(&error));
                None
            }
            Some((_, listening)) => Some(listening?),
            None => None,
        };
        let port =
            listening::recorded(Selecting::new(SerialLine::new(plan.serial.clone())), listening.as_ref());
        let service = listening::recorded(Held::new(service, held), listening.as_ref());
        let mut driver = Driver::resume(port, service, scanner);
        if let Some(listening) = &listening {
            listening.hear(now, words::request(request));
        }
        driver.request(now, request);
        Ok(Self {
            driver,
            listening,
            clock,
            ended: None,
            declined: None,
            asked_to_end: false,
            blind: false,
            link: plan.link.clone(),
            port_free: false,
            unlocks,
            selected: None,
            plan: plan.clone(),
        })
    }

    /// Everything that can be done now. What is told comes to `audience`.
    pub fn turn(&mut self, audience: &mut impl Audience) {
        self.driver.supervisor_mut().inner_mut().woken();
        self.blind = false;
        self.take_in(audience);
        for note in self.driver.supervisor_mut().inner_mut().notes() {
            audience.warn(&note);
        }
        audience.tick(self.clock.now());
        if let Some(listening) = &self.listening {
            listening.pause();
        }
    }

    fn take_in(&mut self, audience: &mut impl Audience) {
        loop {
            if self.unlocks && self.driver.port().inner().has_sent() {
                // The port is ours. From here on it is a scan that ends, and so restores what is owed.
                self.end();
            }
            let now = self.clock.now();
            if let Some(listening) = &self.listening {
                listening.at(now);
            }
            // The scan's own: where the driver only tries something again the machine is told nothing.
            if self.driver.scanner().next_deadline().is_some_and(|deadline| deadline <= now) {
                self.hear(now, || "due".to_owned());
            }
            match self.driver.poll(now) {
                Ok(event) => {
                    self.hear(now, || words::event(&event));
                    if let Event::Declined(reason) = event {
                        self.declined = Some(reason);
                    }
                    self.attribute_links(event);
                    self.choose(event);
                    if matches!(event, Event::Finished(_) | Event::Declined(_)) {
                        self.ended = Some(now);
                    }
                    audience.event(now, event, self.driver.scanner());
                }
                Err(nb::Error::Other(error)) => audience.warn(&chain(&error)),
                Err(nb::Error::WouldBlock) => return,
            }
        }
    }

    /// Keeps the record of the chosen carrier ready for the moment at which the selection found is no longer owed.
    fn choose(&mut self, event: Event) {
        if let Event::Selected(plmn) = event {
            self.selected = unlock::record(&self.plan, plmn);
        } else if matches!(event, Event::Moved { to: Phase::Failed, .. }) {
            self.selected = None;
        } else {
            if self.unlocks && event == Event::ForeignDown {
                // Another client wants the service down, and so the modem is left alone.
                self.end();
            }
            return;
        }
        let chosen = self.selected.clone().map(|selected| (self.plan.state_dir.clone(), selected));
        self.driver.supervisor_mut().inner_mut().choose(chosen);
    }

    /// While the service is held, an interface that is up is the link of another.
    fn attribute_links(&mut self, event: Event) {
        if matches!(event, Event::PortFree(_)) {
            self.port_free = true;
        } else if matches!(event, Event::Taken(_) | Event::Interrupted { .. } | Event::GivenBack) {
            self.port_free = false;
        }
        if self.port_free
            && self.driver.scanner().phase().is_holding()
            && let Some(Err(error)) = self.link.as_ref().map(Interfaces::service_is_down)
        {
            log::warn!("the links of others are not known: {}", chain(&error));
        }
    }

    /// It has ended, and all that it decided is done.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended.is_some_and(|at| self.driver.is_settled() || self.clock.now() >= at + SETTLE_LIMIT)
    }

    /// Why it never began, if it did not.
    #[must_use]
    pub const fn declined(&self) -> Option<Declined> {
        self.declined
    }

    /// When the next turn is due at the latest.
    #[must_use]
    pub fn deadline(&self, audience: &impl Audience) -> Option<Instant> {
        let now = self.clock.now();
        [
            self.driver.next_deadline(),
            audience.next_tick(),
            self.ended.map(|at| at + SETTLE_LIMIT),
            self.blind.then(|| now + LOOK_AGAIN),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What to wait for before the next turn.
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let service = self.driver.supervisor().inner().wake_fds();
        self.driver.port().inner().inner().fd().into_iter().chain(service).collect()
    }

    /// Nothing but time can be waited for now: the scan ends by its deadlines, and is looked at once a second.
    pub const fn look_again(&mut self) {
        self.blind = true;
    }

    /// Asks it to end, and to give the service back; whether that was asked before.
    pub fn end(&mut self) -> bool {
        let again = core::mem::replace(&mut self.asked_to_end, true);
        if !again {
            let now = self.clock.now();
            self.hear(now, || "abort".to_owned());
            self.driver.abort(now);
        }
        again
    }

    /// Where the scan is recorded: what it is told, and what it tells.
    fn hear(&self, now: Instant, words: impl FnOnce() -> String) {
        if let Some(listening) = &self.listening {
            listening.hear(now, words());
        }
    }

    /// The machine.
    #[must_use]
    pub const fn scanner(&self) -> &Scanner {
        self.driver.scanner()
    }

    /// What is known of it.
    #[must_use]
    pub const fn report(&self) -> &Report {
        self.driver.report()
    }

    /// Keeps the carriers of a complete scan, and closes its recording.
    pub fn keep(&self, plan: &GatewayPlan, audience: &mut impl Audience) {
        listening::finish(self.listening.as_ref().map(Listening::tape), audience);
        let report = self.report();
        if report.outcome == Some(Outcome::Complete) {
            let kept = remembered::write(&plan.state_dir, self.scanner().carriers(), report.selected);
            if let Err(error) = kept {
                audience.warn(&format!("the carriers are not remembered: {}", chain(&error)));
            }
        }
        if let Err(error) = self.keep_selection() {
            audience
                .warn(&format!("the record for the unlock rule is not as it should be: {}", chain(&error)));
        }
    }

    /// Brings the record in line with what the modem was told last.
    fn keep_selection(&self) -> Result<(), SelectedError> {
        let (state_dir, port) = (&self.plan.state_dir, unlock::port_of(&self.plan));
        let is_complete = self.report().outcome == Some(Outcome::Complete);
        match (self.driver.port().inner().told(), &self.selected) {
            (Some(Told::Automatic), _) if self.chooses_by_itself() => Selected::remove(state_dir, &port),
            (Some(Told::Manual(plmn)), Some(selected)) if is_complete && selected.plmn() == Some(plmn) => {
                if !Selected::read(state_dir, &port).ok().flatten().is_some_and(|now| now.is_same(selected)) {
                    selected.write(state_dir)?;
                }
                let is_dark = self.report().link == Some(false);
                selected.note(state_dir, is_dark.then(|| self.clock.now()))
            }
            // The rule is off, or the modem was left in a mode in which it finds another carrier by itself.
            (Some(_), _) if is_complete => Selected::remove(state_dir, &port),
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Whether the modem was told to choose its carrier by itself, and has accepted that.
    #[must_use]
    pub fn chooses_by_itself(&self) -> bool {
        let port = self.driver.port().inner();
        port.told() == Some(Told::Automatic) && (port.went_on() || self.report().restored == Some(true))
    }

    /// What came from the modem, as far as it says why a scan failed.
    #[must_use]
    pub fn heard(&self) -> &Heard {
        self.driver.port().inner().heard()
    }

    /// Whether a link is waited for.
    #[must_use]
    pub const fn watches_link(&self) -> bool {
        self.link.is_some()
    }
}

fn held_options(plan: &GatewayPlan) -> Result<HeldOptions, GatewayError> {
    let link = match &plan.link {
        None => Link::none(),
        Some(interfaces) => Link::of(interfaces.clone()).map_err(GatewayError::Link)?,
    };
    let lock_dirs = plan.serial.lock_dirs.clone();
    let modem =
        Some(ModemLine { port: absolute(&plan.serial.path), baud: plan.serial.baud, kept_free: false });
    let guard = guard(plan, &lock_dirs, modem.as_ref());
    Ok(HeldOptions {
        guard,
        lease: Some(LeaseOptions { run_dir: plan.run_dir.clone(), lock_dirs, modem }),
        link,
        undone: None,
    })
}

fn choose(plan: &GatewayPlan) -> Result<Choice, GatewayError> {
    let options = LocateOptions {
        backend: plan.backend,
        service: plan.service.clone(),
        ppp_port: Some(plan.ppp_port.clone()),
        start: plan.start.clone(),
        prepare: plan.prepare,
        ..LocateOptions::new()
    };
    locate::choose(options).map_err(GatewayError::of_service)
}

/// Whether a process belongs to the service of this gateway, as [`Interfaces::up`] asks. The service is looked for when the
/// first process is asked about.
pub fn ours(plan: &GatewayPlan) -> impl Fn(NonZeroU32) -> bool {
    let family = OnceCell::new();
    move |pid| family.get_or_init(|| family_of(plan)).has(pid)
}

fn family_of(plan: &GatewayPlan) -> Family {
    let port = Some(plan.ppp_port.as_path());
    let located = match plan.backend {
        Backend::Unsupervised => None,
        Backend::Auto | Backend::Native | Backend::Sv => {
            locate::locate(plan.service.as_deref(), &locate::default_roots(), port).ok().flatten()
        }
    };
    Family::new(located.as_ref().map(|located| located.dir.as_path()), port)
}

fn guard(plan: &GatewayPlan, lock_dirs: &[PathBuf], modem: Option<&ModemLine>) -> Option<GuardOptions> {
    let of_itself = GuardOptions {
        lock_dirs: lock_dirs.to_vec(),
        limit: plan.hold_limit,
        prepare: plan.prepare,
        modem: modem.cloned(),
        ..GuardOptions::default()
    };
    match &plan.guard {
        GuardPlan::ThisProgram => Some(of_itself),
        GuardPlan::Program(path) => {
            Some(GuardOptions { program: Some(path.clone()), quiet: true, ..of_itself })
        }
        GuardPlan::None => None,
    }
}

/// The guard's working directory is another.
fn absolute(port: &Path) -> PathBuf {
    std::path::absolute(port).unwrap_or_else(|_| port.into())
}

fn known(plan: &GatewayPlan, audience: &mut impl Audience) -> Vec<Remembered> {
    if !matches!(plan.policy.strategy, Strategy::Quick | Strategy::Adaptive(_)) {
        return Vec::new();
    }
    let known = match &plan.carriers {
        Some(carriers) => carriers.iter().copied().map(Remembered::from).collect(),
        None => remembered::read(&plan.state_dir).unwrap_or_else(|error| {
            audience.warn(&format!("nothing is remembered: {}", chain(&error)));
            Vec::new()
        }),
    };
    if known.is_empty() {
        audience.warn("no carrier is remembered: the network is searched");
    }
    known
}
