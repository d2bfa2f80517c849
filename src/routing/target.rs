//! Where an event goes: a named pool of routing keys, or one key by its fingerprint.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::sha256_hex;
use crate::pagerduty::routing_key::RoutingKey;

/// The pool for events that name no other.
pub const DEFAULT_TARGET: &str = "default";

/// The prefix of a target that is one key; the name of a pool cannot contain a colon.
const KEY: &str = "key:";
/// Number of hex digits of a key's hash in its fingerprint.
const DIGITS: usize = 24;

/// Where an event goes. The queue's messages contain this, never the routing key itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Pool(String),
    Key(Fingerprint),
}

/// A routing key's fingerprint: the start of its SHA-256, and its last four characters so that
/// people recognise it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    #[must_use]
    pub fn of(key: &RoutingKey) -> Self {
        let hash = sha256_hex(&["routing key", key.expose()]);
        Self(format!("{}-{}", &hash[..DIGITS], key.last_four()))
    }

    /// The key's last four characters, after a mark that shows that there are more.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("…{}", &self.0[DIGITS + 1..])
    }
}

impl Target {
    /// The pool for events that name no other.
    #[must_use]
    pub fn default_pool() -> Self {
        Self::Pool(DEFAULT_TARGET.to_owned())
    }

    /// The pool named by an alarm's tag. A name that cannot be a pool's is ignored.
    #[must_use]
    pub fn named(name: Option<&str>) -> Self {
        let valid = |name: &&str| {
            let fits = (1..=64).contains(&name.len());
            fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        Self::Pool(name.map(str::trim).filter(valid).unwrap_or(DEFAULT_TARGET).to_owned())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(name) => formatter.write_str(name),
            Self::Key(Fingerprint(name)) => write!(formatter, "{KEY}{name}"),
        }
    }
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(name) = text.strip_prefix(KEY) else {
            return Ok(Self::Pool(text.to_owned()));
        };
        let (hash, last) = name.split_once('-').unwrap_or_default();
        let fits = hash.len() == DIGITS && last.len() == 4 && name.is_ascii();
        fits.then(|| Self::Key(Fingerprint(name.to_owned()))).ok_or("not a fingerprint of a key")
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_it_was_written_and_shows_no_key() {
        let key: RoutingKey = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let target = Target::Key(Fingerprint::of(&key));
        let text = target.to_string();
        assert!(text.starts_with("key:") && text.ends_with("-cdef"), "{text}");
        assert!(!text.contains("0123456789"), "{text}");
        assert_eq!(text.parse(), Ok(target));
        assert_eq!(Fingerprint::of(&key).masked(), "…cdef");
        assert_eq!("db".parse(), Ok(Target::Pool("db".to_owned())));
        assert!("key:0123".parse::<Target>().is_err());
    }

    #[test]
    fn a_tag_names_a_pool_or_the_default_one_stands_in() {
        assert_eq!(Target::named(Some(" team-a_1.eu ")), Target::Pool("team-a_1.eu".to_owned()));
        let long = "x".repeat(65);
        for name in [None, Some(""), Some(" "), Some("key:0123"), Some("a b"), Some(&long)] {
            assert_eq!(Target::named(name), Target::default_pool(), "{name:?}");
        }
    }
}
