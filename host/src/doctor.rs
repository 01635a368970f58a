//! The checks of a field engineer: each check is a function from facts to one line.
//!
//! An error keeps a scan from working; a warning makes it slow, its result short-lived, or lets another user
//! control it.
//! What is seen of the running service overrides the scripts: if `pppd` itself runs under its supervisor, `exec` is there.

use serde::Serialize;

use crate::report::words::shown;

pub mod leases;
pub mod permissions;
pub mod port;
pub mod scripts;
pub mod service;
pub mod system;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be, or information.
    Ok,
    /// A scan works, but not as well as it could, or another user may interfere with it.
    Warning,
    /// A scan does not work.
    Error,
}

impl Level {
    /// The word in the output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One line of output.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// How serious it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do.
    #[serde(rename = "do")]
    pub remedy: Option<String>,
}

impl Finding {
    /// A finding without a problem.
    #[must_use]
    pub fn ok(check: &'static str, found: impl AsRef<str>) -> Self {
        Self { check, level: Level::Ok, found: shown(found.as_ref()), remedy: None }
    }

    /// A warning, with what to do.
    #[must_use]
    pub fn warning(check: &'static str, found: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self { level: Level::Warning, remedy: Some(shown(remedy.as_ref())), ..Self::ok(check, found) }
    }

    /// An error, with what to do.
    #[must_use]
    pub fn error(check: &'static str, found: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self { level: Level::Error, ..Self::warning(check, found, remedy) }
    }

    /// The line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let word = self.level.word();
        let remedy = self.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        format!("{word:<8} {}: {}{remedy}", self.check, self.found)
    }
}
