//! The endpoints of the Events API: their paths, the place of the key, their answers.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::accept::Refusal;
use super::routing_key::RoutingKey;

/// An endpoint of the Events API that accepts events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Alert events of Events API v2.
    #[default]
    V2,
    /// Change events of Events API v2.
    Change,
    /// Events API v1, the "generic" one.
    V1,
    /// An integration that reads the format of its vendor's tool.
    Integration,
    /// A ruleset, which sorts events of any format.
    Ruleset,
    /// A path that is not known here, with a routing key in it.
    Other,
}

/// The placeholder of the routing key in a route.
const KEY: &str = "{key}";

impl Endpoint {
    /// Those with a path of their own.
    pub const ALL: [Self; 5] = [Self::V2, Self::Change, Self::V1, Self::Integration, Self::Ruleset];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::Change => "change",
            Self::V1 => "v1",
            Self::Integration => "integration",
            Self::Ruleset => "ruleset",
            Self::Other => "other",
        }
    }

    /// The path below PagerDuty's host, with `{key}` if the routing key is part of it. That of
    /// [`Endpoint::Other`] is known only from the request.
    #[must_use]
    pub const fn route(self) -> &'static str {
        match self {
            Self::V2 => "/v2/enqueue",
            Self::Change => "/v2/change/enqueue",
            Self::V1 => "/generic/2010-04-15/create_event.json",
            Self::Integration => "/integration/{key}/enqueue",
            Self::Ruleset => "/x-ere/{key}",
            Self::Other => "/{key}",
        }
    }

    /// The path for a routing key; `other` is the route of [`Endpoint::Other`]. It is a secret if it
    /// contains the key.
    #[must_use]
    pub fn path(self, other: Option<&str>, key: &RoutingKey) -> String {
        // A key is letters and digits, so nothing in it needs escaping.
        other.unwrap_or(self.route()).replace(KEY, key.expose())
    }

    /// A path with [`Endpoint::route`]'s placeholder where the key is, and the key: that of the first part
    /// that is one.
    #[must_use]
    pub fn key_in(path: &str) -> Option<(String, RoutingKey)> {
        let mut parts = path.split('/');
        let key: RoutingKey = parts.find_map(|part| part.parse().ok())?;
        // A placeholder in the path itself would become a key too.
        (!path.contains(KEY)).then(|| (path.replacen(key.expose(), KEY, 1), key))
    }

    /// Whether the routing key is in the path; otherwise it is in the body.
    #[must_use]
    pub fn has_key_in_path(self) -> bool {
        self.route().contains(KEY)
    }

    /// Whether this status means that PagerDuty accepted the event.
    #[must_use]
    pub fn is_taken(self, status: u16) -> bool {
        match self {
            Self::V2 | Self::Change => status == 202,
            Self::V1 => status == 200,
            Self::Integration | Self::Ruleset => matches!(status, 200 | 202),
            Self::Other => (200..300).contains(&status),
        }
    }

    /// Status and body of the answer to an accepted event; the key is the alert's dedup key.
    #[must_use]
    pub fn answer(self, dedup_key: Option<&str>) -> (u16, Value) {
        let (status, message, key) = match self {
            Self::V2 | Self::Integration | Self::Ruleset | Self::Other => {
                (202, "Event processed", dedup_key.map(|key| ("dedup_key", key)))
            }
            Self::Change => (202, "Change event processed", None),
            Self::V1 => (200, "Event processed", dedup_key.map(|key| ("incident_key", key))),
        };
        let mut body = json!({"status": "success", "message": message});
        if let Some((field, key)) = key {
            body[field] = key.into();
        }
        (status, body)
    }

    /// The field of the body for the routing key; `None` if the key is in the path.
    #[must_use]
    pub fn key_field(self) -> Option<&'static str> {
        match self {
            Self::V2 | Self::Change => Some("routing_key"),
            Self::V1 => Some("service_key"),
            Self::Integration | Self::Ruleset | Self::Other => None,
        }
    }

    /// The refusal of a well-formed key that belongs to no integration.
    #[must_use]
    pub fn unknown_key(self) -> Refusal {
        match self {
            Self::V1 => Refusal::Invalid(vec!["Service key is invalid".to_owned()]),
            _ => Refusal::unknown_key(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_in_the_path_if_it_is_not_in_the_body() {
        let key: RoutingKey = "R123456789ABCDEFGHIJKLMNOPQRSTUV".parse().unwrap();
        let paths = Endpoint::ALL.map(|endpoint| endpoint.path(None, &key));
        assert_eq!(
            paths,
            [
                "/v2/enqueue",
                "/v2/change/enqueue",
                "/generic/2010-04-15/create_event.json",
                "/integration/R123456789ABCDEFGHIJKLMNOPQRSTUV/enqueue",
                "/x-ere/R123456789ABCDEFGHIJKLMNOPQRSTUV",
            ]
        );
        for endpoint in Endpoint::ALL {
            let in_path = endpoint.path(None, &key).contains(key.expose());
            assert_eq!(in_path, endpoint.key_field().is_none(), "{endpoint:?}");
            assert_eq!(in_path, endpoint.has_key_in_path(), "{endpoint:?}");
        }
    }

    #[test]
    fn a_key_in_a_path_that_is_not_known() {
        let key = "R123456789ABCDEFGHIJKLMNOPQRSTUV";
        for (path, expected) in [
            (format!("/v1/alerts/{key}"), Some("/v1/alerts/{key}")),
            (format!("/{key}/{key}"), Some("/{key}/R123456789ABCDEFGHIJKLMNOPQRSTUV")),
            (format!("/v1/x{key}"), None),
            (format!("/{{key}}/{key}"), None),
            ("/v1/alerts".to_owned(), None),
        ] {
            let found = Endpoint::key_in(&path);
            assert_eq!(found.as_ref().map(|(route, _)| route.as_str()), expected, "{path}");
            if let Some((route, found)) = found {
                assert_eq!(Endpoint::Other.path(Some(&route), &found), path);
            }
        }
    }

    #[test]
    fn each_accepts_its_own_answer_and_no_other_status() {
        for endpoint in Endpoint::ALL {
            assert!(endpoint.is_taken(endpoint.answer(None).0), "{endpoint:?}");
            for status in [201, 204, 301, 400, 403, 429, 500] {
                assert!(!endpoint.is_taken(status), "{endpoint:?} {status}");
            }
        }
        assert!(!Endpoint::V2.is_taken(200) && !Endpoint::V1.is_taken(202));
        assert!(Endpoint::Integration.is_taken(200) && Endpoint::Ruleset.is_taken(200));
    }

    #[test]
    fn answers_name_the_key_as_their_api_does() {
        let keys = Endpoint::ALL.map(|endpoint| {
            let (_, body) = endpoint.answer(Some("k"));
            assert_eq!(body["status"], "success");
            (body["dedup_key"] == "k", body["incident_key"] == "k")
        });
        let (v2, v1) = ((true, false), (false, true));
        assert_eq!(keys, [v2, (false, false), v1, v2, v2]);
        let (_, body) = Endpoint::V2.answer(None);
        assert_eq!(body, json!({"status": "success", "message": "Event processed"}));
        let (_, body) = Endpoint::Change.answer(Some("k"));
        assert_eq!(body, json!({"status": "success", "message": "Change event processed"}));
    }

    #[test]
    fn the_name_is_what_is_stored() {
        for endpoint in Endpoint::ALL {
            let stored = serde_json::to_value(endpoint).unwrap();
            assert_eq!(stored, endpoint.name());
            assert_eq!(serde_json::from_value::<Endpoint>(stored).unwrap(), endpoint);
        }
        assert_eq!(Endpoint::default(), Endpoint::V2);
    }
}
