//! Why PagerDuty would refuse a body, and the answer it would give.

use serde_json::{Value, json};

use crate::pagerduty::BODY_LIMIT;

/// Why PagerDuty would refuse a body. The answer is always a 400: sending the same body again never
/// helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a JSON object, or one that is nested too deep.
    #[error("JSON parse error")]
    Unrecognized,
    /// The same, in the words of Events API v1.
    #[error("JSON parse error")]
    UnrecognizedByV1,
    /// An object that breaks the rules, with one sentence for each broken rule.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Refusal {
    /// The key is well formed but belongs to no integration. V1 has [its own
    /// words](super::Endpoint::unknown_key).
    #[must_use]
    pub fn unknown_key() -> Self {
        Self::Invalid(vec!["Invalid routing key".to_owned()])
    }

    /// The body is longer than [`BODY_LIMIT`].
    #[must_use]
    pub fn too_large() -> Self {
        Self::Invalid(vec![format!("Event is too large (maximum is {BODY_LIMIT} bytes)")])
    }

    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        match self {
            Self::Unrecognized | Self::UnrecognizedByV1 => vec!["JSON parse error".to_owned()],
            Self::Invalid(errors) => errors.clone(),
        }
    }

    /// The body of the 400 answer.
    #[must_use]
    pub fn answer(&self) -> Value {
        let (status, message) = match self {
            Self::Unrecognized => ("Unrecognized object", "Event object format is unrecognized"),
            Self::UnrecognizedByV1 => {
                ("unrecognized object", "Event object format is unrecognized")
            }
            Self::Invalid(_) => ("invalid event", "Event object is invalid"),
        };
        json!({"status": status, "message": message, "errors": self.errors()})
    }
}
