//! The routing key: read from Secrets Manager, kept, and read again when it is refused.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::event::routing_key::RoutingKey;
use crate::text::cut;

/// A key that is refused again so soon has not been mended meanwhile.
const SHORTEST_BETWEEN_READS: Duration = Duration::from_secs(10);
const ATTEMPT: Duration = Duration::from_secs(4);

/// Why there is no routing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the routing key's secret could not be read: {0}")]
    Unreadable(String),
    #[error(
        "the secret does not hold a routing key: its plain text must be the 32 characters of \
         a PagerDuty integration key (Events API v2)"
    )]
    NoKey,
}

/// The routing key of one secret.
pub struct Keys {
    client: Client,
    secret: String,
    // Tokio's lock: held while the secret is read, so that it is read once.
    known: Mutex<Option<Known>>,
}

struct Known {
    key: RoutingKey,
    /// When it was last read because it had been refused.
    refused_at: Option<Instant>,
}

impl Keys {
    /// Takes the secret's ARN or name. Connects lazily.
    #[must_use]
    pub fn new(config: &SdkConfig, secret: String) -> Self {
        let config = Builder::from(config)
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
            .build();
        Self { client: Client::from_conf(config), secret, known: Mutex::new(None) }
    }

    /// The routing key, from memory where it is known.
    ///
    /// # Errors
    /// When the secret cannot be read or holds no key.
    pub async fn key(&self) -> Result<RoutingKey, KeyError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref() {
            return Ok(known.key.clone());
        }
        let key = self.read().await?;
        *known = Some(Known { key: key.clone(), refused_at: None });
        Ok(key)
    }

    /// The key to use in place of one that was refused; nothing where the secret
    /// still holds the same.
    ///
    /// # Errors
    /// When the secret cannot be read or holds no key.
    pub async fn instead_of(&self, refused: &RoutingKey) -> Result<Option<RoutingKey>, KeyError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref() {
            if known.key != *refused {
                return Ok(Some(known.key.clone()));
            }
            let again = known.refused_at.is_some_and(|at| at.elapsed() < SHORTEST_BETWEEN_READS);
            if again {
                return Ok(None);
            }
        }
        let key = self.read().await?;
        *known = Some(Known { key: key.clone(), refused_at: Some(Instant::now()) });
        Ok((key != *refused).then_some(key))
    }

    async fn read(&self) -> Result<RoutingKey, KeyError> {
        let answer = self.client.get_secret_value().secret_id(&self.secret).send().await;
        let answer = answer.map_err(|error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            let words = error
                .message()
                .map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned);
            KeyError::Unreadable(cut(&format!("{code}: {words}"), 300))
        })?;
        let text = answer.secret_string().unwrap_or_default();
        text.trim().parse().map_err(|_| KeyError::NoKey)
    }
}
