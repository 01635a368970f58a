//! The firmware of `tests/firmware` in QEMU, the simulated modem at the other end of its UART, in real time.
//!
//! `tests/firmware/emulate` builds it and runs this. Where `$CELLSCAN_FIRMWARE` is not set to the directory of the builds, the
//! tests print SKIPPED.

#![expect(clippy::expect_used, reason = "a machine that cannot be started fails loudly")]

mod machine;
mod readme;
mod scan;
