//! A scan as lanes over time: the recorded scan and, on the same axis, what the state machine would have done.
//!
//! | module | what it makes |
//! | --- | --- |
//! | [`lanes`] | a scan and its what-ifs → lanes of spans and marks |
//! | [`terminal`] | lanes → lines of a terminal |
//! | [`html`] | lanes → one self-contained file |

pub mod html;
pub mod lanes;
pub mod terminal;

pub use lanes::{Class, Lane, Mark, Span, Timeline};
