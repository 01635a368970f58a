//! What the core may take of a microcontroller. Measured with opt-level "s" on `thumbv7em-none-eabihf`.

/// A bound and what it is measured against.
pub(crate) struct Limit {
    /// What is measured.
    pub(crate) what: &'static str,
    /// In bytes, at most.
    pub(crate) bytes: u64,
}

/// Flash: `.text` and `.rodata` of machine, dialogue and driver, with what of the compiler's own they call.
pub(crate) const CODE: Limit = Limit { what: "code and constants", bytes: 40 * 1_024 };

/// RAM: a driver, its machine within.
pub(crate) const DRIVER_16: Limit = Limit { what: "driver and scanner, 16 carriers", bytes: 4_096 };

/// The same with the feature `carriers-32`.
pub(crate) const DRIVER_32: Limit = Limit { what: "driver and scanner, 32 carriers", bytes: 5_248 };

/// Stack: the deepest chain of calls from anything that a firmware calls.
pub(crate) const STACK: Limit = Limit { what: "stack", bytes: 1_536 };
