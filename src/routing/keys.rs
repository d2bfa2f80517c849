//! The routing keys: read, kept, paced, and set aside when refused.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use tracing::warn;

use super::pace::{Bucket, Pace, Turn};
use super::pools::Pools;
use super::source::{KeyError, KeySource};
use super::{Fingerprint, Target};
use crate::pagerduty::routing_key::RoutingKey;

/// A source read again so soon has not been mended meanwhile.
const SHORTEST_BETWEEN_READS: Duration = Duration::from_secs(10);
/// Those that waited while a read failed share its failure: each reading for itself,
/// one after the other, would outlast the function.
const SHARED_FAILURE: Duration = Duration::from_secs(1);
/// How long a refused key is not used.
const SET_ASIDE: Duration = Duration::from_mins(5);

/// The routing keys of one source, and those that events brought with them.
pub struct Keys {
    source: KeySource,
    pace: Pace,
    started: Instant,
    // The standard library's locks: nothing awaits while they are held.
    pools: RwLock<Option<Arc<Pools>>>,
    /// Pools whose keys were others when they were first read: an alert may have been opened
    /// through another key than its first one now.
    changed: RwLock<HashSet<String>>,
    /// Keys that are in no pool.
    others: RwLock<HashMap<Fingerprint, Other>>,
    state: Mutex<HashMap<RoutingKey, KeyState>>,
    // Tokio's lock: held while the source is read, so that it is read once.
    reading: tokio::sync::Mutex<Reading>,
}

#[derive(Default)]
struct Reading {
    /// When it was last read because a key had been refused or was unknown, and what is
    /// wrong with it.
    again: Option<(Instant, Result<(), KeyError>)>,
    /// The last first read that failed.
    failure: Option<(Instant, KeyError)>,
}

/// A key that is in no pool.
struct Other {
    key: RoutingKey,
    /// Everybody may post with it; not only those who may post with any.
    allowed: bool,
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
    /// A key of the pool was refused since this worker started, or the pool changed, so that
    /// an alert may have been opened through another than its first.
    pub moved: bool,
    /// The target names no pool, and the default pool stands in.
    pub unknown_target: bool,
}

/// How a key is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyHealth {
    Healthy,
    /// Its limit is reached: events wait for their turn.
    Paced,
    /// PagerDuty does not take it.
    Refused,
}

impl KeyHealth {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Paced => "paced",
            Self::Refused => "refused",
        }
    }
}

impl Keys {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(source: KeySource, pace: Pace) -> Self {
        Self {
            source,
            pace,
            started: Instant::now(),
            pools: RwLock::default(),
            changed: RwLock::default(),
            others: RwLock::default(),
            state: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The keys for an alert, from memory where the source was read before. Where all
    /// of them are set aside the source is read again, which may have been mended.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn candidates(
        &self,
        target: &Target,
        dedup_key: &str,
    ) -> Result<Candidates, KeyError> {
        let candidates = self.among(&*self.pools().await?, target, dedup_key)?;
        if !candidates.usable.is_empty() {
            return Ok(candidates);
        }
        if let Err(error) = self.read_again().await {
            warn!(%error, "the keys in memory stay in use");
        }
        self.among(&*self.pools().await?, target, dedup_key)
    }

    fn among(
        &self,
        pools: &Pools,
        target: &Target,
        dedup_key: &str,
    ) -> Result<Candidates, KeyError> {
        let (order, unknown_target) = match target {
            Target::Pool(pool) => (pools.order(pool, dedup_key), !pools.contains(pool)),
            Target::Key(name) => (self.named(pools, name).into_iter().collect(), false),
        };
        if order.is_empty() && unknown_target {
            return Err(KeyError::NotConfigured);
        }
        let state = self.states();
        let refused = |key: &RoutingKey| state.get(key).and_then(|state| state.refused);
        let aside = |key: &RoutingKey| refused(key).is_some_and(|at| at.elapsed() < SET_ASIDE);
        let moved =
            self.has_changed(pools, target) || order.iter().any(|key| refused(key).is_some());
        let usable = order.into_iter().filter(|key| !aside(key)).collect();
        Ok(Candidates { usable, moved, unknown_target })
    }

    fn has_changed(&self, pools: &Pools, target: &Target) -> bool {
        let changed = self.changed.read().unwrap_or_else(PoisonError::into_inner);
        match target {
            Target::Pool(pool) => changed.contains(pools.stand_in(pool)),
            Target::Key(_) => false,
        }
    }

    fn named(&self, pools: &Pools, name: &Fingerprint) -> Option<RoutingKey> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let in_pools = || pools.iter().find(|key| Fingerprint::of(key) == *name);
        others.get(name).map(|other| &other.key).or_else(in_pools).cloned()
    }

