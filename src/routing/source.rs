//! Where the routing keys come from: Secrets Manager, a file, or the environment.

use std::path::PathBuf;

use aws_config::SdkConfig;

use super::pools::{Pools, PoolsError};
use crate::aws::{SecretError, StoredSecret};
use crate::files;
use crate::secret::Secret;

/// Why there are no routing keys.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Unreadable(#[from] SecretError),
    #[error("the file with the routing keys, {path}, could not be read: {error}")]
    File { path: String, error: String },
    #[error(transparent)]
    Faulty(#[from] PoolsError),
    #[error("no routing keys are configured: set routing_keys_file")]
    NotConfigured,
}

/// Where the routing keys are read from.
#[derive(Debug, Clone)]
pub enum KeySource {
    Secret(StoredSecret),
    File(PathBuf),
    Text(Secret<String>),
    /// No source: every event brings its own key.
    Nothing,
}

impl KeySource {
    /// A secret in Secrets Manager, by ARN or name. Connects at the first read.
    #[must_use]
    pub fn secret(config: &SdkConfig, name: String) -> Self {
        Self::Secret(StoredSecret::new(config, name))
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn read(&self) -> Result<Pools, KeyError> {
        match self {
            Self::Secret(secret) => Ok(Pools::parse(secret.read().await?.expose())?),
            Self::File(path) => {
                let text = files::read_text(path).await.map_err(|error| KeyError::File {
                    path: path.display().to_string(),
                    error: error.to_string(),
                })?;
                Ok(Pools::parse(&text)?)
            }
            Self::Text(text) => Ok(Pools::parse(text.expose())?),
            Self::Nothing => Ok(Pools::none()),
        }
    }
}
