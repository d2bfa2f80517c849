//! One AWS endpoint for all services that the stages call, each in its own protocol.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cbor;
use super::deployed::Deployed;
use super::http::{Answer, Request, serve};
use super::lambda::{REGION, Stage};
use super::logs::Logs;
use super::resources::Resources;
use super::script::Script;

pub const EVENTS_QUEUE: &str =
    "https://sqs.ap-northeast-1.amazonaws.com/449671225256/pagetrail-events.fifo";
pub const REJECTED_QUEUE: &str =
    "https://sqs.ap-northeast-1.amazonaws.com/449671225256/pagetrail-rejected.fifo";
pub const SECRET: &str =
    "arn:aws:secretsmanager:ap-northeast-1:449671225256:secret:pagetrail-key-AbCdEf";
pub const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const TOKEN_SECRET: &str =
    "arn:aws:secretsmanager:ap-northeast-1:449671225256:secret:pagetrail-token-AbCdEf";
pub const TOKEN: &str = "Kq3vXo8LmZ5tYb1RwDnE7hJcUf2GsAp9TiQxV4Ol";

const CLOUDWATCH: &str = "GraniteServiceVersion20100801";
const LAMBDA: &str = "lambda";
const CLOUDTRAIL: &str = "CloudTrail_20131101";
const CODE_DEPLOY: &str = "CodeDeploy_20141006";
const ECS: &str = "AmazonEC2ContainerServiceV20141113";
/// The services that speak the query protocol.
const SNS: &str = "sns";
const CLOUDFORMATION: &str = "cloudformation";
/// The subscription between the topic and enrich.
pub const SUBSCRIPTION: &str =
    "arn:aws:sns:us-east-1:449671225256:alarms:8a21d249-4329-4871-acc6-7be709c6ea7f";
const LOG_OPERATIONS: [&str; 3] = ["DescribeMetricFilters", "DescribeLogGroups", "FilterLogEvents"];

/// One call as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: String,
    /// From the signature's credential scope, like the Region.
    pub access_key: String,
    pub region: String,
    pub body: Value,
    pub at: Instant,
}

impl Call {
    /// Whether it asks one of the next questions: these read small pages, and the alarms in ALARM.
    pub fn is_for_context(&self) -> bool {
        match self.operation.as_str() {
            "FilterLogEvents" => self.body.get("limit").is_some(),
            "DescribeAlarms" => self.body.get("StateValue").is_some(),
            "DescribeAlarmHistory"
            | "GetMetricData"
            | "LookupEvents"
            | "DescribeServices"
            | "ListDeployments"
            | "BatchGetDeployments"
            | "DescribeStackResources"
            | "DescribeStackEvents" => true,
            _ => false,
        }
    }
}

/// One message in a queue.
#[derive(Debug, Clone)]
pub struct Message {
    pub body: Value,
    pub text: String,
    pub group: String,
    pub deduplication: String,
    pub attributes: HashMap<String, String>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    script: Script,
    logs: Logs,
    resources: Resources,
    deployed: Deployed,
    secrets: HashMap<String, String>,
    sent: Vec<(String, Message)>,
    delays: HashMap<String, Duration>,
    under_way: HashMap<String, usize>,
    most_at_once: HashMap<String, usize>,
}

/// The endpoint; clones share one state.
#[derive(Clone)]
pub struct Aws {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

impl Aws {
    /// Starts with empty logs and queues, and [`ROUTING_KEY`] and [`TOKEN`] in their secrets.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = serve(move |request| answer(Arc::clone(&shared), request)).await;
        let aws = Self { state, address };
        aws.secret(ROUTING_KEY);
        aws.token(TOKEN);
        aws
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The `enrich` stage with this endpoint and the configuration it must have.
    pub fn enrich(&self) -> Stage {
        Stage::new("enrich")
            .variable("AWS_ENDPOINT_URL", &self.url())
            .variable("PAGETRAIL_EVENTS_QUEUE_URL", EVENTS_QUEUE)
    }