    /// Every key there is, for checking them; the source is read anew.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn all(&self) -> Result<Vec<RoutingKey>, KeyError> {
        Ok(self.reload().await?.keys())
    }

    /// Reads the source now. What was known stays in use where that fails.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn reload(&self) -> Result<Arc<Pools>, KeyError> {
        Ok(self.keep(self.source.read().await?))
    }

    /// Takes a key into use that is in no pool: events that came with it go through it.
    pub fn learn(&self, key: RoutingKey) {
        self.add(key, false);
    }

    /// The same, and lets everybody post with it.
    pub fn allow(&self, key: RoutingKey) {
        self.add(key, true);
    }

    fn add(&self, key: RoutingKey, allowed: bool) {
        let name = Fingerprint::of(&key);
        let is_there = |others: &HashMap<Fingerprint, Other>| {
            others.get(&name).is_some_and(|other| other.allowed || !allowed)
        };
        // Asked first: nearly every event comes with a key that is here already.
        if !is_there(&self.others.read().unwrap_or_else(PoisonError::into_inner)) {
            let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
            others.insert(name, Other { key, allowed });
        }
    }

    /// Whether everybody may post with a key: it is in a pool, or allowed. Where it is not,
    /// the source is read again, which may hold it by now.
    ///
    /// # Errors
    /// When the source cannot be read: it might hold the key.
    pub async fn knows(&self, key: &RoutingKey) -> Result<bool, KeyError> {
        if self.is_among(&*self.pools().await?, key) {
            return Ok(true);
        }
        let read = self.read_again().await;
        if self.is_among(&*self.pools().await?, key) {
            return Ok(true);
        }
        read.map(|()| false)
    }

    /// Whether a key is in a pool, as far as the source was read.
    ///
    /// # Errors
    /// When the source was never read and cannot be.
    pub async fn is_pooled(&self, key: &RoutingKey) -> Result<bool, KeyError> {
        Ok(is_one_of(self.pools().await?.iter(), key))
    }

    /// Whether there are pools at all.
    ///
    /// # Errors
    /// When the source was never read and cannot be.
    pub async fn has_pools(&self) -> Result<bool, KeyError> {
        Ok(self.pools().await?.iter().next().is_some())
    }

    fn is_among(&self, pools: &Pools, key: &RoutingKey) -> bool {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let allowed = others.values().filter(|other| other.allowed).map(|other| &other.key);
        is_one_of(pools.iter().chain(allowed), key)
    }

    /// Sets a refused key aside and reads the source again, which may hold another by now.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys; what was known stays in use.
    pub async fn refused(&self, key: &RoutingKey) -> Result<(), KeyError> {
        self.set_aside(key);
        self.read_again().await
    }

    /// Sets a refused key aside.
    pub fn set_aside(&self, key: &RoutingKey) {
        self.with_state(key, |state| state.refused = Some(Instant::now()));
    }

    /// How each key is doing that was used or is in a pool.
    #[must_use]
    pub fn health(&self) -> BTreeMap<Fingerprint, KeyHealth> {
        let now = self.started.elapsed();
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner).clone();
        let known = pools.iter().flat_map(|pools| pools.iter());
        let mut health: BTreeMap<_, _> =
            known.map(|key| (Fingerprint::of(key), KeyHealth::Healthy)).collect();
        for (key, state) in self.states().iter() {
            let refused = state.refused.is_some_and(|at| at.elapsed() < SET_ASIDE);
            let now = match state.bucket.is_spent(now) {
                _ if refused => KeyHealth::Refused,
                true => KeyHealth::Paced,
                false => KeyHealth::Healthy,
            };
            health.insert(Fingerprint::of(key), now);
        }
        health
    }

    async fn pools(&self) -> Result<Arc<Pools>, KeyError> {
        if let Some(pools) = self.known() {
            return Ok(pools);
        }
        let mut reading = self.reading.lock().await;
        if let Some(pools) = self.known() {
            return Ok(pools);
        }
        if let Some((at, error)) = &reading.failure
            && at.elapsed() < SHARED_FAILURE
        {
            return Err(error.clone());
        }
        let read = self.source.read().await;
        reading.failure = read.as_ref().err().map(|error| (Instant::now(), error.clone()));
        Ok(self.keep(read?))
    }

    fn known(&self) -> Option<Arc<Pools>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, pools: Pools) -> Arc<Pools> {
        let pools = Arc::new(pools);
        let mut known = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.replace(Arc::clone(&pools)) {
            let mut changed = self.changed.write().unwrap_or_else(PoisonError::into_inner);
            changed.extend(pools.changed_since(&before));
        }
        pools
    }

    async fn read_again(&self) -> Result<(), KeyError> {
        let mut reading = self.reading.lock().await;
        if let Some((at, read)) = &reading.again
            && at.elapsed() < SHORTEST_BETWEEN_READS
        {
            return read.clone();
        }
        let read = self.source.read().await.map(|pools| drop(self.keep(pools)));
        // Set after the read, however it ended: a slow failure is not repeated by all who wait.
        reading.again = Some((Instant::now(), read.clone()));
        read
    }

    /// When an event may go through a key.
    pub fn turn(&self, key: &RoutingKey, patience: Duration) -> Turn {
        let now = self.started.elapsed();
        self.with_state(key, |state| state.bucket.turn(now, patience))
    }

    fn with_state<T>(&self, key: &RoutingKey, change: impl FnOnce(&mut KeyState) -> T) -> T {
        let mut states = self.states();
        let state = states.entry(key.clone()).or_insert_with(|| KeyState {
            bucket: Bucket::new(self.pace, self.started.elapsed()),
            refused: None,
        });
        change(state)
    }

    fn states(&self) -> MutexGuard<'_, HashMap<RoutingKey, KeyState>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares with all keys, each in constant time: an answer's time tells nothing.
fn is_one_of<'a>(keys: impl Iterator<Item = &'a RoutingKey>, key: &RoutingKey) -> bool {
    let same = |known: &RoutingKey| known.expose().as_bytes().ct_eq(key.expose().as_bytes());
    keys.fold(subtle::Choice::from(0), |any, known| any | same(known)).into()
}
