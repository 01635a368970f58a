//! The settings of the command line.

use super::profile::Profile;

/// The settings that `ATZ` resets.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) echo: bool,
    pub(super) verbose: bool,
    pub(super) quiet: bool,
    pub(super) cmee: u8,
    pub(super) format: u8,
    /// `<n>` of the four registration commands.
    pub(super) report: [u8; 4],
}

impl Settings {
    pub(super) const fn of(profile: &Profile) -> Self {
        Self {
            echo: profile.echo,
            verbose: profile.verbose,
            quiet: false,
            cmee: profile.cmee,
            format: 0,
            report: [0; 4],
        }
    }
}
