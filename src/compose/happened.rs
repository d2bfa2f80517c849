//! What a message that is no alarm says happened: from its subject, the type and the telling fields
//! of an event, or its own words. Never raw JSON.

use serde_json::{Map, Value};

use crate::lines::record::Record;
use crate::text::{cut, one_line};

/// Longest part that is taken of a field.
const PART: usize = 160;
/// Subjects that say only what kind of message it is.
const PLAIN_SUBJECTS: [&str; 6] = [
    "RDS Notification Message",
    "AWS CloudFormation Notification",
    "AWS Health Event",
    "Amazon SES Email Event Notification",
    "AWS Notification Message",
    "Amazon S3 Notification",
];
/// Fields that say what happened, the most telling first. AWS's events, CloudFormation's text,
/// RDS, Budgets, CodePipeline, GuardDuty, Health, and what other tools send.
const TELLING: [&str; 25] = [
    "title",
    "alertname",
    "stoppedReason",
    "Event Message",
    "Message",
    "EventMessage",
    "message",
    "msg",
    "summary",
    "statusReason",
    "ResourceStatusReason",
    "errorMessage",
    "failureReason",
    "reason",
    "cause",
    "eventTypeCode",
    "description",
    "Description",
    "text",
    "error",
    "eventName",
    "event",
    "new-state",
    "state",
    "status",
];
/// Fields that say whom it happened to.
const SUBJECTS: [&str; 18] = [
    "Source ID",
    "SourceIdentifier",
    "LogicalResourceId",
    "StackName",
    "pipeline",
    "project-name",
    "build-project",
    "instance-id",
    "group",
    "clusterArn",
    "name",
    "BudgetName",
    "budgetName",
    "service",
    "source_id",
    "resource",
    "host",
    "stateMachineArn",
];

/// A title for a message with this subject and body.
pub(super) fn happened(subject: Option<&str>, body: &str) -> String {
    let subject = subject.map(one_line).filter(|it| !it.is_empty());
    let plain = subject.as_deref().is_none_or(|it| PLAIN_SUBJECTS.contains(&it));
    if let Some(subject) = subject.as_ref().filter(|_| !plain)
        && !is_event_of(body, subject)
    {
        return subject.clone();
    }
    let told = match serde_json::from_str(body.trim()) {
        Ok(Value::Object(map)) => of_object(&map),
        Ok(Value::Array(list)) => list.iter().find_map(Value::as_object).and_then(of_object),
        Ok(Value::String(text)) => Some(one_line(&text)).filter(|it| !it.is_empty()),
        _ => of_pairs(body).or_else(|| of_text(body)),
    };
    match (subject, told) {
        (Some(subject), Some(told)) if subject.contains(&told) => subject,
        (Some(subject), Some(told)) if plain => format!("{}: {told}", short(&subject)),
        (_, Some(told)) => told,
        (Some(subject), None) => subject,
        (None, None) => "an empty message".to_owned(),
    }
}

/// Whether the subject is only the event's own type: the body says more.
fn is_event_of(body: &str, subject: &str) -> bool {
    body.trim_start().starts_with('{')
        && serde_json::from_str::<Value>(body.trim())
            .is_ok_and(|event| event["detail-type"].as_str() == Some(subject))
}

/// `RDS` from `RDS Notification Message`.
fn short(subject: &str) -> String {
    let mut short = subject.trim_start_matches("AWS ").trim_start_matches("Amazon ");
    for end in [" Notification Message", " Email Event Notification", " Notification", " Event"] {
        short = short.strip_suffix(end).unwrap_or(short);
    }
    short.to_owned()
}

/// An event of EventBridge, or any other object.
fn of_object(map: &Map<String, Value>) -> Option<String> {
    let kind = map.get("detail-type").and_then(Value::as_str);
    if let Some(kind) = kind {
        let detail = match map.get("detail") {
            Some(Value::Object(detail)) => detail.clone(),
            _ => Map::new(),
        };
        let whom = named(&detail, &SUBJECTS).or_else(|| {
            let resource = map.get("resources")?.get(0)?.as_str()?;
            Some(resource.rsplit([':', '/']).next()?.to_owned())
        });
        let what = told(&detail);
        let whom =
            whom.filter(|whom| !what.as_deref().is_some_and(|it| it.contains(whom.as_str())));
        let parts: Vec<String> = whom.into_iter().chain(what).collect();
        return Some(if parts.is_empty() {
            one_line(kind)
        } else {
            format!("{}: {}", one_line(kind), parts.join(": "))
        });
    }
    let whom = named(map, &SUBJECTS);
    let what = told(map).or_else(|| {
        let record = Record::read(&Value::Object(map.clone()).to_string());
        Some(record.headline()).filter(|it| !it.is_empty())
    })?;
    match whom {
        Some(whom) if !what.contains(&whom) => Some(format!("{whom}: {what}")),
        _ => Some(what),
    }
}

