//! What PagerDuty's Events API v2 accepts: a raw request body becomes a valid
//! event or the errors in PagerDuty's own words.
//!
//! Wording seen in answers that people published: `'routing_key' cannot be
//! blank`, its length and its alphabet, `… is missing or blank`, the severity
//! list, the summary's length (with PagerDuty's spelling), `Invalid routing
//! key`, `JSON parse error`; that a body too large is a 400 is PagerDuty's
//! statement of 2018-06-08. The other sentences follow the same pattern.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value, json};

use super::routing_key::RoutingKey;
use super::{Action, BODY_LIMIT, DEDUP_KEY_LIMIT, SUMMARY_LIMIT, Severity};

/// An event that PagerDuty would accept.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidEvent {
    pub routing_key: RoutingKey,
    pub action: Action,
    /// Always there for acknowledge and resolve.
    pub dedup_key: Option<String>,
    /// The whole event as sent, unknown fields too, but without the routing key.
    pub body: Map<String, Value>,
}

/// Why PagerDuty would refuse a body. The answer is always a 400: sending the
/// same again never helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a JSON object.
    #[error("JSON parse error")]
    Unrecognized,
    /// An object that breaks the rules; one sentence per broken rule.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Refusal {
    /// The key is well formed but belongs to no integration.
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
            Self::Unrecognized => vec!["JSON parse error".to_owned()],
            Self::Invalid(errors) => errors.clone(),
        }
    }

    /// The body of the 400 answer.
    #[must_use]
    pub fn answer(&self) -> Value {
        let (status, message) = match self {
            Self::Unrecognized => ("Unrecognized object", "Event object format is unrecognized"),
            Self::Invalid(_) => ("invalid event", "Event object is invalid"),
        };
        json!({"status": status, "message": message, "errors": self.errors()})
    }
}

/// Checks a request body of `/v2/enqueue`.
///
/// # Errors
/// All broken rules together, in PagerDuty's words.
pub fn validate(raw: &[u8]) -> Result<ValidEvent, Refusal> {
    if raw.len() > BODY_LIMIT {
        return Err(Refusal::too_large());
    }
    let Ok(Value::Object(mut body)) = serde_json::from_slice(raw) else {
        return Err(Refusal::Unrecognized);
    };

    let mut errors = Vec::new();
    let routing_key = routing_key(&body, &mut errors);
    let action = action(&body, &mut errors);
    let dedup_key = dedup_key(&body, action, &mut errors);
    if action == Some(Action::Trigger) {
        payload(&body, &mut errors);
    }
    attachments(&body, "links", "href", &mut errors);
    attachments(&body, "images", "src", &mut errors);
    for field in ["client", "client_url"] {
        optional_string(&body, field, "", &mut errors);
    }

    match (routing_key, action) {
        (Some(routing_key), Some(action)) if errors.is_empty() => {
            body.remove("routing_key");
            Ok(ValidEvent { routing_key, action, dedup_key, body })
        }
        _ => Err(Refusal::Invalid(errors)),
    }
}

fn routing_key(body: &Map<String, Value>, errors: &mut Vec<String>) -> Option<RoutingKey> {
    let Some(key) = text(body, "routing_key") else {
        errors.push("'routing_key' cannot be blank".to_owned());
        return None;
    };
    key.parse().map_err(|broken: Vec<String>| errors.extend(broken)).ok()
}

fn action(body: &Map<String, Value>, errors: &mut Vec<String>) -> Option<Action> {
    match text(body, "event_action") {
        Some("trigger") => Some(Action::Trigger),
        Some("acknowledge") => Some(Action::Acknowledge),
        Some("resolve") => Some(Action::Resolve),
        Some(_) => {
            errors.push(
                "'event_action' is invalid (must be one of the following: 'trigger', \
                 'acknowledge' or 'resolve')"
                    .to_owned(),
            );
            None
        }
        None => {
            errors.push("'event_action' is missing or blank".to_owned());
            None
        }
    }
}

