//! The whole trail of the request that failed, out of its own log stream.

use serde_json::{Value, json};

use crate::contract_enrich::{assert_has_no_note, assert_valid_trigger, details, note, trail};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns};
use crate::support::aws::{Aws, Call, access_denied};
use crate::support::http::Answer;

const GROUP: &str = "/aws/lambda/shop-orders";
const STREAM: &str = "2025/02/02/[$LATEST]8a2d39c1f0e04d3b9d3b64dd1f8b0d11";
const OTHER_STREAM: &str = "2025/02/02/[$LATEST]11d0b8f1dd46b3d9b3d40e0f1c93d2a8";
const FAILED: &str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";
const FINE: &str = "0d1e2f3a-7b61-11e6-9a41-93e8deadbeef";
const TRACE: &str = "1-5bef4de7-ad49b0e87f6ef6c87fc2e700";
const PATTERN: &str = r#"{ $.level = "ERROR" }"#;

fn powertools(key: &str, id: &str, level: &str, message: &str) -> String {
    let mut line = json!({
        "level": level,
        "location": "handler:22",
        "message": message,
        "timestamp": "2025-02-02 12:05:10,650+0000",
        "service": "orders",
        "xray_trace_id": TRACE,
    });
    line[key] = id.into();
    line.to_string()
}

/// Two requests, one after the other in one stream; the first fails.
fn two_requests(aws: &Aws, key: &str) {
    aws.logs(|logs| {
        logs.filter(GROUP, PATTERN, NAMESPACE, METRIC);
        let mut at = DATAPOINT;
        for (id, level, end) in
            [(FAILED, "ERROR", "order 7 lost"), (FINE, "INFO", "order 8 stored")]
        {
            for line in [
                format!("START RequestId: {id} Version: $LATEST\n"),
                powertools(key, id, "INFO", &format!("received by {id}")),
                powertools(key, id, level, end),
                format!("END RequestId: {id}\n"),
                format!("REPORT RequestId: {id}\tDuration: 12.52 ms\tBilled Duration: 13 ms\t\n"),
            ] {
                logs.line(GROUP, STREAM, at, &line);
                at += 100;
            }
        }
        // The same id elsewhere is another function's log, not this request's trail.
        logs.line(GROUP, OTHER_STREAM, DATAPOINT, &format!("called back by {FAILED}"));
    });
}

fn searches_in_a_stream(aws: &Aws) -> Vec<Call> {
    let in_stream = |call: &Call| call.body.get("logStreamNames").is_some();
    aws.calls("FilterLogEvents").into_iter().filter(in_stream).collect()
}

async fn event_of_two_requests(key: &str) -> (Aws, Value) {
    let aws = Aws::start().await;
    two_requests(&aws, key);
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("orders")])).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    (aws, event)
}

#[tokio::test]
async fn by_the_quoted_id_in_the_lines_own_stream() {
    let (aws, _) = event_of_two_requests("function_request_id").await;
    let searches = searches_in_a_stream(&aws);
    assert_eq!(searches.len(), 2, "{searches:#?}");
    let search = &searches[0].body;
    assert_eq!(search["filterPattern"], format!("\"{FAILED}\""));
    assert_eq!(search["logStreamNames"], json!([STREAM]));
    assert_eq!(search["logGroupName"], GROUP);
    // A Lambda request takes 15 minutes at most, before the error and after it.
    let quarter = 15 * 60_000;
    let error = DATAPOINT + 200;
    assert!(search["startTime"].as_i64().is_some_and(|start| start <= error - quarter));
    assert!(search["endTime"].as_i64().is_some_and(|end| end >= error + quarter));
    // At the same time, what the function printed without the id: most requests are this short.
    let near = &searches[1].body;
    assert_eq!(near.get("filterPattern"), None);
    assert_eq!(near["logStreamNames"], json!([STREAM]));
    assert_eq!(near["startTime"], error - 10_000);
    assert_eq!(near["endTime"], error + 10_000);
}

#[tokio::test]
async fn from_start_to_report_oldest_first_and_of_no_other_request() {
    let (_, event) = event_of_two_requests("function_request_id").await;
    assert_has_no_note(&event);
    let trail = trail(&event);
    let expected =
        ["START RequestId", "received by", "order 7 lost", "END RequestId", "REPORT RequestId"];
    assert_eq!(trail.len(), expected.len(), "{trail:#?}");
    for (line, part) in trail.iter().zip(expected) {
        assert!(line.contains(part), "{part} in {trail:#?}");
    }
    assert!(!event.to_string().contains(FINE), "{event:#}");
    assert!(!event.to_string().contains("order 8 stored"), "{event:#}");
    assert!(!event.to_string().contains("called back"), "{event:#}");
}

#[tokio::test]
async fn whatever_the_spelling_of_the_key() {
    for key in ["functionRequestId", "FunctionRequestId", "faas.execution"] {
        let (aws, event) = event_of_two_requests(key).await;
        let trail = trail(&event);
        assert!(trail.iter().any(|line| line.contains("REPORT RequestId")), "{key}: {event:#}");
        assert_eq!(searches_in_a_stream(&aws).len(), 2, "{key}");
    }
}

#[tokio::test]
async fn a_timeout_is_part_of_the_trail() {
    let aws = Aws::start().await;
    two_requests(&aws, "function_request_id");
    aws.logs(|logs| {
        let line =
            format!("2025-02-02T12:05:03.005Z {FAILED} Task timed out after 3.00 seconds\n\n");
        logs.line(GROUP, STREAM, DATAPOINT + 3000, &line);
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("orders")])).await.response();
    let trail = trail(&aws.only_event());
    assert!(trail.iter().any(|line| line.contains("Task timed out after 3.00")), "{trail:#?}");
}

