//! Where the routing keys come from: Secrets Manager, a file, or the environment.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata};

use super::pools::{Pools, PoolsError};
use crate::secret::Secret;
use crate::text::cut;

const ATTEMPT: Duration = Duration::from_secs(4);

/// Why there are no routing keys.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    #[error("the secret could not be read: {0}")]
    Unreadable(String),
    #[error("the routing keys' file {path} could not be read: {error}")]
    File { path: String, error: String },
    #[error(transparent)]
    Secret(#[from] PoolsError),
    #[error("no routing keys are configured: set routing_keys_file")]
    NotConfigured,
}

/// Where the routing keys are read, and read again.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A secret of Secrets Manager, by its ARN or name.
    Secret {
        client: Client,
        name: String,
    },
    File(PathBuf),
    Text(Secret<String>),
    /// None: every event brings its own.
    Nothing,
}

impl KeySource {
    /// A secret of Secrets Manager, by its ARN or name. Connects lazily.
    #[must_use]
    pub fn secret(config: &SdkConfig, name: String) -> Self {
        Self::Secret { client: secret_client(config), name }
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn read(&self) -> Result<Pools, KeyError> {
        match self {
            Self::Secret { client, name } => Ok(Pools::parse(&secret_text(client, name).await?)?),
            Self::File(path) => {
                // A few hundred bytes: not worth a thread of its own.
                let text = std::fs::read_to_string(path).map_err(|error| KeyError::File {
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

/// A client of Secrets Manager that makes a call that hangs again. Connects lazily.
#[must_use]
pub fn secret_client(config: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
    Client::from_conf(Builder::from(config).timeout_config(timeouts).build())
}

/// The text of a secret of Secrets Manager.
///
/// # Errors
/// When it cannot be read, in AWS's words.
pub async fn secret_text(client: &Client, name: &str) -> Result<String, KeyError> {
    let answer = client.get_secret_value().secret_id(name).send().await;
    let answer = answer.map_err(|error| {
        let code = error.code().unwrap_or("no answer").to_owned();
        let words =
            error.message().map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned);
        KeyError::Unreadable(cut(&format!("{code}: {words}"), 300))
    })?;
    Ok(answer.secret_string().unwrap_or_default().to_owned())
}
