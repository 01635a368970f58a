//! What holds of the core whatever happens: first a walk of all that can be reached, then random bytes and times.
//!
//! The random ones begin at the same seed each time, so that a run can be repeated. For a longer hunt:
//! `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=$RANDOM cargo test -p cellscan-tests --test properties -- bytes times`

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what a walk is made of is sound, or the test is wrong"
)]

mod alphabet;
mod bytes;
mod driver;
mod explore;
mod key;
mod times;
mod traces;
mod walk;
mod world;

use proptest::test_runner::{Config, RngSeed};

/// Where the random ones begin, unless the environment says otherwise.
const SEED: u64 = 27_007;

fn config() -> Config {
    // The default configuration is what the environment says.
    let told = Config::default();
    let rng_seed = if told.rng_seed == RngSeed::Random { RngSeed::Fixed(SEED) } else { told.rng_seed };
    Config { rng_seed, ..told }
}
