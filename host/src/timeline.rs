//! A scan as lanes over time: what was recorded and, on the same axis, what would have been.
//!
//! | module | what it makes |
//! | --- | --- |
//! | [`lanes`] | a scan and its what-ifs → lanes of spans and marks |
//! | [`terminal`] | lanes → lines of a terminal |
//! | [`html`] | lanes → one file that needs nothing else |

pub mod html;
pub mod lanes;
pub mod terminal;

pub use lanes::{Class, Lane, Mark, Span, Timeline};
