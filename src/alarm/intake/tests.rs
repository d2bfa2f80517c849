//! Every form of intake, whole and malformed.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::aws::home;

fn home_origin() -> Origin {
    home("eu-west-1", "111122223333")
}

fn sns_event(message: &Value) -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "Sns": {
        "MessageId": "m-1", "Subject": "ALARM: x",
        "TopicArn": "arn:aws:sns:us-west-2:444455556666:errors",
        "Message": message.to_string(),
    }}]})
}

fn one(payload: &Value) -> Notice {
    let mut notices = read(payload, &home_origin());
    assert_eq!(notices.len(), 1);
    notices.remove(0)
}

fn alarm_in(payload: &Value) -> Alarm {
    match one(payload) {
        Notice::Alarm(alarm) => *alarm,
        Notice::Message(message) => panic!("{message:?}"),
    }
}

fn alarm_of(message: &Value) -> Alarm {
    alarm_in(&sns_event(message))
}

fn message_in(payload: &Value) -> Message {
    match one(payload) {
        Notice::Message(message) => message,
        Notice::Alarm(alarm) => panic!("{alarm:?}"),
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
    assert_eq!(alarm.identity().as_str(), "arn:aws:cloudwatch:ap-northeast-1:449671225256:alarm:a");
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
    assert_eq!(raised.identity().as_str(), "777788889999/us-west-2/a");
    assert_eq!(raised.identity(), cleared.identity());
    assert_ne!(raised.deduplication_id(), cleared.deduplication_id());
    assert_eq!(raised.changed_at.unwrap().to_rfc3339(), "2025-02-02T12:06:35.472+00:00");
}

#[test]
fn the_inputs_of_metric_math_are_metrics_once_each() {
    let input = json!({"Id": "m1", "MetricStat": {"Period": 60, "Stat": "Sum",
        "Metric": {"Namespace": "App", "MetricName": "Errors", "Dimensions":
            [{"name": "Stage", "value": "prod"}]}}});
    let alarm = alarm_of(&json!({
        "AlarmName": "a", "NewStateValue": "ALARM",
        "Trigger": {"Period": 30, "EvaluationPeriods": 3, "Metrics": [
            {"Id": "e1", "Expression": "m1 / m2"}, input, input,
            {"Id": "m2", "AccountId": "222233334444", "MetricStat": {"Period": 120, "Metric":
                {"Namespace": "App", "MetricName": "Calls"}}},
        ]},
    }));
    let names: Vec<_> = alarm.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["Calls", "Errors"]);
    assert_eq!(alarm.metrics[0].account.as_deref(), Some("222233334444"));
    assert_eq!(alarm.metrics[1].dimension("Stage"), Some("prod"));
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
    assert_eq!(alarm.evaluation.period, Duration::from_mins(5));
    assert_eq!(alarm.identity().as_str(), "444455556666/us-west-2/a");
}

#[test]
fn a_contributor_has_its_own_key() {
    let message = |id: &str| {
        json!({"AlarmName": "a", "NewStateValue": "ALARM",
            "AlarmContributor": {"ContributorId": id, "ContributorAttributes": {"T": "x"}}})
    };
    let (first, second) = (alarm_of(&message("c1")), alarm_of(&message("c2")));
    assert_ne!(first.identity(), second.identity());
    assert!(first.identity().as_str().ends_with("#c1"));
    assert_eq!(first.contributor.unwrap().attributes["T"], "x");
    let flat = json!({"AlarmName": "a", "NewStateValue": "OK", "AlarmContributorId": "c1"});
    assert!(alarm_of(&flat).identity().as_str().ends_with("#c1"));
}

#[test]
fn the_lines_of_a_log_alarm_are_kept() {
    let alarm = alarm_of(&json!({"AlarmName": "a", "NewStateValue": "ALARM", "Trigger": {
        "LogEvents": ["plain", {"message": "boom", "timestamp": 1_738_497_931_120_i64,
            "logStreamName": "s", "logGroupName": "/app"}, {"no": "message"}, 7]}}));
    let texts: Vec<_> = alarm.carried.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["plain", "boom"]);
    assert_eq!(alarm.carried[1].log_group.as_deref(), Some("/app"));
    assert!(alarm.carried[1].at.is_some());
}

