//! Decisions outside of the scan, without I/O: the same code on a gateway and in the simulator.
//!
//! | module | decides | from |
//! | --- | --- | --- |
//! | [`guard`] | whether the scan still holds the service; what is owed to it is the scan's last message | bytes of a pipe, its end, the scan's death, time |
//! | [`hand_back`] | when a service counts as given back, and when it is asked again | readings of the status record, time |
//! | [`evidence`] | whether another client has asked for down, and whether our last request was obeyed | readings of the status record, our own bytes |
//! | [`records`] | which supervisor wrote a record, and so whether it is evidence | readings of the status record, a supervisor that died or was found |
//! | [`port`] | whether the port is free, and which processes belong to the service | looks at the process table |
//! | [`unlock`] | when a modem that was set to one carrier is set to choose by itself | the record of the selection, looks at the link, time |
//!
//! Four rules hold for all of them:
//!
//! 1. No constant of time decides that a service stays down. In doubt it is brought up.
//! 2. A statement about processes needs two looks that agree, the second begun after the first had ended, and every
//!    process that could have been forked in between must be accounted for.
//! 3. Only descendants of the supervisor are signalled, and never the supervisor.
//! 4. What can be known without touching the service is checked before it is touched.
//!
//! No code here reads a clock, a file or the process table: late information changes no verdict, and the simulator delays it
//! on purpose.

use cellscan_core::supervisor::Want;

pub mod evidence;
pub mod guard;
pub mod hand_back;
pub mod port;
pub mod records;
pub mod unlock;

/// The file from which a status record was read, by one `fstat(2)` on the descriptor of that read, so that it belongs to
/// the content and cannot lag behind it.
///
/// `runsv` writes each record to a new file and renames it into place (runsv.c: `update_status`), so another record is another
/// inode. A reused inode number is recognised by the time of modification, not by that of change: the rename and the unlink
/// of a file that is replaced while it is open move its time of change too.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Identity {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Time of modification, seconds and nanoseconds.
    pub modified: (i64, i64),
}

/// One reading of the status record, with the number of bytes that waited in `supervise/control` just before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub struct Reading {
    /// The file of the record.
    pub identity: Identity,
    /// The supervisor wants the service up (byte 17 is `u`).
    pub want_up: bool,
    /// Down, wanted down, no process: only a byte in `supervise/control` makes `runsv` rewrite the record now.
    pub at_rest: bool,
    /// The service runs and was not sent TERM.
    pub runs: bool,
    /// Bytes that waited in `supervise/control` *before* the record was read; `None` if that is unknown.
    pub unread: Option<u64>,
    /// No byte waited, then the supervisor was seen asleep (state `S` of `proc_pid_stat(5)`), and then the record was read. `runsv`
    /// does not sleep between the byte that it takes out and the record that it writes for it (runsv.c: `ctrl`), so this record
    /// answers every byte. `false` also if that is unknown.
    pub settled: bool,
}

/// The wanted state in a record. It has `u` and `d` only: a service that runs, is wanted down and was not sent TERM is to run once;
/// unless this scan asked for down and a `control/t` script kept the TERM from it.
///
/// `runs`: it runs and was not sent TERM. `obeyed`: the supervisor has read the last request.
#[must_use]
pub const fn want_of(want_up: bool, runs: bool, asked: Option<Want>, obeyed: bool) -> Want {
    match asked {
        _ if want_up => Want::Up,
        Some(Want::Once) if obeyed => Want::Once,
        None | Some(Want::Up) if runs => Want::Once,
        None | Some(Want::Up | Want::Once | Want::Down) => Want::Down,
    }
}

/// What is owed to a service whose scan died with it in hand: that scan found `noted`, and the record shows `now`.
///
/// Neither "down" nor "once" is known to be another client's wish: a record is written for the dead scan's `d` before the one for
/// TERM, and until then it reads like "once" (runsv.c: `ctrl`, `stopservice`; a `control/t` script runs in between). "Up" over a
/// noted "once" was asked for by another client.
#[must_use]
pub const fn owed_after_death(noted: Want, now: Want) -> Want {
    match (noted, now) {
        (Want::Up, _) | (_, Want::Up) => Want::Up,
        (Want::Once, Want::Once | Want::Down) => Want::Once,
        (Want::Down, Want::Once | Want::Down) => Want::Down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_shows_once_may_be_the_dead_scans_own_down() {
        for now in [Want::Up, Want::Once, Want::Down] {
            assert_eq!(owed_after_death(Want::Up, now), Want::Up, "{now:?}");
        }
        assert_eq!(owed_after_death(Want::Once, Want::Down), Want::Once);
        assert_eq!(owed_after_death(Want::Once, Want::Once), Want::Once);
        assert_eq!(owed_after_death(Want::Once, Want::Up), Want::Up, "another client's");
    }
}
