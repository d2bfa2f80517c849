//! Never without a page: what is known goes out, with a note of what is missing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, assert_valid_trigger, aws_with_filter, note, of_alarm, shown,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns, sns_record, topic};
use crate::support::aws::{Aws, access_denied, refusal, refusal_with_status};
use crate::support::http::Answer;
use crate::support::lambda::REGION;

/// Invokes with the alarm and a short evidence deadline; the event must be valid.
async fn event_of(aws: &Aws, alarm: Value) -> Value {
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "2").start().await;
    let begun = Instant::now();
    enrich.invoke(&sns(&[alarm])).await.response();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "the page waited {took:?} for a deadline of 2 s");
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert!(event["payload"]["summary"].as_str().unwrap().contains("shop"), "{event:#}");
    assert!(!of_alarm(&event, "reason").is_empty(), "what is known: {event:#}");
    event
}

#[tokio::test]
async fn no_metric_filter() {
    let aws = Aws::start().await;
    let note = note(&event_of(&aws, alarm("shop")).await);
    assert!(note.contains("metric filter") && note.contains(METRIC), "{note}");
}

#[tokio::test]
async fn no_line() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "all is well"));
    let note = note(&event_of(&aws, alarm("shop")).await);
    assert!(note.contains(GROUP), "{note}");
}

#[tokio::test]
async fn metric_filters_may_not_be_listed() {
    let aws = aws_with_filter("ERROR").await;
    let denied = access_denied("logs:DescribeMetricFilters", "");
    aws.always("DescribeMetricFilters", denied);
    let note = note(&event_of(&aws, alarm("shop")).await);
    assert!(note.contains("logs:DescribeMetricFilters"), "{note}");
}

#[tokio::test]
async fn a_log_group_may_not_be_read() {
    let aws = aws_with_filter("ERROR").await;
    aws.always("FilterLogEvents", access_denied("logs:FilterLogEvents", GROUP));
    let note = note(&event_of(&aws, alarm("shop")).await);
    assert!(note.contains("logs:FilterLogEvents") && note.contains(GROUP), "{note}");
}

#[tokio::test]
async fn one_log_group_of_two_may_not_be_read() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.filter("/shop/open", "ERROR", NAMESPACE, METRIC);
        logs.line("/shop/open", STREAM, DATAPOINT, "ERROR disk full");
    });
    aws.script(|script| {
        let closed = |body: &Value| body["logGroupName"] == GROUP;
        script.always_where(
            "FilterLogEvents",
            closed,
            access_denied("logs:FilterLogEvents", GROUP),
        );
    });
    let event = event_of(&aws, alarm("shop")).await;
    assert!(note(&event).contains(GROUP), "{event:#}");
    assert!(shown(&event).contains("disk full"), "{event:#}");
}

#[tokio::test]
async fn the_log_group_is_gone() {
    let aws = aws_with_filter("ERROR").await;
    let gone = refusal("ResourceNotFoundException", "The specified log group does not exist.");
    aws.always("FilterLogEvents", gone);
    let note = note(&event_of(&aws, alarm("shop")).await);
    assert!(note.contains(GROUP), "{note}");
}

#[tokio::test]
async fn throttled_all_the_time() {
    for operation in ["DescribeMetricFilters", "FilterLogEvents"] {
        let aws = aws_with_filter("ERROR").await;
        aws.always(operation, refusal("ThrottlingException", "Rate exceeded"));
        let note = note(&event_of(&aws, alarm("shop")).await).to_lowercase();
        assert!(note.contains("throttl"), "{operation}: {note}");
        let calls = aws.calls(operation).len();
        assert!(calls <= 12, "{calls} calls to a service that asks for fewer");
    }
}

#[tokio::test]
async fn logs_that_break_in_any_other_way() {
    let broken = [
        refusal_with_status(500, "InternalFailure", "oops"),
        refusal_with_status(503, "ServiceUnavailableException", "later"),
        refusal("UnrecognizedClientException", "The security token is invalid."),
        refusal("InvalidParameterException", "Invalid filter pattern"),
        Answer::text(200, "<html>no JSON</html>"),
        Answer::json(200, &json!({"events": 7})),
        Answer::Reset,
        Answer::Half,
        Answer::Garbage,
    ];
    for answer in broken {
        for operation in ["DescribeMetricFilters", "FilterLogEvents"] {
            let aws = aws_with_filter("ERROR").await;
            aws.always(operation, answer.clone());
            let event = event_of(&aws, alarm("shop")).await;
            assert!(!note(&event).is_empty(), "{operation} answers {answer:?}: {event:#}");
        }
    }
}

#[tokio::test]
async fn logs_that_hang_cost_the_deadline_and_no_more() {
    for (operation, answer) in [
        ("DescribeMetricFilters", Answer::Hang),
        ("FilterLogEvents", Answer::Hang),
        ("FilterLogEvents", Answer::Stall),
    ] {
        let aws = aws_with_filter("ERROR").await;
        aws.always(operation, answer);
        let begun = Instant::now();
        let event = event_of(&aws, alarm("shop")).await;
        assert!(begun.elapsed() > Duration::from_millis(1500), "it waits for the evidence");
        let note = note(&event);
        assert!(note.contains("deadline"), "{operation}: {note}");
    }
}

