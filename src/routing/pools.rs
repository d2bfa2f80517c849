//! Pools of routing keys: which key an alert goes through, the same one every time.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::DEFAULT_TARGET;
use crate::hash::sha256_hex;
use crate::pagerduty::routing_key::RoutingKey;

/// Named pools of routing keys; there is always a pool `default`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools(BTreeMap<String, Vec<RoutingKey>>);

/// What is wrong with the text of the keys. No message shows a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolsError {
    #[error(
        "the routing keys must be 32 letters and digits each, one per line, or a JSON object of \
         pools such as {{\"default\": [\"KEY\", \"KEY\"]}}"
    )]
    Form,
    #[error("pool {pool:?}, key no. {number}: a routing key has 32 letters and digits")]
    Key { pool: String, number: usize },
    #[error("pool {0:?} holds no key")]
    Empty(String),
    #[error(
        "a routing key is in the place of a pool's name: a pool is {{\"NAME\": [\"KEY\", \"KEY\"]}}"
    )]
    KeyAsName,
    #[error("there is no pool \"default\", which events without a target go to")]
    NoDefault,
}

impl Pools {
    /// Reads a secret: one routing key, several keys on one line each, or a JSON object of pools,
    /// each with one key or a list.
    ///
    /// # Errors
    /// The first fault, with the pool and the key's position in it.
    pub fn parse(secret: &str) -> Result<Self, PoolsError> {
        let lines: Result<Vec<RoutingKey>, _> = secret.split_whitespace().map(str::parse).collect();
        if let Ok(keys) = lines
            && !keys.is_empty()
        {
            return Ok(Self(BTreeMap::from([(DEFAULT_TARGET.to_owned(), unique(keys))])));
        }
        let Ok(Value::Object(named)) = serde_json::from_str(secret) else {
            return Err(PoolsError::Form);
        };
        let mut pools = BTreeMap::new();
        for (pool, keys) in named {
            if pool.trim().parse::<RoutingKey>().is_ok() {
                return Err(PoolsError::KeyAsName);
            }
            let keys = match keys {
                Value::Array(keys) => keys,
                key => vec![key],
            };
            let parsed: Result<Vec<RoutingKey>, PoolsError> = (1..)
                .zip(&keys)
                .map(|(number, key)| {
                    let key = key.as_str().and_then(|key| key.trim().parse().ok());
                    key.ok_or_else(|| PoolsError::Key { pool: pool.clone(), number })
                })
                .collect();
            let parsed = parsed?;
            if parsed.is_empty() {
                return Err(PoolsError::Empty(pool));
            }
            pools.insert(pool, unique(parsed));
        }
        if !pools.contains_key(DEFAULT_TARGET) {
            return Err(PoolsError::NoDefault);
        }
        Ok(Self(pools))
    }

    /// No keys at all: every event brings its own.
    #[must_use]
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The first pool that the key is in. All are looked at, so that the time taken reveals nothing.
    #[must_use]
    pub fn pool_of(&self, key: &RoutingKey) -> Option<String> {
        let holding = self.0.iter().filter(|(_, keys)| is_one_of(keys.iter(), key));
        holding.map(|(name, _)| name).fold(None, |first, name| first.or(Some(name))).cloned()
    }

    /// Whether a pool has this name.
    #[must_use]
    pub fn contains(&self, pool: &str) -> bool {
        self.0.contains_key(pool)
    }

    /// The pool with this name; the default pool if there is none.
    #[must_use]
    pub fn stand_in<'a>(&self, pool: &'a str) -> &'a str {
        if self.contains(pool) { pool } else { DEFAULT_TARGET }
    }

    /// The names of the pools whose keys changed.
    pub fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = String> + 'a {
        let names = self.0.keys().chain(before.0.keys());
        let set = |pools: &Self, name: &str| {
            pools.0.get(name).map(|keys| keys.iter().cloned().collect::<HashSet<_>>())
        };
        names.filter(move |name| set(self, name) != set(before, name)).cloned()
    }

    /// The keys of a pool in the order in which an alert tries them. The order comes from
    /// rendezvous hashing, so that trigger and resolve use the same key, and a lost key moves only
    /// its own alerts. An unknown pool's alerts go through the default pool.
    #[must_use]
    pub fn order(&self, pool: &str, dedup_key: &str) -> Vec<RoutingKey> {
        let mut keys = self.0.get(self.stand_in(pool)).cloned().unwrap_or_default();
        keys.sort_by_cached_key(|key| sha256_hex(&[key.expose(), dedup_key]));
        keys
    }

    /// Every key of every pool, once.
    #[must_use]
    pub fn keys(&self) -> Vec<RoutingKey> {
        unique(self.iter().cloned().collect())
    }

    /// The keys of all pools; a key that is in several pools comes several times.
    pub fn iter(&self) -> impl Iterator<Item = &RoutingKey> {
        self.0.values().flatten()
    }
}

