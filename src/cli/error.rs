//! Why a command failed, and the exit code for scripts.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::process::ExitCode;

/// Exit code for wrong arguments; clap uses the same.
pub(super) const WRONG_ARGUMENTS: u8 = 2;

/// Why a command failed, for the person who typed it.
#[derive(Debug)]
pub enum CommandError {
    /// What was given cannot be used: an argument, a file or a profile that it names, an
    /// environment variable, a setting.
    WrongArguments(String),
    /// Everything that only an attempt shows: AWS or PagerDuty refuses, nothing has the given
    /// name, a port is in use.
    Failed(Box<dyn Error>),
}

impl CommandError {
    pub(super) fn wrong(why: impl Display) -> Self {
        Self::WrongArguments(why.to_string())
    }

    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::WrongArguments(_) => ExitCode::from(WRONG_ARGUMENTS),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl Display for CommandError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongArguments(why) => why.fmt(formatter),
            Self::Failed(why) => why.fmt(formatter),
        }
    }
}

impl<E: Into<Box<dyn Error>>> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
