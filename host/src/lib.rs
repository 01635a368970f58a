//! The host side of `cellscan`.

pub mod simsv;
