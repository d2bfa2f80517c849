//! What an event says, from any endpoint, for display.

use serde_json::{Map, Value};

use crate::pagerduty::accept::{Endpoint, Posted};
use crate::pagerduty::{SUMMARY_LIMIT, Severity};
use crate::text::{cut, one_line};

/// Fields of a vendor's body that can hold the title, the best first.
const TITLES: [&str; 9] = [
    "summary",
    "description",
    "title",
    "AlarmName",
    "Subject",
    "subject",
    "message",
    "Message",
    "name",
];

/// What is shown of an event.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub title: String,
    pub source: String,
    pub severity: Option<Severity>,
    pub details: Map<String, Value>,
    pub links: Value,
    pub images: Value,
    pub client: Option<String>,
    pub client_url: Option<String>,
    /// `payload` of v2; for other endpoints the whole body.
    pub payload: Map<String, Value>,
}

impl Content {
    pub(super) fn of(posted: &Posted) -> Self {
        let body = &posted.body;
        let content = match posted.endpoint {
            Endpoint::V2 | Endpoint::Change => v2(body),
            Endpoint::V1 => v1(body),
            Endpoint::Integration | Endpoint::Ruleset | Endpoint::Other => {
                match body.get("payload") {
                    Some(Value::Object(payload)) if text(payload, "summary").is_some() => v2(body),
                    _ => vendor(body),
                }
            }
        };
        Self { severity: posted.severity, ..content }
    }
}

fn v2(body: &Map<String, Value>) -> Content {
    let payload = object(body.get("payload"));
    Content {
        title: text(&payload, "summary").unwrap_or_default(),
        source: text(&payload, "source").unwrap_or_default(),
        details: object(payload.get("custom_details")),
        links: list(body, "links"),
        images: list(body, "images"),
        client: text(body, "client"),
        client_url: text(body, "client_url"),
        payload,
        ..Content::default()
    }
}

fn v1(body: &Map<String, Value>) -> Content {
    let details = match body.get("details") {
        Some(Value::Object(details)) => details.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(other) => Map::from_iter([("details".to_owned(), other.clone())]),
    };
    let contexts = |kind: &str| {
        let items = body.get("contexts").and_then(Value::as_array).into_iter().flatten();
        items.filter(|item| item["type"] == kind).cloned().collect()
    };
    Content {
        title: text(body, "description").unwrap_or_default(),
        details,
        links: contexts("link"),
        images: contexts("image"),
        client: text(body, "client"),
        client_url: text(body, "client_url"),
        payload: body.clone(),
        ..Content::default()
    }
}

fn vendor(body: &Map<String, Value>) -> Content {
    let title =
        TITLES.iter().find_map(|field| text(body, field).filter(|it| !it.trim().is_empty()));
    let title = title.map(|title| cut(&one_line(&title), SUMMARY_LIMIT));
    let mut shown = body.clone();
    // An event in v2's format may include the routing key, which nobody should see.
    for field in ["routing_key", "service_key"] {
        shown.remove(field);
    }
    Content {
        title: title.unwrap_or_else(|| "An event without a title".to_owned()),
        source: text(body, "source").unwrap_or_default(),
        details: shown.clone(),
        links: list(body, "links"),
        images: list(body, "images"),
        client: text(body, "client"),
        client_url: text(body, "client_url"),
        payload: shown,
        ..Content::default()
    }
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

fn text(object: &Map<String, Value>, field: &str) -> Option<String> {
    object.get(field).and_then(Value::as_str).map(str::to_owned)
}

fn list(body: &Map<String, Value>, field: &str) -> Value {
    match body.get(field) {
        Some(list @ Value::Array(_)) => list.clone(),
        _ => Value::Array(Vec::new()),
    }
}
