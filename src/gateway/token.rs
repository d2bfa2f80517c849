//! The bearer token: given at start, or kept in a secret that is read again from time to time.

use aws_config::SdkConfig;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tracing::warn;

use crate::aws::{SecretError, StoredSecret};
use crate::routing::Fresh;
use crate::secret::Secret;

/// The bearer token, or where to find it.
#[derive(Debug)]
pub enum Token {
    /// No token: whatever needs one is closed.
    Nothing,
    Text(Secret<String>),
    InSecret(TokenSecret),
}

/// A secret in Secrets Manager whose text is the token.
#[derive(Debug)]
pub struct TokenSecret {
    stored: StoredSecret,
    known: Fresh<Secret<String>, SecretError>,
}

impl From<Option<Secret<String>>> for Token {
    fn from(token: Option<Secret<String>>) -> Self {
        token.map_or(Self::Nothing, Self::Text)
    }
}

impl Token {
    /// A secret in Secrets Manager whose text is the token, by ARN or name. Connects at the first
    /// read.
    #[must_use]
    pub fn in_secret(config: &SdkConfig, name: String) -> Self {
        let stored = StoredSecret::new(config, name);
        Self::InSecret(TokenSecret { stored, known: Fresh::default() })
    }

    /// Whether this is the token.
    ///
    /// # Errors
    /// When the token was never read and cannot be read now.
    pub(super) async fn is(&self, given: &str) -> Result<bool, SecretError> {
        match self {
            // An empty token, for example of a secret that nobody filled in, gives no access.
            _ if given.is_empty() => Ok(false),
            Self::Nothing => Ok(false),
            Self::Text(token) => Ok(is_same(token, given)),
            Self::InSecret(secret) => secret.holds(given).await,
        }
    }
}

impl TokenSecret {
    /// Whether this is the token. If not, it may be a new token, so the secret is read again.
    async fn holds(&self, given: &str) -> Result<bool, SecretError> {
        warn_of(self.known.renew(self.read()).await);
        if is_same(&*self.known.get(self.read()).await?, given) {
            return Ok(true);
        }
        warn_of(self.known.again(self.read()).await);
        Ok(is_same(&*self.known.get(self.read()).await?, given))
    }

    async fn read(&self) -> Result<Secret<String>, SecretError> {
        let text = self.stored.read().await?;
        Ok(Secret::new(text.expose().trim().to_owned()))
    }
}

fn warn_of(read: Result<(), SecretError>) {
    if let Err(error) = read {
        warn!(%error, "the token in memory stays in use");
    }
}

/// Hashed first, so that the time of the comparison does not even reveal the token's length.
fn is_same(token: &Secret<String>, given: &str) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(token.expose())).into()
}
