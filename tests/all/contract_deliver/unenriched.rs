//! Alarms that enrich could not handle page without log lines, in the same way as all other events.

use serde_json::{Value, json};

use crate::contract_deliver::{Delivery, REJECTED_QUEUE};
use crate::support::alarms::{alarm, alarm_arn, sns, turned};
use crate::support::aws::{EVENTS_QUEUE, Message, refusal};
use crate::support::lambda::{ACCOUNT, REGION};
use crate::support::queue_items::{record, trigger};

const REQUEST: &str = "52fdfc07-2182-454f-963f-5f0f9a621d72";

/// The record that Lambda writes for an asynchronous invocation that failed for good
/// (Lambda developer guide, "Adding a destination").
fn failure(payload: &Value, response: &Value) -> Value {
    json!({
        "version": "1.0",
        "timestamp": "2025-02-02T12:10:05.568Z",
        "requestContext": {
            "requestId": REQUEST,
            "functionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:pagetrail-enrich:$LATEST"),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responseContext": {
            "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
        },
        "responsePayload": response,
    })
}

/// As the standard queue `unenriched` hands it over: without a group.
fn from_unenriched(body: &Value) -> Value {
    let mut record = record("u", "none", &body.to_string());
    let attributes = record["attributes"].as_object_mut().unwrap();
    for fifo_only in ["MessageGroupId", "MessageDeduplicationId", "SequenceNumber"] {
        attributes.remove(fifo_only);
    }
    record["eventSourceARN"] =
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:pagetrail-unenriched").into();
    json!({"Records": [record]})
}

fn crashed(payload: &Value) -> Value {
    let said = json!({
        "errorType": "Runtime.ExitError",
        "errorMessage": format!("RequestId: {REQUEST} Error: Runtime exited with error"),
    });
    from_unenriched(&failure(payload, &said))
}

fn the_same(one: &Message, other: &Message) -> bool {
    one.deduplication == other.deduplication && one.group == other.group
}

#[tokio::test]
async fn the_alarm_is_queued_without_log_lines_with_the_note() {
    let delivery = Delivery::start().await;
    let failed = delivery.invoke(&crashed(&sns(&[alarm("checkout")]))).await;
    assert!(failed.is_empty());
    assert!(delivery.pagerduty.requests().is_empty(), "it keeps its place in the order");
    let event = delivery.aws.only_event();
    assert_eq!(event["event_action"], "trigger");
    assert_eq!(event["dedup_key"], alarm_arn("checkout"));
    let details = event["payload"]["custom_details"].to_string();
    for part in [REQUEST, "failed 3 times", "Runtime.ExitError"] {
        assert!(details.contains(part), "{part} not in {details}");
    }

    // From there it is delivered as any other.
    let queued = delivery.aws.queued(EVENTS_QUEUE).remove(0);
    let item = json!({"Records": [record("m", &queued.group, &queued.text)]});
    assert!(delivery.invoke(&item).await.is_empty());
    assert_eq!(delivery.pagerduty.accepted()[0]["dedup_key"], alarm_arn("checkout"));
}

#[tokio::test]
async fn it_has_the_deduplication_id_that_enrich_gives() {
    // Enrich may have queued some of an invocation's alarms before it crashed.
    let payload = sns(&[alarm("one"), alarm("two"), json!("no alarm at all")]);
    let delivery = Delivery::start().await;
    let enrich = delivery.aws.enrich().start().await;
    enrich.invoke(&payload).await.response();
    let enriched = delivery.aws.sent(EVENTS_QUEUE);
    assert_eq!(enriched.len(), 3);
    assert!(delivery.invoke(&crashed(&payload)).await.is_empty());
    let all = delivery.aws.sent(EVENTS_QUEUE);
    assert_eq!(all.len(), 6);
    for bare in &all[3..] {
        assert!(enriched.iter().any(|event| the_same(event, bare)), "{bare:#?}");
    }
    assert_eq!(delivery.aws.queued(EVENTS_QUEUE).len(), 3, "SQS drops the second of each");
}

#[tokio::test]
async fn a_resolve_and_every_way_to_fail() {
    let payload = sns(&[turned(alarm("checkout"), "OK")]);
    let out_of_memory =
        json!({"errorType": "Runtime.OutOfMemory", "errorMessage": "signal: killed"});
    let timed_out = json!({"errorType": "Sandbox.Timedout",
        "errorMessage": format!("RequestId: {REQUEST} Error: Task timed out after 60.00 seconds")});
    let mut throttled = failure(&payload, &Value::Null);
    throttled["requestContext"]["condition"] = "EventAgeExceeded".into();
    throttled["requestContext"]["approximateInvokeCount"] = 0.into();
    for absent in ["responseContext", "responsePayload"] {
        throttled.as_object_mut().unwrap().remove(absent);
    }
    for body in [failure(&payload, &out_of_memory), failure(&payload, &timed_out), throttled] {
        let delivery = Delivery::start().await;
        assert!(delivery.invoke(&from_unenriched(&body)).await.is_empty(), "{body}");
        let event = delivery.aws.only_event();
        assert_eq!(event["event_action"], "resolve");
        assert_eq!(event["dedup_key"], alarm_arn("checkout"));
    }
}

#[tokio::test]
async fn one_that_cannot_be_queued_comes_back_by_its_own_queue() {
    let delivery = Delivery::start().await;
    delivery.aws.always("SendMessage", refusal("AccessDenied", "no sqs:SendMessage"));
    let mut batch = crashed(&sns(&[alarm("checkout")]));
    let good = record("m", "a", &trigger("a").to_string());
    batch["Records"].as_array_mut().unwrap().push(good);
    assert_eq!(delivery.invoke(&batch).await, ["u"]);
    assert_eq!(delivery.pagerduty.dedup_keys(), ["a"], "the others go on");
    assert!(delivery.waits().is_empty(), "its receipt is not one of events.fifo");
    assert!(delivery.aws.sent(REJECTED_QUEUE).is_empty());
}
