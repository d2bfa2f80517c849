//! What must not leave never leaves: neither by the queue nor by the function's own log.

use serde_json::{Value, json};

use crate::contract_enrich::{GROUP, METRIC, NAMESPACE, STREAM, aws_with_filter, note, of_alarm};
use crate::support::alarms::{DATAPOINT, alarm, sns, sns_record, topic};
use crate::support::aws::{Aws, EVENTS_QUEUE, refusal};
use crate::support::lambda::{REGION, Stage};

const EMAIL: &str = "jane.doe@customer.example";
const BEARER: &str = "c2VjcmV0LXRva2VuLW9mLWphbmU";
const AWS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const CARD: &str = "4012888888881881";
const SECRETS: [&str; 4] = [EMAIL, BEARER, AWS_KEY, CARD];
const REQUEST: &str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";
const TRACE: &str = "1-5bef4de7-ad49b0e87f6ef6c87fc2e700";

/// A text that holds one of each.
fn telling(what: &str) -> String {
    format!(
        "{what}: user {EMAIL} paid with card {CARD}, Authorization: Bearer {BEARER}, key {AWS_KEY}"
    )
}

/// All that the function handed to anybody: every message and its own output.
async fn handed_on(aws: &Aws, stage: Stage, payload: &Value) -> String {
    let enrich = stage.variable("PAGETRAIL_LOG_LEVEL", "trace").start().await;
    let _ = enrich.invoke(payload).await;
    let mut all = enrich.output().await;
    for call in aws.calls("SendMessage") {
        all.push_str(&call.body.to_string());
    }
    all
}

#[track_caller]
fn assert_clean(all: &str) {
    for secret in SECRETS {
        assert!(!all.contains(secret), "{secret} left: {all}");
    }
}

#[tokio::test]
async fn of_log_lines_in_text_and_json_while_ids_survive() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.line(GROUP, STREAM, DATAPOINT, &format!("ERROR {}", telling("declined")));
        let line = json!({
            "level": "ERROR", "message": telling("declined"), "user": {"email": EMAIL},
            "authorization": format!("Bearer {BEARER}"), "order": 42,
            "function_request_id": REQUEST, "xray_trace_id": TRACE,
        });
        logs.line(GROUP, STREAM, DATAPOINT + 1, &line.to_string());
        let around = format!("INFO RequestId: {REQUEST} {}", telling("around it"));
        logs.line(GROUP, STREAM, DATAPOINT + 2, &around);
    });
    let all = handed_on(&aws, aws.enrich(), &sns(&[alarm("shop")])).await;
    assert_clean(&all);
    let event = aws.only_event().to_string();
    for kept in ["[redacted: email]", "around it", REQUEST, &format!("traces/{TRACE}")] {
        assert!(event.contains(kept), "{kept} in {event}");
    }
    assert_eq!(
        aws.calls("FilterLogEvents")
            .iter()
            .filter(|call| call.body["filterPattern"] == format!("\"{REQUEST}\""))
            .count(),
        1,
        "the trail is still found"
    );
}

#[tokio::test]
async fn of_the_alarms_own_texts() {
    let aws = aws_with_filter("ERROR").await;
    let mut alarm = alarm("shop");
    alarm["AlarmDescription"] = telling("description").into();
    alarm["NewStateReason"] = telling("reason").into();
    let stage = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "1");
    let all = handed_on(&aws, stage, &sns(&[alarm])).await;
    assert_clean(&all);
    let event = aws.only_event();
    for name in ["description", "reason"] {
        assert!(of_alarm(&event, name).contains("[redacted: email]"), "{event:#}");
    }
}

#[tokio::test]
async fn of_the_reason_in_every_other_form() {
    let state = json!({
        "value": "ALARM", "reason": telling("reason"),
        "timestamp": "2025-02-02T12:06:35.472+0000",
    });
    let change = json!({
        "alarmName": "shop", "state": state,
        "configuration": {"description": telling("description")},
    });
    for payload in [
        json!({"source": "aws.cloudwatch", "detail": change}),
        json!({"alarmArn": crate::support::alarms::alarm_arn("shop"), "alarmData": change}),
        json!({"Records": [{"messageId": "m", "body": json!({"detail": change}).to_string()}]}),
    ] {
        let aws = Aws::start().await;
        let all = handed_on(&aws, aws.enrich(), &payload).await;
        assert_clean(&all);
        assert_eq!(aws.queued(EVENTS_QUEUE).len(), 1);
    }
}

