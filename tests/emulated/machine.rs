//! A board in QEMU, and the modem at its UART.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cellscan_sim::modem::{Delays, ModemLog, Network, Profile, Select};
use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::skipped;
use cellscan_tests::support::wait::look_for;
use tempfile::TempDir;

/// The limit of a whole run, which takes some fifteen seconds on an idle machine.
pub(crate) const RUN_MAX: Duration = Duration::from_secs(120);

/// The variable with the directory of the builds, one subdirectory for each target.
const BUILDS: &str = "CELLSCAN_FIRMWARE";

/// A firmware, and its board.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Board {
    emulator: &'static str,
    machine: &'static [&'static str],
    target: &'static str,
    program: &'static str,
}

/// Cortex-M4F.
pub(crate) const MPS2_AN386: Board = Board {
    emulator: "qemu-system-arm",
    machine: &["-M", "mps2-an386"],
    target: "thumbv7em-none-eabihf",
    program: "cellscan-uart-scan",
};
/// Cortex-M0, 16 KiB of RAM.
pub(crate) const MICROBIT: Board = Board {
    emulator: "qemu-system-arm",
    machine: &["-M", "microbit"],
    target: "thumbv6m-none-eabi",
    program: "cellscan-uart-scan",
};
/// RV32IMC: no atomics, no floating point.
pub(crate) const VIRT: Board = Board {
    emulator: "qemu-system-riscv32",
    machine: &["-M", "virt", "-cpu", "rv32,a=false,f=false,d=false", "-bios", "none", "-m", "8M"],
    target: "riscv32imc-unknown-none-elf",
    program: "cellscan-uart-scan",
};
/// Cortex-M4F, in an async executor.
pub(crate) const EMBASSY: Board = Board { program: "cellscan-embassy", ..MPS2_AN386 };

/// A modem that searches for two seconds and registers in half a second.
pub(crate) fn board_modem() -> Profile {
    let network = |plmn, name, rssi| Network {
        select: Select::Accept { after_ms: 300 },
        registration_ms: 200,
        ..Network::new(plmn, name, rssi)
    };
    Profile {
        networks: vec![
            network("310260", "T-Mobile", 16),
            network("311480", "Verizon", 28),
            network("310410", "AT&T", 20),
            Network {
                select: Select::Refuse { after_ms: 200, code: 30 },
                ..network("313100", "313 100", 22)
            },
        ],
        delays: Delays { deregister: 300, search: 2_000, signal: 100, ..Delays::default() },
        automatic_registration_ms: 500,
        ..Profile::default()
    }
}

/// The end of a run, with its output.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The firmware's exit code.
    pub(crate) code: Option<i32>,
    /// Its standard output.
    pub(crate) said: String,
    /// The modem's journal.
    pub(crate) journal: Vec<ModemLog>,
    /// The modem's network.
    pub(crate) registered: Option<String>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {:?}, modem on {:?}\n{}", self.code, self.registered, self.said)?;
        self.journal.iter().try_for_each(|entry| writeln!(f, "{:>6} {}", entry.at.as_millis(), entry.what))
    }
}

/// A running board, until this is dropped at the latest.
pub(crate) struct Running {
    qemu: Child,
    modem: PtyModem,
    directory: TempDir,
}

impl Board {
    /// Starts the firmware with this modem. `None`, and a printed line, where the variable of the builds is not set.
    #[track_caller]
    pub(crate) fn start(self, profile: Profile) -> Option<Running> {
        let Some(builds) = env::var_os(BUILDS).map(PathBuf::from) else {
            skipped(&format!("{BUILDS} is not set; tests/firmware/emulate builds and runs it"));
            return None;
        };
        let firmware = builds.join(self.target).join("release").join(self.program);
        assert!(firmware.exists(), "{} was not built", firmware.display());
        let modem = PtyModem::spawn(profile, 1, None).expect("a pseudo-terminal");
        let directory = tempfile::tempdir().expect("a directory");
        let said = File::create(directory.path().join("said")).expect("a file");
        let mut uart = OsString::from("serial,id=modem,path=");
        uart.push(modem.path());
        let qemu = Command::new(self.emulator)
            .args(self.machine)
            .args(["-display", "none", "-monitor", "none", "-semihosting-config", "enable=on,target=native"])
            .arg("-chardev")
            .arg(uart)
            .args(["-serial", "chardev:modem", "-kernel"])
            .arg(firmware)
            .stdin(Stdio::null())
            .stderr(said.try_clone().expect("a second descriptor"))
            .stdout(said)
            .spawn()
            .expect("QEMU is installed");
        Some(Running { qemu, modem, directory })
    }
}

impl Running {
    /// The modem.
    pub(crate) const fn modem(&self) -> &PtyModem {
        &self.modem
    }

    /// Waits for the firmware's end.
    ///
    /// # Panics
    ///
    /// When it does not end in time; the message shows the output and the modem's journal.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        let status = look_for(RUN_MAX, || self.qemu.try_wait().expect("it is our child"));
        let ended = Ended {
            code: status.and_then(|status| status.code()),
            said: fs::read_to_string(self.directory.path().join("said")).expect("QEMU's output"),
            journal: self.modem.log(),
            registered: self.modem.with(|modem, _| modem.registered().map(str::to_owned)),
        };
        assert!(status.is_some(), "not within {RUN_MAX:?}: {ended}");
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has already ended, which does no harm.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
