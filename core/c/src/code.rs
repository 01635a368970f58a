//! What a function answers.

use core::ffi::CStr;

/// What a function answers. 0 and above: as it should be; below: nothing was done, but for the two that say otherwise.
#[repr(i32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// Done; of a poll: there is an event.
    Ok = 0,
    /// Of a poll: there is no event now.
    WouldBlock = 1,
    /// A pointer that must not be is null.
    Null = -1,
    /// The caller was compiled for another version of this interface.
    Abi = -2,
    /// The storage is too small.
    Size = -3,
    /// A pointer is not aligned for what it points to.
    Align = -4,
    /// There is no machine in this storage, or no such handle.
    NotInit = -5,
    /// Called from a callback of the same machine; or a scan is under way that has to end first.
    Busy = -6,
    /// A value is outside of what is stated for it, or a text is no UTF-8.
    Value = -7,
    /// There is none with this index.
    Range = -8,
    /// A callback of the port failed; what it answered is in the event's `error`. The scan knows it and goes on: poll again.
    Port = -9,
    /// A callback of the supervisor failed; what it answered is in the event's `error`. The scan knows it and goes on: poll
    /// again.
    Supervisor = -10,
    /// A bug was met earlier. This machine does nothing any more; of a gateway, the guard gives the service back.
    Broken = -11,
    /// Gateway: the configuration cannot be meant so, trying again does not help.
    Config = -12,
    /// Gateway: the system refused, try again.
    System = -13,
    /// Gateway: another thread has opened this handle.
    Thread = -14,
    /// Gateway: there is no program to be the guard.
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
            Self::WouldBlock => c"there is nothing to tell now",
            Self::Null => c"a pointer is null",
            Self::Abi => c"the header is of another version than the library",
            Self::Size => c"the storage is too small",
            Self::Align => c"a pointer is not aligned",
            Self::NotInit => c"there is no machine in this storage, or no such handle",
            Self::Busy => c"it is in a callback, or a scan is under way",
            Self::Value => c"a value is outside of its range, or a text is no UTF-8",
            Self::Range => c"there is none with this index",
            Self::Port => c"the port failed",
            Self::Supervisor => c"the supervisor failed",
            Self::Broken => c"a bug was met earlier",
            Self::Config => c"the configuration cannot be meant so",
            Self::System => c"the system refused",
            Self::Thread => c"another thread has opened this handle",
            Self::NoGuard => c"there is no program to be the guard",
        }
    }
}
