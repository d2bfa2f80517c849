//! What was deployed: stacks of CloudFormation, services of ECS and deployments of CodeDeploy.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::aws::{Call, query_answer, query_refusal, refusal};
use super::http::Answer;

/// The deployments of one Region; nothing until a test says otherwise. Times are in milliseconds since 1970.
#[derive(Default)]
pub struct Deployed {
    /// By physical id of a resource: the name of its stack.
    stacks: HashMap<String, String>,
    /// By stack: time, logical id, type and status, the newest first.
    events: HashMap<String, Vec<(i64, String, String, String)>>,
    /// By `CLUSTER/SERVICE`: time, task definition and state.
    services: HashMap<String, Vec<(i64, String, String)>>,
    /// Time, application, group and state.
    code: Vec<(i64, String, String, String)>,
}

impl Deployed {
    /// The stack that has the resource with this physical id.
    pub fn stack(&mut self, resource: &str, name: &str) {
        self.stacks.insert(resource.to_owned(), name.to_owned());
    }

    /// An event of a stack; the newest must be told first. A logical id equal to the stack's name is the stack's own.
    pub fn event(&mut self, stack: &str, at: i64, resource: &str, status: &str) {
        let kind =
            if resource == stack { "AWS::CloudFormation::Stack" } else { "AWS::ECS::Service" };
        let event = (at, resource.to_owned(), kind.to_owned(), status.to_owned());
        self.events.entry(stack.to_owned()).or_default().push(event);
    }

    /// A deployment of a service.
    pub fn service(&mut self, (cluster, service): (&str, &str), at: i64, task: &str, state: &str) {
        let deployments = self.services.entry(format!("{cluster}/{service}"));
        deployments.or_default().push((at, task.to_owned(), state.to_owned()));
    }

    /// A deployment by CodeDeploy.
    pub fn code(&mut self, at: i64, (application, group): (&str, &str), state: &str) {
        self.code.push((at, application.to_owned(), group.to_owned(), state.to_owned()));
    }

    pub fn answer(&self, call: &Call) -> Answer {
        let text = |name: &str| call.body[name].as_str().unwrap_or_default();
        match call.operation.as_str() {
            "DescribeStackResources" => self.stack_resources(text("PhysicalResourceId")),
            "DescribeStackEvents" => self.stack_events(text("StackName")),
            "DescribeServices" => self.describe_services(&call.body),
            "ListDeployments" => self.list_deployments(&call.body["createTimeRange"]),
            "BatchGetDeployments" => self.batch_get(&call.body["deploymentIds"]),
            other => refusal("UnknownOperationException", &format!("no stand-in for {other}")),
        }
    }

    fn stack_resources(&self, resource: &str) -> Answer {
        let Some(stack) = self.stacks.get(resource) else {
            let words = format!("Stack for {resource} does not exist");
            return query_refusal(400, "ValidationError", &words);
        };
        let member = format!(
            "<member><StackId>{}</StackId><StackName>{stack}</StackName>\
             <PhysicalResourceId>{resource}</PhysicalResourceId></member>",
            stack_id(stack)
        );
        described("DescribeStackResources", &format!("<StackResources>{member}</StackResources>"))
    }

    fn stack_events(&self, id: &str) -> Answer {
        let name = id.split('/').nth(1).unwrap_or(id);
        let events = self.events.get(name).into_iter().flatten();
        let member = |(at, resource, kind, status): &(i64, String, String, String)| {
            let physical =
                if resource == name { stack_id(name) } else { format!("{resource}-1QO9Z8") };
            let at = DateTime::from_timestamp_millis(*at).unwrap();
            let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
            format!(
                "<member><StackId>{}</StackId><StackName>{name}</StackName><EventId>{resource}</EventId>\
                 <LogicalResourceId>{resource}</LogicalResourceId>\
                 <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>{kind}</ResourceType>\
                 <Timestamp>{at}</Timestamp><ResourceStatus>{status}</ResourceStatus></member>",
                stack_id(name)
            )
        };
        let members: String = events.map(member).collect();
        described("DescribeStackEvents", &format!("<StackEvents>{members}</StackEvents>"))
    }

    fn describe_services(&self, body: &Value) -> Answer {
        let name = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let (cluster, service) = (name(&body["cluster"]), name(&body["services"][0]));
        let Some(deployments) = self.services.get(&format!("{cluster}/{service}")) else {
            return Answer::json(
                200,
                &json!({"services": [], "failures": [{"reason": "MISSING"}]}),
            );
        };
        let deployment = |(at, task, state): &(i64, String, String)| {
            let arn = format!("arn:aws:ecs:ap-northeast-1:449671225256:task-definition/{task}");
            json!({"createdAt": at / 1_000, "taskDefinition": arn, "status": "PRIMARY", "rolloutState": state})
        };
        let deployments: Vec<Value> = deployments.iter().map(deployment).collect();
        let service = json!({"serviceName": service, "deployments": deployments});
        Answer::json(200, &json!({"services": [service]}))
    }

    fn list_deployments(&self, span: &Value) -> Answer {
        let within = |at: i64| {
            #[allow(clippy::cast_precision_loss, reason = "a time of this century")]
            let seconds = at as f64 / 1_000.0;
            span["start"].as_f64().is_some_and(|start| start <= seconds)
                && span["end"].as_f64().is_some_and(|end| seconds <= end)
        };
        let ids = self.code.iter().enumerate().filter(|(_, it)| within(it.0));
        let ids: Vec<String> = ids.map(|(number, _)| format!("d-{number}")).collect();
        Answer::json(200, &json!({"deployments": ids}))
    }

    fn batch_get(&self, ids: &Value) -> Answer {
        let info = |id: &Value| {
            let number: usize = id.as_str().unwrap()[2..].parse().unwrap();
            let (at, application, group, state) = &self.code[number];
            json!({"deploymentId": id, "createTime": at / 1_000, "applicationName": application,
                "deploymentGroupName": group, "status": state})
        };
        let infos: Vec<Value> = ids.as_array().into_iter().flatten().map(info).collect();
        Answer::json(200, &json!({"deploymentsInfo": infos}))
    }
}

fn stack_id(name: &str) -> String {
    format!("arn:aws:cloudformation:ap-northeast-1:449671225256:stack/{name}/1f6d2c50")
}

fn described(operation: &str, result: &str) -> Answer {
    let result = format!("<{operation}Result>{result}</{operation}Result>");
    query_answer(200, &format!("<{operation}Response>{result}</{operation}Response>"))
}