#[test]
fn tags_in_the_message_are_read_in_either_shape() {
    let with = |tags: Value| {
        alarm_of(&json!({"AlarmName": "a", "NewStateValue": "OK", "AlarmTags": tags})).tags
    };
    assert_eq!(with(json!({"team": "shop"}))["team"], "shop");
    assert_eq!(with(json!([{"Key": "team", "Value": "shop"}]))["team"], "shop");
    assert!(with(json!("none")).is_empty());
}

fn event_bridge() -> Value {
    json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
        "account": "123456789012", "region": "us-east-1", "time": "2019-10-02T17:04:40Z",
        "resources": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu"],
        "detail": {"alarmName": "cpu", "state": {"value": "ALARM",
            "reason": "Threshold Crossed: 1 datapoint [99.5 (02/10/19 16:59:00)] was greater",
            "timestamp": "2019-10-02T17:04:40.989+0000",
            "reasonData": "{\"threshold\":50.0,\"period\":300,\"recentDatapoints\":[99.5]}"},
          "configuration": {"description": "high", "metrics": [{"id": "m", "metricStat": {
            "metric": {"namespace": "AWS/EC2", "name": "CPUUtilization",
              "dimensions": {"InstanceId": "i-1"}}, "period": 300, "stat": "Average"}}]}},
    })
}

#[test]
fn event_bridge_and_sns_make_the_same_alarm_of_one_change() {
    let alarm = alarm_in(&event_bridge());
    assert_eq!(alarm.metrics[0].dimension("InstanceId"), Some("i-1"));
    assert_eq!(alarm.evaluation.threshold, Some(50.0));
    assert_eq!(alarm.datapoints.len(), 1);
    let by_sns = alarm_of(&json!({
        "AlarmName": "cpu", "NewStateValue": "ALARM",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu",
        "StateChangeTime": "2019-10-02T17:04:40.989+0000",
    }));
    assert_eq!(alarm.identity(), by_sns.identity());
    assert_eq!(alarm.deduplication_id(), by_sns.deduplication_id());
}

#[test]
fn event_bridge_by_way_of_sns_and_sqs() {
    assert_eq!(alarm_of(&event_bridge()).name, "cpu");
    let by_sqs = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "q",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:q",
        "body": event_bridge().to_string()}]});
    assert_eq!(alarm_in(&by_sqs).name, "cpu");
}

#[test]
fn a_direct_action_with_stray_spaces() {
    let alarm = alarm_in(&json!({
        "source": "aws.cloudwatch",
        "alarmArn": "arn:aws:cloudwatch:us-east-1: 444455556666:alarm:demo",
        "accountId": "444455556666", "region": "us-east-1",
        "time": "2023-08-04T12: 36: 15.490+0000",
        "alarmData": {"alarmName": "demo", "state": {"value": "ALARM", "reason": "test",
            "timestamp": "2023-08-04T12: 36: 15.490+0000"},
          "configuration": {"alarmRule": "ALARM(x)"}},
    }));
    assert_eq!(alarm.origin.account, "444455556666");
    assert_eq!(alarm.changed_at.unwrap().to_rfc3339(), "2023-08-04T12:36:15.490+00:00");
    assert_eq!(alarm.composite.unwrap().rule.as_deref(), Some("ALARM(x)"));
}

