//! Kinds of error, their counts, and where their traces are looked for.

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, assert_has_no_note, assert_valid_trigger, aws_with_filter, details, trail,
};
use crate::support::alarms::{DATAPOINT, alarm, sns};
use crate::support::aws::Aws;

#[tokio::test]
async fn a_burst_of_5000_lines_is_three_kinds_with_right_counts() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        for number in 0..5_000_i64 {
            let line = match number % 10 {
                0 => format!("ERROR order {number} lost: no answer from 10.0.0.{}", number % 255),
                1..=3 => format!("ERROR payment of {number}.50 EUR declined by card service"),
                _ => format!("ERROR stock of item sku-{number} could not be read in {number} ms"),
            };
            logs.line(GROUP, STREAM, DATAPOINT + number * 10, &line);
        }
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert_has_no_note(&event);
    let errors = details(&event, "1 errors");
    assert_eq!(errors.len(), 3, "{errors:#?}");
    for (what, count) in [("stock of item", 3_000), ("payment of", 1_500), ("lost", 500)] {
        let kind = errors.iter().find(|error| error.contains(what)).expect(what);
        assert!(kind.contains(&format!("· {count}×, from ")), "{kind}");
    }
    assert!(errors[0].contains("stock of item"), "the most frequent first: {errors:#?}");
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert!(summary.contains("5000×") && summary.contains("3 kinds"), "{summary}");
    let times = "from 12:05:00 to 12:05:49 UTC";
    assert!(errors.iter().all(|error| error.contains(times)), "{errors:#?}");
}

const XRAY: &str = "1-67891233-abcdef012345678912345678";
const W3C: &str = "67891233abcdef012345678912345678";

#[tokio::test]
async fn a_trace_is_also_searched_in_the_groups_the_user_names() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        let line = json!({"level": "ERROR", "message": "order lost", "xray_trace_id": XRAY});
        logs.line(GROUP, STREAM, DATAPOINT + 1000, &line.to_string());
        let told = |what: &str| format!("INFO trace_id={W3C} {what}");
        logs.line("/gateway/access", "g", DATAPOINT + 500, &told("request taken"));
        logs.line("/team/stock", "s", DATAPOINT + 800, &told("stock is empty"));
        logs.line("/team/mail", "m", DATAPOINT + 1200, &told("mail sent"));
        logs.line("/other", "o", DATAPOINT + 900, &told("nobody asked for this"));
    });
    let groups = "/gateway/access, /team/*";
    let enrich = aws.enrich().variable("PAGETRAIL_TRACE_LOG_GROUPS", groups).start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert_has_no_note(&event);
    let trail = trail(&event);
    let expected = ["/gateway/access · ", "/team/stock · ", "order lost", "/team/mail · "];
    assert_eq!(trail.len(), expected.len(), "{trail:#?}");
    for (line, part) in trail.iter().zip(expected) {
        assert!(line.contains(part), "{part} in {trail:#?}");
    }
    let prefixes: Vec<Value> = aws
        .calls("DescribeLogGroups")
        .iter()
        .map(|call| call.body["logGroupNamePrefix"].clone())
        .collect();
    assert_eq!(prefixes, ["/team/"]);
    let pattern = format!("?\"{XRAY}\" ?\"{W3C}\"");
    let traced: Vec<_> = aws
        .calls("FilterLogEvents")
        .into_iter()
        .filter(|call| call.body["filterPattern"] == pattern)
        .collect();
    assert_eq!(traced.len(), 4, "its own group and three named ones");
    let links = event["links"].to_string();
    assert!(links.contains(&format!("xray:traces/{XRAY}")), "{links}");
}

#[tokio::test]
async fn a_request_that_is_no_trace_stays_in_its_own_group() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.line(GROUP, STREAM, DATAPOINT, "ERROR correlation_id=order-00007 lost");
        logs.line(GROUP, "web-2", DATAPOINT - 10, "INFO correlation_id=order-00007 taken");
        logs.line("/team/stock", "s", DATAPOINT, "INFO correlation_id=order-00007 elsewhere");
    });
    let enrich = aws.enrich().variable("PAGETRAIL_TRACE_LOG_GROUPS", "/team/stock").start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let event = aws.only_event();
    assert_has_no_note(&event);
    let trail = trail(&event).join("\n");
    assert!(trail.contains("taken") && trail.contains("lost"), "{trail}");
    assert!(!trail.contains("elsewhere"), "{trail}");
}

#[tokio::test]
async fn the_accounts_name_stands_in_the_title() {
    for (name, place) in
        [(Some("shop-prod"), "(shop-prod, ap-northeast-1)"), (None, "(ap-northeast-1)")]
    {
        let aws = aws_with_filter("ERROR").await;
        aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
        let mut stage = aws.enrich();
        if let Some(name) = name {
            stage = stage.variable("PAGETRAIL_ACCOUNT_NAME", name);
        }
        stage.start().await.invoke(&sns(&[alarm("shop")])).await.response();
        let event = aws.only_event();
        let summary = event["payload"]["summary"].as_str().unwrap();
        assert!(summary.ends_with(place), "{summary}");
    }
}

#[tokio::test]
async fn a_service_without_ids_gets_the_lines_around_its_error() {
    let aws = Aws::start().await;
    aws.resources(|it| it.tag("shop", "pagetrail:log-group", GROUP));
    aws.logs(|logs| {
        let lines = [
            (-180_000, "three minutes earlier"),
            (-2_000, "listening on port 8080"),
            (-1_000, "reading stock.db"),
            (0, "Error: disk full\n    at read (stock.js:7)\n    at main (app.js:1)"),
            (1_000, "shutting down"),
            (60_000, "a minute later"),
        ];
        for (at, line) in lines {
            logs.line(GROUP, "i-0123456789", DATAPOINT + at, line);
        }
        logs.line(GROUP, "i-9876543210", DATAPOINT, "INFO another machine");
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let event = aws.only_event();
    assert_has_no_note(&event);
    let trail = trail(&event);
    // A stack stays with its line, each of its lines a row.
    let expected =
        ["listening", "reading", "▶ Error: disk full", "at read", "at main", "shutting down"];
    assert_eq!(trail.len(), expected.len(), "{trail:#?}");
    assert!(trail.iter().zip(expected).all(|(line, part)| line.contains(part)), "{trail:#?}");
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("Error: disk full ·"), "{summary}");
}
