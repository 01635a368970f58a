//! Two requests to a terminal that no safe wrapper has.

#![expect(
    unsafe_code,
    reason = "rustix leaves it to the caller that number and argument of a request belong together"
)]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{NoArg, Setter, ioctl};

/// `TIOCSETD`: the line discipline (`ioctl_tty(2)`).
const SET_DISCIPLINE: u32 = 0x5423;
/// The discipline of an ordinary terminal.
const ORDINARY: c_int = 0;
/// `TIOCVHANGUP`: a process that has the terminal open reads its end from now on.
const HANG_UP: u32 = 0x5437;

/// The line discipline becomes that of an ordinary terminal.
pub(super) fn reset_discipline(terminal: impl AsFd) -> io::Result<()> {
    // SAFETY: the argument of TIOCSETD is a pointer to an int.
    unsafe { ioctl(terminal, Setter::<{ SET_DISCIPLINE }, c_int>::new(ORDINARY)) }?;
    Ok(())
}

/// Hangs the terminal up, as a serial driver does when the carrier drops.
pub(super) fn hang_up(terminal: impl AsFd) -> io::Result<()> {
    // SAFETY: TIOCVHANGUP has no argument.
    unsafe { ioctl(terminal, NoArg::<{ HANG_UP }>::new()) }?;
    Ok(())
}
