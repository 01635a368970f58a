//! Service directories, and the `supervise` directories in them.

use std::collections::{BTreeMap, VecDeque};

use crate::machine::program::File;
use crate::trace::{Pid, StatusRecord};

/// Bytes that a FIFO holds: pipe(7), the default capacity of Linux.
pub(crate) const FIFO_BYTES_MAX: usize = 65_536;

/// A service directory on disk before `runsv` starts in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceFiles {
    /// `./run`.
    pub run: Option<File>,
    /// `./finish`.
    pub finish: Option<File>,
    /// `./check`, which only `sv` runs.
    pub check: Option<File>,
    /// `./control/X`, by `X`; `None`: there is no directory `control`.
    pub control: Option<BTreeMap<u8, File>>,
    /// Whether there is a file `./down`.
    pub down: bool,
    /// `./log`.
    pub log: Option<LogFiles>,
    /// `./supervise` is a link to another directory (Debian, Void), which survives a re-installation.
    pub supervise_is_link: bool,
}

/// The directory `./log`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogFiles {
    /// `./log/run`.
    pub run: Option<File>,
    /// Whether there is a file `./log/down`.
    pub down: bool,
}

/// A control FIFO. Unread bytes are lost when its last reader closes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fifo {
    pub(crate) bytes: VecDeque<u8>,
    pub(crate) reader: Option<Pid>,
}

/// A `supervise` directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supervise {
    /// Index of the FIFO with the name `control` now; `runsv` keeps the one that it opened.
    pub(crate) control: Option<usize>,
    /// Whether there is a FIFO `ok`.
    pub(crate) ok: bool,
    /// The process that reads `ok`.
    pub(crate) ok_reader: Option<Pid>,
    /// The process that holds `lock`.
    pub(crate) lock: Option<Pid>,
    pub(crate) status: Option<StatusRecord>,
    /// The number of records that were renamed into place: a watcher also sees a rewrite that changes nothing.
    pub(crate) rewrites: Vec<StatusRecord>,
    /// How many of the next rewrites are lost for want of space.
    pub(crate) loses: u32,
}

/// A directory on disk with the `supervise` directories that it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) files: ServiceFiles,
    pub(crate) supervise: usize,
    pub(crate) log_supervise: usize,
    /// Removed, with a `runsv` still in it: no file in it can be opened, executed or written.
    pub(crate) deleted: bool,
}

impl Directory {
    pub(crate) fn run(&self, log: bool) -> Option<&File> {
        if self.deleted {
            return None;
        }
        if log { self.files.log.as_ref().and_then(|log| log.run.as_ref()) } else { self.files.run.as_ref() }
    }

    pub(crate) fn finish(&self) -> Option<&File> {
        self.files.finish.as_ref().filter(|_| !self.deleted)
    }

    /// `control/X`, where its owner may execute it.
    pub(crate) fn control(&self, byte: u8) -> Option<&File> {
        let control = self.files.control.as_ref().filter(|_| !self.deleted)?;
        control.get(&byte).filter(|file| file.executable)
    }

    /// Whether the file `down` of the service or of its log exists.
    pub(crate) fn down(&self, log: bool) -> bool {
        if log { self.files.log.as_ref().is_some_and(|log| log.down) } else { self.files.down }
    }
}

/// Why a control byte was not written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ControlError {
    /// `ENOENT`: there is no FIFO.
    NoFile,
    /// `ENXIO`: it has no reader.
    NoReader,
    /// `EAGAIN`: 64 KiB are waiting.
    Full,
}
