//! What `pagetrail send` posts: an event from the options, or from JSON.

use serde_json::{Map, Value, json};

use super::arguments::{Args, EventType};
use crate::delivery::NEVER;
use crate::pagerduty::accept;
use crate::pagerduty::accept::Refusal;
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{BODY_LIMIT, DedupKey, Endpoint, SUMMARY_LIMIT};
use crate::text::cut;

/// An event that is fit to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) endpoint: Endpoint,
    pub(super) routing_key: RoutingKey,
    pub(super) body: Vec<u8>,
    /// What was changed to make it fit.
    pub(super) notes: Vec<String>,
}

/// Makes the event from the options.
///
/// # Errors
/// Which option is missing or wrong.
pub(super) fn of_options(args: &Args, key: &str, host: &str) -> Result<Outgoing, String> {
    let mut notes = Vec::new();
    let kind = args.event_type.ok_or("-t/--event-type is needed")?;
    let mut body = match kind {
        EventType::Trigger => alert(args, host, &mut notes)?,
        EventType::Change => change(args, host, &mut notes)?,
        EventType::Acknowledge | EventType::Resolve => {
            if given(args.incident_key.as_ref()).is_none() {
                let name = kind.action().unwrap_or_default();
                return Err(format!("-t {name} needs -i/--incident-key"));
            }
            Map::new()
        }
    };
    if let (Some(action), incident_key) = (kind.action(), given(args.incident_key.as_ref())) {
        body.insert("event_action".to_owned(), json!(action));
        if let Some(given) = incident_key {
            body.insert("dedup_key".to_owned(), json!(dedup_key(given, &mut notes)));
        }
    }
    body.insert("routing_key".to_owned(), json!(key));
    outgoing(body, kind, notes)
}

/// Reads the event from JSON; only the key and the type can come from options.
///
/// # Errors
/// What is wrong with it.
pub(super) fn of_json(
    raw: &[u8],
    kind: Option<EventType>,
    key: Option<&str>,
    fallback_key: Option<&str>,
) -> Result<Outgoing, String> {
    if raw.len() > BODY_LIMIT {
        return Err(format!("--json: {}", Refusal::too_large()));
    }
    let mut body = match serde_json::from_slice(raw) {
        Ok(Value::Object(body)) => body,
        Ok(_) => return Err("--json: the event must be a JSON object, {…}".to_owned()),
        Err(error) => return Err(format!("--json: not JSON: {error}")),
    };
    let fallback = fallback_key.filter(|_| !body.contains_key("routing_key"));
    if let Some(key) = key.or(fallback) {
        body.insert("routing_key".to_owned(), json!(key));
    }
    if let Some(action) = kind.and_then(EventType::action) {
        body.insert("event_action".to_owned(), json!(action));
    }
    outgoing(body, kind.unwrap_or(EventType::Trigger), Vec::new())
        .map_err(|error| format!("--json: {error}"))
}

/// A resolve for an alert that never existed: PagerDuty answers it, and nothing happens.
///
/// # Errors
/// If the key does not look like one.
pub(super) fn of_verification(key: &str) -> Result<Outgoing, String> {
    let body = json!({"routing_key": key, "event_action": "resolve", "dedup_key": NEVER});
    let Value::Object(body) = body else { unreachable!("an object was written") };
    outgoing(body, EventType::Resolve, Vec::new())
}

impl EventType {
    /// The `event_action`; a change event has none.
    fn action(self) -> Option<&'static str> {
        match self {
            Self::Trigger => Some("trigger"),
            Self::Acknowledge => Some("acknowledge"),
            Self::Resolve => Some("resolve"),
            Self::Change => None,
        }
    }
}

fn alert(args: &Args, host: &str, notes: &mut Vec<String>) -> Result<Map<String, Value>, String> {
    let mut payload = payload(args, EventType::Trigger, host, notes)?;
    payload.insert("severity".to_owned(), json!(args.severity.as_deref().unwrap_or("critical")));
    let parts = [("component", &args.component), ("group", &args.group), ("class", &args.class)];
    for (name, value) in parts {
        insert(&mut payload, name, value.as_ref());
    }
    let mut body = Map::from_iter([("payload".to_owned(), Value::Object(payload))]);
    insert(&mut body, "client", args.client.as_ref());
    insert(&mut body, "client_url", args.client_url.as_ref());
    insert_all(&mut body, "links", args.links.iter().map(|link| link_of(link)));
    insert_all(&mut body, "images", args.images.iter().map(|image| image_of(image)));
    Ok(body)
}

