//! The core of cellscan: takes a cellular modem from `pppd`, finds the best carrier, and gives the modem back.
//!
//! No allocator, no clock, no I/O of its own. Bytes and time come in as arguments, and actions come out:
//!
//! - [`scan`]: the machine. Start here: the table of states, the moves, the five types.
//! - [`at`]: the dialogue with the modem, from bytes to answers.
//! - [`driver`]: carries out the actions of the machine, over a [`port`] and a [`supervisor`].
//!
//! # Features
//!
//! All additive, none on by default: `log` and `defmt` log events (both may be on), `embedded-hal-nb` adds
//! the adapter `nb_port`, `error-texts` understands errors that come as texts, `vendor-signal` measures with the vendor's own command
//! where the standard ones give no value, `std` adds implementations for `std` types, `carriers-32` makes room for 32 carriers instead of 16.
#![no_std]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unreachable,
        clippy::alloc_instead_of_core,
        clippy::std_instead_of_core
    )
)]

#[cfg(feature = "std")]
extern crate std;

#[macro_use]
mod trace;

pub mod at;
pub mod carrier;
pub mod driver;
#[cfg(feature = "embedded-hal-nb")]
pub mod nb_port;
pub mod port;
pub mod scan;
pub mod selection;
pub mod supervisor;
pub mod time;
