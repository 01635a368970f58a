//! The modem: the simulator's, on one port or two, and a real network behind its calls.
//!
//! What a modem does is decided in `cellscan_sim::modem`, without I/O. Here one thread passes bytes between its ports ([`mod@line`]) and the
//! calls ([`network`]).

mod control;
mod line;
mod network;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cellscan_core::time::Instant as ModemTime;
use cellscan_sim::modem::{
    Calls, Canned, Delays, Modem, ModemFault, Network, Ports, Profile, Select, Selection,
};
use cellscan_tests::support::clock::monotonic_ms;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use line::{Happened, Line};
use network::Call;

/// The port of `pppd`, and that of the dialogue of a modem that has two.
pub(crate) const PORT: &str = "/dev/ttyUSB0";
pub(crate) const AT_PORT: &str = "/dev/ttyUSB2";
/// The carriers: where the modem is at first, the best one, one that is forbidden, one that refuses.
pub(crate) const HOME: &str = "310410";
pub(crate) const BEST: &str = "311480";
const FORBIDDEN: &str = "310260";
const REFUSING: &str = "302720";
const CARRIERS: [&str; 4] = [HOME, BEST, FORBIDDEN, REFUSING];

/// From the last word of a call to the hang-up: the client reads `NO CARRIER` first.
const HANG_UP_AFTER: Duration = Duration::from_millis(20);
/// The longest wait of the thread, where nothing is due.
const IDLE: Duration = Duration::from_secs(1);

/// A modem as quick as tests can stand, with the habits of the recorded one.
pub(crate) fn quick() -> Profile {
    let network = |plmn, name, rssi| Network {
        select: Select::Accept { after_ms: 800 },
        registration_ms: 200,
        ..Network::new(plmn, name, rssi)
    };
    let refusal = Select::Refuse { after_ms: 500, code: 30 };
    let context = Canned {
        command: "+CGDCONT=1,\"IP\",\"internet\"".to_owned(),
        lines: Vec::new(),
        error: None,
        delay_ms: 10,
    };
    Profile {
        networks: vec![
            network(HOME, "AT&T", 17),
            network(BEST, "Verizon", 24),
            Network { stat: 3, select: refusal.clone(), ..network(FORBIDDEN, "T-Mobile", 28) },
            Network { act: Some(2), select: refusal, ..network(REFUSING, "Rogers", 12) },
        ],
        registered: Some(HOME.to_owned()),
        delays: Delays { search: 3_000, deregister: 300, signal: 20, dial: 200, ..Delays::default() },
        automatic_registration_ms: 1_000,
        carries_calls: true,
        canned: vec![context],
        ..Profile::default()
    }
}

/// The modem of a case, until this is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    ports: Mutex<Ports>,
    began: Instant,
    began_ms: u64,
    /// Readable: the thread has work.
    wake: OwnedFd,
    stop: AtomicBool,
}

/// What a modem is at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct At {
    pub(crate) selection: Selection,
    pub(crate) registered: Option<String>,
    pub(crate) in_call: bool,
}

