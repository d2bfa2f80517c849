//! Records, states and duplicates: which events reach the queue, and as what.

use std::time::Duration;

use serde_json::{Value, json};

use crate::contract_enrich::{GROUP, STREAM, assert_valid_trigger, aws_with_filter};
use crate::support::alarms::{DATAPOINT, alarm, sns, turned};
use crate::support::aws::{Aws, EVENTS_QUEUE, Message, refusal, refusal_with_status};
use crate::support::http::Answer;
use crate::support::lambda::Stage;

async fn aws_with_a_line() -> Aws {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    aws
}

async fn queued(aws: &Aws, stage: Stage, invocations: &[Value]) -> Vec<Message> {
    let enrich = stage.start().await;
    for event in invocations {
        enrich.invoke(event).await.response();
    }
    aws.queued(EVENTS_QUEUE)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

#[tokio::test]
async fn every_record_on_its_own() {
    let aws = aws_with_a_line().await;
    let alarms = [alarm("first"), alarm("second"), turned(alarm("third"), "OK")];
    let messages = queued(&aws, aws.enrich(), &[sns(&alarms)]).await;
    let mut keys: Vec<&str> = messages
        .iter()
        .map(|message| message.body["event"]["dedup_key"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(messages.len(), 3);
    for (key, name) in keys.iter().zip(["first", "second", "third"]) {
        assert!(key.ends_with(name), "{keys:?}");
    }
    for message in &messages {
        assert_eq!(message.body["target"], "default");
        assert!(is_sha256(&message.group) && is_sha256(&message.deduplication), "{message:#?}");
    }
}

#[tokio::test]
async fn a_bad_record_costs_no_other() {
    for bad in [json!({"EventSource": "aws:sns"}), json!(null), json!("text"), json!({"Sns": 7})] {
        let aws = aws_with_a_line().await;
        let mut event = sns(&[alarm("first"), alarm("second")]);
        event["Records"].as_array_mut().unwrap().insert(1, bad.clone());
        let enrich = aws.enrich().start().await;
        enrich.invoke(&event).await.response();
        let queued = aws.queued(EVENTS_QUEUE);
        let names = ["first", "second"];
        for name in names {
            let has_name = |message: &Message| {
                message.body["event"]["dedup_key"].as_str().unwrap().ends_with(name)
            };
            assert!(queued.iter().any(has_name), "{name} beside {bad}");
        }
        assert_eq!(queued.len(), 3, "the bad record pages as well: {bad}");
    }
}

#[tokio::test]
async fn ok_resolves_what_alarm_triggered() {
    let aws = aws_with_a_line().await;
    let alarm = alarm("shop");
    let events = [sns(std::slice::from_ref(&alarm)), sns(&[turned(alarm, "OK")])];
    let messages = queued(&aws, aws.enrich(), &events).await;
    assert_eq!(messages.len(), 2);
    let (trigger, resolve) = (&messages[0], &messages[1]);
    assert_eq!(trigger.body["event"]["event_action"], "trigger");
    assert_eq!(resolve.body["event"]["event_action"], "resolve");
    assert_eq!(trigger.body["event"]["dedup_key"], resolve.body["event"]["dedup_key"]);
    assert_eq!(trigger.group, resolve.group);
    assert_ne!(trigger.deduplication, resolve.deduplication);
}

#[tokio::test]
async fn an_ok_in_the_same_payload_does_not_overtake_its_alarm() {
    let aws = aws_with_a_line().await;
    aws.delay("FilterLogEvents", Duration::from_millis(300));
    let alarm = alarm("shop");
    let event = sns(&[alarm.clone(), turned(alarm, "OK")]);
    let messages = queued(&aws, aws.enrich(), &[event]).await;
    let action = |message: &Message| message.body["event"]["event_action"].clone();
    assert_eq!(messages.iter().map(action).collect::<Vec<_>>(), ["trigger", "resolve"]);
}

#[tokio::test]
async fn ok_reads_no_logs() {
    let aws = aws_with_a_line().await;
    queued(&aws, aws.enrich(), &[sns(&[turned(alarm("shop"), "OK")])]).await;
    // The tags may name the target that its trigger went to.
    assert_eq!(aws.operations(), ["ListTagsForResource", "SendMessage"]);
}

#[tokio::test]
async fn an_alarm_without_an_arn_resolves_as_well() {
    let aws = aws_with_a_line().await;
    let mut alarm = alarm("shop");
    alarm.as_object_mut().unwrap().remove("AlarmArn");
    let events = [sns(std::slice::from_ref(&alarm)), sns(&[turned(alarm, "OK")])];
    let messages = queued(&aws, aws.enrich(), &events).await;
    assert_eq!(messages[0].body["event"]["dedup_key"], messages[1].body["event"]["dedup_key"]);
    assert_eq!(messages[0].group, messages[1].group);
}

#[tokio::test]
async fn insufficient_data_as_configured() {
    let alarm = turned(alarm("shop"), "INSUFFICIENT_DATA");
    for (setting, action) in [
        (None, None),
        (Some("nothing"), None),
        (Some("resolve"), Some("resolve")),
        (Some("trigger"), Some("trigger")),
    ] {
        let aws = aws_with_a_line().await;
        let mut stage = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "1");
        if let Some(setting) = setting {
            stage = stage.variable("PAGETRAIL_INSUFFICIENT_DATA", setting);
        }
        let messages = queued(&aws, stage, &[sns(std::slice::from_ref(&alarm))]).await;
        let actions: Vec<&str> = messages
            .iter()
            .map(|message| message.body["event"]["event_action"].as_str().unwrap())
            .collect();
        assert_eq!(actions, action.into_iter().collect::<Vec<_>>(), "{setting:?}");
    }
}

#[tokio::test]
async fn duplicates_of_one_state_change_collapse() {
    let aws = aws_with_a_line().await;
    let event = sns(&[alarm("shop")]);
    let enrich = aws.enrich().start().await;
    enrich.invoke(&event).await.response();
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT + 1, "ERROR more lines by now"));
    enrich.invoke(&event).await.response();
    let sent = aws.sent(EVENTS_QUEUE);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].deduplication, sent[1].deduplication);
    assert_eq!(sent[0].group, sent[1].group);
}

