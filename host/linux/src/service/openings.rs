//! Whether the port was opened: inotify tells it, so that not every look has to go through all of `/proc`, and so that two
//! looks can be told to belong together.
//!
//! The kernel queues the event before `open(2)` returns (`fs/open.c`), so what is not queued has not been opened. A fork queues
//! none.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cellscan_custody::port::Opened;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// Bytes of events read at once; an event of a file has no name and takes 16.
const EVENTS_LEN: usize = 1_024;
/// Reads in one look, at most: what is left says "it was opened" the next time.
const READS_MAX: u32 = 16;

/// A watch on one device node.
#[derive(Debug, Default)]
pub(super) struct Openings {
    watch: Option<OwnedFd>,
    /// Device and inode of the node that is watched.
    node: Option<(u64, u64)>,
    /// Its attributes have changed: its mode (`pppd` sets that when it opens a tty and when it leaves it), or its last name is gone.
    touched: bool,
    /// Seen, and not told yet.
    seen: Opened,
}

impl Openings {
    /// Whether any process has opened the port since the last call. Unknown where there is no watch yet, or none can be had.
    pub(super) fn since(&mut self, port: Option<&Path>) -> Opened {
        let seen = self.peek(port);
        if self.watch.is_some() {
            self.seen = Opened::No;
        }
        seen
    }

    /// The same, to be told again.
    pub(super) fn peek(&mut self, port: Option<&Path>) -> Opened {
        self.woken();
        if self.touched && node_of(port) != self.node {
            (self.watch, self.seen) = (None, self.seen.max(Opened::Unknown));
        }
        self.touched = false;
        if self.watch.is_none() {
            (self.watch, self.node) = (port.and_then(watch_on), node_of(port));
        }
        self.seen
    }

    /// Takes in what the descriptor has to tell, so that the same event wakes no more.
    pub(super) fn woken(&mut self) {
        let Some(watch) = &self.watch else { return };
        let events = drain(watch);
        if events.opened {
            self.seen = Opened::Yes;
        }
        self.touched |= events.touched;
        if events.gone {
            // Another device may be there under the name by now.
            (self.watch, self.seen) = (None, self.seen.max(Opened::Unknown));
        }
    }

    /// Readable when a process has opened the port.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(AsFd::as_fd)
    }
}

/// What a watch has told.
#[derive(Clone, Copy, Debug, Default)]
struct Events {
    opened: bool,
    touched: bool,
    gone: bool,
}

fn node_of(port: Option<&Path>) -> Option<(u64, u64)> {
    port?.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

fn watch_on(port: &Path) -> Option<OwnedFd> {
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    let flags = WatchFlags::OPEN | WatchFlags::DELETE_SELF | WatchFlags::ATTRIB;
    inotify::add_watch(&watch, port, flags).ok()?;
    Some(watch)
}

fn drain(watch: &OwnedFd) -> Events {
    let mut events = Events::default();
    let mut buffer = [0; EVENTS_LEN];
    for _ in 0..READS_MAX {
        match rustix::io::read(watch, &mut buffer) {
            Ok(count) if count > 0 => {
                // inotify(7): wd, mask, cookie, len of four bytes each. A name may follow in watches on directories only.
                for event in buffer.get(..count).unwrap_or_default().chunks_exact(16) {
                    let mask =
                        event.get(4..8).and_then(|mask| mask.try_into().ok()).map_or(0, u32::from_ne_bytes);
                    let (opened, touched) = (WatchFlags::OPEN.bits(), WatchFlags::ATTRIB.bits());
                    events.opened |= mask & opened != 0;
                    events.touched |= mask & touched != 0;
                    events.gone |= mask & (opened | touched) == 0;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return events,
            Ok(_) | Err(_) => return Events { gone: true, ..events },
        }
    }
    // There is more to read.
    Events { opened: true, ..events }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn an_opening_is_told_once_and_silence_is_silence() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut openings = Openings::default();
        assert_eq!(openings.since(Some(file.path())), Opened::Unknown, "there was no watch before");
        assert_eq!(openings.since(Some(file.path())), Opened::No);
        File::open(file.path()).unwrap();
        assert_eq!(openings.peek(Some(file.path())), Opened::Yes);
        assert_eq!(openings.since(Some(file.path())), Opened::Yes);
        assert_eq!(openings.since(Some(file.path())), Opened::No);
    }

    #[test]
    fn an_opening_that_woke_the_loop_is_still_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut openings = Openings::default();
        openings.since(Some(file.path()));
        File::open(file.path()).unwrap();
        openings.woken();
        assert_eq!(openings.since(Some(file.path())), Opened::Yes);
    }

    #[test]
    fn a_change_of_mode_beside_an_opening_hides_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut openings = Openings::default();
        openings.since(Some(file.path()));
        let opened = File::open(file.path()).unwrap();
        opened.set_permissions(opened.metadata().unwrap().permissions()).unwrap();
        assert_eq!(openings.since(Some(file.path())), Opened::Yes);
        opened.set_permissions(opened.metadata().unwrap().permissions()).unwrap();
        assert_eq!(openings.since(Some(file.path())), Opened::No, "its mode alone says nothing");
    }

    #[test]
    fn a_device_that_goes_away_is_watched_anew() {
        let dir = tempfile::tempdir().unwrap();
        let port = dir.path().join("tty");
        File::create(&port).unwrap();
        let mut openings = Openings::default();
        assert_eq!(openings.since(Some(&port)), Opened::Unknown);
        std::fs::remove_file(&port).unwrap();
        assert_eq!(openings.since(Some(&port)), Opened::Unknown);
        assert_eq!(openings.since(Some(&port)), Opened::Unknown, "nothing can be told of what is not there");
        assert!(openings.fd().is_none(), "and nothing wakes for it");
        File::create(&port).unwrap();
        assert_eq!(openings.since(Some(&port)), Opened::Unknown);
        assert_eq!(openings.since(Some(&port)), Opened::No);
    }
}
