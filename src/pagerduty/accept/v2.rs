//! Events API v2: alert events, with and without a routing key, and change events.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value};

use super::rules::{action, both, is_longer, is_text_or_missing, object, text};
use super::{Endpoint, Posted, Refusal};
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Action, DEDUP_KEY_LIMIT, SUMMARY_LIMIT, Severity};

/// Checks a request body of `/v2/enqueue`.
///
/// # Errors
/// All broken rules together, in PagerDuty's words.
pub fn v2(raw: &[u8]) -> Result<(RoutingKey, Posted), Refusal> {
    let mut body = object(raw)?;
    let key = routing_key(&body);
    body.remove("routing_key");
    both(key, alert_event(body))
}

/// Checks an alert event whose sender cannot choose the routing key: a key in the body is dropped,
/// well formed or not.
///
/// # Errors
/// All broken rules together, in PagerDuty's words.
pub fn keyless(raw: &[u8]) -> Result<Posted, Refusal> {
    let mut body = object(raw)?;
    body.remove("routing_key");
    alert_event(body).map_err(Refusal::Invalid)
}

/// Checks a request body of `/v2/change/enqueue`. Images are undocumented there, but PagerDuty's
/// own clients send them.
///
/// # Errors
/// All broken rules together, in PagerDuty's words.
pub fn change(raw: &[u8]) -> Result<(RoutingKey, Posted), Refusal> {
    let mut body = object(raw)?;
    let key = routing_key(&body);
    body.remove("routing_key");
    both(key, change_event(body))
}

fn alert_event(body: Map<String, Value>) -> Result<Posted, Vec<String>> {
    let mut errors = Vec::new();
    let action = event_action(&body, &mut errors);
    let dedup_key = dedup_key(&body, action, &mut errors);
    let mut severity = None;
    if action == Some(Action::Trigger)
        && let Some(payload) = payload(&body, &["summary", "source", "severity"], &mut errors)
    {
        severity = text(payload, "severity").and_then(Severity::parse);
        if severity.is_none() && text(payload, "severity").is_some() {
            errors.push(
                "'payload.severity' is invalid (must be one of the following: 'critical', \
                 'warning', 'error' or 'info')"
                    .to_owned(),
            );
        }
        for field in ["component", "group", "class"] {
            optional_string(payload, field, "payload.", &mut errors);
        }
    }
    attachments(&body, "links", "href", &mut errors);
    attachments(&body, "images", "src", &mut errors);
    for field in ["client", "client_url"] {
        optional_string(&body, field, "", &mut errors);
    }
    if errors.is_empty() {
        Ok(Posted { endpoint: Endpoint::V2, action, dedup_key, severity, body })
    } else {
        Err(errors)
    }
}

fn change_event(body: Map<String, Value>) -> Result<Posted, Vec<String>> {
    let mut errors = Vec::new();
    if let Some(payload) = payload(&body, &["summary"], &mut errors) {
        optional_string(payload, "source", "payload.", &mut errors);
    }
    attachments(&body, "links", "href", &mut errors);
    attachments(&body, "images", "src", &mut errors);
    if errors.is_empty() {
        let endpoint = Endpoint::Change;
        Ok(Posted { endpoint, action: None, dedup_key: None, severity: None, body })
    } else {
        Err(errors)
    }
}

fn routing_key(body: &Map<String, Value>) -> Result<RoutingKey, Vec<String>> {
    match text(body, "routing_key") {
        Some(key) => key.parse(),
        None => Err(vec!["'routing_key' cannot be blank".to_owned()]),
    }
}

fn event_action(body: &Map<String, Value>, errors: &mut Vec<String>) -> Option<Action> {
    let Some(name) = text(body, "event_action") else {
        errors.push("'event_action' is missing or blank".to_owned());
        return None;
    };
    let action = action(name);
    if action.is_none() {
        errors.push(
            "'event_action' is invalid (must be one of the following: 'trigger', \
             'acknowledge' or 'resolve')"
                .to_owned(),
        );
    }
    action
}

fn dedup_key(
    body: &Map<String, Value>,
    action: Option<Action>,
    errors: &mut Vec<String>,
) -> Option<String> {
    optional_string(body, "dedup_key", "", errors);
    let key = text(body, "dedup_key");
    match key {
        Some(key) if is_longer(key, DEDUP_KEY_LIMIT) => {
            // The sentence is PagerDuty's own, misspelling included.
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

/// The payload if there is one, after the checks that alert and change events share.
fn payload<'a>(
    body: &'a Map<String, Value>,
    required: &[&str],
    errors: &mut Vec<String>,
) -> Option<&'a Map<String, Value>> {
    let payload = match body.get("payload") {
        Some(Value::Object(payload)) => payload,
        None | Some(Value::Null) => {
            errors.push("'payload' is missing or blank".to_owned());
            return None;
        }
        Some(_) => {
            errors.push("'payload' is invalid (must be an object)".to_owned());
            return None;
        }
    };
    for field in required {
        if text(payload, field).is_none() {
            errors.push(format!("'payload.{field}' is missing or blank"));
        }
    }
    if text(payload, "summary").is_some_and(|summary| is_longer(summary, SUMMARY_LIMIT)) {
        errors.push(format!("'summary' is too long (maiximum is {SUMMARY_LIMIT} characters)"));
    }
    optional_string(payload, "timestamp", "payload.", errors);
    if text(payload, "timestamp").is_some_and(|time| !is_iso_8601(time)) {
        errors.push("'payload.timestamp' is invalid (must be an ISO 8601 time)".to_owned());
    }
    // Documented as an object, but PagerDuty takes the texts and lists of older clients too.
    if matches!(payload.get("custom_details"), Some(Value::Number(_) | Value::Bool(_))) {
        errors.push("'payload.custom_details' is invalid (must be an object)".to_owned());
    }
    Some(payload)
}

/// `links` and `images`: lists of objects with one required field.
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

fn optional_string(object: &Map<String, Value>, field: &str, path: &str, errors: &mut Vec<String>) {
    if !is_text_or_missing(object, field) {
        errors.push(format!("'{path}{field}' is invalid (must be a string)"));
    }
}

/// PagerDuty's own example, `2015-07-17T08:42:58.315+0000`, is ISO 8601 but not RFC 3339.
fn is_iso_8601(text: &str) -> bool {
    // PagerDuty's own Python package writes `…+00:00Z`, and PagerDuty accepts its events.
    let text = text.strip_suffix('Z').filter(|text| text.ends_with("+00:00")).unwrap_or(text);
    let zoned = [
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y%m%dT%H%M%S%.f%#z",
        "%Y-%m-%dT%H:%M%#z",
        "%Y%m%dT%H%M%#z",
    ];
    let local =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y%m%dT%H%M%S%.f", "%Y-%m-%dT%H:%M"];
    DateTime::parse_from_rfc3339(text).is_ok()
        || zoned.iter().any(|form| DateTime::parse_from_str(text, form).is_ok())
        || local.iter().any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
        || NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

#[cfg(test)]
mod tests;
