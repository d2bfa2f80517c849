//! SNS notifications: a record of the Lambda event, and the alarm its message may be.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::arn::{Origin, Partition, is_account, is_region};
use super::{Alarm, Evaluation, Metric, State};

/// The period assumed where an alarm names none: the console's default.
const DEFAULT_PERIOD: Duration = Duration::from_mins(5);

/// What came in with one record: an alarm, or a message that pages as itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    Alarm(Box<Alarm>),
    Message(Message),
}

/// A message that is no alarm: a person published it, or the form is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The SNS message id; empty where the record has none.
    pub id: String,
    pub subject: Option<String>,
    pub body: String,
    pub topic: Option<String>,
    pub origin: Origin,
    /// Why it was not read as an alarm, in plain words.
    pub why: String,
}

/// Reads one record of an SNS event. Never fails: what is no alarm is a message.
/// `home` stands in where neither an ARN nor the message says where the alarm lives.
#[must_use]
pub fn read(record: &Value, home: &Origin) -> Notice {
    let sns = &record["Sns"];
    let topic = text(sns, "TopicArn");
    let topic_origin = topic.as_deref().and_then(Origin::from_arn);
    let origin = topic_origin.clone().unwrap_or_else(|| home.clone());
    let message = |body: String, why: &str| {
        Notice::Message(Message {
            id: text(sns, "MessageId").unwrap_or_default(),
            subject: text(sns, "Subject"),
            body,
            topic: topic.clone(),
            origin: origin.clone(),
            why: why.to_owned(),
        })
    };
    let Some(body) = sns["Message"].as_str() else {
        return message(record.to_string(), "the record is no SNS notification");
    };
    match serde_json::from_str::<Value>(body) {
        Err(_) => message(body.to_owned(), "the message is no JSON"),
        Ok(parsed) => match alarm(&parsed, &origin) {
            Some(alarm) => Notice::Alarm(Box::new(alarm)),
            None => message(body.to_owned(), "the message is no CloudWatch alarm"),
        },
    }
}

/// Reads an alarm's SNS message; nothing when the marker fields `AlarmName` and
/// `NewStateValue` are missing. Any other field may be missing or malformed.
#[must_use]
pub fn alarm(message: &Value, topic: &Origin) -> Option<Alarm> {
    let name = text(message, "AlarmName")?;
    let state = State::parse(message["NewStateValue"].as_str()?)?;
    let arn = text(message, "AlarmArn").filter(|arn| arn.starts_with("arn:"));
    let origin = arn.as_deref().and_then(Origin::from_arn).unwrap_or_else(|| {
        let mut origin = topic.clone();
        if let Some(account) = text(message, "AWSAccountId").filter(|it| is_account(it)) {
            origin.account = account;
        }
        origin
    });
    let change = text(message, "StateChangeTime")
        // Without a time the whole message is what tells state changes apart.
        .unwrap_or_else(|| message.to_string());
    let trigger = &message["Trigger"];
    Some(Alarm {
        name,
        description: text(message, "AlarmDescription"),
        arn,
        origin,
        state,
        reason: text(message, "NewStateReason").unwrap_or_default(),
        changed_at: time(&change),
        metrics: metrics(trigger),
        evaluation: Evaluation {
            period: period(trigger),
            periods: number(trigger, "EvaluationPeriods")
                .and_then(|periods| u32::try_from(periods).ok())
                .unwrap_or(1),
            comparison: text(trigger, "ComparisonOperator"),
        },
        contributor: contributor(message),
        change,
    })
}

/// Where this function runs, for notices that do not say where they come from.
#[must_use]
pub fn home(region: &str, account: &str) -> Origin {
    let region = if is_region(region) { region } else { "us-east-1" };
    let account = if is_account(account) { account } else { "000000000000" };
    Origin {
        partition: Partition::of_region(region),
        region: region.to_owned(),
        account: account.to_owned(),
    }
}

fn metrics(trigger: &Value) -> Vec<Metric> {
    let of = |metric: &Value| {
        Some(Metric { namespace: text(metric, "Namespace")?, name: text(metric, "MetricName")? })
    };
    let inputs = trigger["Metrics"].as_array().into_iter().flatten();
    let mut metrics: Vec<Metric> = of(trigger)
        .into_iter()
        .chain(inputs.filter_map(|input| of(&input["MetricStat"]["Metric"])))
        .collect();
    metrics.sort();
    metrics.dedup();
    metrics
}

fn period(trigger: &Value) -> Duration {
    let inputs = trigger["Metrics"].as_array().into_iter().flatten();
    inputs
        .filter_map(|input| number(&input["MetricStat"], "Period").or(number(input, "Period")))
        .chain(number(trigger, "Period"))
        .filter(|seconds| *seconds > 0)
        .max()
        .map_or(DEFAULT_PERIOD, Duration::from_secs)
}

/// The contributor's id or attributes. The key's name in SNS messages is not
/// documented: any key that contains `Contributor` counts.
fn contributor(message: &Value) -> Option<String> {
    let (_, value) = message.as_object()?.iter().find(|(key, value)| {
        key.to_ascii_lowercase().contains("contributor") && (value.is_string() || value.is_object())
    })?;
    let by_id = value.as_object().and_then(|fields| {
        let id = fields
            .iter()
            .find(|(key, _)| ["id", "contributorid"].contains(&key.to_ascii_lowercase().as_str()));
        id.and_then(|(_, id)| id.as_str())
    });
    match by_id.or(value.as_str()) {
        Some(id) => Some(id.to_owned()),
        None => Some(value.to_string()),
    }
}

