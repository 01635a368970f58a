//! The network behind the modem: a namespace, and in it a `pppd` for each call.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::ping::FAR;

/// The log of the network's side of PPP.
const LOG: &str = "/run/log/network.log";

/// A namespace with the far end of the pings. One for all calls: the kernel takes seconds to end one, and begins none meanwhile.
#[derive(Debug)]
pub(super) struct Network {
    keeper: Child,
}

impl Network {
    pub(super) fn new() -> io::Result<Self> {
        let script = format!(
            "busybox ip link set lo up && busybox ip addr add {FAR}/32 dev lo && echo ready && exec sleep 1000000"
        );
        let mut keeper =
            Command::new("unshare").args(["--net", "sh", "-c", &script]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = keeper.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        if line.trim() == "ready" {
            Ok(Self { keeper })
        } else {
            Err(io::Error::other("no network namespace"))
        }
    }

    /// Answers a call with a `pppd`, which gives the client an address of this carrier, by its number in the modem's list.
    pub(super) fn answer(&self, carrier: usize) -> io::Result<Call> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let theirs = OwnedFd::from(theirs);
        let process = Command::new("nsenter")
            .arg(format!("--net=/proc/{}/ns/net", self.keeper.id()))
            .args(["pppd", "notty", "nodetach", "local", "nolock", "noauth", "nodefaultroute", "noipdefault"])
            .args([
                "ipcp-accept-remote",
                "lcp-echo-interval",
                "0",
                "lcp-restart",
                "1",
                "debug",
                "logfile",
                LOG,
            ])
            .arg(format!("10.64.64.1:10.64.{}.2", carrier + 1))
            .stdin(theirs.try_clone()?)
            .stdout(theirs)
            .stderr(File::options().create(true).append(true).open(LOG)?)
            .process_group(0)
            .spawn()?;
        Ok(Call { process, wire: ours })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// A call that the network has answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Call {
    process: Child,
    wire: UnixStream,
}

impl Call {
    pub(super) fn wire(&self) -> impl AsFd {
        &self.wire
    }

    /// What does not fit is lost, as on the air.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let _ = self.wire.write(bytes);
    }

    /// What the network has sent; `None`: it has hung up.
    pub(super) fn read(&mut self) -> Option<Vec<u8>> {
        let mut taken = [0; 4_096];
        match self.wire.read(&mut taken) {
            Ok(0) => None,
            Ok(length) => Some(taken[..length].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(Vec::new()),
            Err(_) => None,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.process.wait();
    }
}
