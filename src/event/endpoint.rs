//! The endpoints of the Events API that take events.

use serde::{Deserialize, Serialize};

use super::routing_key::RoutingKey;

/// An endpoint of the Events API that takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    #[default]
    V2,
    Change,
    V1,
    Integration,
    Ruleset,
}

impl Endpoint {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::Change => "change",
            Self::V1 => "v1",
            Self::Integration => "integration",
            Self::Ruleset => "ruleset",
        }
    }

    /// The path below PagerDuty's host.
    #[must_use]
    pub fn path(self, key: &RoutingKey) -> String {
        match self {
            Self::V2 => "/v2/enqueue".to_owned(),
            Self::Change => "/v2/change/enqueue".to_owned(),
            Self::V1 => "/generic/2010-04-15/create_event.json".to_owned(),
            Self::Integration => format!("/integration/{}/enqueue", key.expose()),
            Self::Ruleset => format!("/x-ere/{}", key.expose()),
        }
    }

    /// Whether PagerDuty has taken an event that it answers with this status.
    #[must_use]
    pub fn is_taken(self, status: u16) -> bool {
        match self {
            Self::V2 | Self::Change => status == 202,
            Self::V1 => status == 200,
            Self::Integration | Self::Ruleset => matches!(status, 200 | 202),
        }
    }

    /// The field of the body that the routing key goes into; None where the path has it.
    #[must_use]
    pub fn key_field(self) -> Option<&'static str> {
        match self {
            Self::V2 | Self::Change => Some("routing_key"),
            Self::V1 => Some("service_key"),
            Self::Integration | Self::Ruleset => None,
        }
    }
}
