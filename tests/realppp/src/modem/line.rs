//! One port of the modem: a pseudo-terminal that behaves as a serial port does.
//!
//! Three things are different by nature, and made alike here:
//! - DTR. A pseudo-terminal shows whether a process has it open, but not that it was closed and opened again in between. inotify
//!   counts opens and closes; the kernel's word whether it is open now (`POLLHUP`) corrects the count, since inotify joins equal
//!   events.
//! - The line discipline. A serial driver resets it at the last close; here a killed `pppd` leaves PPP on the line.
//! - The carrier. When it drops the driver hangs up each process that has the port without `CLOCAL`; here it does not.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    ControlModes, InputModes, OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr,
};

use super::control;

/// How `pppd` sets a line for PPP (sys-linux.c: `set_up_tty`). It puts back what it found, unless it was killed.
const OF_PPP: InputModes = InputModes::IGNBRK.union(InputModes::IGNPAR);

/// A port, from the side of the modem.
#[derive(Debug)]
pub(super) struct Line {
    master: OwnedFd,
    watch: OwnedFd,
    terminal: PathBuf,
    path: PathBuf,
    opens: u32,
    /// Whether the modem knows of an open port.
    open: bool,
    unsent: VecDeque<u8>,
}

/// What has happened to a port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Happened {
    /// DTR is raised.
    Opened,
    /// DTR has dropped.
    Dropped,
}

impl Line {
    /// A port at `path`, under its own name there: for everybody, `/proc` included, it looks like a device of that name.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
        let terminal = PathBuf::from(ptsname(&master, Vec::new())?.to_string_lossy().into_owned());
        File::create(path)?;
        mount_bind(&terminal, path)?;
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let flags = WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE;
        inotify::add_watch(&watch, &terminal, flags)?;
        let path = path.to_owned();
        let line = Self { master, watch, terminal, path, opens: 0, open: false, unsent: VecDeque::new() };
        // A pseudo-terminal that was not opened yet does not say that it is closed.
        drop(line.opened()?);
        line.make_raw()?;
        Ok(line)
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn waits_on(&self) -> Vec<PollFd<'_>> {
        let mut fds = vec![PollFd::new(&self.watch, PollFlags::IN)];
        // A closed one would wake all the time.
        if self.open {
            let room = if self.unsent.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            fds.push(PollFd::new(&self.master, PollFlags::IN | room));
        }
        fds
    }

    /// What the client has sent, before anything that [`happened`](Self::happened) since.
    pub(super) fn read(&self) -> Vec<u8> {
        let mut taken = [0; 4_096];
        let length = rustix::io::read(&self.master, &mut taken).unwrap_or(0);
        taken[..length].to_vec()
    }

    /// Opens and drops since the last time, in order.
    pub(super) fn happened(&mut self) -> Vec<Happened> {
        let mut all = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut events = Reader::new(&self.watch, &mut buffer);
        while let Ok(event) = events.next() {
            if event.events().contains(ReadFlags::OPEN) {
                self.opens += 1;
            } else {
                self.opens = self.opens.saturating_sub(1);
                if self.opens == 0 && self.open {
                    self.open = false;
                    all.push(Happened::Dropped);
                }
            }
        }
        let open = !ready(self.master.as_fd()).contains(PollFlags::HUP);
        self.opens = if open { self.opens.max(1) } else { 0 };
        if open != self.open {
            self.open = open;
            all.push(if open { Happened::Opened } else { Happened::Dropped });
        }
        all
    }

    /// As a serial driver after the last close; true: a killed `pppd` had left its line discipline.
    pub(super) fn reset(&mut self) -> io::Result<bool> {
        self.unsent.clear();
        if !tcgetattr(&self.master)?.input_modes.contains(OF_PPP) {
            return Ok(false);
        }
        let terminal = self.opened()?;
        control::reset_discipline(&terminal)?;
        self.make_raw()?;
        tcflush(&terminal, QueueSelector::IOFlush)?;
        Ok(true)
    }

    /// The carrier has dropped; false: the port is set to take no notice.
    pub(super) fn hang_up(&self) -> io::Result<bool> {
        if !self.open || tcgetattr(&self.master)?.control_modes.contains(ControlModes::CLOCAL) {
            return Ok(false);
        }
        control::hang_up(self.opened()?)?;
        // It comes back as a terminal for people.
        self.make_raw()?;
        Ok(true)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend(bytes);
        while self.open && !self.unsent.is_empty() {
            let (front, _) = self.unsent.as_slices();
            match rustix::io::write(&self.master, front) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
    }

    fn opened(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(open(&self.terminal, flags, Mode::empty())?)
    }

    /// The settings of the terminal can be changed from this side, without opening it.
    fn make_raw(&self) -> io::Result<()> {
        let mut settings = tcgetattr(&self.master)?;
        settings.make_raw();
        settings.input_modes.remove(OF_PPP);
        Ok(tcsetattr(&self.master, OptionalActions::Now, &settings)?)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A process that has it open still has it; the next modem gets the name.
        let _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}

/// What the master is ready for at this moment.
fn ready(master: BorrowedFd<'_>) -> PollFlags {
    let mut fds = [PollFd::from_borrowed_fd(master, PollFlags::IN)];
    let _ = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    fds[0].revents()
}
