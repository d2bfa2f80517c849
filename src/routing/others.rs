//! Routing keys that are in no pool: they came with events, or the configuration allows them.

use std::collections::HashMap;
use std::sync::RwLock;

use super::Fingerprint;
use super::pools::is_one_of;
use crate::lock;
use crate::pagerduty::routing_key::RoutingKey;

/// Keys that are in no pool, by fingerprint.
#[derive(Default)]
pub(super) struct Others(
    // The standard library's lock: nothing awaits while it is held.
    RwLock<HashMap<Fingerprint, Other>>,
);

struct Other {
    key: RoutingKey,
    /// Every sender can post with it, not only a trusted one.
    allowed: bool,
}

impl Others {
    pub(super) fn add(&self, key: RoutingKey, allowed: bool) {
        let name = Fingerprint::of(&key);
        let is_there = |others: &HashMap<Fingerprint, Other>| {
            others.get(&name).is_some_and(|other| other.allowed || !allowed)
        };
        // Checked first with the read lock: nearly every event has a key that is already known.
        if !is_there(&lock::read(&self.0)) {
            let mut others = lock::write(&self.0);
            others.insert(name, Other { key, allowed });
        }
    }

    pub(super) fn get(&self, name: &Fingerprint) -> Option<RoutingKey> {
        let others = lock::read(&self.0);
        others.get(name).map(|other| other.key.clone())
    }

    /// Whether every sender can post with the key.
    pub(super) fn is_allowed(&self, key: &RoutingKey) -> bool {
        let others = lock::read(&self.0);
        let allowed = others.values().filter(|other| other.allowed);
        is_one_of(allowed.map(|other| &other.key), key)
    }
}