fn dedup_key(
    body: &Map<String, Value>,
    action: Option<Action>,
    errors: &mut Vec<String>,
) -> Option<String> {
    optional_string(body, "dedup_key", "", errors);
    let key = text(body, "dedup_key");
    match key {
        Some(key) if key.chars().count() > DEDUP_KEY_LIMIT => {
            // The summary's sentence is PagerDuty's own, misspelling included.
            errors.push(format!(
                "'dedup_key' is too long (maiximum is {DEDUP_KEY_LIMIT} characters)"
            ));
        }
        None if matches!(action, Some(Action::Acknowledge | Action::Resolve)) => {
            errors.push("'dedup_key' is missing or blank".to_owned());
        }
        _ => {}
    }
    key.map(str::to_owned)
}

fn payload(body: &Map<String, Value>, errors: &mut Vec<String>) {
    let payload = match body.get("payload") {
        Some(Value::Object(payload)) => payload,
        None | Some(Value::Null) => {
            errors.push("'payload' is missing or blank".to_owned());
            return;
        }
        Some(_) => {
            errors.push("'payload' is invalid (must be an object)".to_owned());
            return;
        }
    };
    for field in ["summary", "source", "severity"] {
        if text(payload, field).is_none() {
            errors.push(format!("'payload.{field}' is missing or blank"));
        }
    }
    if text(payload, "summary").is_some_and(|text| text.chars().count() > SUMMARY_LIMIT) {
        errors.push(format!("'summary' is too long (maiximum is {SUMMARY_LIMIT} characters)"));
    }
    if text(payload, "severity").is_some_and(|name| Severity::parse(name).is_none()) {
        errors.push(
            "'payload.severity' is invalid (must be one of the following: 'critical', \
             'warning', 'error' or 'info')"
                .to_owned(),
        );
    }
    for field in ["timestamp", "component", "group", "class"] {
        optional_string(payload, field, "payload.", errors);
    }
    if text(payload, "timestamp").is_some_and(|time| !is_iso_8601(time)) {
        errors.push("'payload.timestamp' is invalid (must be an ISO 8601 time)".to_owned());
    }
    if !matches!(payload.get("custom_details"), None | Some(Value::Null | Value::Object(_))) {
        errors.push("'payload.custom_details' is invalid (must be an object)".to_owned());
    }
}

/// `links` and `images`: lists of objects of which one field is required.
fn attachments(body: &Map<String, Value>, list: &str, required: &str, errors: &mut Vec<String>) {
    let items = match body.get(list) {
        None | Some(Value::Null) => return,
        Some(Value::Array(items)) => items,
        Some(_) => {
            errors.push(format!("'{list}' is invalid (must be an array of objects)"));
            return;
        }
    };
    for (index, item) in items.iter().enumerate() {
        let Value::Object(item) = item else {
            errors.push(format!("'{list}[{index}]' is invalid (must be an object)"));
            continue;
        };
        match text(item, required) {
            None => errors.push(format!("'{list}[{index}].{required}' is missing or blank")),
            Some(source) if required == "src" && !source.starts_with("https://") => {
                errors.push(format!("'{list}[{index}].src' is invalid (must be an https URL)"));
            }
            Some(_) => {}
        }
        for field in ["href", "text", "alt"].into_iter().filter(|field| *field != required) {
            optional_string(item, field, &format!("{list}[{index}]."), errors);
        }
    }
}

/// A string that says something; `null`, `""` and blanks count as missing.
fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

fn optional_string(object: &Map<String, Value>, field: &str, path: &str, errors: &mut Vec<String>) {
    if !matches!(object.get(field), None | Some(Value::Null | Value::String(_))) {
        errors.push(format!("'{path}{field}' is invalid (must be a string)"));
    }
}