impl Front {
    /// A modem with a port at each path, and its journal in the file `log`.
    pub(crate) fn start(profile: Profile, paths: &[&str], log: &Path) -> io::Result<Self> {
        let lines = paths.iter().map(|path| Line::new(Path::new(path))).collect::<io::Result<Vec<_>>>()?;
        let shared = Arc::new(Shared {
            ports: Mutex::new(Ports::new(profile, 1, paths.len())),
            began: Instant::now(),
            began_ms: monotonic_ms(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            stop: AtomicBool::new(false),
        });
        let port = |(path, line): (&&str, Line)| Port {
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            line,
            number: None,
            call: None,
            hang_up_at: None,
        };
        let served = Served {
            ports: paths.iter().zip(lines).map(port).collect(),
            network: network::Network::new()?,
            log: File::options().create(true).append(true).open(log)?,
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new().name("modem".to_owned()).spawn(move || served.serve())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Acts on the modem, at its present time.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Modem, ModemTime) -> T) -> T {
        let now = self.shared.now();
        let result = act(self.shared.lock().port(now, 0), now);
        self.shared.wake();
        result
    }

    pub(crate) fn at(&self) -> At {
        self.with(|modem, _| At {
            selection: modem.selection(),
            registered: modem.registered().map(str::to_owned),
            in_call: modem.call().is_some(),
        })
    }

    /// The network of this carrier takes calls like this from now on.
    pub(crate) fn calls(&self, carrier: &str, calls: Calls) {
        let plmn = carrier.to_owned();
        self.with(|modem, now| modem.apply(now, ModemFault::Calls { plmn, calls }));
    }

    /// Every network takes calls like this from now on.
    pub(crate) fn all_calls(&self, calls: Calls) {
        for carrier in CARRIERS {
            self.calls(carrier, calls);
        }
    }

    /// The network ends the call.
    pub(crate) fn hang_up(&self) {
        self.with(|modem, now| modem.apply(now, ModemFault::HangUp));
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ports> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> ModemTime {
        ModemTime::from_millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn wake(&self) {
        // Full means that a wake-up is waiting already.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

/// A port with its call.
struct Port {
    name: String,
    line: Line,
    /// The number of the modem's call.
    number: Option<u64>,
    /// The network's end of it; a mute network has none.
    call: Option<Call>,
    hang_up_at: Option<Instant>,
}

/// What the thread has.
struct Served {
    ports: Vec<Port>,
    network: network::Network,
    log: File,
    shared: Arc<Shared>,
}

impl Served {
    fn serve(mut self) {
        let shared = Arc::clone(&self.shared);
        while !shared.stop.load(Ordering::Relaxed) {
            let next = self.turn();
            let now = shared.now();
            let due = next.map_or(IDLE, |at| at.saturating_since(now).into()).min(IDLE);
            let hang_ups = self.ports.iter().filter_map(|port| port.hang_up_at);
            let hang_up =
                hang_ups.map(|at| at.saturating_duration_since(Instant::now())).min().unwrap_or(IDLE);
            // Rounded up, since the modem's clock counts whole milliseconds.
            let timeout =
                Timespec::try_from(due.min(hang_up) + Duration::from_micros(500)).expect("a second");
            let wires: Vec<_> =
                self.ports.iter().filter_map(|port| port.call.as_ref().map(Call::wire)).collect();
            let mut fds: Vec<PollFd<'_>> = self.ports.iter().flat_map(|port| port.line.waits_on()).collect();
            fds.push(PollFd::new(&shared.wake, PollFlags::IN));
            fds.extend(wires.iter().map(|wire| PollFd::from_borrowed_fd(wire.as_fd(), PollFlags::IN)));
            // An interrupted wait is handled like any other: the next turn asks the kernel again.
            let _ = poll(&mut fds, Some(&timeout));
            let _ = rustix::io::read(&shared.wake, &mut [0_u8; 8]);
        }
    }

    /// Passes on what has come, both ways. Returns when the modem is due.
    fn turn(&mut self) -> Option<ModemTime> {
        let shared = Arc::clone(&self.shared);
        let mut modem = shared.lock();
        let now = shared.now();
        for (number, port) in self.ports.iter_mut().enumerate() {
            let modem = modem.port(now, number);
            modem.receive(now, &port.line.read());
            for what in port.line.happened() {
                match what {
                    Happened::Opened => modem.opened(now),
                    Happened::Dropped => {
                        modem.closed(now);
                        port.hang_up_at = None;
                        let reset = port.line.reset();
                        if !matches!(reset, Ok(false)) {
                            let _ = writeln!(self.log, "line discipline reset: {reset:?}");
                        }
                    }
                }
            }
            if let Some(call) = port.call.as_mut().filter(|_| modem.call() == port.number) {
                call.send(&modem.take_upload());
                match call.read() {
                    Some(bytes) => modem.download(now, &bytes),
                    None => modem.apply(now, ModemFault::HangUp),
                }
            }
        }
        let mut heard = vec![Vec::new(); self.ports.len()];
        modem.poll(now, &mut heard);
        for (number, (port, bytes)) in self.ports.iter_mut().zip(heard).enumerate() {
            let modem = modem.port(now, number);
            port.line.send(&bytes);
            let wanted = modem.call();
            if port.number != wanted {
                let ended = port.number.is_some();
                port.call = None;
                port.number = wanted;
                port.hang_up_at = (ended && port.line.is_open()).then(|| Instant::now() + HANG_UP_AFTER);
            }
            if port.call.is_none() && wanted.is_some() && !modem.is_mute() {
                let carrier = CARRIERS.iter().position(|plmn| modem.registered() == Some(plmn));
                port.call = self.network.answer(carrier.unwrap_or(CARRIERS.len())).ok();
            }
            if port.hang_up_at.take_if(|at| *at <= Instant::now()).is_some() {
                let hung_up = port.line.hang_up();
                let _ = writeln!(self.log, "carrier dropped, hung up: {hung_up:?}");
            }
            for entry in modem.take_log() {
                let at = shared.began_ms + entry.at.as_millis();
                let _ = writeln!(self.log, "{at} {} {}", port.name, entry.what);
            }
        }
        modem.next_event()
    }
}
