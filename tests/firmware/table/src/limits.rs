//! What the core may take of a microcontroller. Measured at opt-level "s" on `thumbv7em-none-eabihf`.
//!
//! A limit is a promise to whoever has to find the room. It is raised with a reason, beside it.

/// A bound and what it is measured against.
pub(crate) struct Limit {
    /// What is measured.
    pub(crate) what: &'static str,
    /// In bytes, at most.
    pub(crate) bytes: u64,
}

/// Flash: `.text` and `.rodata` of machine, dialogue and driver, with what of the library they call.
///
/// 24 KiB were wanted. The machine alone has fifteen, times of 64 bits two of them; reading what modems really send has twelve, of
/// which 1.6 are the texts of errors as numbers, 2 the makers' own commands and 1 names in UCS2. Without those it would
/// still be 31 KiB, and a scan would understand less.
pub(crate) const CODE: Limit = Limit { what: "code and constants", bytes: 37 * 1_024 };

/// RAM: a driver, its machine within. What a small microcontroller can spare of 16 to 32 KiB.
pub(crate) const DRIVER_16: Limit = Limit { what: "driver and scanner, 16 carriers", bytes: 4_096 };

/// The same with the feature `carriers-32`: sixteen carriers of some 60 bytes more.
pub(crate) const DRIVER_32: Limit = Limit { what: "driver and scanner, 32 carriers", bytes: 5_120 };

/// Stack: the deepest chain of calls from anything that a firmware calls. What its port, its supervisor and its interrupts need
/// comes on top.
pub(crate) const STACK: Limit = Limit { what: "stack", bytes: 1_536 };

/// All that the core knows is in the driver: two of them do not meet.
pub(crate) const VARIABLES: Limit = Limit { what: "variables of its own", bytes: 0 };
