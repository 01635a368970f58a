//! The calls to C: the callbacks of a machine, each as a safe function.
#![expect(unsafe_code, reason = "functions of C are called here and nowhere else")]

use core::ffi::c_void;

use cellscan_core::time::Instant;

use crate::ops::{Ops, Remains, Selection, Service, Signal, Want};

/// The callbacks of a machine, and their context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callbacks {
    ops: &'static Ops,
    ctx: *mut c_void,
}

/// Calls a callback; returns the given value where the callback is missing. Each is called with the types that
/// `cellscan_ops` states, with `ctx`, and with pointers to data that lives until it has returned.
macro_rules! call {
    ($calls:ident.$name:ident($($argument:expr),*), $missing:expr) => {
        match $calls.ops.$name {
            None => $missing,
// SAFETY: the application that filled in `ops` states that its functions may be called with `ctx` on this thread, as long
            // as the machine is used; the arguments are as stated above.
            Some(callback) => unsafe { callback($calls.ctx $(, $argument)*) },
        }
    };
}

impl Callbacks {
    pub(crate) const fn new(ops: &'static Ops, ctx: *mut c_void) -> Self {
        Self { ops, ctx }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::from_millis(call!(self.now_ms(), 0))
    }

    pub(crate) fn open(self) -> i32 {
        call!(self.open(), 0)
    }

    pub(crate) fn close(self) {
        call!(self.close(), ());
    }

    pub(crate) fn read(self, bytes: &mut [u8]) -> i32 {
        call!(self.read(bytes.as_mut_ptr(), bytes.len()), -1)
    }

    pub(crate) fn write(self, bytes: &[u8]) -> i32 {
        call!(self.write(bytes.as_ptr(), bytes.len()), -1)
    }

    pub(crate) fn take(self) -> (i32, Service) {
        if self.ops.take.is_none() {
            return self.status();
        }
        let mut found = Service::default();
        (call!(self.take(&raw mut found), -1), found)
    }

    pub(crate) fn ask(self, want: Want) -> i32 {
        call!(self.ask(want as u32), -1)
    }

    pub(crate) fn status(self) -> (i32, Service) {
        let mut now = Service::default();
        (call!(self.status(&raw mut now), -1), now)
    }

    pub(crate) fn remains(self) -> (i32, Remains) {
        let mut now = Remains::default();
        (call!(self.remains(&raw mut now), 0), now)
    }

    pub(crate) fn signal(self, signal: Signal) -> i32 {
        call!(self.signal(signal as u32), -1)
    }

    pub(crate) fn note(self, selection: &Selection) {
        call!(self.note(selection), ());
    }

    pub(crate) fn link_up(self) -> (i32, u32) {
        let mut up = u32::from(self.ops.link_up.is_none());
        (call!(self.link_up(&raw mut up), 0), up)
    }

    pub(crate) fn release(self) -> i32 {
        call!(self.release(), 0)
    }
}
