//! The AT dialogue: bytes → line → reply → the answer of a command.
//!
//! | layer | type | total over |
//! | --- | --- | --- |
//! | [`mod@line`] | [`Lines`](line::Lines) | any bytes, in any pieces |
//! | [`reply`] | [`FinalResult`](reply::FinalResult) and what `+XXXX:` lines mean | any line |
//! | [`operators`], [`current`], [`registration`], [`settings`], [`signal`] | the grammar of one reply each | any line |
//! | [`vendor`] | the vendors' own signal commands, where the standard ones give no value | any line |
//! | [`fields`], [`text`], [`errors`] | values, characters, error codes, used by the rows above | any bytes |
//! | [`command`], [`answer`] | the commands and their answers | any line |
//! | [`dialogue`] | [`Dialogue`](dialogue::Dialogue): which line answers which command, and which is late | any lines, any time |
//! | [`decode`] | [`Decoder`](decode::Decoder): the meaning of lines outside a dialogue | any lines |
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
pub mod settings;
pub mod signal;
pub mod text;
pub mod vendor;
