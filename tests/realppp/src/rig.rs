//! What cases are made of: a supervised `pppd` on a modem, with a ping through it; the program under test; what it may not leave.

mod leftovers;
mod program;
mod service;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cellscan_sim::modem::Profile;
use cellscan_tests::support::wait::look_for;

use crate::modem::{self, AT_PORT, Front, PORT};
use crate::ping::Ping;
pub(crate) use leftovers::{left_behind, pppds, processes_named};
pub(crate) use program::{PROGRAM, Program, seconds};
pub(crate) use service::{Service, Supervisor};

/// The stable name of the port, as udev makes it.
pub(crate) const BY_ID: &str = "/dev/serial/by-id/usb-Simulated_Modem-if00-port0";
/// The deadline of a link: `pppd` sleeps for a second before its chat, `runsv` for one after a crash, and the guest may be starved.
pub(crate) const SOON: Duration = Duration::from_secs(60);

const LOGS: &str = "/run/log";
const OPTIONS: &str = "115200
nocrtscts
noauth
lock
noipdefault
ipcp-accept-local
ipcp-accept-remote
defaultroute
debug
logfile /run/log/pppd.log
connect \"/usr/sbin/chat -v -f /etc/chatscripts/gateway\"
";
const CHAT: &str = "ABORT BUSY
ABORT 'NO CARRIER'
ABORT ERROR
TIMEOUT 10
'' AT
OK AT+CGDCONT=1,\"IP\",\"internet\"
OK ATD*99#
CONNECT ''
";
/// The usual `run` script.
pub(crate) const RUN: &str = "exec pppd call gateway nodetach";

/// How a gateway is set up; [`start`](Self::start) starts it.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub(crate) struct Setup {
    profile: Profile,
    two_ports: bool,
    options: String,
    run: String,
    supervisor: Supervisor,
}

impl Setup {
    /// `runsv` alone, one port.
    pub(crate) fn new() -> Self {
        Self {
            profile: modem::quick(),
            two_ports: false,
            options: String::new(),
            run: RUN.to_owned(),
            supervisor: Supervisor::Runsv,
        }
    }

    /// Another modem than the usual one.
    pub(crate) fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// A modem with a second port, for the dialogue.
    pub(crate) const fn two_ports(mut self) -> Self {
        self.two_ports = true;
        self
    }

    /// More lines of the peers file.
    pub(crate) fn options(mut self, more: &str) -> Self {
        self.options = format!("{more}\n");
        self
    }

    /// The `run` script, after its first two lines.
    pub(crate) fn run(mut self, script: &str) -> Self {
        script.clone_into(&mut self.run);
        self
    }

    /// Under `runsvdir`, which starts another `runsv` where one has died.
    pub(crate) const fn runsvdir(mut self) -> Self {
        self.supervisor = Supervisor::Runsvdir;
        self
    }

    /// Starts everything, and waits for the first answered ping.
    #[track_caller]
    pub(crate) fn start(self) -> Gateway {
        let ports: &[&str] = if self.two_ports { &[PORT, AT_PORT] } else { &[PORT] };
        let modem =
            Front::start(self.profile, ports, &Path::new(LOGS).join("modem.log")).expect("a modem on a pty");
        if fs::symlink_metadata(BY_ID).is_err() {
            symlink(PORT, BY_ID).expect("a link in /dev");
        }
        configure(&self.options, CHAT);
        let service = Service::start(&self.run, self.supervisor);
        let gateway = Gateway { ping: Ping::start(), service, modem, two_ports: self.two_ports };
        gateway.must_answer(Instant::now(), "at the start");
        gateway
    }
}

/// Writes the peers file and the chat script.
pub(crate) fn configure(more: &str, chat: &str) {
    fs::write("/etc/ppp/peers/gateway", format!("{PORT}\n{OPTIONS}{more}")).expect("a peers file");
    fs::write("/etc/chatscripts/gateway", chat).expect("a chat script");
}

/// The chat script with another line before the call.
pub(crate) fn chat_with(line: &str) -> String {
    CHAT.replace("OK ATD", &format!("OK {line}\nOK ATD"))
}

/// A gateway whose link is up, until this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    // In the order of their end: the ping, then pppd, then the modem.
    pub(crate) ping: Ping,
    pub(crate) service: Service,
    pub(crate) modem: Front,
    two_ports: bool,
}

impl Gateway {
    /// Waits for a ping that was sent after `since`, and is answered.
    #[track_caller]
    pub(crate) fn must_answer(&self, since: Instant, when: &str) -> Instant {
        let answered = self.ping.answered_after(since, SOON);
        answered.unwrap_or_else(|| panic!("no ping was answered within {SOON:?} {when}: {}", self.story()))
    }

    /// Starts a scan of this gateway.
    pub(crate) fn scan(&self, more: &[&str]) -> Program {
        let ports: &[&str] =
            if self.two_ports { &["--port", AT_PORT, "--ppp-port", PORT] } else { &["--port", PORT] };
        Program::start(&[&["scan", "--json"], ports, &["--service", self.service.directory()], more].concat())
    }

    /// Waits until the service is wanted up, runs one `pppd`, and nothing of a scan is left; returns what is not so.
    pub(crate) fn not_well(&self) -> Vec<String> {
        // One look that is content counts: a pppd that starts a script is two for a moment.
        let is_up = || self.service.status().is_some_and(|status| status.is_up()) && pppds().len() == 1;
        let up = look_for(SOON, || is_up().then_some(()));
        let mut wrong = left_behind();
        if up.is_none() {
            wrong.push(self.brief());
        }
        wrong
    }

    /// Service, modem and `pppd` in one line.
    pub(crate) fn brief(&self) -> String {
        format!("{:?}, pppd {:?}, {:?}", self.service.status(), pppds(), self.modem.at())
    }

    /// The last lines of the logs, for a message.
    pub(crate) fn story(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(Path::new(LOGS).join(name)).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            lines[lines.len().saturating_sub(8)..].join(" | ")
        };
        let logs = ["pppd.log", "run.log", "network.log", "modem.log"];
        let logs: Vec<_> = logs.iter().map(|name| format!("{name}: {}", tail(name))).collect();
        format!("{}; {}", self.brief(), logs.join("; "))
    }
}

/// The address of the link, and the default route.
pub(crate) fn route() -> Vec<String> {
    let said = |words: &[&str]| {
        let output = Command::new("busybox").args(words).output().expect("busybox is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = said(&["ip", "-4", "addr"]) + &said(&["ip", "-4", "route"]);
    let lines =
        text.lines().map(str::trim).filter(|line| line.starts_with("default") || line.contains(" peer "));
    lines.map(str::to_owned).collect()
}
