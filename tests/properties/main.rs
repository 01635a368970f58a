//! Properties of the core for all inputs: first a walk of all reachable states, then random bytes and times.
//!
//! The random ones start from the same seed each time, so that a run can be repeated. For a longer run:
//! `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=$RANDOM cargo test -p cellscan-tests --test properties -- bytes times`

#![expect(clippy::expect_used, clippy::panic, reason = "the data of a walk is valid, or the test is wrong")]

mod alphabet;
mod bytes;
mod driver;
mod explore;
mod heard;
mod key;
mod rules;
mod times;
mod traces;
mod walk;
mod world;

use proptest::test_runner::{Config, RngSeed};

/// The seed of the random ones, unless the environment sets another.
const SEED: u64 = 27_007;

fn config() -> Config {
    // The default configuration is that of the environment.
    let told = Config::default();
    let rng_seed = if told.rng_seed == RngSeed::Random { RngSeed::Fixed(SEED) } else { told.rng_seed };
    Config { rng_seed, ..told }
}
