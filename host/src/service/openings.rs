//! Who opens the port: inotify tells that somebody does, so that not every look has to go through all of `/proc`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// Bytes of events read at once; an event of a file has no name and takes 16.
const EVENTS_LEN: usize = 1_024;
/// Reads in one look, at most: what is left says "somebody did" the next time.
const READS_MAX: u32 = 16;

/// A watch on one device node.
#[derive(Debug, Default)]
pub(super) struct Openings {
    watch: Option<OwnedFd>,
}

impl Openings {
    /// Whether somebody may have opened the port since the last call. `true` where that cannot be told: there was no
    /// watch yet, the device went away, or the kernel has no inotify.
    pub(super) fn any_since(&mut self, port: Option<&Path>) -> bool {
        let Some(watch) = &self.watch else {
            self.watch = port.and_then(watch_on);
            return true;
        };
        match drain(watch) {
            Seen::Nothing => false,
            Seen::Opened => true,
            Seen::Gone => {
                // Another device may be there under the name by now.
                self.watch = port.and_then(watch_on);
                true
            }
        }
    }

    /// Readable when somebody has opened the port.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(AsFd::as_fd)
    }
}

enum Seen {
    Nothing,
    Opened,
    Gone,
}

fn watch_on(port: &Path) -> Option<OwnedFd> {
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    let flags = WatchFlags::OPEN | WatchFlags::DELETE_SELF | WatchFlags::ATTRIB;
    inotify::add_watch(&watch, port, flags).ok()?;
    Some(watch)
}

fn drain(watch: &OwnedFd) -> Seen {
    let mut seen = Seen::Nothing;
    let mut buffer = [0; EVENTS_LEN];
    for _ in 0..READS_MAX {
        match rustix::io::read(watch, &mut buffer) {
            Ok(count) if count > 0 => {
                // inotify(7): wd, mask, cookie, len of four bytes each. A name may follow in watches on directories only.
                for event in buffer.get(..count).unwrap_or_default().chunks_exact(16) {
                    let mask =
                        event.get(4..8).and_then(|mask| mask.try_into().ok()).map_or(0, u32::from_ne_bytes);
                    if mask & WatchFlags::OPEN.bits() == 0 {
                        return Seen::Gone;
                    }
                    seen = Seen::Opened;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return seen,
            Ok(_) | Err(_) => return Seen::Gone,
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn an_opening_is_told_once_and_silence_is_silence() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut openings = Openings::default();
        assert!(openings.any_since(Some(file.path())), "there was no watch before");
        assert!(!openings.any_since(Some(file.path())));
        File::open(file.path()).unwrap();
        assert!(openings.any_since(Some(file.path())));
        assert!(!openings.any_since(Some(file.path())));
    }

    #[test]
    fn a_device_that_goes_away_is_watched_anew() {
        let dir = tempfile::tempdir().unwrap();
        let port = dir.path().join("tty");
        File::create(&port).unwrap();
        let mut openings = Openings::default();
        assert!(openings.any_since(Some(&port)));
        std::fs::remove_file(&port).unwrap();
        assert!(openings.any_since(Some(&port)));
        assert!(openings.any_since(Some(&port)), "nothing can be told of what is not there");
        File::create(&port).unwrap();
        assert!(openings.any_since(Some(&port)));
        assert!(!openings.any_since(Some(&port)));
    }
}