/// The most telling text of an object, or of the objects and lists in it.
fn told(map: &Map<String, Value>) -> Option<String> {
    if let Some(found) = named(map, &TELLING) {
        return Some(found);
    }
    map.values().find_map(|value| match value {
        Value::Object(inner) => named(inner, &TELLING),
        Value::Array(list) => {
            let inner = list.iter().find_map(Value::as_object)?;
            named(inner, &TELLING)
                .or_else(|| inner.values().find_map(|it| named(it.as_object()?, &TELLING)))
        }
        _ => None,
    })
}

/// The first of some fields that has a short text, or an object with such a text.
fn named(map: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match map.get(*name)? {
        Value::String(text) if !text.trim_start().starts_with(['{', '[']) => {
            let text = one_line(text);
            let text = if text.starts_with("arn:") {
                text.rsplit([':', '/']).next().unwrap_or_default().to_owned()
            } else {
                text
            };
            (!text.is_empty()).then(|| cut(&text, PART))
        }
        _ => None,
    })
}

/// CloudFormation's text of `Name='value'` lines.
fn of_pairs(body: &str) -> Option<String> {
    let value = |name: &str| {
        let found = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("='"))?;
        let found = one_line(found.trim_end().trim_end_matches('\''));
        (!found.is_empty()).then(|| cut(&found, PART))
    };
    let status = value("ResourceStatus")?;
    let whom = value("LogicalResourceId").or_else(|| value("StackName")).unwrap_or_default();
    let reason = value("ResourceStatusReason").map(|it| format!(": {it}")).unwrap_or_default();
    Some(format!("{whom} {status}{reason}").trim_start().to_owned())
}

/// The first line with words.
fn of_text(body: &str) -> Option<String> {
    let has_words = |line: &&str| line.chars().any(char::is_alphanumeric);
    body.lines().find(has_words).map(one_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_and_never_json() {
        for (subject, body, expected) in [
            (
                None,
                r#"{"detail-type":"ECS Task State Change","source":"aws.ecs","detail":{"stoppedReason":"OutOfMemoryError","group":"service:shop"}}"#,
                "ECS Task State Change: service:shop: OutOfMemoryError",
            ),
            (
                Some("RDS Notification Message"),
                r#"{"Event Source":"db-instance","Source ID":"shop-db","Event Message":"DB instance restarted"}"#,
                "RDS: shop-db: DB instance restarted",
            ),
            (
                Some("AWS CloudFormation Notification"),
                "StackName='shop'\nLogicalResourceId='Queue'\nResourceStatus='CREATE_FAILED'\nResourceStatusReason='Access denied'\n",
                "CloudFormation: Queue CREATE_FAILED: Access denied",
            ),
            (None, r#"{"job":"backup","error":"disk is full"}"#, "disk is full"),
            (None, "{\n \"text\": \"backup failed\"\n}", "backup failed"),
            (Some("Backup failed on db-1"), r#"{"a":1}"#, "Backup failed on db-1"),
            (
                None,
                r#"{"detail-type":"EC2 Instance State-change Notification","resources":["arn:aws:ec2:eu-west-1:1:instance/i-1"],"detail":{"state":"stopped"}}"#,
                "EC2 Instance State-change Notification: i-1: stopped",
            ),
            (
                None,
                r#"{"source":"aws.guardduty","detail-type":"GuardDuty Finding","detail":{"title":"Port scan from i-1","severity":5}}"#,
                "GuardDuty Finding: Port scan from i-1",
            ),
            (None, "\n\nplain words\nmore", "plain words"),
            (None, "[{\"message\":\"first\"}]", "first"),
            (None, "", "an empty message"),
        ] {
            assert_eq!(happened(subject, body), expected, "{body}");
        }
        for body in ["{}", "[]", "[1,2]", r#"{"a":{"b":{"c":1}}}"#, "null", "{"] {
            let title = happened(None, body);
            assert!(!title.starts_with("{\"") && title.len() <= 300, "{body}: {title}");
        }
    }
}
