//! What the checks of all endpoints share: the object, its texts, its actions.

use serde_json::{Map, Value};

use super::{Posted, Refusal};
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Action, BODY_LIMIT};

/// How deep objects and lists can nest, including the event itself. `serde_json` reads 127 levels;
/// the rest is for the envelope that the queue puts around the event.
pub(super) const NESTING_LIMIT: usize = 100;

/// The event of a raw body.
///
/// # Errors
/// Too large, not a JSON object, or nested too deep.
pub(super) fn object(raw: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if raw.len() > BODY_LIMIT {
        return Err(Refusal::too_large());
    }
    match serde_json::from_slice(raw) {
        Ok(Value::Object(body))
            if body.values().all(|value| nests_within(value, NESTING_LIMIT - 1)) =>
        {
            Ok(body)
        }
        _ => Err(Refusal::Unrecognized),
    }
}

fn nests_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => {
            levels > 0 && items.iter().all(|item| nests_within(item, levels - 1))
        }
        Value::Object(fields) => {
            levels > 0 && fields.values().all(|field| nests_within(field, levels - 1))
        }
        _ => true,
    }
}

/// Both values, or the errors of both.
pub(super) fn both(
    key: Result<RoutingKey, Vec<String>>,
    posted: Result<Posted, Vec<String>>,
) -> Result<(RoutingKey, Posted), Refusal> {
    match (key, posted) {
        (Ok(key), Ok(posted)) => Ok((key, posted)),
        (key, posted) => {
            let errors = key.err().into_iter().chain(posted.err());
            Err(Refusal::Invalid(errors.flatten().collect()))
        }
    }
}

/// A string with content; `null`, `""` and blanks count as missing.
pub(super) fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

pub(super) fn is_text_or_missing(object: &Map<String, Value>, field: &str) -> bool {
    matches!(object.get(field), None | Some(Value::Null | Value::String(_)))
}

/// The action with this name at PagerDuty.
pub(in crate::pagerduty) fn action(name: &str) -> Option<Action> {
    [Action::Trigger, Action::Acknowledge, Action::Resolve]
        .into_iter()
        .find(|action| action.name() == name)
}

pub(in crate::pagerduty) fn is_longer(text: &str, limit: usize) -> bool {
    // A text has at most as many characters as bytes.
    text.len() > limit && text.chars().count() > limit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
    }

    #[test]
    fn a_body_nested_too_deep_is_refused_without_a_crash() {
        assert!(object(nested(NESTING_LIMIT).as_bytes()).is_ok());
        let lists =
            |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(object(lists(NESTING_LIMIT - 1).as_bytes()).is_ok());
        for levels in [NESTING_LIMIT + 1, 127, 128, 1_000, 80_000] {
            assert_eq!(object(nested(levels).as_bytes()), Err(Refusal::Unrecognized), "{levels}");
            assert_eq!(object(lists(levels).as_bytes()), Err(Refusal::Unrecognized), "{levels}");
        }
        let open = format!("{{\"a\":{}", "[".repeat(500_000));
        assert_eq!(object(open.as_bytes()), Err(Refusal::Unrecognized));
    }

    #[test]
    fn an_accepted_body_can_be_read_again_inside_an_envelope() {
        let body = object(nested(NESTING_LIMIT).as_bytes()).unwrap();
        let envelope = serde_json::json!({"queued": {"events": [{"body": body}]}}).to_string();
        assert!(serde_json::from_str::<Value>(&envelope).is_ok());
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_unrecognized() {
        for raw in [&b""[..], b"{", b"[]", b"\"x\"", b"null", b"\xff", b"{\"a\":\"\\ud800\"}"] {
            assert_eq!(object(raw), Err(Refusal::Unrecognized), "{raw:?}");
        }
    }

    #[test]
    fn the_last_of_two_equal_names_counts() {
        let body = object(br#"{"a": 1, "": 2, "a": 3}"#).unwrap();
        assert_eq!(Value::Object(body), serde_json::json!({"": 2, "a": 3}));
    }

    #[test]
    fn the_body_limit_is_512_000_bytes() {
        let mut raw = b"{}".to_vec();
        raw.resize(BODY_LIMIT, b' ');
        assert!(object(&raw).is_ok());
        raw.push(b' ');
        assert_eq!(
            object(&raw).unwrap_err().errors(),
            ["Event is too large (maximum is 512000 bytes)"]
        );
    }
}
