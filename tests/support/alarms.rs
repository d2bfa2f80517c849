//! CloudWatch's SNS messages about a metric alarm, and the Lambda event around them.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::lambda::{ACCOUNT, REGION};

pub const NAMESPACE: &str = "Shop";
pub const METRIC: &str = "Errors";
/// Start and end of the datapoint named in the alarm's reason: 2025-02-02T12:05:00Z, 60 s.
pub const DATAPOINT: i64 = 1_738_497_900_000;
pub const DATAPOINT_END: i64 = DATAPOINT + 60_000;
const STATE_CHANGE: &str = "2025-02-02T12:06:35.472+0000";

pub fn alarm_arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}")
}

/// The message of an alarm on [`METRIC`] that one datapoint put into ALARM.
pub fn alarm(name: &str) -> Value {
    json!({
        "AlarmName": name,
        "AlarmDescription": "Errors in the shop's log",
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": "2025-02-02T11:48:52.788+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 datapoint [1.0 (02/02/25 12:05:00)] was greater \
                           than or equal to the threshold (1.0).",
        "StateChangeTime": STATE_CHANGE,
        "Region": "Asia Pacific (Tokyo)",
        "AlarmArn": alarm_arn(name),
        "OldStateValue": "OK",
        "OKActions": [topic(REGION)],
        "AlarmActions": [topic(REGION)],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": METRIC,
            "Namespace": NAMESPACE,
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": null,
            "Dimensions": [],
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    })
}

/// The same alarm in another state, some minutes later.
pub fn turned(mut alarm: Value, state: &str) -> Value {
    alarm["OldStateValue"] = alarm["NewStateValue"].take();
    alarm["NewStateValue"] = state.into();
    alarm["NewStateReason"] =
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was \
         treated as [NonBreaching]."
            .into();
    alarm["StateChangeTime"] = "2025-02-02T12:11:35.472+0000".into();
    alarm
}

pub fn topic(region: &str) -> String {
    format!("arn:aws:sns:{region}:{ACCOUNT}:errors")
}

/// The event with which SNS invokes a function: one record for each message.
pub fn sns(messages: &[Value]) -> Value {
    let text = |message: &Value| message.as_str().map_or(message.to_string(), str::to_owned);
    let records: Vec<Value> = messages
        .iter()
        .map(|message| sns_record(&topic(REGION), "ALARM", &text(message)))
        .collect();
    json!({"Records": records})
}

/// As SNS does it: another id for each message, the same for its redelivery.
fn message_id(message: &str) -> String {
    let mut hash = DefaultHasher::new();
    message.hash(&mut hash);
    format!("7ad5ecb2-0d6c-5f3d-9a1d-{:012x}", hash.finish() & 0xffff_ffff_ffff)
}

pub fn sns_record(topic: &str, subject: &str, message: &str) -> Value {
    json!({
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{topic}:bbb1bcdb-af6e-4c0c-a7b9-ea0af0fbd2f9"),
        "Sns": {
            "Type": "Notification",
            "MessageId": message_id(message),
            "TopicArn": topic,
            "Subject": subject,
            "Message": message,
            "Timestamp": "2025-02-02T12:06:35.530Z",
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertUrl": "https://sns.ap-northeast-1.amazonaws.com/SimpleNotificationService.pem",
            "UnsubscribeUrl": "https://sns.ap-northeast-1.amazonaws.com/?Action=Unsubscribe",
            "MessageAttributes": {},
        },
    })
}