#[test]
fn a_name_with_a_colon_and_a_space_has_one_key_by_every_road() {
    let name = "Shop: errors: 5xx";
    let arn = format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}");
    let state = json!({"value": "ALARM", "timestamp": "2019-10-02T17:04:40.989+0000"});
    let detail = json!({"alarmName": name, "state": state});
    let stray = arn.replacen(":123", ": 123", 1);
    for payload in [
        sns_event(&json!({"AlarmName": name, "NewStateValue": "ALARM", "AlarmArn": arn,
            "StateChangeTime": "2019-10-02T17:04:40.989+0000"})),
        json!({"source": "aws.cloudwatch", "resources": [arn], "detail": detail}),
        json!({"source": "aws.cloudwatch", "alarmArn": arn, "alarmData": detail}),
        json!({"source": "aws.cloudwatch", "alarmArn": stray, "alarmData": detail}),
    ] {
        let alarm = alarm_in(&payload);
        assert_eq!(alarm.identity(), arn, "{payload}");
        assert_eq!(alarm.name, name);
    }
}

/// What a person sees of each notice: an alarm's name, or a message's id and body.
fn seen(payload: &Value) -> Vec<String> {
    let seen = |notice: &Notice| match notice {
        Notice::Alarm(alarm) => alarm.name.clone(),
        Notice::Message(message) => format!("{} {}", message.id, message.body),
    };
    read(payload, &home_origin()).iter().map(seen).collect()
}

fn named(name: &str) -> Value {
    json!({"AlarmName": name, "NewStateValue": "ALARM"})
}

#[test]
fn a_message_for_several_protocols_that_was_published_as_it_is() {
    let message = json!({"default": named("a").to_string()});
    assert_eq!(seen(&sns_event(&message)), ["a"]);
    assert_eq!(seen(&message), ["a"], "as preview reads it from a file");
    let other = json!({"default": "a went off", "lambda": named("a").to_string()});
    assert_eq!(seen(&sns_event(&other)), ["a"]);
    let text = json!({"default": "disk is full", "email": "Dear all"});
    assert_eq!(seen(&sns_event(&text)), [format!("m-1 {text}")]);
}