    /// The `deliver` stage with this endpoint and the configuration it must have.
    pub fn deliver(&self, pagerduty_url: &str) -> Stage {
        Stage::new("deliver")
            .variable("AWS_ENDPOINT_URL", &self.url())
            .variable("PAGETRAIL_EVENTS_QUEUE_URL", EVENTS_QUEUE)
            .variable("PAGETRAIL_REJECTED_QUEUE_URL", REJECTED_QUEUE)
            .variable("PAGETRAIL_ROUTING_KEY_SECRET_ARN", SECRET)
            .variable("PAGETRAIL_PAGERDUTY_URL", pagerduty_url)
    }

    /// The `gateway` stage with this endpoint and the configuration it must have.
    pub fn gateway(&self) -> Stage {
        Stage::new("gateway")
            .variable("AWS_ENDPOINT_URL", &self.url())
            .variable("PAGETRAIL_EVENTS_QUEUE_URL", EVENTS_QUEUE)
            .variable("PAGETRAIL_ROUTING_KEY_SECRET_ARN", SECRET)
            .variable("PAGETRAIL_TOKEN_SECRET_ARN", TOKEN_SECRET)
    }

    /// Sets what CloudWatch Logs holds.
    pub fn logs<T>(&self, change: impl FnOnce(&mut Logs) -> T) -> T {
        change(&mut self.state.lock().unwrap().logs)
    }

    /// Sets what stands around the logs: alarms, tags, functions, rules.
    pub fn resources<T>(&self, change: impl FnOnce(&mut Resources) -> T) -> T {
        change(&mut self.state.lock().unwrap().resources)
    }

    /// Sets what was deployed.
    pub fn deployed<T>(&self, change: impl FnOnce(&mut Deployed) -> T) -> T {
        change(&mut self.state.lock().unwrap().deployed)
    }

    /// Sets the routing key that the secret holds.
    pub fn secret(&self, value: &str) {
        self.state.lock().unwrap().secrets.insert(SECRET.to_owned(), value.to_owned());
    }

    /// Sets the bearer token that the secret holds.
    pub fn token(&self, value: &str) {
        self.state.lock().unwrap().secrets.insert(TOKEN_SECRET.to_owned(), value.to_owned());
    }

    pub fn script(&self, tell: impl FnOnce(&mut Script)) {
        tell(&mut self.state.lock().unwrap().script);
    }

    /// This answer to every coming call of the operation.
    pub fn always(&self, operation: &str, answer: Answer) {
        self.script(|script| script.always_where(operation, |_| true, answer));
    }

    /// Lets every call of the operation take this long.
    pub fn delay(&self, operation: &str, delay: Duration) {
        self.state.lock().unwrap().delays.insert(operation.to_owned(), delay);
    }

    /// The calls of an operation, without those for context.
    pub fn calls(&self, operation: &str) -> Vec<Call> {
        let wanted = |call: &&Call| call.operation == operation && !call.is_for_context();
        self.state.lock().unwrap().calls.iter().filter(wanted).cloned().collect()
    }

    /// The calls of an operation that were made for context.
    pub fn context_calls(&self, operation: &str) -> Vec<Call> {
        let wanted = |call: &&Call| call.operation == operation && call.is_for_context();
        self.state.lock().unwrap().calls.iter().filter(wanted).cloned().collect()
    }

    /// All calls to CloudWatch Logs, in the order they came, those for context too.
    pub fn log_calls(&self) -> Vec<Call> {
        let is_log = |call: &&Call| LOG_OPERATIONS.contains(&call.operation.as_str());
        self.state.lock().unwrap().calls.iter().filter(is_log).cloned().collect()
    }

    pub fn operations(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.iter().map(|call| call.operation.clone()).collect()
    }

    /// How many calls of the operation, without those for context, were under way at the same time.
    pub fn most_at_once(&self, operation: &str) -> usize {
        self.state.lock().unwrap().most_at_once.get(operation).copied().unwrap_or_default()
    }

