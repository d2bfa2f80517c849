//! The routing key: it names the integration that an event goes to, and it is a secret.

use std::fmt;
use std::str::FromStr;

use crate::secret::Secret;

/// Length of a routing key, in characters (Events API v2 reference).
pub const ROUTING_KEY_LENGTH: usize = 32;

/// A well-formed routing key. When printed, it shows only its last four characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RoutingKey(Secret<String>);

impl RoutingKey {
    /// The whole key, only for the request to PagerDuty.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The last four characters, by which people recognise the key.
    #[must_use]
    pub fn last_four(&self) -> &str {
        // The alphabet is ASCII, so byte positions are characters.
        &self.expose()[ROUTING_KEY_LENGTH - 4..]
    }

    /// The text with the key masked.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        text.replace(self.expose(), &self.to_string())
    }
}

impl FromStr for RoutingKey {
    /// What is wrong, in PagerDuty's words.
    type Err = Vec<String>;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        let mut errors = Vec::new();
        if key.chars().count() != ROUTING_KEY_LENGTH {
            errors.push(format!(
                "Length of 'routing_key' is incorrect (should be {ROUTING_KEY_LENGTH} characters)"
            ));
        }
        if !key.chars().all(|character| character.is_ascii_alphanumeric()) {
            errors.push("'routing_key' cannot contain non-alphanumeric characters.".to_owned());
        }
        if errors.is_empty() { Ok(Self(Secret::new(key.to_owned()))) } else { Err(errors) }
    }
}

impl fmt::Display for RoutingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "…{}", self.last_four())
    }
}

impl fmt::Debug for RoutingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RoutingKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_key() {
        for right in ["0123456789abcdef0123456789abcdef", "R123456789ABCDEFGHIJKLMNOPQRSTUV"] {
            assert!(right.parse::<RoutingKey>().is_ok(), "{right}");
        }
        for wrong in
            ["", "0123456789abcdef", "0123456789abcdef0123456789abcde\"", "日本語日本語日本"]
        {
            assert!(wrong.parse::<RoutingKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_in_a_text_is_hidden() {
        let key: RoutingKey = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let text = key.hide_in("no such key: 0123456789abcdef0123456789abcdef!");
        assert_eq!(text, "no such key: …cdef!");
        assert_eq!(format!("{key:?}"), "RoutingKey(…cdef)");
    }
}