#[tokio::test]
async fn other_state_changes_do_not_collapse() {
    let aws = aws_with_a_line().await;
    let first = alarm("shop");
    let mut again = alarm("shop");
    again["StateChangeTime"] = "2025-02-02T12:16:35.472+0000".into();
    let messages = queued(&aws, aws.enrich(), &[sns(&[first, again, alarm("bakery")])]).await;
    assert_eq!(messages.len(), 3);
    assert_eq!(messages.iter().filter(|m| m.group == messages[0].group).count(), 2);
}

#[tokio::test]
async fn severity_as_configured() {
    let aws = aws_with_a_line().await;
    let stage = aws.enrich().variable("PAGETRAIL_SEVERITY", "critical");
    let messages = queued(&aws, stage, &[sns(&[alarm("shop")])]).await;
    assert_eq!(messages[0].body["event"]["payload"]["severity"], "critical");
}

#[tokio::test]
async fn a_queue_that_refuses_fails_the_invocation_for_lambda_to_retry() {
    let aws = aws_with_a_line().await;
    aws.always("SendMessage", refusal("AccessDenied", "no sqs:SendMessage"));
    let enrich = aws.enrich().start().await;
    let error = enrich.invoke(&sns(&[alarm("shop")])).await.error();
    assert!(error["errorMessage"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
    let output = enrich.output().await;
    assert!(!output.contains("disk full"), "an error carries no log line: {output}");
}

#[tokio::test]
async fn a_queue_that_refuses_one_event_still_takes_the_others() {
    let aws = aws_with_a_line().await;
    aws.script(|script| {
        let second = |body: &Value| body["MessageBody"].as_str().unwrap().contains("alarm:second");
        script.always_where("SendMessage", second, refusal("AccessDenied", "no sqs:SendMessage"));
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("first"), alarm("second"), alarm("third")])).await.error();
    assert_eq!(aws.queued(EVENTS_QUEUE).len(), 2);
}

#[tokio::test]
async fn a_queue_that_stumbles_gets_the_event_all_the_same() {
    let stumbles = [
        refusal_with_status(500, "InternalError", "We encountered an internal error."),
        refusal_with_status(503, "ServiceUnavailable", ""),
        Answer::Reset,
        Answer::Half,
    ];
    for stumble in stumbles {
        let aws = aws_with_a_line().await;
        aws.script(|script| script.next("SendMessage", [stumble]));
        let enrich = aws.enrich().start().await;
        enrich.invoke(&sns(&[alarm("shop")])).await.response();
        assert_valid_trigger(&aws.only_event());
    }
}

#[tokio::test]
async fn a_queue_that_hangs_is_given_up_before_lambda_kills_the_function() {
    let aws = aws_with_a_line().await;
    aws.always("SendMessage", Answer::Hang);
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.error();
}