/// PagerDuty's own example, `2015-07-17T08:42:58.315+0000`, is ISO 8601 but not RFC 3339.
fn is_iso_8601(text: &str) -> bool {
    let zoned = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y%m%dT%H%M%S%.f%#z"];
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    DateTime::parse_from_rfc3339(text).is_ok()
        || zoned.iter().any(|form| DateTime::parse_from_str(text, form).is_ok())
        || local.iter().any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
        || NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn trigger() -> Value {
        json!({
            "routing_key": KEY, "event_action": "trigger", "dedup_key": "k",
            "payload": {"summary": "s", "source": "h", "severity": "error"}
        })
    }

    fn errors(event: &Value) -> Vec<String> {
        validate(event.to_string().as_bytes()).map_or_else(|refusal| refusal.errors(), |_| vec![])
    }

    #[test]
    fn a_valid_event_keeps_everything_but_its_key() {
        let mut event = trigger();
        event["x_own"] = json!(1);
        let valid = validate(event.to_string().as_bytes()).unwrap();
        assert_eq!(valid.routing_key.expose(), KEY);
        assert_eq!(valid.dedup_key.as_deref(), Some("k"));
        assert_eq!(valid.body["x_own"], json!(1));
        assert!(!format!("{valid:?}").contains(KEY), "a key must not be printed");
        assert_eq!(valid.routing_key.to_string(), "…cdef");
    }

    #[test]
    fn all_broken_rules_are_named_together() {
        assert_eq!(
            errors(&json!({})),
            ["'routing_key' cannot be blank", "'event_action' is missing or blank"]
        );
        assert_eq!(
            errors(&json!({"routing_key": "e+23r", "event_action": "trigger", "payload": {}})),
            [
                "Length of 'routing_key' is incorrect (should be 32 characters)",
                "'routing_key' cannot contain non-alphanumeric characters.",
                "'payload.summary' is missing or blank",
                "'payload.source' is missing or blank",
                "'payload.severity' is missing or blank",
            ]
        );
    }

    #[test]
    fn limits_count_characters_and_hold_at_the_edge() {
        let mut event = trigger();
        event["payload"]["summary"] = json!("ä".repeat(SUMMARY_LIMIT));
        event["dedup_key"] = json!("ä".repeat(DEDUP_KEY_LIMIT));
        assert_eq!(errors(&event), [""; 0]);
        event["payload"]["summary"] = json!("ä".repeat(SUMMARY_LIMIT + 1));
        event["dedup_key"] = json!("ä".repeat(DEDUP_KEY_LIMIT + 1));
        assert_eq!(
            errors(&event),
            [
                "'dedup_key' is too long (maiximum is 255 characters)",
                "'summary' is too long (maiximum is 1024 characters)",
            ]
        );
    }

    #[test]
    fn the_body_limit_is_512_000_bytes() {
        let mut raw = trigger().to_string().into_bytes();
        raw.resize(BODY_LIMIT, b' ');
        assert!(validate(&raw).is_ok());
        raw.push(b' ');
        assert_eq!(
            validate(&raw).unwrap_err().errors(),
            ["Event is too large (maximum is 512000 bytes)"]
        );
    }

    #[test]
    fn what_is_no_json_object_is_unrecognized() {
        for raw in [&b""[..], b"{", b"[]", b"\"x\"", b"null", b"\xff"] {
            assert_eq!(validate(raw), Err(Refusal::Unrecognized), "{raw:?}");
        }
    }

    #[test]
    fn timestamps_are_iso_8601() {
        for (time, valid) in [
            ("2015-07-17T08:42:58.315+0000", true),
            ("2026-11-21T07:00:00Z", true),
            ("2026-11-21T07:00:00+02:00", true),
            ("2026-11-21T07:00:00", true),
            ("2026-11-21", true),
            ("21/11/2026", false),
            ("yesterday", false),
        ] {
            let mut event = trigger();
            event["payload"]["timestamp"] = json!(time);
            assert_eq!(errors(&event).is_empty(), valid, "{time}");
        }
    }
}
