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
    /// By function, or function and version: when it was last changed.
    changed: HashMap<String, String>,
    /// By alarm: milliseconds since 1970 and the state it went into, the newest first.
    history: HashMap<String, Vec<(i64, String)>>,
    /// By metric: its values, whatever the time span.
    values: HashMap<String, Vec<f64>>,
    /// By resource: milliseconds since 1970 and the name of a call that CloudTrail recorded.
    api_calls: HashMap<String, Vec<(i64, String)>>,
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

    /// When a function, or a version of it such as `orders:43`, was last changed.
    pub fn changed(&mut self, name: &str, at: &str) {
        let function = name.split(':').next().unwrap_or(name);
        self.functions.entry(function.to_owned()).or_default();
        self.changed.insert(name.to_owned(), at.to_owned());
    }

    /// A state change in an alarm's history; the newest must be told first.
    pub fn went(&mut self, alarm: &str, at: i64, state: &str) {
        self.history.entry(alarm.to_owned()).or_default().push((at, state.to_owned()));
    }

    /// A call on a resource that CloudTrail recorded.
    pub fn called(&mut self, resource: &str, at: i64, call: &str) {
        self.api_calls.entry(resource.to_owned()).or_default().push((at, call.to_owned()));
    }

    /// The values of a metric.
    pub fn metric(&mut self, name: &str, values: &[f64]) {
        self.values.insert(name.to_owned(), values.to_vec());
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
                let mut answer = json!({"FunctionName": name, "LoggingConfig": logging});
                let versioned = match text("Qualifier") {
                    "" => name.to_owned(),
                    version => format!("{name}:{version}"),
                };
                if let Some(changed) = self.changed.get(&versioned) {
                    answer["LastModified"] = changed.as_str().into();
                }
                Answer::json(200, &answer)
            }
            "DescribeAlarmHistory" => self.alarm_history(text("AlarmName")),
            "GetMetricData" => self.metric_data(&call.body),
            "LookupEvents" => self.lookup_events(&call.body),
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

    fn alarm_history(&self, alarm: &str) -> Answer {
        let changes = self.history.get(alarm).into_iter().flatten();
        let item = |(at, state): &(i64, String)| {
            let data = json!({"version": "1.0", "newState": {"stateValue": state}});
            #[allow(clippy::cast_precision_loss, reason = "a time of this century")]
            let seconds = *at as f64 / 1_000.0;
            json!({"AlarmName": alarm, "Timestamp": seconds, "HistoryItemType": "StateUpdate",
                "HistoryData": data.to_string()})
        };
        Answer::json(200, &json!({"AlarmHistoryItems": changes.map(item).collect::<Vec<_>>()}))
    }

    fn lookup_events(&self, body: &Value) -> Answer {
        let attribute = &body["LookupAttributes"][0];
        assert_eq!(attribute["AttributeKey"], "ResourceName");
        let name = attribute["AttributeValue"].as_str().unwrap_or_default();
        let within = |at: &i64| {
            let (from, to) = (body["StartTime"].as_f64(), body["EndTime"].as_f64());
            #[allow(clippy::cast_precision_loss, reason = "a time of this century")]
            let seconds = *at as f64 / 1_000.0;
            from.is_some_and(|from| from <= seconds) && to.is_some_and(|to| seconds <= to)
        };
        let calls = self.api_calls.get(name).into_iter().flatten().filter(|(at, _)| within(at));
        let event = |(at, call): &(i64, String)| {
            let read_only = if call.starts_with("Get") { "true" } else { "false" };
            json!({"EventName": call, "EventTime": at / 1_000, "ReadOnly": read_only,
                "Username": "jo@example.com"})
        };
        Answer::json(200, &json!({"Events": calls.map(event).collect::<Vec<_>>()}))
    }

    fn metric_data(&self, body: &Value) -> Answer {
        let queries = body["MetricDataQueries"].as_array().cloned().unwrap_or_default();
        let result = |query: &Value| {
            let name = query["MetricStat"]["Metric"]["MetricName"].as_str().unwrap_or_default();
            let values = self.values.get(name).cloned().unwrap_or_default();
            json!({"Id": query["Id"], "Values": values, "StatusCode": "Complete"})
        };
        let results: Vec<Value> = queries.iter().map(result).collect();
        Answer::json(200, &json!({"MetricDataResults": results}))
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
            let state = body["StateValue"].as_str();
            let asked = |alarm: &&Value| {
                names.is_none_or(|it| it.contains(&alarm["AlarmName"]))
                    && state.is_none_or(|state| alarm["StateValue"] == state)
            };
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
