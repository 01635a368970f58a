//! The service, and what supervises it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use cellscan_tests::support::Status;
use cellscan_tests::support::processes::signal;
use cellscan_tests::support::wait::look_for;
use rustix::process::Signal;

use super::{pppds, processes_named};

/// What starts the service again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Supervisor {
    /// `runsv` alone.
    Runsv,
    /// `runsvdir` and `runsv`.
    Runsvdir,
}

/// The service `pppd`, until it is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    directory: &'static str,
    supervisor: Child,
}

impl Service {
    pub(super) fn start(run: &str, supervisor: Supervisor) -> Self {
        let (directory, program, watched) = match supervisor {
            Supervisor::Runsv => ("/run/service/pppd", "runsv", "/run/service/pppd"),
            Supervisor::Runsvdir => ("/etc/service/pppd", "runsvdir", "/etc/service"),
        };
        fs::create_dir_all(directory).expect("a service directory");
        let script = Path::new(directory).join("run");
        fs::write(&script, format!("#!/bin/sh\nexec >>/run/log/run.log 2>&1\n{run}\n"))
            .expect("a run script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("our own file");
        let log = File::options().create(true).append(true).open("/run/log/runsv.log").expect("a log");
        let supervisor = Command::new(program)
            .arg(watched)
            .stdout(log.try_clone().expect("a second descriptor"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("runit is installed");
        Self { directory, supervisor }
    }

    pub(crate) const fn directory(&self) -> &str {
        self.directory
    }

    pub(crate) fn status(&self) -> Option<Status> {
        let record = fs::read(Path::new(self.directory).join("supervise/status")).ok()?;
        Some(Status::parse(record.first_chunk().filter(|_| record.len() == 20)?))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
        // In a guest of their own, processes may be found by name.
        let _ = look_for(Duration::from_secs(20), || {
            let left: Vec<_> =
                ["runsv", "run", "chat"].into_iter().flat_map(processes_named).chain(pppds()).collect();
            for pid in &left {
                let _ = signal(*pid, Signal::KILL);
            }
            left.is_empty().then_some(())
        });
        let _ = fs::remove_dir_all(self.directory);
    }
}
