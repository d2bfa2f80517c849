//! The bearer token: told at start, or kept in a secret that is read again now and then.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

use crate::routing::{KeyError, secret_client, secret_text};
use crate::secret::Secret;

/// How long what was read is used: so long the old token works beside a new one.
const FRESH: Duration = Duration::from_mins(5);
/// So soon the secret is not read again for a token that is not the known one.
const SHORTEST_BETWEEN_READS: Duration = Duration::from_secs(10);

/// The bearer token, or where it is.
#[derive(Debug)]
pub enum Token {
    /// None: what needs one stays shut.
    Nothing,
    Text(Secret<String>),
    InSecret(TokenSecret),
}

/// A secret of Secrets Manager whose text is the token.
#[derive(Debug)]
pub struct TokenSecret {
    client: Client,
    name: String,
    // Tokio's lock: held while the secret is read, so that it is read once.
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    token: Secret<String>,
    /// When the secret was last asked for, whatever came of it.
    asked: Instant,
}

impl From<Option<Secret<String>>> for Token {
    fn from(token: Option<Secret<String>>) -> Self {
        token.map_or(Self::Nothing, Self::Text)
    }
}

impl Token {
    /// A secret of Secrets Manager whose text is the token, by its ARN or name. Connects lazily.
    #[must_use]
    pub fn in_secret(config: &SdkConfig, name: String) -> Self {
        let client = secret_client(config);
        Self::InSecret(TokenSecret { client, name, known: Mutex::default() })
    }

    /// Whether this is the token.
    ///
    /// # Errors
    /// When the token was never read and cannot be.
    pub(super) async fn is(&self, given: &str) -> Result<bool, KeyError> {
        match self {
            // An empty one, as of a secret nobody filled in, opens nothing.
            _ if given.is_empty() => Ok(false),
            Self::Nothing => Ok(false),
            Self::Text(token) => Ok(is_same(token, given)),
            Self::InSecret(secret) => secret.holds(given).await,
        }
    }
}

impl TokenSecret {
    async fn holds(&self, given: &str) -> Result<bool, KeyError> {
        let mut known = self.known.lock().await;
        if let Some(Known { token, asked }) = known.as_ref() {
            let same = is_same(token, given);
            let wait = if same { FRESH } else { SHORTEST_BETWEEN_READS };
            if asked.elapsed() < wait {
                return Ok(same);
            }
        }
        let read = secret_text(&self.client, &self.name).await;
        let asked = Instant::now();
        match (read, known.as_mut()) {
            (Ok(text), _) => {
                let token = Secret::new(text.trim().to_owned());
                let same = is_same(&token, given);
                *known = Some(Known { token, asked });
                Ok(same)
            }
            (Err(error), Some(known)) => {
                warn!(%error, "the token in memory stays in use");
                known.asked = asked;
                Ok(is_same(&known.token, given))
            }
            (Err(error), None) => Err(error),
        }
    }
}

/// Hashed first: the time that a comparison takes tells not even the token's length.
fn is_same(token: &Secret<String>, given: &str) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(token.expose())).into()
}
