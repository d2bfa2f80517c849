//! CloudFormation, ECS and CodeDeploy as the source of deployments, and CloudTrail as that of calls.

use std::collections::HashMap;

use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::deployments::is_about;
use super::ports::{ApiCall, Deployment, Known};
use crate::aws::signed::{CallError, Signed};
use crate::evidence::aws::refused;
use crate::evidence::ports::LookupError;

/// The most deployments that `BatchGetDeployments` takes (API reference).
const MOST_DEPLOYMENTS: usize = 25;
/// The most resources of a stack that are named.
const MOST_RESOURCES: usize = 3;
const STACK: &str = "AWS::CloudFormation::Stack";

impl From<CallError> for LookupError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { status, code, message } => refused(status, &code, &message),
            CallError::NoAnswer(why) => Self::Unavailable(why.to_owned()),
        }
    }
}

/// The calls on a resource that CloudTrail recorded; only its first page is read, the newest 50.
pub(super) async fn calls(
    aws: &Signed,
    resource: &str,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Known<ApiCall>, LookupError> {
    let parameters = json!({
        "LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": resource}],
        "StartTime": since.timestamp(),
        "EndTime": until.timestamp(),
    });
    let target = "CloudTrail_20131101.LookupEvents";
    let answer = aws.json("cloudtrail", target, &parameters).await?;
    let events = list(&answer, "Events").iter();
    let calls =
        events.filter(|event| text(event, "ReadOnly") != Some("true")).filter_map(|event| {
            let by = text(event, "Username").map(str::to_owned);
            Some(ApiCall {
                at: time(event, "EventTime")?,
                name: text(event, "EventName")?.into(),
                by,
            })
        });
    Ok(Known { items: calls.collect(), complete: answer.get("NextToken").is_none() })
}

/// The updates of the stack that has a resource; only the first page of its events is read, the newest 100.
pub(super) async fn of_stack(
    aws: &Signed,
    resource: &str,
    since: DateTime<Utc>,
) -> Result<Known<Deployment>, LookupError> {
    let ask = |operation, name, value| async move {
        let operation = (operation, "2010-05-15");
        aws.query("cloudformation", operation, &[(name, value)]).await
    };
    let resources = match ask("DescribeStackResources", "PhysicalResourceId", resource).await {
        Ok(answer) => members(&answer),
        // So CloudFormation says that no stack has the resource.
        Err(CallError::Refused { code, .. }) if code == "ValidationError" => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let Some(stack) = resources.iter().find_map(|it| it.get("StackId")) else {
        return Ok(Known { items: Vec::new(), complete: true });
    };
    let answer = ask("DescribeStackEvents", "StackName", stack).await?;
    let events = members(&answer);
    let oldest = events.last().and_then(timestamp);
    let complete = !answer.contains("<NextToken>") || oldest.is_some_and(|oldest| oldest < since);
    Ok(Known { items: updates(&events), complete })
}

type Fields = HashMap<String, String>;

/// The list in an answer in XML: the texts directly below each `member`.
fn members(answer: &str) -> Vec<Fields> {
    fn collect(tag: &mut ScopedDecoder<'_, '_>, found: &mut Vec<Fields>) {
        while let Some(mut inner) = tag.next_tag() {
            if inner.start_el().local() != "member" {
                collect(&mut inner, found);
                continue;
            }
            let mut fields = Fields::new();
            while let Some(mut field) = inner.next_tag() {
                let name = field.start_el().local().to_owned();
                if let Ok(text) = try_data(&mut field) {
                    fields.insert(name, text.into_owned());
                }
            }
            found.push(fields);
        }
    }
    let mut found = Vec::new();
    let mut document = Document::new(answer);
    if let Ok(mut root) = document.root_element() {
        collect(&mut root, &mut found);
    }
    found
}

fn timestamp(fields: &Fields) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(fields.get("Timestamp")?).ok()?;
    Some(at.to_utc())
}

