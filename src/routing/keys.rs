//! The routing keys: which key an alert goes through, and which keys senders can post with.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tracing::warn;

use super::fresh::Fresh;
use super::health::{Health, KeyHealth};
use super::others::Others;
use super::pace::{Pace, Turn};
use super::pools::Pools;
use super::source::{KeyError, KeySource};
use super::{Fingerprint, Target};
use crate::pagerduty::routing_key::RoutingKey;

/// The routing keys of one source, and those that are in no pool.
pub struct Keys {
    source: KeySource,
    known: Fresh<Known, KeyError>,
    others: Others,
    health: Health,
}

/// What is known about the source.
struct Known {
    pools: Pools,
    /// Pools with different keys than at the first read: an alert may have been opened through a
    /// key that is not its first one now.
    changed: HashSet<String>,
}

/// The keys for one alert.
#[derive(Debug)]
pub struct Candidates {
    /// The keys that can be used now, in the alert's order.
    pub usable: Vec<RoutingKey>,
    /// A key of the pool was refused since this worker started, or the pool changed. So an alert
    /// may have been opened through a key other than its first.
    pub moved: bool,
    /// No pool has the target's name, so the default pool is used.
    pub unknown_target: bool,
}

impl Keys {
    /// Does not read the source yet.
    #[must_use]
    pub fn new(source: KeySource, pace: Pace) -> Self {
        Self {
            source,
            known: Fresh::default(),
            others: Others::default(),
            health: Health::new(pace),
        }
    }

