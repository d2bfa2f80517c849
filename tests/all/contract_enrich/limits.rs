//! Events far over PagerDuty's limits are fitted, and say what was cut.

use serde_json::Value;

use crate::contract_enrich::{
    GROUP, STREAM, assert_valid_trigger, aws_with_filter, details, shown,
};
use crate::support::alarms::{DATAPOINT, alarm, sns};
use crate::support::aws::{Aws, EVENTS_QUEUE};

/// PagerDuty's limit less room for the routing key that delivery adds.
const LIMIT: usize = 512_000 - 64;

async fn fitted(aws: &Aws, alarm: Value) -> Value {
    let enrich = aws.enrich().variable("PAGETRAIL_MAX_LINES", "500").start().await;
    enrich.invoke(&sns(&[alarm])).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    let size = event.to_string().len();
    assert!(size < LIMIT, "{size} bytes");
    event
}

#[tokio::test]
async fn huge_lines_of_every_kind() {
    let quotes = "\"".repeat(200_000);
    let controls = "\u{1}x".repeat(100_000);
    let wide = "火".repeat(80_000);
    let joined = "👩‍👩‍👧‍👦".repeat(10_000);
    for filling in [quotes, controls, wide, joined, "x".repeat(250_000)] {
        let aws = aws_with_filter("ERROR").await;
        aws.logs(|logs| {
            for number in 0..12 {
                let line = format!("ERROR {number:03} {filling}");
                logs.line(GROUP, STREAM, DATAPOINT + number, &line);
            }
        });
        let event = fitted(&aws, alarm("shop")).await;
        assert!(shown(&event).contains("ERROR 011"), "some of it stays");
        let size = event.to_string().len();
        assert!(size > 2_000, "{size} bytes: no more is cut than must be: {event:#}");
    }
}

#[tokio::test]
async fn very_many_lines_say_what_was_cut() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        for number in 0..500 {
            let line = format!("ERROR row-{number:03} {}", "a b ".repeat(1_000));
            logs.line(GROUP, STREAM, DATAPOINT + number, &line);
        }
    });
    let event = fitted(&aws, alarm("shop")).await;
    assert!(!details(&event, "7 cut").is_empty(), "{:?}", details(&event, "7 cut"));
    assert!(event.to_string().contains("row-499"), "the newest line stays");
}

#[tokio::test]
async fn a_huge_alarm() {
    let aws = aws_with_filter("ERROR").await;
    let mut alarm = alarm(&"long-name-".repeat(26)[..255]);
    alarm["AlarmDescription"] = "a very long description\n".repeat(40_000).into();
    alarm["NewStateReason"] = "🔥 a very long reason ".repeat(40_000).into();
    alarm["UnknownField"] = "z".repeat(600_000).into();
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "1").start().await;
    enrich.invoke(&sns(&[alarm])).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert!(event.to_string().len() < LIMIT);
}

#[tokio::test]
async fn a_title_is_one_line_of_at_most_1024_characters() {
    for line in [
        format!("ERROR {}", "火".repeat(3_000)),
        "ERROR first\nsecond\r\nthird\u{2028}fourth\u{85}fifth".to_owned(),
    ] {
        let aws = aws_with_filter("ERROR").await;
        aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, &line));
        let event = fitted(&aws, alarm("shop")).await;
        let summary = event["payload"]["summary"].as_str().unwrap();
        assert!(!summary.contains(['\u{2028}', '\u{2029}', '\u{85}']), "{summary:?}");
    }
}

#[tokio::test]
async fn a_huge_text_that_is_no_alarm() {
    let aws = Aws::start().await;
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&["call me ".repeat(200_000).into()])).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert!(event.to_string().len() < LIMIT);
    assert!(aws.sent(EVENTS_QUEUE)[0].text.len() < 1_048_576);
}
