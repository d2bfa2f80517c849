//! The state of each routing key: its pace, and whether PagerDuty refused it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::Fingerprint;
use super::pace::{Bucket, Pace, Turn};
use crate::lock::lock;
use crate::pagerduty::routing_key::RoutingKey;

/// How long a refused key is not used.
const SET_ASIDE: Duration = Duration::from_mins(5);

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyHealth {
    Healthy,
    /// Its rate limit is reached: events wait for their turn.
    Paced,
    /// PagerDuty does not accept it.
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

/// The keys in use, with their turns and refusals.
pub(super) struct Health {
    pace: Pace,
    started: Instant,
    // The standard library's lock: nothing awaits while it is held.
    used: Mutex<HashMap<RoutingKey, Used>>,
}

struct Used {
    bucket: Bucket,
    refused: Option<Instant>,
}

impl Used {
    fn is_aside(&self) -> bool {
        self.refused.is_some_and(|at| at.elapsed() < SET_ASIDE)
    }
}

impl Health {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, started: Instant::now(), used: Mutex::default() }
    }

    /// The keys that can be used now, and whether any key was ever refused.
    pub(super) fn usable(&self, mut keys: Vec<RoutingKey>) -> (Vec<RoutingKey>, bool) {
        let used = self.used();
        let was_refused = |key| used.get(key).is_some_and(|used| used.refused.is_some());
        let any_refused = keys.iter().any(was_refused);
        keys.retain(|key| used.get(key).is_none_or(|used| !used.is_aside()));
        (keys, any_refused)
    }

    pub(super) fn set_aside(&self, key: &RoutingKey) {
        self.with(key, |used| used.refused = Some(Instant::now()));
    }

    /// When an event can go through a key.
    pub(super) fn turn(&self, key: &RoutingKey, patience: Duration) -> Turn {
        let now = self.started.elapsed();
        self.with(key, |used| used.bucket.turn(now, patience))
    }

    /// The state of these keys, and of all others that were used.
    pub(super) fn of<'a>(
        &self,
        keys: impl Iterator<Item = &'a RoutingKey>,
    ) -> BTreeMap<Fingerprint, KeyHealth> {
        let now = self.started.elapsed();
        let mut health: BTreeMap<_, _> =
            keys.map(|key| (Fingerprint::of(key), KeyHealth::Healthy)).collect();
        for (key, used) in self.used().iter() {
            let now = match used.bucket.is_spent(now) {
                _ if used.is_aside() => KeyHealth::Refused,
                true => KeyHealth::Paced,
                false => KeyHealth::Healthy,
            };
            health.insert(Fingerprint::of(key), now);
        }
        health
    }

    fn with<T>(&self, key: &RoutingKey, change: impl FnOnce(&mut Used) -> T) -> T {
        let mut used = self.used();
        let used = used.entry(key.clone()).or_insert_with(|| Used {
            bucket: Bucket::new(self.pace, self.started.elapsed()),
            refused: None,
        });
        change(used)
    }

    fn used(&self) -> MutexGuard<'_, HashMap<RoutingKey, Used>> {
        lock(&self.used)
    }
}
