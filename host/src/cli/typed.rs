//! Which options were typed, with any value.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error, FromArgMatches};

/// The options from the command line or the environment; an option typed with its default value is among them.
///
/// Flatten it into the arguments of a command before all others: parsing removes what it has parsed from the matches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Typed(Vec<String>);

impl Typed {
    /// Whether the option with this id was typed.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|typed| typed == id)
    }
}

impl FromArgMatches for Typed {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut typed = Self::default();
        typed.update_from_arg_matches(matches)?;
        Ok(typed)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let from_outside = |id: &&str| {
            matches!(matches.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
        };
        self.0 = matches.ids().map(clap::Id::as_str).filter(from_outside).map(str::to_owned).collect();
        Ok(())
    }
}

/// No options of its own.
impl clap::Args for Typed {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