#[test]
fn an_array_is_read_as_the_alarms_in_it_whatever_stands_around_it() {
    let alarms = json!([named("a"), event_bridge(), named("b")]);
    let expected = ["a", "cpu", "b"];
    let queued = |body: &str| {
        json!({"messageId": "q", "body": body, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:q"})
    };
    let notification = json!({"Type": "Notification", "MessageId": "m",
        "TopicArn": "arn:aws:sns:us-west-2:444455556666:errors", "Message": alarms.to_string()});
    let texts: Vec<Value> =
        alarms.as_array().unwrap().iter().map(|alarm| alarm.to_string().into()).collect();
    for payload in [
        alarms.clone(),
        Value::from(texts.clone()),
        sns_event(&alarms),
        sns_event(&texts.into()),
        json!({"Records": [queued(&alarms.to_string())]}),
        json!({"Records": [queued(&notification.to_string())]}),
        // An EventBridge pipe hands over an array of a queue's records.
        json!([queued(&alarms.to_string())]),
        json!([
            queued(&named("a").to_string()),
            queued(&event_bridge().to_string()),
            queued(&json!({"Records": [{"Sns": {"Message": named("b").to_string()}}]}).to_string())
        ]),
        json!([{"messageId": "q", "body": alarms}]),
        json!(json!({"default": alarms}).to_string()),
    ] {
        assert_eq!(seen(&payload), expected, "{payload}");
    }
    let by_queue = read(&json!([queued(&named("a").to_string())]), &home_origin()).remove(0);
    assert!(matches!(by_queue, Notice::Alarm(alarm) if alarm.origin.region == "eu-central-1"));
}

#[test]
fn what_is_no_alarm_in_an_array_pages_beside_the_alarms_each_once() {
    let mixed = json!([{"x": 1}, named("a"), "disk is full", {"x": 1}]);
    let expected = ["m-1/1 {\"x\":1}", "a", "m-1/3 disk is full", "m-1/4 {\"x\":1}"];
    assert_eq!(seen(&sns_event(&mixed)), expected);
    let plain = json!([{"x": 1}, "disk is full"]);
    assert_eq!(seen(&sns_event(&plain)), [format!("m-1 {plain}")], "no alarm: one message");
    assert_eq!(seen(&plain), [format!(" {plain}")]);
    let queue = "arn:aws:sqs:eu-central-1:123456789012:q";
    let records = json!([{"messageId": "q1", "body": "one", "eventSourceARN": queue},
        {"messageId": "q2", "body": "two", "eventSourceARN": queue}]);
    assert_eq!(seen(&records), ["q1 one", "q2 two"]);
    // A record in its own place is a queue's, whatever it lacks.
    let record = json!({"Records": [{"messageId": "q1", "body": "one"}]});
    assert_eq!(seen(&record), ["q1 one"]);
    // Arrays in an array: each item still has an id of its own.
    let nested = json!([["x", named("a")], ["y", named("b")]]);
    assert_eq!(seen(&sns_event(&nested)), ["m-1/1/1 x", "a", "m-1/2/1 y", "b"]);
    assert_eq!(seen(&json!([])), [" []"]);
}

#[test]
fn endless_nesting_ends() {
    let mut text = named("a").to_string();
    for _ in 0..8 {
        text = json!([text]).to_string();
    }
    assert_eq!(seen(&sns_event(&json!(text))).len(), 1);
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(seen(&json!({"Records": [{"Sns": {"Message": deep}}]})), [format!(" {deep}")]);
}

#[test]
fn sns_by_sqs_raw_and_enveloped() {
    let message = json!({"AlarmName": "a", "NewStateValue": "ALARM"}).to_string();
    let raw = json!({"messageId": "q1", "body": message,
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:q"});
    let notification = json!({"Type": "Notification", "MessageId": "m", "Message": message,
        "TopicArn": "arn:aws:sns:us-west-2:444455556666:errors"});
    let enveloped = json!({"messageId": "q2", "body": notification.to_string()});
    let notices = read(&json!({"Records": [raw, enveloped, {"body": "help"}]}), &home_origin());
    let places: Vec<String> = notices
        .iter()
        .map(|notice| match notice {
            Notice::Alarm(alarm) => alarm.origin.region.clone(),
            Notice::Message(message) => message.body.clone(),
        })
        .collect();
    assert_eq!(places, ["eu-central-1", "us-west-2", "help"]);
}

#[test]
fn sns_over_https() {
    let mut notification = json!({"Type": "Notification", "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:us-west-2:444455556666:errors",
        "Message": json!({"AlarmName": "a", "NewStateValue": "ALARM"}).to_string(),
        "SigningCertURL": "https://sns.us-west-2.amazonaws.com/x.pem"});
    assert_eq!(alarm_in(&notification).origin.region, "us-west-2");
    notification["Message"] = json!("disk is full");
    let message = message_in(&notification);
    assert_eq!((message.id.as_str(), message.body.as_str()), ("m-1", "disk is full"));
}

#[test]
fn what_is_no_alarm_is_a_message_that_says_why() {
    let text = json!({"Records": [{"Sns": {"Message": "disk is full", "MessageId": "m"}}]});
    let message = message_in(&text);
    assert_eq!(
        (message.why.as_str(), message.body.as_str()),
        ("This is not a CloudWatch alarm: the message is not JSON", "disk is full")
    );
    let other = sns_event(&json!({"AlarmName": "a", "NewStateValue": "MELTING"}));
    assert_eq!(message_in(&other).why, "This message is not a CloudWatch alarm");
    assert_eq!(message_in(&json!({"s3": {}})).body, r#"{"s3":{}}"#);
    assert_eq!(message_in(&json!({"Records": [null]})).body, "null");
    assert_eq!(message_in(&json!({"Records": []})).body, r#"{"Records":[]}"#);
    let mut configuration = event_bridge();
    configuration["detail"]["operation"] = json!("update");
    assert!(message_in(&configuration).why.contains("not a state change"));
}

#[test]
fn a_message_with_the_field_names_of_an_envelope_pages_whole_under_its_own_id() {
    for message in [
        json!({"messageId": "job-7", "body": "failed", "host": "a"}),
        json!({"Type": "Notification", "Message": "disk full", "host": "a"}),
        json!({"TopicArn": "errors", "Message": "disk full", "host": "a"}),
    ] {
        assert_eq!(seen(&sns_event(&message)), [format!("m-1 {message}")]);
    }
    // With an alarm in it, it is one.
    let alarm = json!({"Type": "Notification", "Message": named("a").to_string()});
    assert_eq!(seen(&sns_event(&alarm)), ["a"]);
    // A notification without an id of its own has that of the message it is in.
    let inner = json!({"TopicArn": "arn:aws:sns:us-west-2:444455556666:errors", "Message": "x"});
    assert_eq!(seen(&sns_event(&inner)), ["m-1 x"]);
}

#[test]
fn a_time_that_no_window_can_be_computed_from_is_no_time() {
    for year in ["-262143", "+262142", "1969", "10000"] {
        let mut message = named("a");
        message["StateChangeTime"] = format!("{year}-01-01T00:00:00.000+0000").into();
        assert_eq!(alarm_of(&message).changed_at, None, "{year}");
    }
}

#[test]
fn an_attribute_called_id_is_not_the_contributors_id() {
    let message = |id: &str| {
        json!({"AlarmName": "a", "NewStateValue": "ALARM", "AlarmContributorId": id,
            "AlarmContributorAttributes": {"id": "/same", "pod": id}})
    };
    let (first, second) = (alarm_of(&message("c1")), alarm_of(&message("c2")));
    assert!(first.identity().ends_with("#c1") && second.identity().ends_with("#c2"));
}

#[test]
fn a_list_that_is_no_log_carries_no_lines() {
    for key in ["Catalog", "LogTypes", "dialogs", "Blogs"] {
        let alarm = alarm_of(&json!({"AlarmName": "a", "NewStateValue": "ALARM", key: ["x"]}));
        assert!(alarm.carried.is_empty(), "{key}");
    }
}

#[test]
fn a_change_that_sums_up_its_contributors() {
    let event = |reason: &str| {
        json!({"source": "aws.cloudwatch", "detail": {"alarmName": "fleet",
            "state": {"value": "ALARM", "reason": reason}}})
    };
    assert!(alarm_of(&event("3 out of 40 time series evaluated to ALARM")).sums_up);
    for reason in ["Threshold Crossed: 1 datapoint", "x out of y time series evaluated to ALARM"] {
        assert!(!alarm_of(&event(reason)).sums_up, "{reason}");
    }
}

#[test]
fn the_detail_of_an_event_alone_is_an_alarm() {
    let alarm = alarm_of(&json!({"alarmName": "shop", "state": {"value": "ALARM", "reason": "r"}}));
    assert_eq!((alarm.name.as_str(), alarm.reason.as_str()), ("shop", "r"));
}

#[test]
fn a_region_in_words_counts_where_no_arn_tells() {
    let message = json!({"AlarmName": "a", "NewStateValue": "ALARM",
        "AWSAccountId": "111122223333", "Region": "Asia Pacific (Tokyo)"});
    let Notice::Alarm(alarm) = read(&message, &home("eu-west-1", "1")).remove(0) else { panic!() };
    assert_eq!(alarm.origin.region, "ap-northeast-1");
    // The topic's ARN tells.
    assert_eq!(alarm_of(&message).origin.region, "us-west-2");
}

#[test]
fn six_datapoints_of_which_five_are_named() {
    let alarm = alarm_of(&json!({"AlarmName": "a", "NewStateValue": "ALARM", "NewStateReason":
        "Threshold Crossed: 6 datapoints were greater than the threshold (1.0). The most recent \
         datapoints which crossed the threshold: [3.0 (02/02/25 12:05:00)]."}));
    assert_eq!(alarm.breaching_periods(&alarm.reason), 6);
}