fn change(args: &Args, host: &str, notes: &mut Vec<String>) -> Result<Map<String, Value>, String> {
    let payload = payload(args, EventType::Change, host, notes)?;
    let mut body = Map::from_iter([("payload".to_owned(), Value::Object(payload))]);
    insert_all(&mut body, "links", args.links.iter().map(|link| link_of(link)));
    Ok(body)
}

/// What a trigger and a change event have in common.
fn payload(
    args: &Args,
    kind: EventType,
    host: &str,
    notes: &mut Vec<String>,
) -> Result<Map<String, Value>, String> {
    let summary = given(args.description.as_ref()).ok_or_else(|| {
        format!("-t {} needs -d/--description", kind.action().unwrap_or("change"))
    })?;
    let mut details = Map::new();
    for (key, value) in &args.fields {
        details.insert(key.clone(), json!(value));
    }
    let shown = cut(summary, SUMMARY_LIMIT);
    if shown != summary {
        details.entry("description").or_insert(json!(summary));
        notes.push(format!(
            "the description is cut to {SUMMARY_LIMIT} characters; \
             the event's detail 'description' has all of it"
        ));
    }
    let source = given(args.source.as_ref()).unwrap_or(host);
    let mut payload = Map::from_iter([
        ("summary".to_owned(), json!(shown)),
        ("source".to_owned(), json!(source)),
    ]);
    insert(&mut payload, "timestamp", args.timestamp.as_ref());
    if !details.is_empty() {
        payload.insert("custom_details".to_owned(), Value::Object(details));
    }
    Ok(payload)
}

/// The same for a trigger and its resolve, whatever its length.
fn dedup_key(given: &str, notes: &mut Vec<String>) -> String {
    let key = DedupKey::new(given);
    if key.as_str() != given {
        notes.push(format!("the incident key is too long and becomes {key}"));
    }
    key.to_string()
}

/// `HREF[ TEXT]`: a space, since a URL holds none but often a `=`.
fn link_of(link: &str) -> Value {
    let (href, text) = first_word(link);
    if text.is_empty() { json!({"href": href}) } else { json!({"href": href, "text": text}) }
}

/// `SRC[ HREF][ TEXT]`.
fn image_of(image: &str) -> Value {
    let (src, rest) = first_word(image);
    let mut image = Map::from_iter([("src".to_owned(), json!(src))]);
    let (word, after) = first_word(rest);
    let leads = word.starts_with("https://") || word.starts_with("http://");
    let (href, alt) = if leads { (word, after) } else { ("", rest) };
    for (name, value) in [("href", href), ("alt", alt)] {
        if !value.is_empty() {
            image.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(image)
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// An option's value; None if it is missing or blank, as from an unset variable.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.trim().is_empty())
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Option<&String>) {
    if let Some(value) = given(value) {
        object.insert(name.to_owned(), json!(value));
    }
}

fn insert_all(object: &mut Map<String, Value>, name: &str, values: impl Iterator<Item = Value>) {
    let values: Vec<_> = values.collect();
    if !values.is_empty() {
        object.insert(name.to_owned(), Value::Array(values));
    }
}

/// Checks the event as the server would.
fn outgoing(
    body: Map<String, Value>,
    kind: EventType,
    notes: Vec<String>,
) -> Result<Outgoing, String> {
    let body = Value::Object(body).to_string().into_bytes();
    let (endpoint, checked) = match kind {
        EventType::Change => (Endpoint::Change, accept::change(&body)),
        _ => (Endpoint::V2, accept::v2(&body)),
    };
    let (routing_key, _) = checked.map_err(|refusal| refusal.to_string())?;
    Ok(Outgoing { endpoint, routing_key, body, notes })
}