    /// The keys for an alert, from memory if the source was read before. If all of them are set
    /// aside, the source is read again, because it may have new keys.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn candidates(
        &self,
        target: &Target,
        dedup_key: &str,
    ) -> Result<Candidates, KeyError> {
        let candidates = self.among(&*self.known.get(self.read()).await?, target, dedup_key)?;
        if !candidates.usable.is_empty() {
            return Ok(candidates);
        }
        if let Err(error) = self.known.again(self.read()).await {
            warn!(%error, "the keys in memory stay in use");
        }
        self.among(&*self.known.get(self.read()).await?, target, dedup_key)
    }

    fn among(
        &self,
        Known { pools, changed }: &Known,
        target: &Target,
        dedup_key: &str,
    ) -> Result<Candidates, KeyError> {
        let (order, changed, unknown_target) = match target {
            Target::Pool(pool) => (
                pools.order(pool, dedup_key),
                changed.contains(pools.stand_in(pool)),
                !pools.contains(pool),
            ),
            Target::Key(name) => {
                let in_pools = || pools.iter().find(|key| Fingerprint::of(key) == *name).cloned();
                let key = self.others.get(name).or_else(in_pools);
                (key.into_iter().collect(), false, false)
            }
        };
        if order.is_empty() && unknown_target {
            return Err(KeyError::NotConfigured);
        }
        let (usable, refused) = self.health.usable(order);
        Ok(Candidates { usable, moved: changed || refused, unknown_target })
    }

    /// Every key there is, after reading the source again. If that fails, the known keys stay in
    /// use.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn all(&self) -> Result<Vec<RoutingKey>, KeyError> {
        Ok(self.known.now(self.read()).await?.pools.keys())
    }

    /// Reads the source again if the last read is older than
    /// [`LONGEST_AGE`](super::fresh::LONGEST_AGE). If that fails, the known keys stay in use.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys.
    pub async fn renew(&self) -> Result<(), KeyError> {
        self.known.renew(self.read()).await
    }

    /// Adds a key that is in no pool, for the events that came with it.
    pub fn learn(&self, key: RoutingKey) {
        self.others.add(key, false);
    }

    /// The same, and every sender can post with it.
    pub fn allow(&self, key: RoutingKey) {
        self.others.add(key, true);
    }

    /// Whether every sender can post with a key: it is in a pool, or allowed. If not, the source is
    /// read again, because the key may have been added.
    ///
    /// # Errors
    /// When the source cannot be read: it could contain the key.
    pub async fn knows(&self, key: &RoutingKey) -> Result<bool, KeyError> {
        if self.is_open(key).await? {
            return Ok(true);
        }
        let read = self.known.again(self.read()).await;
        if self.is_open(key).await? {
            return Ok(true);
        }
        read.map(|()| false)
    }

    async fn is_open(&self, key: &RoutingKey) -> Result<bool, KeyError> {
        // Both are checked in any case: the time taken must not show which one matched.
        Ok(self.pool_of(key).await?.is_some() | self.others.is_allowed(key))
    }

    /// The pool that a key is in, as of the last read; the first by name if it is in several.
    ///
    /// # Errors
    /// When the source was never read and cannot be read now.
    pub async fn pool_of(&self, key: &RoutingKey) -> Result<Option<Target>, KeyError> {
        Ok(self.known.get(self.read()).await?.pools.pool_of(key).map(Target::Pool))
    }

    /// Whether a key is in a pool or allowed, as far as it is known without reading the source.
    #[must_use]
    pub fn is_known_now(&self, key: &RoutingKey) -> bool {
        let pooled = self.known.known().is_some_and(|known| known.pools.pool_of(key).is_some());
        pooled | self.others.is_allowed(key)
    }

    /// Whether there are any pools.
    ///
    /// # Errors
    /// When the source was never read and cannot be read now.
    pub async fn has_pools(&self) -> Result<bool, KeyError> {
        Ok(self.known.get(self.read()).await?.pools.iter().next().is_some())
    }

    /// Sets a refused key aside and reads the source again, because it may have a new key.
    ///
    /// # Errors
    /// When the source cannot be read or holds no keys; the known keys stay in use.
    pub async fn refused(&self, key: &RoutingKey) -> Result<(), KeyError> {
        self.set_aside(key);
        self.known.again(self.read()).await
    }

    /// Sets a refused key aside.
    pub fn set_aside(&self, key: &RoutingKey) {
        self.health.set_aside(key);
    }

    /// The state of each key that was used or is in a pool.
    #[must_use]
    pub fn health(&self) -> BTreeMap<Fingerprint, KeyHealth> {
        let known = self.known.known();
        self.health.of(known.iter().flat_map(|known| known.pools.iter()))
    }

    /// When an event can go through a key.
    pub fn turn(&self, key: &RoutingKey, patience: Duration) -> Turn {
        self.health.turn(key, patience)
    }

    async fn read(&self) -> Result<Known, KeyError> {
        let pools = self.source.read().await?;
        let mut changed = HashSet::new();
        if let Some(before) = self.known.known() {
            changed.extend(before.changed.iter().cloned());
            changed.extend(pools.changed_since(&before.pools));
        }
        Ok(Known { pools, changed })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::fresh::LONGEST_AGE;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_that_was_taken_out_is_refused_in_time() {
        let (old, new) = ("0".repeat(32), "1".repeat(32));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{old}").unwrap();
        let source = KeySource::File(file.path().to_owned());
        let keys = Keys::new(source, Pace::share(1, 1));
        keys.renew().await.unwrap();
        assert!(keys.knows(&old.parse().unwrap()).await.unwrap());

        std::fs::write(file.path(), &new).unwrap();
        keys.renew().await.unwrap();
        assert!(
            keys.knows(&old.parse().unwrap()).await.unwrap(),
            "the secret is not read each time"
        );
        tokio::time::advance(LONGEST_AGE).await;
        keys.renew().await.unwrap();
        assert!(!keys.knows(&old.parse().unwrap()).await.unwrap());
        assert!(keys.knows(&new.parse().unwrap()).await.unwrap());

        std::fs::write(file.path(), "no key").unwrap();
        tokio::time::advance(LONGEST_AGE).await;
        keys.renew().await.unwrap_err();
        assert!(keys.knows(&new.parse().unwrap()).await.unwrap(), "what was known stays in use");
    }

    #[tokio::test]
    async fn a_pool_that_changed_counts_as_changed_after_further_reads() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (first, joined) = ("0".repeat(32), "1".repeat(32));
        std::fs::write(file.path(), &first).unwrap();
        let keys = Keys::new(KeySource::File(file.path().to_owned()), Pace::share(1, 1));
        let moved = async || keys.candidates(&Target::default_pool(), "k").await.unwrap().moved;
        assert!(!moved().await);
        keys.all().await.unwrap();
        assert!(!moved().await, "the same keys are no change");
        std::fs::write(file.path(), format!("{first}\n{joined}")).unwrap();
        for _ in 0..2 {
            assert_eq!(keys.all().await.unwrap().len(), 2);
            assert!(moved().await);
        }
    }
}
