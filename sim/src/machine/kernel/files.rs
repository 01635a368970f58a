//! Files of a service directory as clients and operators access them.

use super::Kernel;
use crate::machine::directory::{ControlError, Directory, FIFO_BYTES_MAX, Fifo, ServiceFiles, Supervise};
use crate::trace::{Actor, Pid, StatusRecord, TraceEvent};

impl Kernel {
    /// Puts a service directory in place; the last one put has the name.
    pub(crate) fn add_directory(&mut self, files: ServiceFiles) {
        let supervise = self.supervises.len();
        self.supervises.push(Supervise::default());
        self.supervises.push(Supervise::default());
        self.directories.push(Directory { files, supervise, log_supervise: supervise + 1, deleted: false });
    }

    /// The directory that has the service's name now.
    pub(crate) fn current(&self) -> Option<&Directory> {
        self.directories.last()
    }

    /// The same, for changes by an operator.
    pub(crate) fn files_mut(&mut self) -> Option<&mut ServiceFiles> {
        self.directories.last_mut().map(|directory| &mut directory.files)
    }

    fn supervise_index(&self, log: bool) -> Option<usize> {
        self.current().map(|directory| if log { directory.log_supervise } else { directory.supervise })
    }

    /// The directory that `SVC/supervise`, or `SVC/log/supervise`, names now.
    pub(crate) fn supervise(&self, log: bool) -> Option<&Supervise> {
        self.supervise_index(log).and_then(|index| self.supervises.get(index))
    }

    pub(crate) fn supervise_mut(&mut self, log: bool) -> Option<&mut Supervise> {
        self.supervise_index(log).and_then(|index| self.supervises.get_mut(index))
    }

    /// The status record that a reader of the file finds.
    pub(crate) fn status(&self) -> Option<StatusRecord> {
        self.supervise(false).and_then(|supervise| supervise.status)
    }

    /// Whether `ok` can be opened for writing: `None` is ENOENT, `Some(false)` ENXIO.
    pub(crate) fn probe_ok(&self) -> Option<bool> {
        let supervise = self.supervise(false).filter(|supervise| supervise.ok)?;
        Some(supervise.ok_reader.is_some_and(|pid| self.processes.is_alive(pid)))
    }

    /// Whether `control` can be opened for writing.
    pub(crate) fn probe_control(&self, log: bool) -> Result<usize, ControlError> {
        let control = self.supervise(log).and_then(|s| s.control).ok_or(ControlError::NoFile)?;
        let fifo = self.fifos.get(control).ok_or(ControlError::NoFile)?;
        fifo.reader.ok_or(ControlError::NoReader)?;
        Ok(control)
    }

    /// Bytes that wait in the service's `control`.
    pub(crate) fn unread(&self) -> usize {
        let control = self.probe_control(false).ok();
        control.and_then(|at| self.fifos.get(at)).map_or(0, |fifo| fifo.bytes.len())
    }

    /// Opens `control` with `O_WRONLY|O_NONBLOCK`, writes, closes. Writes all bytes or, beyond the capacity, none.
    pub(crate) fn write_control(&mut self, by: Actor, log: bool, bytes: &[u8]) -> Result<(), ControlError> {
        let control = self.probe_control(log)?;
        let fifo = &mut self.fifos[control];
        if fifo.bytes.len() + bytes.len() > FIFO_BYTES_MAX {
            return Err(ControlError::Full);
        }
        fifo.bytes.extend(bytes);
        let reader = fifo.reader;
        if !log {
            self.note(TraceEvent::Control { by, bytes: bytes.to_vec() });
        }
        if let Some(reader) = reader {
            self.wake_runsv(reader);
        }
        Ok(())
    }

    /// runsv.c: main, `fifo_make` and the opens: an existing FIFO is reused.
    pub(crate) fn open_supervise(&mut self, index: usize, pid: Pid) -> usize {
        let fresh = self.fifos.len();
        let supervise = &mut self.supervises[index];
        let control = *supervise.control.get_or_insert(fresh);
        supervise.ok = true;
        supervise.ok_reader = Some(pid);
        supervise.lock = Some(pid);
        if control == fresh {
            self.fifos.push(Fifo::default());
        }
        self.fifos[control].reader = Some(pid);
        control
    }

    /// The effect of the end of a `runsv` on its `supervise` directory: all files stay, the FIFOs have no reader.
    pub(crate) fn close_supervise(&mut self, index: usize, control: usize, pid: Pid) {
        let fifo = &mut self.fifos[control];
        if fifo.reader == Some(pid) {
            fifo.reader = None;
            fifo.bytes.clear();
        }
        let supervise = &mut self.supervises[index];
        if supervise.ok_reader == Some(pid) {
            supervise.ok_reader = None;
        }
        if supervise.lock == Some(pid) {
            supervise.lock = None;
        }
    }

    /// `rm supervise/control; mkfifo supervise/control`: the name leads to a FIFO without a reader.
    pub(crate) fn replace_fifo(&mut self) {
        let fresh = self.fifos.len();
        self.fifos.push(Fifo::default());
        if let Some(supervise) = self.supervise_mut(false) {
            supervise.control = Some(fresh);
        }
    }

    /// The directory is moved away and copied back, as a re-installed package does it.
    ///
    /// Where `supervise` is a link, both lead to the same `supervise` directory and the old directory is removed
    /// (void-packages #25): its `runsv` still obeys, and its records are never visible again. Otherwise FIFOs cannot be
    /// copied, so the old directory stays, and the new one has no FIFOs.
    pub(crate) fn recreate_directory(&mut self, without_control: bool) {
        let Some(old) = self.directories.last().cloned() else { return };
        let mut files = old.files.clone();
        if without_control {
            files.control = None;
        }
        let linked = files.supervise_is_link;
        let keeps_old = !linked || files.log.is_some();
        self.add_directory(files);
        let Some((new, before)) = self.directories.split_last_mut() else { return };
        let copied_status = self.supervises[old.supervise].status;
        if linked {
            new.supervise = old.supervise;
        } else {
            self.supervises[new.supervise].status = copied_status;
        }
        if let Some(old) = before.last_mut() {
            old.deleted = !keeps_old;
        }
    }
}
