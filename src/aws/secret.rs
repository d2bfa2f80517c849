//! A secret in Secrets Manager.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata as _};

use crate::secret::Secret;
use crate::text::cut;

/// A call without an answer is repeated after this time.
const ATTEMPT: Duration = Duration::from_secs(4);

/// A secret, by its ARN or name.
#[derive(Debug, Clone)]
pub struct StoredSecret {
    client: Client,
    name: String,
}

/// Why a secret could not be read, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret could not be read: {0}")]
pub struct SecretError(String);

impl StoredSecret {
    /// Takes the secret's ARN or name. Connects at the first read.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let config = Builder::from(config).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config), name }
    }

    /// The secret's text; empty if it is binary.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(&self) -> Result<Secret<String>, SecretError> {
        // On the heap: the SDK's future is large and is nested deep in its callers' futures.
        let call = Box::pin(self.client.get_secret_value().secret_id(&self.name).send());
        let answer = call.await.map_err(|error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            let words = error
                .message()
                .map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned);
            SecretError(cut(&format!("{code}: {words}"), 300))
        })?;
        Ok(Secret::new(answer.secret_string.unwrap_or_default()))
    }
}
