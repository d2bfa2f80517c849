//! What is searched for, where, and how the pages of answers are read.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, assert_has_no_note, assert_valid_trigger, aws_with_filter, details, searched,
    shown,
};
use crate::support::alarms::{
    DATAPOINT, DATAPOINT_END, METRIC, NAMESPACE, alarm, alarm_arn, sns, sns_record, topic,
};
use crate::support::aws::{Aws, EVENTS_QUEUE, refusal};
use crate::support::lambda::REGION;

#[tokio::test]
async fn the_filters_own_pattern_over_its_own_group_newest_first() {
    let pattern = r#"{ $.level = "ERROR" && $.service != "ad hoc" }"#;
    let aws = aws_with_filter(pattern).await;
    let line = r#"{"level":"ERROR","service":"shop","message":"card declined"}"#;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT + 10_000, line));
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();

    let bodies = |operation: &str| -> Vec<Value> {
        aws.calls(operation).into_iter().map(|call| call.body).collect()
    };
    let filters = json!({"metricName": METRIC, "metricNamespace": NAMESPACE});
    assert_eq!(bodies("DescribeMetricFilters"), [filters]);
    // The breaching datapoint and half a minute on both sides, in milliseconds.
    let search = json!({
        "logGroupName": GROUP,
        "filterPattern": pattern,
        "startTime": DATAPOINT - 30_000,
        "endTime": DATAPOINT_END + 30_000,
        "startFromHead": false,
    });
    // Then the lines around the newest one, which holds no id: every line of its stream.
    let at = DATAPOINT + 10_000;
    let before = json!({
        "logGroupName": GROUP,
        "logStreamNames": [STREAM],
        "startTime": at - 120_000,
        "endTime": at,
        "startFromHead": false,
    });
    let after = json!({
        "logGroupName": GROUP,
        "logStreamNames": [STREAM],
        "startTime": at,
        "endTime": at + 30_000,
    });
    assert_eq!(bodies("FilterLogEvents"), [search, before, after]);
    let event = aws.only_event();
    assert_valid_trigger(&event);
    assert_has_no_note(&event);
    assert!(event["payload"]["summary"].as_str().unwrap().contains("card declined"), "{event:#}");
}

#[tokio::test]
async fn all_metric_filters_of_all_pages() {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        logs.filter_page_size = 1;
        for number in 1..=3 {
            let group = format!("/shop/part-{number}");
            logs.filter(&group, &format!("ERROR part{number}"), NAMESPACE, METRIC);
            logs.line(&group, STREAM, DATAPOINT + number, &format!("ERROR part{number} broke"));
        }
        logs.filter("/other/app", "ERROR", NAMESPACE, "OtherMetric");
        logs.filter("/another/app", "ERROR", "OtherNamespace", METRIC);
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();

    let tokens: Vec<Value> = aws
        .calls("DescribeMetricFilters")
        .iter()
        .map(|call| call.body["nextToken"].clone())
        .collect();
    assert_eq!(tokens, [json!(null), json!("filters-1"), json!("filters-2")]);
    let expected = |number: u8| (format!("/shop/part-{number}"), format!("ERROR part{number}"));
    assert_eq!(searched(&aws), [expected(1), expected(2), expected(3)]);
    let lines = shown(&aws.only_event());
    for number in 1..=3 {
        assert!(lines.contains(&format!("ERROR part{number} broke")), "{lines}");
    }
}

#[tokio::test]
async fn several_log_groups_side_by_side() {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        for number in 1..=3 {
            let group = format!("/shop/part-{number}");
            logs.filter(&group, "ERROR", NAMESPACE, METRIC);
            logs.line(&group, STREAM, DATAPOINT + number, "ERROR");
        }
    });
    // Longer than it takes to start all three at CloudWatch's pace of five calls a second.
    aws.delay("FilterLogEvents", Duration::from_secs(1));
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    assert_eq!(aws.most_at_once("FilterLogEvents"), 3);
}

#[tokio::test]
async fn pages_on_through_empty_pages() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.empty_pages = 3;
        logs.page_size = 2;
        for number in 1..=5 {
            logs.line(GROUP, STREAM, DATAPOINT + number, &format!("ERROR in step {number}"));
        }
    });
    // Without trails, which would show the same lines.
    let enrich = aws.enrich().variable("PAGETRAIL_MAX_TRAILS", "0").start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();

    let event = aws.only_event();
    assert_has_no_note(&event);
    let lines = details(&event, "4 lines");
    assert_eq!(lines.len(), 5, "{lines:#?}");
    // Each page is asked for by the token of the one before, all else unchanged.
    let searches = aws.calls("FilterLogEvents");
    assert!(searches.len() >= 12, "{}", searches.len());
    let parameters = |call: &Value| {
        let mut call = call.clone();
        call.as_object_mut().unwrap().remove("nextToken");
        call
    };
    let first = parameters(&searches[0].body);
    for search in &searches {
        assert_eq!(parameters(&search.body), first);
    }
}