/// Compares with all keys, each in constant time, so that the time taken reveals nothing about a
/// key.
pub(super) fn is_one_of<'a>(keys: impl Iterator<Item = &'a RoutingKey>, key: &RoutingKey) -> bool {
    let same = |known: &RoutingKey| known.expose().as_bytes().ct_eq(key.expose().as_bytes());
    keys.fold(subtle::Choice::from(0), |any, known| any | same(known)).into()
}

/// Each key once, in the order of its first position.
fn unique(mut keys: Vec<RoutingKey>) -> Vec<RoutingKey> {
    let mut seen = HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn key(number: usize) -> String {
        format!("{number:032x}")
    }

    fn pool(keys: usize) -> Pools {
        let keys: Vec<String> = (0..keys).map(key).collect();
        Pools::parse(&serde_json::json!({"default": keys, "db": key(99)}).to_string()).unwrap()
    }

    #[test]
    fn ten_thousand_alerts_spread_evenly_over_eight_keys() {
        let pools = pool(8);
        let mut load: HashMap<String, usize> = HashMap::new();
        for alert in 0..10_000 {
            let arn = format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:service-{alert}");
            let first = pools.order("default", &arn).remove(0);
            *load.entry(first.expose().to_owned()).or_default() += 1;
        }
        assert_eq!(load.len(), 8);
        for (key, alerts) in load {
            assert!((1_125..=1_375).contains(&alerts), "…{}: {alerts}", &key[30..]);
        }
    }

    #[test]
    fn a_lost_key_moves_only_its_own_alerts() {
        let (all, fewer) = (pool(8), pool(7));
        for alert in 0..500 {
            let dedup_key = format!("alert-{alert}");
            let before = all.order("default", &dedup_key);
            let after = fewer.order("default", &dedup_key);
            let left: Vec<_> =
                before.into_iter().filter(|it| *it != key(7).parse().unwrap()).collect();
            assert_eq!(left, after);
        }
    }

    #[test]
    fn one_key_pools_and_targets() {
        let one = Pools::parse(&format!(" {}\n", key(1))).unwrap();
        assert_eq!(one.order("anything", "a").len(), 1);
        let lines = Pools::parse(&format!("{}\n{}\r\n", key(1), key(2))).unwrap();
        assert_eq!(lines.keys().len(), 2);
        let pools = pool(2);
        assert_eq!(pools.order("db", "a"), [key(99).parse().unwrap()]);
        assert_eq!(pools.order("unknown", "a").len(), 2);
        assert!(pools.contains("db") && !pools.contains("unknown"));
        assert_eq!(pools.keys().len(), 3);
    }

    #[test]
    fn faults_name_the_place_and_show_no_value() {
        let fault = |secret: &str| Pools::parse(secret).unwrap_err().to_string();
        assert!(fault("PASTE-YOUR-KEY").contains("must be 32 letters"));
        let swapped = fault(&format!(r#"{{"{}": "default"}}"#, key(1)));
        assert!(swapped.contains("pool's name") && !swapped.contains(&key(1)), "{swapped}");
        assert!(fault("[]").contains("must be 32 letters"));
        let bad = fault(&format!(r#"{{"default": ["{}", "hunter2"]}}"#, key(1)));
        assert!(bad.contains("pool \"default\", key no. 2") && !bad.contains("hunter2"), "{bad}");
        assert!(fault(r#"{"default": []}"#).contains("holds no key"));
        assert!(fault(&format!(r#"{{"db": "{}"}}"#, key(1))).contains("no pool \"default\""));
        assert!(fault(r#"{"default": 7}"#).contains("key no. 1"));
    }
}
