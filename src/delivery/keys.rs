//! The routing keys: read from Secrets Manager, kept, paced, and set aside when refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata};
use tokio::time::Instant;
use tracing::warn;

use super::pace::{Bucket, Pace, Turn};
use super::pools::{Pools, PoolsError};
use crate::event::routing_key::RoutingKey;
use crate::text::cut;

/// A secret read again so soon has not been mended meanwhile.
const SHORTEST_BETWEEN_READS: Duration = Duration::from_secs(10);
/// Those that waited while a read failed share its failure: each reading for itself,
/// one after the other, would outlast the function.
const SHARED_FAILURE: Duration = Duration::from_secs(1);
/// How long a refused key is not used.
const SET_ASIDE: Duration = Duration::from_mins(5);
const ATTEMPT: Duration = Duration::from_secs(4);

/// Why there are no routing keys.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    #[error("the routing keys' secret could not be read: {0}")]
    Unreadable(String),
    #[error(transparent)]
    Secret(#[from] PoolsError),
}

/// The routing keys of one secret.
pub struct Keys {
    client: Client,
    secret: String,
    pace: Pace,
    started: Instant,
    // Tokio's lock: held while the secret is read, so that it is read once.
    known: tokio::sync::Mutex<Known>,
    // The standard library's lock: nothing awaits while it is held.
    state: Mutex<HashMap<RoutingKey, KeyState>>,
}

#[derive(Default)]
struct Known {
    pools: Option<Pools>,
    /// When it was last read because a key had been refused.
    read_again: Option<Instant>,
    /// The last first read that failed.
    failure: Option<(Instant, KeyError)>,
}

struct KeyState {
    bucket: Bucket,
    refused: Option<Instant>,
}

/// The keys for one alert.
#[derive(Debug)]
pub struct Candidates {
    /// Those that may be used now, in the alert's order.
    pub usable: Vec<RoutingKey>,
    /// A key of the pool was refused since this worker started, so that an alert may
    /// have been opened through another than its first.
    pub moved: bool,
    /// The target names no pool, and the default pool stands in.
    pub unknown_target: bool,
}

impl Keys {
    /// Takes the secret's ARN or name. Connects lazily.
    #[must_use]
    pub fn new(config: &SdkConfig, secret: String, pace: Pace) -> Self {
        let config = Builder::from(config)
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
            .build();
        Self {
            client: Client::from_conf(config),
            secret,
            pace,
            started: Instant::now(),
            known: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// The keys for an alert, from memory where the secret was read before. Where all
    /// of them are set aside the secret is read again, which may have been mended.
    ///
    /// # Errors
    /// When the secret cannot be read or holds no keys.
    pub async fn candidates(&self, target: &str, dedup_key: &str) -> Result<Candidates, KeyError> {
        let mut known = self.known.lock().await;
        let candidates = self.among(self.pools(&mut known).await?, target, dedup_key);
        if !candidates.usable.is_empty() {
            return Ok(candidates);
        }
        if let Err(error) = self.read_again(&mut known).await {
            warn!(%error, "the keys in memory stay in use");
        }
        Ok(self.among(self.pools(&mut known).await?, target, dedup_key))
    }

    fn among(&self, pools: &Pools, target: &str, dedup_key: &str) -> Candidates {
        let order = pools.order(target, dedup_key);
        let unknown_target = !pools.contains(target);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |key: &RoutingKey| state.get(key).and_then(|state| state.refused);
        let aside = |key: &RoutingKey| refused(key).is_some_and(|at| at.elapsed() < SET_ASIDE);
        let moved = order.iter().any(|key| refused(key).is_some());
        let usable = order.into_iter().filter(|key| !aside(key)).collect();
        Candidates { usable, moved, unknown_target }
    }

    /// Every key there is, for checking them.
    ///
    /// # Errors
    /// When the secret cannot be read or holds no keys.
    pub async fn all(&self) -> Result<Vec<RoutingKey>, KeyError> {
        Ok(self.read().await?.keys())
    }

    /// Sets a refused key aside and reads the secret again, which may hold another by now.
    ///
    /// # Errors
    /// When the secret cannot be read or holds no keys; what was known stays in use.
    pub async fn refused(&self, key: &RoutingKey) -> Result<(), KeyError> {
        self.with_state(key, |state| state.refused = Some(Instant::now()));
        self.read_again(&mut *self.known.lock().await).await
    }

    async fn pools<'a>(&self, known: &'a mut Known) -> Result<&'a Pools, KeyError> {
        let pools = match known.pools.take() {
            Some(pools) => pools,
            None => self.first_read(known).await?,
        };
        Ok(known.pools.insert(pools))
    }

    async fn first_read(&self, known: &mut Known) -> Result<Pools, KeyError> {
        if let Some((at, error)) = &known.failure
            && at.elapsed() < SHARED_FAILURE
        {
            return Err(error.clone());
        }
        let pools = self.read().await;
        known.failure = pools.as_ref().err().map(|error| (Instant::now(), error.clone()));
        pools
    }

    async fn read_again(&self, known: &mut Known) -> Result<(), KeyError> {
        if known.read_again.is_some_and(|at| at.elapsed() < SHORTEST_BETWEEN_READS) {
            return Ok(());
        }
        let pools = self.read().await;
        // Set after the read, however it ended: a slow failure is not repeated by all who wait.
        known.read_again = Some(Instant::now());
        known.pools = Some(pools?);
        Ok(())
    }

    /// When an event may go through a key.
    pub fn turn(&self, key: &RoutingKey, patience: Duration) -> Turn {
        let now = self.started.elapsed();
        self.with_state(key, |state| state.bucket.turn(now, patience))
    }

    fn with_state<T>(&self, key: &RoutingKey, change: impl FnOnce(&mut KeyState) -> T) -> T {
        let mut states = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(key.clone()).or_insert_with(|| KeyState {
            bucket: Bucket::new(self.pace, self.started.elapsed()),
            refused: None,
        });
        change(state)
    }

    async fn read(&self) -> Result<Pools, KeyError> {
        let answer = self.client.get_secret_value().secret_id(&self.secret).send().await;
        let answer = answer.map_err(|error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            let words = error
                .message()
                .map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned);
            KeyError::Unreadable(cut(&format!("{code}: {words}"), 300))
        })?;
        Ok(Pools::parse(answer.secret_string().unwrap_or_default())?)
    }
}
