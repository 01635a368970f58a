//! Which options were typed, whatever their values.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error, FromArgMatches};

/// The options that came from the command line or the environment; one whose typed value is its default is among them.
///
/// To be flattened into the arguments of a command before all others: what is parsed is taken out of the matches.
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

/// It has no options of its own.
impl clap::Args for Typed {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