/// `2025-02-02T12:06:35.472+0000`, which is not RFC 3339, or RFC 3339.
fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|time| time.to_utc())
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn number(value: &Value, key: &str) -> Option<u64> {
    value[key].as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn home_origin() -> Origin {
        home("eu-west-1", "111122223333")
    }

    fn record(message: &Value) -> Value {
        json!({"EventSource": "aws:sns", "Sns": {
            "MessageId": "m-1", "Subject": "ALARM: x",
            "TopicArn": "arn:aws:sns:us-west-2:444455556666:errors",
            "Message": message.to_string(),
        }})
    }

    fn alarm_of(message: &Value) -> Alarm {
        match read(&record(message), &home_origin()) {
            Notice::Alarm(alarm) => *alarm,
            Notice::Message(message) => panic!("{message:?}"),
        }
    }

    #[test]
    fn region_and_account_come_from_the_alarms_arn() {
        let alarm = alarm_of(&json!({
            "AlarmName": "a", "NewStateValue": "ALARM", "AWSAccountId": "999",
            "AlarmArn": "arn:aws:cloudwatch:ap-northeast-1:449671225256:alarm:a",
            "Region": "Asia Pacific (Tokyo)",
        }));
        assert_eq!(alarm.origin.region, "ap-northeast-1");
        assert_eq!(alarm.origin.account, "449671225256");
        assert_eq!(
            alarm.dedup_key().as_str(),
            "arn:aws:cloudwatch:ap-northeast-1:449671225256:alarm:a"
        );
    }

    #[test]
    fn without_an_arn_the_topic_says_the_region_and_the_key_is_the_same_for_ok() {
        let mut message = json!({
            "AlarmName": "a", "NewStateValue": "ALARM", "AWSAccountId": "777788889999",
            "StateChangeTime": "2025-02-02T12:06:35.472+0000", "Region": "US West - Oregon",
        });
        let raised = alarm_of(&message);
        message["NewStateValue"] = json!("OK");
        message["StateChangeTime"] = json!("2025-02-02T12:16:35.472+0000");
        let cleared = alarm_of(&message);
        assert_eq!(raised.dedup_key().as_str(), "777788889999/us-west-2/a");
        assert_eq!(raised.dedup_key(), cleared.dedup_key());
        assert_ne!(raised.deduplication_id(), cleared.deduplication_id());
        assert_eq!(raised.changed_at.unwrap().to_rfc3339(), "2025-02-02T12:06:35.472+00:00");
    }

    #[test]
    fn the_inputs_of_metric_math_are_metrics_once_each() {
        let input = json!({"Id": "m1", "MetricStat": {"Period": 60, "Stat": "Sum",
            "Metric": {"Namespace": "App", "MetricName": "Errors", "Dimensions": []}}});
        let alarm = alarm_of(&json!({
            "AlarmName": "a", "NewStateValue": "ALARM",
            "Trigger": {"Period": 30, "EvaluationPeriods": 3, "Metrics": [
                {"Id": "e1", "Expression": "m1 / m2"}, input, input,
                {"Id": "m2", "MetricStat": {"Period": 120, "Metric":
                    {"Namespace": "App", "MetricName": "Calls"}}},
            ]},
        }));
        let names: Vec<_> = alarm.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["Calls", "Errors"]);
        assert_eq!(alarm.evaluation.period, Duration::from_mins(2));
        assert_eq!(alarm.evaluation.periods, 3);
    }

    #[test]
    fn malformed_fields_cost_only_themselves() {
        let alarm = alarm_of(&json!({
            "AlarmName": "a", "NewStateValue": "ALARM", "AlarmArn": 7, "NewStateReason": null,
            "StateChangeTime": "yesterday", "Trigger": "none", "AlarmDescription": {"x": 1},
            "AWSAccountId": "not-a-number",
        }));
        assert_eq!(alarm.changed_at, None);
        assert_eq!(alarm.evaluation.period, DEFAULT_PERIOD);
        assert_eq!(alarm.dedup_key().as_str(), "444455556666/us-west-2/a");
    }

    #[test]
    fn a_contributor_has_its_own_key() {
        let message = |id: &str| {
            json!({"AlarmName": "a", "NewStateValue": "ALARM",
                "AlarmContributor": {"ContributorId": id, "ContributorAttributes": {"T": "x"}}})
        };
        let (first, second) = (alarm_of(&message("c1")), alarm_of(&message("c2")));
        assert_ne!(first.dedup_key(), second.dedup_key());
        assert!(first.dedup_key().as_str().ends_with("#c1"));
    }

    #[test]
    fn what_is_no_alarm_is_a_message_that_says_why() {
        let why = |record: &Value| match read(record, &home_origin()) {
            Notice::Message(message) => (message.why, message.body),
            Notice::Alarm(alarm) => panic!("{alarm:?}"),
        };
        let text = json!({"Sns": {"Message": "disk is full", "MessageId": "m"}});
        assert_eq!(why(&text), ("the message is no JSON".into(), "disk is full".into()));
        let other = record(&json!({"AlarmName": "a", "NewStateValue": "MELTING"}));
        assert_eq!(why(&other).0, "the message is no CloudWatch alarm");
        let strange = json!({"s3": {}});
        assert_eq!(why(&strange).1, r#"{"s3":{}}"#);
        assert_eq!(why(&json!(null)).1, "null");
    }
}