#[tokio::test]
async fn of_carried_lines_and_a_contributor() {
    let aws = Aws::start().await;
    let mut alarm = alarm("shop");
    alarm["LogEvents"] = json!([{"message": telling("carried")}, telling("bare")]);
    alarm["AlarmContributor"] = json!({"ContributorId": "c1", "ContributorAttributes": {
        "user": EMAIL, "path": "/orders",
    }});
    let all = handed_on(&aws, aws.enrich(), &sns(&[alarm])).await;
    assert_clean(&all);
    assert!(all.contains("carried") && all.contains("/orders"), "{all}");
}

#[tokio::test]
async fn of_messages_that_are_no_alarm() {
    let aws = Aws::start().await;
    let json = json!({"alert": telling("json"), "user": {"email": EMAIL}}).to_string();
    let records: Vec<Value> = [telling("text"), json]
        .iter()
        .map(|body| sns_record(&topic(REGION), &format!("from {EMAIL}"), body))
        .collect();
    let all = handed_on(&aws, aws.enrich(), &json!({"Records": records})).await;
    assert_clean(&all);
    assert_eq!(aws.queued(EVENTS_QUEUE).len(), 2);
}

#[tokio::test]
async fn of_what_is_said_about_failures() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, &format!("ERROR {}", telling("declined"))));
    let words = telling("Invalid filter pattern");
    aws.always("FilterLogEvents", refusal("InvalidParameterException", &words));
    let all = handed_on(&aws, aws.enrich(), &sns(&[alarm("shop")])).await;
    assert_clean(&all);
}

#[tokio::test]
async fn more_less_and_patterns_as_configured() {
    let line = format!("ERROR customer C-123456 at 192.0.2.7, {EMAIL}");
    let default = ["C-123456", "192.0.2.7"];
    for (name, value, kept) in [
        ("PAGETRAIL_REDACT_ALSO", "ip-addresses", &["C-123456"][..]),
        ("PAGETRAIL_REDACT_NOT", "emails, card-numbers", &["C-123456", "192.0.2.7", EMAIL]),
        ("PAGETRAIL_REDACT_PATTERNS", r#"{"customer": "C-[0-9]{6}"}"#, &["192.0.2.7"]),
        ("PAGETRAIL_REDACT_PATTERNS", "", &default),
    ] {
        let aws = aws_with_filter("ERROR").await;
        aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, &line));
        let all = handed_on(&aws, aws.enrich().variable(name, value), &sns(&[alarm("shop")])).await;
        for part in ["C-123456", "192.0.2.7", EMAIL] {
            assert_eq!(all.contains(part), kept.contains(&part), "{name}={value}: {part} in {all}");
        }
        if value.contains("customer") {
            assert!(all.contains("[redacted: customer]"), "{all}");
        }
    }
}

#[tokio::test]
async fn faults_in_the_settings_are_told_at_the_start_all_together() {
    let aws = Aws::start().await;
    let stage = aws
        .enrich()
        .variable("PAGETRAIL_REDACT_ALSO", "phone-numbers")
        .variable("PAGETRAIL_REDACT_NOT", "mails")
        .variable("PAGETRAIL_SEVERITY", "urgent");
    let said = stage.start().await.start_failure().await;
    for part in
        ["PAGETRAIL_REDACT_ALSO", "ip-addresses", "PAGETRAIL_REDACT_NOT", "PAGETRAIL_SEVERITY"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[tokio::test]
async fn a_pattern_that_cannot_be_used_costs_the_evidence_and_neither_page_nor_secrecy() {
    for (value, named) in [
        ("not json", "JSON object"),
        (r#"["C-[0-9]"]"#, "JSON object"),
        (r#"{"open": "(secret-value", "empty": "a*"}"#, "open"),
    ] {
        let aws = Aws::start().await;
        aws.logs(|logs| {
            logs.filter(GROUP, "ERROR", NAMESPACE, METRIC);
            logs.line(GROUP, STREAM, DATAPOINT + 1, "ERROR customer C-123456");
        });
        let enrich = aws.enrich().variable("PAGETRAIL_REDACT_PATTERNS", value).start().await;
        enrich.invoke(&sns(&[alarm("orders")])).await.response();
        let event = aws.only_event();
        let note = note(&event);
        assert!(note.contains("withheld") && note.contains(named), "{note}");
        assert!(!event.to_string().contains("C-123456"), "{event:#}");
        assert!(aws.calls("FilterLogEvents").is_empty());
    }
}
