//! The return codes of functions.

use core::ffi::CStr;

/// The return code of a function. 0 and above: success; below: nothing was done, except where stated otherwise.
#[repr(i32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// Success; poll: there is an event.
    Ok = 0,
    /// Poll: there is no event now.
    WouldBlock = 1,
    /// A required pointer is null.
    Null = -1,
    /// The caller was compiled for another version of this interface.
    Abi = -2,
    /// The storage is too small.
    Size = -3,
    /// A pointer is not aligned for its type.
    Align = -4,
    /// The storage holds no machine, or the handle does not exist.
    NotInit = -5,
    /// Called from a callback of the same machine; or a running scan has to end first.
    Busy = -6,
    /// A value is outside its stated range, or a text is not UTF-8.
    Value = -7,
    /// There is no entry with this index.
    Range = -8,
    /// A callback of the port failed; its answer is in the event's `error`. The scan knows it and goes on: poll again.
    Port = -9,
    /// A callback of the supervisor failed; its answer is in the event's `error`. The scan knows it and goes on: poll
    /// again.
    Supervisor = -10,
    /// An earlier call hit an internal error. This machine does nothing any more; for a gateway, the guard gives the service back.
    Broken = -11,
    /// Gateway: invalid configuration, a retry does not help.
    Config = -12,
    /// Gateway: a system error, try again.
    System = -13,
    /// Gateway: another thread has opened this handle.
    Thread = -14,
    /// Gateway: the program for the guard is missing.
    NoGuard = -15,
}

impl Code {
    /// All of them.
    pub(crate) const ALL: [Self; 17] = [
        Self::Ok,
        Self::WouldBlock,
        Self::Null,
        Self::Abi,
        Self::Size,
        Self::Align,
        Self::NotInit,
        Self::Busy,
        Self::Value,
        Self::Range,
        Self::Port,
        Self::Supervisor,
        Self::Broken,
        Self::Config,
        Self::System,
        Self::Thread,
        Self::NoGuard,
    ];

    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// A sentence for people.
    #[must_use]
    pub const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"done",
            Self::WouldBlock => c"no event now",
            Self::Null => c"a pointer is null",
            Self::Abi => c"the header is of another version than the library",
            Self::Size => c"the storage is too small",
            Self::Align => c"a pointer is not aligned",
            Self::NotInit => c"the storage holds no machine, or the handle does not exist",
            Self::Busy => c"called from a callback, or a scan is running",
            Self::Value => c"a value is outside its range, or a text is not UTF-8",
            Self::Range => c"no entry with this index",
            Self::Port => c"the port failed",
            Self::Supervisor => c"the supervisor failed",
            Self::Broken => c"an earlier call hit an internal error",
            Self::Config => c"invalid configuration",
            Self::System => c"system error",
            Self::Thread => c"another thread has opened this handle",
            Self::NoGuard => c"the program for the guard is missing",
        }
    }
}
