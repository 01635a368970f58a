//! How a service is asked to run again after the death of the scan that took it.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the service is asked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreMethod {
    /// A byte into `supervise/control`.
    #[default]
    Control,
    /// The same where that may be opened, else this program with the word and the directory behind it.
    Sv {
        /// By absolute path.
        program: PathBuf,
        /// It is a busybox, and `sv` its first argument.
        applet: bool,
    },
    /// There is no supervisor: this is run, unless a `pppd` has the port.
    Start {
        /// By argument vector.
        command: Vec<String>,
    },
}

impl RestoreMethod {
    /// The words of a [`RestoreMethod::Start`]; `None` where one is no text.
    #[must_use]
    pub fn words<'a>(words: impl IntoIterator<Item = &'a OsString>) -> Option<Vec<String>> {
        words.into_iter().map(|word| word.to_str().map(str::to_owned)).collect()
    }
}
