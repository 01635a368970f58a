//! Shared code of the tests: benches with a real supervisor, a real tty and a stand-in for `pppd`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be set up must fail the test at that line"
)]

pub mod support;