#[tokio::test]
async fn newest_evidence_wins() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.page_size = 4;
        for number in 1..=40 {
            logs.line(
                GROUP,
                STREAM,
                DATAPOINT + number * 1000,
                &format!("ERROR row-{number:02} bad"),
            );
        }
    });
    let stage = aws.enrich().variable("PAGETRAIL_MAX_LINES", "5");
    let enrich = stage.variable("PAGETRAIL_MAX_TRAILS", "0").start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();

    let lines = details(&aws.only_event(), "4 lines").join("\n");
    for number in 1..=40 {
        let kept = lines.contains(&format!("row-{number:02}"));
        assert_eq!(kept, number > 35, "row {number} of\n{lines}");
    }
}

#[tokio::test]
async fn newest_evidence_wins_across_log_groups() {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        for (group, hour) in [("/shop/early", 0), ("/shop/late", 30_000)] {
            logs.filter(group, "ERROR", NAMESPACE, METRIC);
            for number in 1..=10 {
                let line = format!("ERROR {group} row-{number:02}");
                logs.line(group, STREAM, DATAPOINT + hour + number, &line);
            }
        }
    });
    let stage = aws.enrich().variable("PAGETRAIL_MAX_LINES", "10");
    let enrich = stage.variable("PAGETRAIL_MAX_TRAILS", "0").start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let lines = details(&aws.only_event(), "4 lines").join("\n");
    for number in 1..=10 {
        assert!(lines.contains(&format!("/shop/late row-{number:02}")), "{lines}");
    }
    assert!(!lines.contains("/shop/early row"), "{lines}");
}

#[tokio::test]
async fn searches_again_for_lines_that_become_searchable_late() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        let late = Duration::from_millis(1500);
        logs.late_line(GROUP, STREAM, DATAPOINT + 1000, "ERROR disk full", late);
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let event = aws.only_event();
    assert!(event["payload"]["summary"].as_str().unwrap().contains("disk full"), "{event:#}");
    assert_has_no_note(&event);
    assert!(aws.calls("FilterLogEvents").len() > 1);
}

#[tokio::test]
async fn a_few_searches_again_not_a_storm() {
    let aws = aws_with_filter("ERROR").await;
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "4").start().await;
    let begun = Instant::now();
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let searches = aws.calls("FilterLogEvents").len();
    assert!((2..=8).contains(&searches), "{searches} searches");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_alarm_about_missing_lines_waits_for_none() {
    let aws = aws_with_filter("heartbeat").await;
    let mut alarm = alarm("heartbeat");
    alarm["NewStateReason"] = "Threshold Crossed: no datapoints were received for 3 periods and 3 \
        missing datapoints were treated as [Breaching]."
        .into();
    alarm["Trigger"]["ComparisonOperator"] = "LessThanThreshold".into();
    alarm["Trigger"]["TreatMissingData"] = "breaching".into();
    let enrich = aws.enrich().start().await;
    let begun = Instant::now();
    enrich.invoke(&sns(&[alarm])).await.response();
    assert_valid_trigger(&aws.only_event());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn logs_of_the_alarms_region_and_the_queue_of_the_functions() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.region = "us-west-2".to_owned();
        logs.line(GROUP, STREAM, DATAPOINT, "ERROR far away");
    });
    let mut alarm = alarm("far");
    alarm["AlarmArn"] = alarm_arn("far").replace(REGION, "us-west-2").into();
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm])).await.response();
    assert_has_no_note(&aws.only_event());
    for operation in ["DescribeMetricFilters", "FilterLogEvents"] {
        assert!(aws.calls(operation).iter().all(|call| call.region == "us-west-2"), "{operation}");
    }
    assert_eq!(aws.calls("SendMessage")[0].region, REGION);
}

#[tokio::test]
async fn the_topics_region_for_an_alarm_without_an_arn() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.region = "eu-central-1".to_owned();
        logs.line(GROUP, STREAM, DATAPOINT, "ERROR far away");
    });
    let mut alarm = alarm("far");
    alarm.as_object_mut().unwrap().remove("AlarmArn");
    let record = sns_record(&topic("eu-central-1"), "ALARM: \"far\"", &alarm.to_string());
    let enrich = aws.enrich().start().await;
    enrich.invoke(&json!({"Records": [record]})).await.response();
    assert_has_no_note(&aws.only_event());
    assert_eq!(aws.calls("FilterLogEvents")[0].region, "eu-central-1");
}

#[tokio::test]
async fn a_throttled_search_is_tried_again() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    let throttled = refusal("ThrottlingException", "Rate exceeded");
    aws.script(|script| script.next("FilterLogEvents", [throttled.clone(), throttled]));
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let event = aws.only_event();
    assert_has_no_note(&event);
    assert_eq!(shown(&event).matches("ERROR disk full").count(), 1, "{event:#}");
    assert_eq!(aws.sent(EVENTS_QUEUE).len(), 1);
}