#[tokio::test]
async fn what_was_found_before_the_deadline_goes_out() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.page_size = 1;
        logs.line(GROUP, STREAM, DATAPOINT + 1, "ERROR older, on the second page");
        logs.line(GROUP, STREAM, DATAPOINT + 2, "ERROR newer, on the first page");
    });
    aws.script(|script| {
        let second = |body: &Value| body.get("nextToken").is_some();
        script.always_where("FilterLogEvents", second, Answer::Hang);
    });
    let event = event_of(&aws, alarm("shop")).await;
    assert!(!note(&event).is_empty());
    assert!(shown(&event).contains("ERROR newer, on the first page"), "{event:#}");
}

#[tokio::test]
async fn one_alarms_hanging_logs_cost_another_nothing() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.filter("/bakery/errors", "ERROR", "Bakery", METRIC);
        logs.line("/bakery/errors", STREAM, DATAPOINT, "ERROR oven cold");
    });
    aws.script(|script| {
        script.always_where("FilterLogEvents", |body| body["logGroupName"] == GROUP, Answer::Hang);
    });
    let mut bakery = alarm("bakery");
    bakery["Trigger"]["Namespace"] = "Bakery".into();
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "2").start().await;
    let begun = Instant::now();
    enrich.invoke(&sns(&[alarm("shop"), bakery])).await.response();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let queued = aws.queued(crate::support::aws::EVENTS_QUEUE);
    assert_eq!(queued.len(), 2);
    assert!(queued.iter().any(|message| message.text.contains("oven cold")));
}

#[tokio::test]
async fn many_alarms_at_once_with_hanging_logs_meet_the_functions_time_limit() {
    let aws = aws_with_filter("ERROR").await;
    aws.always("FilterLogEvents", Answer::Hang);
    let alarms: Vec<Value> = (0..20).map(|number| alarm(&format!("shop-{number}"))).collect();
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "2").start().await;
    let outcome = enrich.invoke_within(&sns(&alarms), Duration::from_secs(8)).await;
    outcome.response();
    assert_eq!(aws.queued(crate::support::aws::EVENTS_QUEUE).len(), 20);
}

async fn event_of_text(subject: &str, message: &str) -> Value {
    let aws = Aws::start().await;
    let record = sns_record(&topic(REGION), subject, message);
    let enrich = aws.enrich().start().await;
    enrich.invoke(&json!({"Records": [record]})).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert!(aws.calls("FilterLogEvents").is_empty());
    event
}

#[tokio::test]
async fn a_message_that_is_no_json() {
    let event = event_of_text("Call me", "The coffee machine\nis on fire.").await;
    assert!(event["payload"]["summary"].as_str().unwrap().contains("Call me"), "{event:#}");
    assert!(event["payload"]["custom_details"].to_string().contains("is on fire."), "{event:#}");
    assert!(!note(&event).is_empty());
}

#[tokio::test]
async fn a_message_that_is_no_alarm() {
    let message = json!({"detail": {"pipeline": "release", "state": "FAILED"}}).to_string();
    let event = event_of_text("Pipeline", &message).await;
    assert!(event["payload"]["summary"].as_str().unwrap().contains("Pipeline"), "{event:#}");
    assert!(event["payload"]["custom_details"].to_string().contains("release"), "{event:#}");
    assert!(!note(&event).is_empty());
}

#[tokio::test]
async fn messages_that_are_next_to_nothing() {
    for message in ["", "{", "[]", "null", "7", "{}", "\u{feff}{}", "\"ALARM\""] {
        let event = event_of_text("", message).await;
        assert!(!note(&event).is_empty(), "{message:?}");
    }
}

#[tokio::test]
async fn two_texts_are_two_incidents() {
    let aws = Aws::start().await;
    let records = ["first", "second"].map(|text| sns_record(&topic(REGION), "Call me", text));
    let enrich = aws.enrich().start().await;
    enrich.invoke(&json!({"Records": records})).await.response();
    let queued = aws.queued(crate::support::aws::EVENTS_QUEUE);
    assert_eq!(queued.len(), 2);
    assert_ne!(queued[0].body["event"]["dedup_key"], queued[1].body["event"]["dedup_key"]);
}

#[tokio::test]
async fn alarms_that_lack_what_a_search_needs() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("no Trigger", |alarm| drop(alarm.as_object_mut().unwrap().remove("Trigger"))),
        ("a null Trigger", |alarm| alarm["Trigger"] = Value::Null),
        ("an odd Trigger", |alarm| alarm["Trigger"] = json!({"Period": "sixty", "Metrics": 3})),
        ("no metric name", |alarm| {
            alarm["Trigger"].as_object_mut().unwrap().remove("MetricName");
        }),
        ("an odd time", |alarm| alarm["StateChangeTime"] = "yesterday".into()),
        ("no times at all", |alarm| {
            alarm["StateChangeTime"] = Value::Null;
            alarm["NewStateReason"] = "because".into();
        }),
    ];
    for (what, change) in changes {
        let aws = Aws::start().await;
        let mut alarm = alarm("shop");
        change(&mut alarm);
        let event = event_of(&aws, alarm).await;
        assert!(!note(&event).is_empty(), "{what}: {event:#}");
    }
}