    /// All messages sent to the queue, those that SQS would drop as duplicates too.
    pub fn sent(&self, queue: &str) -> Vec<Message> {
        let state = self.state.lock().unwrap();
        let to_queue = state.sent.iter().filter(|(to, _)| to == queue);
        to_queue.map(|(_, message)| message.clone()).collect()
    }

    /// The messages a consumer of the FIFO queue would see.
    pub fn queued(&self, queue: &str) -> Vec<Message> {
        let mut queued: Vec<Message> = Vec::new();
        for message in self.sent(queue) {
            if queued.iter().all(|earlier| earlier.deduplication != message.deduplication) {
                queued.push(message);
            }
        }
        queued
    }

    /// The only event in the events queue.
    #[track_caller]
    pub fn only_event(&self) -> Value {
        let queued = self.queued(EVENTS_QUEUE);
        assert_eq!(queued.len(), 1, "one event is queued: {queued:#?}");
        queued[0].body["event"].clone()
    }
}

/// The error a service answers in the AWS JSON protocols.
pub fn refusal(code: &str, message: &str) -> Answer {
    refusal_with_status(400, code, message)
}

pub fn refusal_with_status(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"__type": code, "message": message}))
        .header("x-amzn-errortype", code)
}

/// The words IAM uses, for a role that lacks the action on this log group.
pub fn access_denied(action: &str, log_group: &str) -> Answer {
    let message = format!(
        "User: arn:aws:sts::449671225256:assumed-role/pagetrail/enrich is not authorized to \
         perform: {action} on resource: \
         arn:aws:logs:{REGION}:449671225256:log-group:{log_group}:log-stream: because no \
         identity-based policy allows the {action} action"
    );
    refusal("AccessDeniedException", &message)
}

