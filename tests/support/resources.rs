//! What stands around the logs: alarms with their tags, functions, and the targets of rules.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::alarms::{alarm_arn, topic};
use super::aws::{Call, refusal, refusal_with_status};
use super::http::Answer;
use super::lambda::REGION;

/// The resources of one Region; nothing until a test says otherwise.
#[derive(Default)]
pub struct Resources {
    tags: HashMap<String, Vec<(String, String)>>,
    metric_alarms: Vec<Value>,
    composite_alarms: Vec<Value>,
    log_alarms: Vec<Value>,
    /// Whether this Region is one that knows no log alarms, and refuses their type.
    pub without_log_alarms: bool,
    /// By name: the log group where the user chose one.
    functions: HashMap<String, Option<String>>,
    targets: HashMap<String, Vec<String>>,
}

impl Resources {
    /// A tag of the alarm with this name.
    pub fn tag(&mut self, alarm: &str, key: &str, value: &str) {
        self.tags.entry(alarm_arn(alarm)).or_default().push((key.into(), value.into()));
    }

    /// An alarm on one metric, as `DescribeAlarms` shows it.
    pub fn alarm(&mut self, name: &str, state: &str, metric: (&str, &str)) {
        self.metric_alarms.push(json!({
            "AlarmName": name,
            "AlarmArn": alarm_arn(name),
            "StateValue": state,
            "StateReason": "Threshold Crossed: 1 datapoint [1.0 (02/02/25 12:05:00)] was greater \
                            than or equal to the threshold (1.0).",
            "StateUpdatedTimestamp": 1_738_497_995.472,
            "Namespace": metric.0,
            "MetricName": metric.1,
            "Dimensions": [],
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        }));
    }

    /// A composite alarm, as `DescribeAlarms` shows it.
    pub fn composite(&mut self, name: &str, state: &str, rule: &str) {
        self.composite_alarms.push(json!({
            "AlarmName": name,
            "AlarmArn": alarm_arn(name),
            "AlarmRule": rule,
            "StateValue": state,
            "StateReason": "a child transitioned",
            "StateUpdatedTimestamp": 1_738_497_995.472,
        }));
    }

    /// A log alarm, as `DescribeAlarms` shows it.
    pub fn log_alarm(&mut self, name: &str, state: &str, query: &str, log_groups: &[&str]) {
        self.log_alarms.push(json!({
            "AlarmName": name,
            "AlarmArn": alarm_arn(name),
            "StateValue": state,
            "StateReason": "Threshold Crossed: 1 out of the last 1 query results \
                            [1.0 (02/02/25 12:05:00)] was greater than the threshold (0.0).",
            "StateUpdatedTimestamp": 1_738_497_995.472,
            "ScheduledQueryConfiguration": {
                "QueryString": query,
                "LogGroupIdentifiers": log_groups,
                "AggregationExpression": "count(*)",
                "ScheduleConfiguration":
                    {"ScheduleExpression": "rate(1 minute)", "StartTimeOffset": 60},
            },
            "QueryResultsToEvaluate": 1,
            "QueryResultsToAlarm": 1,
            "AlarmActions": [topic(REGION)],
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanThreshold",
        }));
    }

    /// The actions of the alarm with this name when it goes into ALARM.
    pub fn notifies(&mut self, name: &str, actions: &[&str]) {
        let alarms = self.metric_alarms.iter_mut().chain(&mut self.composite_alarms);
        for alarm in alarms.filter(|alarm| alarm["AlarmName"] == name) {
            alarm["AlarmActions"] = json!(actions);
        }
    }

    /// A Lambda function, and its log group where that is not the usual one.
    pub fn function(&mut self, name: &str, log_group: Option<&str>) {
        self.functions.insert(name.to_owned(), log_group.map(str::to_owned));
    }

    /// The ARNs that an EventBridge rule invokes.
    pub fn rule(&mut self, name: &str, targets: &[&str]) {
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        self.targets.insert(name.to_owned(), targets);
    }

    pub fn answer(&self, call: &Call) -> Answer {
        let text = |name: &str| call.body[name].as_str().unwrap_or_default();
        match call.operation.as_str() {
            "ListTagsForResource" => {
                let tags = self.tags.get(text("ResourceARN")).into_iter().flatten();
                let tags: Vec<Value> =
                    tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
                Answer::json(200, &json!({"Tags": tags}))
            }
            "DescribeAlarms" => self.describe_alarms(&call.body),
            "GetFunctionConfiguration" => {
                let name = text("FunctionName");
                let Some(group) = self.functions.get(name) else {
                    let words = format!("Function not found: {name}");
                    return refusal_with_status(404, "ResourceNotFoundException", &words);
                };
                let usual = format!("/aws/lambda/{name}");
                let group = group.as_ref().unwrap_or(&usual);
                let logging = json!({"LogFormat": "Text", "LogGroup": group});
                Answer::json(200, &json!({"FunctionName": name, "LoggingConfig": logging}))
            }
            "ListTargetsByRule" => {
                let Some(targets) = self.targets.get(text("Rule")) else {
                    return refusal("ResourceNotFoundException", "Rule does not exist.");
                };
                let target = |(number, arn): (usize, &String)| json!({"Id": format!("target-{number}"), "Arn": arn});
                let targets: Vec<Value> = targets.iter().enumerate().map(target).collect();
                Answer::json(200, &json!({"Targets": targets}))
            }
            other => refusal("UnknownOperationException", &format!("no stand-in for {other}")),
        }
    }

    /// Without `AlarmTypes`, all but metric alarms are left out, as AWS does it.
    fn describe_alarms(&self, body: &Value) -> Answer {
        let types = body["AlarmTypes"].as_array().cloned().unwrap_or_default();
        let wanted = |kind: &str| types.iter().any(|it| it == kind);
        if self.without_log_alarms && wanted("LogAlarm") {
            let words = "1 validation error detected: Value at 'alarmTypes' failed to satisfy \
                         constraint: Member must satisfy enum value set: \
                         [CompositeAlarm, MetricAlarm]";
            return refusal("ValidationError", words);
        }
        let names = body["AlarmNames"].as_array();
        let of = |alarms: &[Value]| -> Vec<Value> {
            let asked = |alarm: &&Value| names.is_none_or(|it| it.contains(&alarm["AlarmName"]));
            alarms.iter().filter(asked).cloned().collect()
        };
        let metric = types.is_empty() || wanted("MetricAlarm");
        Answer::json(
            200,
            &json!({
                "MetricAlarms": if metric { of(&self.metric_alarms) } else { Vec::new() },
                "CompositeAlarms":
                    if wanted("CompositeAlarm") { of(&self.composite_alarms) } else { Vec::new() },
                "LogAlarms": if wanted("LogAlarm") { of(&self.log_alarms) } else { Vec::new() },
            }),
        )
    }
}