#[tokio::test]
async fn an_id_with_pattern_syntax_never_reaches_a_pattern() {
    for id in ["\" ?x \"", "a\\\"b", "%.*%", "* -ERROR", "{ $.level = \"INFO\" }", ""] {
        let aws = Aws::start().await;
        two_requests(&aws, "function_request_id");
        let evil = powertools("function_request_id", id, "ERROR", "injected");
        aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT + 30_000, &evil));
        let enrich = aws.enrich().start().await;
        enrich.invoke(&sns(&[alarm("orders")])).await.response();
        // The line's own trace id is a safe one to follow instead.
        let trace = format!("?\"{TRACE}\" ?\"{}\"", TRACE[2..].replace('-', ""));
        for call in aws.calls("FilterLogEvents") {
            // Beside a line every line is read, without a pattern.
            let pattern = call.body["filterPattern"].as_str().unwrap_or_default();
            let safe = ["", PATTERN, &format!("\"{FAILED}\""), &trace];
            assert!(safe.contains(&pattern), "{pattern}");
        }
        let event = aws.only_event();
        assert_valid_trigger(&event);
        assert!(event.to_string().contains("injected"), "the line itself is evidence: {event:#}");
    }
}

#[tokio::test]
async fn as_many_trails_as_configured() {
    for (limit, expected) in [("0", 0), ("2", 2)] {
        let aws = Aws::start().await;
        aws.logs(|logs| {
            logs.filter(GROUP, PATTERN, NAMESPACE, METRIC);
            for (number, what) in
                ["disk full", "no route", "bad card", "stack overflow"].iter().enumerate()
            {
                let id = format!("c6af9ac6-7b61-11e6-9a41-93e8deadbee{number}");
                let line = powertools("function_request_id", &id, "ERROR", what);
                let stream = format!("stream-{number}");
                logs.line(GROUP, &stream, DATAPOINT + 1000, &line);
                logs.line(GROUP, &stream, DATAPOINT + 2000, &format!("END RequestId: {id}\n"));
            }
        });
        let enrich = aws.enrich().variable("PAGETRAIL_MAX_TRAILS", limit).start().await;
        enrich.invoke(&sns(&[alarm("orders")])).await.response();
        let searches = searches_in_a_stream(&aws);
        let by_id = searches.iter().filter(|call| call.body.get("filterPattern").is_some());
        assert_eq!(by_id.count(), expected);
        // And between the lines with the id, for each.
        assert_eq!(searches.len(), 2 * expected);
        assert_valid_trigger(&aws.only_event());
    }
}

#[tokio::test]
async fn a_trail_longer_than_configured_says_that_it_is_cut() {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        logs.filter(GROUP, PATTERN, NAMESPACE, METRIC);
        for number in 0..200 {
            let line =
                powertools("function_request_id", FAILED, "INFO", &format!("step {number:03}"));
            logs.line(GROUP, STREAM, DATAPOINT + number, &line);
        }
        let line = powertools("function_request_id", FAILED, "ERROR", "order 7 lost");
        logs.line(GROUP, STREAM, DATAPOINT + 200, &line);
    });
    let enrich = aws.enrich().variable("PAGETRAIL_MAX_TRAIL_LINES", "20").start().await;
    enrich.invoke(&sns(&[alarm("orders")])).await.response();
    let event = aws.only_event();
    let trail = trail(&event);
    let lines = trail.iter().filter(|line| line.contains("step ") || line.contains("lost")).count();
    assert!((10..=20).contains(&lines), "{trail:#?}");
    assert!(trail.iter().any(|line| line.contains("order 7 lost")), "the error itself: {trail:#?}");
}

#[tokio::test]
async fn a_trail_that_cannot_be_read_costs_no_lines() {
    let aws = Aws::start().await;
    two_requests(&aws, "function_request_id");
    aws.script(|script| {
        let in_stream = |body: &Value| body.get("logStreamNames").is_some();
        let denied = access_denied("logs:FilterLogEvents", GROUP);
        script.always_where("FilterLogEvents", in_stream, denied);
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("orders")])).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert!(note(&event).contains("logs:FilterLogEvents"), "{event:#}");
    assert!(details(&event, "4 lines").join("\n").contains("order 7 lost"), "{event:#}");
}

#[tokio::test]
async fn lines_without_an_id_stand_among_those_around_them() {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        logs.filter(GROUP, "ERROR", NAMESPACE, METRIC);
        logs.line(GROUP, STREAM, DATAPOINT + 1, "ERROR: order 7 lost");
        logs.line(GROUP, STREAM, DATAPOINT + 2, "all is well");
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("orders")])).await.response();
    let event = aws.only_event();
    assert_has_no_note(&event);
    let lines = trail(&event);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("ERROR: order 7 lost"), "{lines:#?}");
    assert!(lines[1].contains("all is well"), "{lines:#?}");
    assert_eq!(details(&event, "4 lines"), Vec::<String>::new(), "no line is shown twice");
}

#[tokio::test]
async fn a_trail_that_breaks_off_says_so() {
    let aws = Aws::start().await;
    two_requests(&aws, "function_request_id");
    aws.logs(|logs| logs.page_size = 2);
    aws.script(|script| {
        let second =
            |body: &Value| body.get("logStreamNames").is_some() && body.get("nextToken").is_some();
        script.always_where("FilterLogEvents", second, Answer::Hang);
    });
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "2").start().await;
    enrich.invoke(&sns(&[alarm("orders")])).await.response();
    let event = aws.only_event();
    let trail = trail(&event);
    assert!(trail.iter().any(|line| line.contains("order 7 lost")), "{event:#}");
    assert!(note(&event).contains("trail"), "{event:#}");
}