/// The error a service answers in the query protocol.
pub fn query_refusal(status: u16, code: &str, message: &str) -> Answer {
    let error = format!("<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>");
    query_answer(status, &format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"))
}

fn subscription_attributes() -> Answer {
    let attributes =
        "<Attributes><entry><key>Protocol</key><value>lambda</value></entry></Attributes>";
    let operation = "GetSubscriptionAttributes";
    let result = format!("<{operation}Result>{attributes}</{operation}Result>");
    query_answer(200, &format!("<{operation}Response>{result}</{operation}Response>"))
}

pub fn query_answer(status: u16, xml: &str) -> Answer {
    Answer::text(status, xml).header("content-type", "text/xml")
}

async fn answer(state: Arc<Mutex<State>>, request: Request) -> Answer {
    let (service, operation, body) = asked(&request);
    let (service, operation) = (service.as_str(), operation.as_str());
    let scope = request.header("authorization").split("Credential=").nth(1).unwrap_or("");
    let scoped = |part| scope.split('/').nth(part).unwrap_or("").to_owned();
    let call = Call {
        operation: operation.to_owned(),
        access_key: scoped(0),
        region: scoped(2),
        body,
        at: request.at,
    };
    let delay = {
        let mut guard = state.lock().unwrap();
        let state = &mut *guard;
        state.calls.push(call.clone());
        if !call.is_for_context() {
            let under_way = state.under_way.entry(operation.to_owned()).or_default();
            *under_way += 1;
            let most = state.most_at_once.entry(operation.to_owned()).or_default();
            *most = (*most).max(*under_way);
        }
        state.delays.get(operation).copied().unwrap_or_default()
    };
    tokio::time::sleep(delay).await;
    let mut state = state.lock().unwrap();
    if !call.is_for_context() {
        *state.under_way.get_mut(operation).expect("counted above") -= 1;
    }
    let answer = match state.script.answer(operation, &call.body) {
        Some(scripted) => scripted,
        None => match (service, operation) {
            ("Logs_20140328", _) => state.logs.answer(&call),
            (CLOUDWATCH | LAMBDA | CLOUDTRAIL | "AWSEvents", _) => state.resources.answer(&call),
            (CLOUDFORMATION | ECS | CODE_DEPLOY, _) => state.deployed.answer(&call),
            ("AmazonSQS", "SendMessage") => state.send_message(&call.body),
            ("AmazonSQS", "GetQueueAttributes") => state.queue_attributes(&call.body),
            ("AmazonSQS", "ChangeMessageVisibility") => Answer::json(200, &json!({})),
            ("secretsmanager", "GetSecretValue") => state.secret_value(&call.body),
            (SNS, "GetSubscriptionAttributes") => subscription_attributes(),
            _ => {
                let words = format!("no stand-in for {operation} of {service}");
                refusal("UnknownOperationException", &words)
            }
        },
    };
    if service == CLOUDWATCH { cbor::answer(answer) } else { answer }
}

/// The service, the operation and its parameters as JSON, whatever the protocol.
fn asked(request: &Request) -> (String, String, Value) {
    let path = request.path.split('?').next().unwrap_or_default();
    let (service, operation, body) = match path.split('/').collect::<Vec<_>>()[..] {
        ["", "service", service, "operation", operation] => {
            (service, operation, cbor::read(&request.body))
        }
        ["", "2015-03-31", "functions", name, "configuration"] => {
            let name = name.replace("%3A", ":");
            let query = request.path.split_once('?').map_or("", |(_, query)| query);
            let qualifier = query.strip_prefix("Qualifier=").unwrap_or_default();
            let body = json!({"FunctionName": name, "Qualifier": qualifier});
            (LAMBDA, "GetFunctionConfiguration", body)
        }
        _ if request.header("content-type") == "application/x-www-form-urlencoded" => {
            let mut fields: HashMap<_, _> =
                url::form_urlencoded::parse(&request.body).into_owned().collect();
            let operation = fields.remove("Action").unwrap_or_default();
            let service = if operation.contains("Stack") { CLOUDFORMATION } else { SNS };
            return (service.to_owned(), operation, json!(fields));
        }
        _ => {
            let target = request.header("x-amz-target");
            let (service, operation) = target.split_once('.').unwrap_or_default();
            (service, operation, request.json())
        }
    };
    (service.to_owned(), operation.to_owned(), body)
}

impl State {
    fn send_message(&mut self, body: &Value) -> Answer {
        let text = body["MessageBody"].as_str().unwrap_or_default().to_owned();
        let queue = body["QueueUrl"].as_str().unwrap_or_default().to_owned();
        let group = body["MessageGroupId"].as_str().unwrap_or_default().to_owned();
        let deduplication = body["MessageDeduplicationId"].as_str().unwrap_or_default().to_owned();
        if group.is_empty() || deduplication.is_empty() {
            return refusal(
                "MissingParameter",
                "a FIFO queue needs a group and a deduplication id",
            );
        }
        if text.is_empty() {
            return refusal("MissingParameter", "a message must have a body");
        }
        let attributes: HashMap<String, String> = body["MessageAttributes"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value["StringValue"].as_str().unwrap().to_owned()))
            .collect();
        let attribute_size: usize =
            attributes.iter().map(|(name, value)| name.len() + value.len() + "String".len()).sum();
        if text.len() + attribute_size > 1_048_576 {
            return refusal("InvalidParameterValue", "message must be shorter than 1048576 bytes");
        }
        let message = Message {
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            group,
            deduplication,
            attributes,
        };
        self.sent.push((queue, message));
        Answer::json(200, &json!({"MessageId": format!("m-{}", self.sent.len())}))
    }

    fn queue_attributes(&self, body: &Value) -> Answer {
        let queue = body["QueueUrl"].as_str().unwrap_or_default();
        let waiting = self.sent.iter().filter(|(to, _)| to == queue).count();
        let attributes = json!({
            "ApproximateNumberOfMessages": waiting.to_string(),
            "ApproximateNumberOfMessagesNotVisible": "0",
        });
        Answer::json(200, &json!({"Attributes": attributes}))
    }

    fn secret_value(&self, body: &Value) -> Answer {
        let id = body["SecretId"].as_str().unwrap_or_default();
        match self.secrets.get(id) {
            Some(value) => Answer::json(200, &json!({"ARN": id, "SecretString": value})),
            None => refusal(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            ),
        }
    }
}
