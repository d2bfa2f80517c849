//! Pools of routing keys: which key an alert goes through, the same one every time.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::routing_key::RoutingKey;
use crate::event::sha256_hex;
use crate::queue::DEFAULT_TARGET;

/// Named pools of routing keys; the pool `default` is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools(BTreeMap<String, Vec<RoutingKey>>);

/// What is wrong with a secret. No message shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolsError {
    #[error(
        "the secret holds neither a routing key of 32 letters and digits nor a JSON object of \
         pools such as {{\"default\": [\"KEY\", \"KEY\"]}}"
    )]
    Form,
    #[error("pool {pool:?}, key no. {number}: a routing key has 32 letters and digits")]
    Key { pool: String, number: usize },
    #[error("pool {0:?} holds no key")]
    Empty(String),
    #[error("there is no pool \"default\", which events without a target go to")]
    NoDefault,
}

impl Pools {
    /// Reads a secret: one routing key, or a JSON object of pools, each a key or a list.
    ///
    /// # Errors
    /// The first fault, naming the pool and the key's place in it.
    pub fn parse(secret: &str) -> Result<Self, PoolsError> {
        if let Ok(key) = secret.trim().parse() {
            return Ok(Self(BTreeMap::from([(DEFAULT_TARGET.to_owned(), vec![key])])));
        }
        let Ok(Value::Object(named)) = serde_json::from_str(secret) else {
            return Err(PoolsError::Form);
        };
        let mut pools = BTreeMap::new();
        for (pool, keys) in named {
            let keys = match keys {
                Value::Array(keys) => keys,
                key => vec![key],
            };
            let mut parsed: Vec<RoutingKey> = Vec::new();
            for (number, key) in (1..).zip(&keys) {
                let key = key.as_str().and_then(|key| key.trim().parse().ok());
                let key = key.ok_or_else(|| PoolsError::Key { pool: pool.clone(), number })?;
                if !parsed.contains(&key) {
                    parsed.push(key);
                }
            }
            if parsed.is_empty() {
                return Err(PoolsError::Empty(pool));
            }
            pools.insert(pool, parsed);
        }
        if !pools.contains_key(DEFAULT_TARGET) {
            return Err(PoolsError::NoDefault);
        }
        Ok(Self(pools))
    }

    /// Whether a pool has this name.
    #[must_use]
    pub fn contains(&self, target: &str) -> bool {
        self.0.contains_key(target)
    }

    /// The keys of a target's pool in the order in which an alert tries them: rendezvous
    /// hashing, so that trigger and resolve meet, and a lost key moves only its own
    /// alerts. An unknown target goes through the default pool.
    #[must_use]
    pub fn order(&self, target: &str, dedup_key: &str) -> Vec<RoutingKey> {
        let pool = self.0.get(target).or_else(|| self.0.get(DEFAULT_TARGET));
        let mut keys = pool.cloned().unwrap_or_default();
        keys.sort_by_cached_key(|key| sha256_hex(&[key.expose(), dedup_key]));
        keys
    }

    /// Every key of every pool, once.
    #[must_use]
    pub fn keys(&self) -> Vec<RoutingKey> {
        let mut keys: Vec<RoutingKey> = Vec::new();
        for key in self.0.values().flatten() {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }
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
        let pools = pool(2);
        assert_eq!(pools.order("db", "a"), [key(99).parse().unwrap()]);
        assert_eq!(pools.order("unknown", "a").len(), 2);
        assert!(pools.contains("db") && !pools.contains("unknown"));
        assert_eq!(pools.keys().len(), 3);
    }

    #[test]
    fn faults_name_the_place_and_show_no_value() {
        let fault = |secret: &str| Pools::parse(secret).unwrap_err().to_string();
        assert!(fault("PASTE-YOUR-KEY").contains("neither a routing key"));
        assert!(fault("[]").contains("neither a routing key"));
        let bad = fault(&format!(r#"{{"default": ["{}", "hunter2"]}}"#, key(1)));
        assert!(bad.contains("pool \"default\", key no. 2") && !bad.contains("hunter2"), "{bad}");
        assert!(fault(r#"{"default": []}"#).contains("holds no key"));
        assert!(fault(&format!(r#"{{"db": "{}"}}"#, key(1))).contains("no pool \"default\""));
        assert!(fault(r#"{"default": 7}"#).contains("key no. 1"));
    }
}
