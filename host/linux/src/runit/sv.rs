//! The `sv` program, runit's or busybox's: where it is, how it is called, and what it prints.

mod program;
pub(crate) mod text;

pub(crate) use program::said;
pub use program::{Flavour, SvProgram};
