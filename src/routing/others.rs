//! Routing keys that are in no pool: events brought them, or the configuration allows them.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::Fingerprint;
use super::pools::is_one_of;
use crate::pagerduty::routing_key::RoutingKey;

/// Keys that are in no pool, by their names.
#[derive(Default)]
pub(super) struct Others(
    // The standard library's lock: nothing awaits while it is held.
    RwLock<HashMap<Fingerprint, Other>>,
);

struct Other {
    key: RoutingKey,
    /// Everybody may post with it; not only those who may post with any.
    allowed: bool,
}

impl Others {
    pub(super) fn add(&self, key: RoutingKey, allowed: bool) {
        let name = Fingerprint::of(&key);
        let is_there = |others: &HashMap<Fingerprint, Other>| {
            others.get(&name).is_some_and(|other| other.allowed || !allowed)
        };
        // Asked first: nearly every event comes with a key that is here already.
        if !is_there(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            let mut others = self.0.write().unwrap_or_else(PoisonError::into_inner);
            others.insert(name, Other { key, allowed });
        }
    }

    pub(super) fn get(&self, name: &Fingerprint) -> Option<RoutingKey> {
        let others = self.0.read().unwrap_or_else(PoisonError::into_inner);
        others.get(name).map(|other| other.key.clone())
    }

    /// Whether everybody may post with the key.
    pub(super) fn is_allowed(&self, key: &RoutingKey) -> bool {
        let others = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let allowed = others.values().filter(|other| other.allowed);
        is_one_of(allowed.map(|other| &other.key), key)
    }
}
