//! Records that AWS services write without a message: what happened, in one sentence.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::fields::object_in;
use super::{Exception, Record, access, error};

/// Reads a platform event of Lambda, an event of Step Functions or CloudTrail, a summary of
/// AppSync, or a gateway's access record. `None` for any other object.
pub(super) fn read(map: &Map<String, Value>) -> Option<Record> {
    if map.get("type").and_then(Value::as_str).is_some_and(|it| it.starts_with("platform.")) {
        return Record::of_platform_json(map);
    }
    if map.contains_key("execution_arn") && map.contains_key("type") {
        return step_functions(map);
    }
    if map.contains_key("eventSource") && map.contains_key("eventName") {
        return cloudtrail(map);
    }
    if map.contains_key("logType") && map.contains_key("graphQLAPIId") {
        return app_sync(map);
    }
    let gateway = map.contains_key("resourcePath") || map.contains_key("routeKey");
    if is_error(map) || (!gateway && access::has_message(map)) {
        return None;
    }
    let access = access::of_json(map)?;
    let mut record = of(map, access.quote);
    record.level = access.severity.map(|severity| severity.as_str().to_uppercase());
    Some(record)
}

/// A record that is quoted by a sentence, and shown with all of its fields.
fn of(map: &Map<String, Value>, quote: String) -> Record {
    let fields = super::fields::Fields::of(map.clone());
    Record {
        message: quote.clone(),
        quote: Some(quote),
        fields: fields.shown(),
        ..Record::default()
    }
}

/// Whether an object says by its own names that it is an error: the error is quoted then.
fn is_error(map: &Map<String, Value>) -> bool {
    ["exception", "err", "errorType", "stack", "stackTrace"]
        .iter()
        .any(|name| map.get(*name).is_some_and(|value| !value.is_null()))
        || map.get("error").is_some_and(|error| error.get("stack").is_some())
}

/// `{"type": "TaskFailed", "details": {"error": …, "cause": …}, "execution_arn": …}`.
fn step_functions(map: &Map<String, Value>) -> Option<Record> {
    let happened = map.get("type")?.as_str()?;
    let details = map.get("details").cloned().unwrap_or_default();
    let text = |name: &str| details.get(name).and_then(Value::as_str);
    let cause = text("cause").unwrap_or_default();
    let inner = object_in(cause).and_then(|map| error::of_object(&map, true));
    let found = inner.and_then(|found| found.exception);
    let told = match (text("error"), found) {
        (Some(name), Some(Exception { message: Some(said), .. })) => format!("{name}: {said}"),
        (None, Some(Exception { name, message })) => {
            format!("{name}: {}", message.unwrap_or_default())
        }
        (Some(name), _) if !cause.is_empty() => format!("{name}: {cause}"),
        (Some(name), _) => name.to_owned(),
        (None, None) => String::new(),
    };
    let state = text("name").map(|name| format!(" in {name}")).unwrap_or_default();
    let quote =
        if told.is_empty() { format!("{happened}{state}") } else { format!("{told} ({happened})") };
    let mut record = of(map, quote);
    let failed = ["Failed", "TimedOut", "Aborted"].iter().any(|end| happened.ends_with(end));
    record.level = failed.then(|| "ERROR".to_owned());
    Some(record)
}

/// `ConsoleLogin by deploy from 192.0.2.7: Failed authentication`.
fn cloudtrail(map: &Map<String, Value>) -> Option<Record> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let identity = map.get("userIdentity");
    let of_identity = |name: &str| identity?.get(name)?.as_str();
    let who = of_identity("userName")
        .or_else(|| of_identity("arn").map(|arn| arn.rsplit('/').next().unwrap_or(arn)))
        .or_else(|| of_identity("invokedBy"))
        .or_else(|| of_identity("type"));
    let mut quote = text("eventName")?.to_owned();
    if let Some(who) = who {
        let _ = write!(quote, " by {who}");
    }
    if let Some(from) = text("sourceIPAddress") {
        let _ = write!(quote, " from {from}");
    }
    let error = [text("errorCode"), text("errorMessage")];
    let error: Vec<&str> = error.into_iter().flatten().collect();
    if !error.is_empty() {
        let _ = write!(quote, ": {}", error.join(": "));
    }
    let mut record = of(map, quote);
    record.level = (!error.is_empty()).then(|| "ERROR".to_owned());
    Some(record)
}

/// AppSync's mappings and summaries: the errors of a field, or the status of a request.
fn app_sync(map: &Map<String, Value>) -> Option<Record> {
    let kind = map.get("logType")?.as_str()?;
    let place = match map.get("path") {
        Some(Value::Array(path)) => {
            let parts: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
            parts.join(".")
        }
        _ => String::new(),
    };
    let first = |errors: &Value| {
        let first = errors.get(0)?;
        let message = first.get("message").unwrap_or(first);
        let kind = first.get("errorType").and_then(Value::as_str).map(|it| format!("{it}: "));
        Some(format!("{}{}", kind.unwrap_or_default(), message.as_str()?))
    };
    let error = map
        .get("errors")
        .and_then(first)
        .or_else(|| map.get("context")?.get("errors").and_then(first))
        .or_else(|| map.get("context")?.get("outErrors").and_then(first));
    let status = map.get("statusCode").and_then(Value::as_u64);
    let quote = match (error, status) {
        (Some(error), _) if place.is_empty() => error,
        (Some(error), _) => format!("{error} ({place})"),
        (None, Some(status)) => format!("{status} {kind}"),
        (None, None) => format!("{kind} {place}").trim_end().to_owned(),
    };
    Some(of(map, quote))
}