/// Each time the stack began to change, out of its events, the newest first.
fn updates(events: &[Fields]) -> Vec<Deployment> {
    let mut found = Vec::new();
    // Of the update that the loop is in: its state, and the resources that changed, the last first.
    let mut state: Option<&str> = None;
    let mut changed: Vec<&str> = Vec::new();
    for event in events {
        let text = |name: &str| event.get(name).map(String::as_str).unwrap_or_default();
        let status = text("ResourceStatus");
        let is_stack =
            text("ResourceType") == STACK && text("PhysicalResourceId") == text("StackId");
        if !is_stack {
            let name = text("LogicalResourceId");
            let is_change = status.ends_with("_COMPLETE") && !status.starts_with("DELETE");
            if is_change && !changed.contains(&name) {
                changed.push(name);
            }
            continue;
        }
        let state_now = *state.get_or_insert(status);
        let begun = status.strip_suffix("_IN_PROGRESS");
        let begun = begun.filter(|it| ["CREATE", "UPDATE", "DELETE", "IMPORT"].contains(it));
        if let (Some(what), Some(at)) = (begun, timestamp(event)) {
            let (what, name) = (what.to_ascii_lowercase(), text("StackName"));
            let what = format!("{what} of stack {name}{}", listed(&changed));
            found.push(Deployment { at, what, state: state_now.to_owned() });
            state = None;
            changed.clear();
        }
    }
    found
}

/// ` (ApiTask, Api and 3 more)`, in the order they changed; `changed` has the last first.
fn listed(changed: &[&str]) -> String {
    let names: Vec<&str> = changed.iter().rev().take(MOST_RESOURCES).copied().collect();
    match changed.len().saturating_sub(MOST_RESOURCES) {
        _ if names.is_empty() => String::new(),
        0 => format!(" ({})", names.join(", ")),
        more => format!(" ({} and {more} more)", names.join(", ")),
    }
}

/// The deployments that a service still knows: those under way and the last that came to its end.
pub(super) async fn of_service(
    aws: &Signed,
    cluster: &str,
    service: &str,
) -> Result<Known<Deployment>, LookupError> {
    let target = "AmazonEC2ContainerServiceV20141113.DescribeServices";
    let parameters = json!({"cluster": cluster, "services": [service]});
    let answer = aws.json("ecs", target, &parameters).await?;
    let services = list(&answer, "services").iter();
    let deployments = services.flat_map(|it| list(it, "deployments"));
    let items = deployments.filter_map(|it| {
        let task = text(it, "taskDefinition").and_then(|it| it.rsplit('/').next());
        let with = task.map(|task| format!(" with {task}")).unwrap_or_default();
        Some(Deployment {
            at: time(it, "createdAt")?,
            what: format!("deployment of service {service}{with}"),
            // Only services of the rolling kind have the first.
            state: text(it, "rolloutState").or_else(|| text(it, "status"))?.to_owned(),
        })
    });
    // ECS forgets a deployment when the next one is done.
    Ok(Known { items: items.collect(), complete: true })
}

/// The account's deployments that are about resources with these names; the newest 25 are read.
pub(super) async fn of_code_deploy(
    aws: &Signed,
    names: &[String],
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Known<Deployment>, LookupError> {
    let ask = |operation: &'static str, parameters: Value| async move {
        let target = format!("CodeDeploy_20141006.{operation}");
        aws.json("codedeploy", &target, &parameters).await
    };
    let span = json!({"start": since.timestamp(), "end": until.timestamp()});
    let listed = ask("ListDeployments", json!({"createTimeRange": span})).await?;
    let ids = list(&listed, "deployments");
    let complete = listed.get("nextToken").is_none() && ids.len() <= MOST_DEPLOYMENTS;
    let ids = &ids[..ids.len().min(MOST_DEPLOYMENTS)];
    if ids.is_empty() {
        return Ok(Known { items: Vec::new(), complete });
    }
    let answer = ask("BatchGetDeployments", json!({"deploymentIds": ids})).await?;
    let infos = list(&answer, "deploymentsInfo").iter();
    Ok(Known { items: infos.filter_map(|info| deployment(info, names)).collect(), complete })
}

fn deployment(info: &Value, names: &[String]) -> Option<Deployment> {
    let (application, group) = (text(info, "applicationName")?, text(info, "deploymentGroupName")?);
    if !is_about(application, names) && !is_about(group, names) {
        return None;
    }
    Some(Deployment {
        at: time(info, "createTime")?,
        what: format!("deployment of application {application} to {group}"),
        state: text(info, "status")?.to_owned(),
    })
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

/// Seconds since 1970, as the protocol JSON 1.1 writes times.
fn time(value: &Value, field: &str) -> Option<DateTime<Utc>> {
    let seconds = value.get(field)?.as_f64()?;
    #[allow(clippy::cast_possible_truncation, reason = "a cast of a float is limited")]
    DateTime::from_timestamp_millis((seconds * 1_000.0) as i64)
}
