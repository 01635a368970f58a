//! The limits of the core on a microcontroller. Measured at opt-level "s" on `thumbv7em-none-eabihf`.
//!
//! A limit is a promise to integrators who plan flash and RAM. Raise it only with a reason, stated beside it.

/// A limit and the measured quantity.
pub(crate) struct Limit {
    /// The measured quantity.
    pub(crate) what: &'static str,
    /// In bytes, at most.
    pub(crate) bytes: u64,
}

/// Flash: `.text` and `.rodata` of machine, dialogue and driver, with the library functions that they call, and with the features
/// `error-texts` and `vendor-signal`: 1.9 KB of hashes, and 3.4 KB of eight vendors' signal lines.
pub(crate) const CODE_OF_ALL: Limit = Limit { what: "code and constants, all features", bytes: 41 * 1_024 };

/// The same without features, as a microcontroller has it. 0.8 KB of it reads the signal of a chosen carrier again, 0.9 KB asks for the
/// modem's settings and puts them back, 0.2 KB ends a scan that another client's down overrules, 1.2 KB is for adaptive scans, a second
/// trial of what was busy, and modems that answer `AT` with an error.
pub(crate) const CODE: Limit = Limit { what: "code and constants", bytes: 35 * 1_024 };

/// RAM: a driver with its machine. A small microcontroller can spare this of 16 to 32 KiB.
pub(crate) const DRIVER_16: Limit = Limit { what: "driver and scanner, 16 carriers", bytes: 3_072 };

/// The same with the feature `carriers-32`: sixteen carriers of some 60 bytes more.
pub(crate) const DRIVER_32: Limit = Limit { what: "driver and scanner, 32 carriers", bytes: 4_096 };

/// Stack: the deepest chain of calls from any function that a firmware calls. The needs of its port, its supervisor and its
/// interrupts come on top.
pub(crate) const STACK: Limit = Limit { what: "stack", bytes: 1_536 };

/// The core has no static variables: all its data is in the driver, so that two drivers are independent.
pub(crate) const VARIABLES: Limit = Limit { what: "variables of its own", bytes: 0 };
