//! The AT dialogue: bytes → line → reply → the answer of a command.
//!
//! | layer | type | total over |
//! | --- | --- | --- |
//! | [`mod@line`] | [`Lines`](line::Lines) | any bytes, in any pieces |
//! | [`reply`] | [`FinalResult`](reply::FinalResult) and what `+XXXX:` lines mean | any line |
//! | [`operators`], [`current`], [`registration`], [`signal`] | the grammar of one reply each | any line |
//! | [`vendor`] | signal, where the standard's commands say nothing | any line |
//! | [`fields`], [`text`], [`errors`] | values, characters, error codes, which they stand on | any bytes |
//! | [`command`], [`answer`] | what is asked, and what it is answered with | any line |
//! | [`dialogue`] | [`Dialogue`](dialogue::Dialogue): which command is in flight, what is its answer, what is late | any lines, at any time |
//! | [`decode`] | [`Decoder`](decode::Decoder): what lines say where nobody waits for an answer | any lines |
//!
//! Nothing here allocates, recurses or indexes; each layer is one pass.

pub mod answer;
pub mod command;
pub mod current;
pub mod decode;
pub mod dialogue;
pub mod errors;
pub mod fields;
pub mod line;
pub mod operators;
pub mod registration;
pub mod reply;
pub mod signal;
pub mod text;
pub mod vendor;
