//! The AT dialogue: bytes → line → reply → the answer of a command.
//!
//! | layer | type | total over |
//! | --- | --- | --- |
//! | [`mod@line`] | [`Lines`](line::Lines) | any bytes, in any pieces |
//! | [`reply`] | [`FinalResult`](reply::FinalResult) and what `+XXXX:` lines mean | any line |
//! | [`operators`], [`registration`], [`signal`] | the grammar of one reply each | any line |
//! | [`command`], [`answer`] | what is asked, and what it is answered with | any line |
//! | [`dialogue`] | [`Dialogue`](dialogue::Dialogue): which command is in flight, what is its answer, what is late | any lines, at any time |
//!
//! Nothing here allocates, recurses or indexes; each layer is one pass.

pub mod answer;
pub mod command;
pub mod dialogue;
pub mod fields;
pub mod line;
pub mod operators;
pub mod registration;
pub mod reply;
pub mod signal;
