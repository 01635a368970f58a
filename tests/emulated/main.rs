//! The firmware of `tests/firmware` in QEMU, the simulated modem at the other end of its UART, in real time.
//!
//! `tests/firmware/emulate` builds it and runs this. Where `$CELLSCAN_FIRMWARE` does not say where the firmware was built,
//! nothing is emulated, and that is said.

#![expect(clippy::expect_used, reason = "a machine that cannot be started fails loudly")]

mod machine;
mod readme;
mod scan;
