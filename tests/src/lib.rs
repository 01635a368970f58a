//! What the tests of the whole share: benches with a real supervisor, a real tty and a stand-in for `pppd`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be set up has to fail the test, loudly and where it stands"
)]

pub mod support;
