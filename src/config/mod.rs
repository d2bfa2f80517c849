//! Configuration: read once at start, all faults reported together.
//!
//! `lambda` reads the settings of the Lambda stages from the environment, `server` those of
//! `pagetrail serve` from the file (`toml`) and the environment. Both use `shared` for common
//! settings and `reader` to read each setting and to collect the faults.
//!
//! Each settings struct is defined in the module that uses it. This module imports all of them;
//! within the library only the command line imports this module.

mod lambda;
mod reader;
mod server;
mod shared;
mod toml;

use std::fmt;

pub use lambda::{read_deliver_stage, read_enrich, read_enrich_stage, read_gateway_stage};
pub(crate) use server::data_directory;
pub use server::{SETTINGS, read_server};
pub use toml::ConfigFile;

/// Looks up settings by the name of their environment variable.
pub trait Lookup {
    /// The text of the setting, if it is set.
    fn get(&self, name: &str) -> Option<String>;

    /// Where a person finds the setting.
    fn place(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl<G: Fn(&str) -> Option<String>> Lookup for G {
    fn get(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Everything that is wrong with the configuration, one fault each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// The faults, one sentence each.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "wrong configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
