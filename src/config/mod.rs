//! Configuration: read once at start, all faults reported together.
//!
//! What is read is defined by who uses it; this imports all of them, and of the library only the
//! command line imports this.

mod lambda;
mod reader;
mod server;
mod shared;
mod toml;

use std::fmt;

pub use lambda::{read_deliver_stage, read_enrich, read_enrich_stage, read_gateway_stage};
pub use server::{SETTINGS, read_server};
pub use toml::ConfigFile;

/// Where settings are looked up, by the names of their environment variables.
pub trait Lookup {
    /// The setting's text, where it is set.
    fn get(&self, name: &str) -> Option<String>;

    /// How a person finds the setting.
    fn place(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl<G: Fn(&str) -> Option<String>> Lookup for G {
    fn get(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Everything that is wrong with the configuration, one fault a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// The faults, each a sentence.
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
