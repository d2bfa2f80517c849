//! CloudFormation, ECS and CodeDeploy as the source of deployments.

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client as CloudFormation;
use aws_sdk_cloudformation::types::{ResourceStatus, StackEvent};
use aws_sdk_codedeploy::Client as CodeDeploy;
use aws_sdk_codedeploy::types::{DeploymentInfo, TimeRange};
use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::DeploymentRolloutState;
use aws_smithy_runtime_api::client::result::SdkError;
use chrono::{DateTime, Utc};

use super::aws::time;
use super::deployments::is_about;
use super::ports::{Deployment, Known};
use crate::evidence::aws::{self, lookup_error};
use crate::evidence::ports::LookupError;

/// The most deployments that `BatchGetDeployments` takes (API reference).
const MOST_DEPLOYMENTS: usize = 25;
/// The most resources of a stack that are named.
const MOST_RESOURCES: usize = 3;
const STACK: &str = "AWS::CloudFormation::Stack";

/// The updates of the stack that has a resource; only the first page of its events is read, the newest 100.
pub(super) async fn of_stack(
    config: &SdkConfig,
    resource: &str,
    since: DateTime<Utc>,
) -> Result<Known<Deployment>, LookupError> {
    let client = CloudFormation::new(config);
    let found = client.describe_stack_resources().physical_resource_id(resource).send().await;
    let resources = match found {
        Ok(answer) => answer.stack_resources.unwrap_or_default(),
        // So CloudFormation says that no stack has the resource.
        Err(SdkError::ServiceError(error))
            if error.err().meta().code() == Some("ValidationError") =>
        {
            Vec::new()
        }
        Err(error) => return Err(lookup_error(&error)),
    };
    let Some(stack) = resources.into_iter().find_map(|it| it.stack_id) else {
        return Ok(Known { items: Vec::new(), complete: true });
    };
    let events = client.describe_stack_events().stack_name(stack).send().await;
    let answer = events.map_err(|error| lookup_error(&error))?;
    let events = answer.stack_events.unwrap_or_default();
    let oldest = events.last().and_then(|event| aws::time(event.timestamp?));
    let complete = answer.next_token.is_none() || oldest.is_some_and(|oldest| oldest < since);
    Ok(Known { items: updates(&events), complete })
}

/// Each time the stack began to change, out of its events, the newest first.
fn updates(events: &[StackEvent]) -> Vec<Deployment> {
    let mut found = Vec::new();
    // Of the update that the loop is in: its state, and the resources that changed, the last first.
    let mut state: Option<&str> = None;
    let mut changed: Vec<&str> = Vec::new();
    for event in events {
        let Some(status) = event.resource_status.as_ref().map(ResourceStatus::as_str) else {
            continue;
        };
        let is_stack = event.resource_type.as_deref() == Some(STACK)
            && event.physical_resource_id == event.stack_id;
        if !is_stack {
            let is_change = status.ends_with("_COMPLETE") && !status.starts_with("DELETE");
            let name = event.logical_resource_id.as_deref().filter(|_| is_change);
            changed.extend(name.filter(|name| !changed.contains(name)));
            continue;
        }
        let begun = ["CREATE", "UPDATE", "DELETE", "IMPORT"].into_iter();
        let begun = begun.filter(|it| status.strip_prefix(it) == Some("_IN_PROGRESS"));
        let state_now = *state.get_or_insert(status);
        for what in begun {
            let at = event.timestamp.and_then(aws::time);
            let (Some(at), Some(name)) = (at, event.stack_name.as_deref()) else { continue };
            let what = format!("{} of stack {name}{}", what.to_ascii_lowercase(), listed(&changed));
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
    config: &SdkConfig,
    cluster: &str,
    service: &str,
) -> Result<Known<Deployment>, LookupError> {
    let call = Ecs::new(config).describe_services().cluster(cluster).services(service);
    let answer = call.send().await.map_err(|error| lookup_error(&error))?;
    let services = answer.services.unwrap_or_default().into_iter();
    let deployments = services.flat_map(|it| it.deployments.unwrap_or_default());
    let items = deployments.filter_map(|it| {
        let task = it.task_definition.as_deref().and_then(|it| it.rsplit('/').next());
        let with = task.map(|task| format!(" with {task}")).unwrap_or_default();
        let rollout = it.rollout_state.as_ref().map(DeploymentRolloutState::as_str);
        Some(Deployment {
            at: aws::time(it.created_at?)?,
            what: format!("deployment of service {service}{with}"),
            // Only services of the rolling kind have the first.
            state: rollout.or(it.status.as_deref())?.to_owned(),
        })
    });
    // ECS forgets a deployment when the next one is done.
    Ok(Known { items: items.collect(), complete: true })
}

/// The account's deployments that are about resources with these names; the newest 25 are read.
pub(super) async fn of_code_deploy(
    config: &SdkConfig,
    names: &[String],
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Known<Deployment>, LookupError> {
    let client = CodeDeploy::new(config);
    let span = TimeRange::builder().start(time(since)).end(time(until)).build();
    let listed = client.list_deployments().create_time_range(span).send().await;
    let listed = listed.map_err(|error| lookup_error(&error))?;
    let mut ids = listed.deployments.unwrap_or_default();
    let complete = listed.next_token.is_none() && ids.len() <= MOST_DEPLOYMENTS;
    ids.truncate(MOST_DEPLOYMENTS);
    if ids.is_empty() {
        return Ok(Known { items: Vec::new(), complete });
    }
    let call = client.batch_get_deployments().set_deployment_ids(Some(ids));
    let answer = call.send().await.map_err(|error| lookup_error(&error))?;
    let infos = answer.deployments_info.unwrap_or_default().into_iter();
    Ok(Known { items: infos.filter_map(|info| deployment(info, names)).collect(), complete })
}

fn deployment(info: DeploymentInfo, names: &[String]) -> Option<Deployment> {
    let (application, group) = (info.application_name?, info.deployment_group_name?);
    if !is_about(&application, names) && !is_about(&group, names) {
        return None;
    }
    Some(Deployment {
        at: aws::time(info.create_time?)?,
        what: format!("deployment of application {application} to {group}"),
        state: info.status?.as_str().to_owned(),
    })
}
