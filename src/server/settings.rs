//! The settings of `pagetrail serve`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::enrich;
use crate::gateway::LocalClients;
use crate::http::url::is_own_address;
use crate::pagerduty::routing_key::RoutingKey;
use crate::routing::pace::Pace;
use crate::secret::Secret;
use crate::sns::TopicArn;

/// What `pagetrail serve` needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: Vec<SocketAddr>,
    pub listen_https: Vec<SocketAddr>,
    pub tls: TlsChoice,
    /// Directory for everything that must outlive the process.
    pub data_dir: PathBuf,
    pub queue: QueueChoice,
    pub pagerduty_url: Url,
    pub keys: KeysChoice,
    /// Keys that senders can post with, in addition to those in the pools.
    pub allowed_keys: Vec<RoutingKey>,
    /// Whether each key is checked with PagerDuty at start.
    pub verify_keys: bool,
    pub token: TokenChoice,
    /// What clients on this machine can do.
    pub local_clients: LocalClients,
    pub pace: Pace,
    /// The topics whose notifications `POST /sns` accepts.
    pub sns_topics: Vec<TopicArn>,
    pub enrich: enrich::Settings,
    pub log_level: &'static str,
}

/// The certificate of HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsChoice {
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// Made at the first start, for these names.
    SelfSigned {
        names: Vec<String>,
    },
}

/// Where events wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueChoice {
    Sqlite { path: PathBuf, bytes: u64, age: Duration, free: u64 },
    Sqs { events: String, rejected: String },
}

/// Where the routing keys come from.
#[derive(Debug, Clone)]
pub enum KeysChoice {
    Text(Secret<String>),
    File(PathBuf),
    Secret(String),
    /// Every event brings its own key.
    Nothing,
}

/// The bearer token.
#[derive(Debug, Clone)]
pub enum TokenChoice {
    Text(Secret<String>),
    File(PathBuf),
    Nothing,
}

impl Settings {
    /// Whether other machines can reach it.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let addresses = self.listen.iter().chain(&self.listen_https);
        addresses.into_iter().any(|address| !is_own_address(address.ip()))
    }
}

impl TokenChoice {
    /// In characters. Nobody should be able to guess a token by trying.
    pub const SHORTEST: usize = 16;

    /// The token; if it is in a file, without the line break at the end.
    ///
    /// # Errors
    /// When the file cannot be read or the token is too short.
    pub fn read(&self) -> Result<Option<Secret<String>>, TokenError> {
        let token = match self {
            Self::Text(token) => token.clone(),
            Self::File(path) => {
                let text = fs::read_to_string(path).map_err(TokenError::Unreadable)?;
                Secret::new(text.trim().to_owned())
            }
            Self::Nothing => return Ok(None),
        };
        if token.expose().len() < Self::SHORTEST { Err(TokenError::Short) } else { Ok(Some(token)) }
    }
}

/// Why there is no usable token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Unreadable(std::io::Error),
    #[error("a token has at least {} characters", TokenChoice::SHORTEST)]
    Short,
}
