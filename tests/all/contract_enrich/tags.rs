//! What tags of the alarm say: where to look and for what, how bad it is, the runbook.

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, assert_has_no_note, aws_with_filter, event_from, note, searched, searched_groups,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, alarm_arn, sns, turned};
use crate::support::aws::{Aws, EVENTS_QUEUE, refusal};
use crate::support::http::Answer;

#[tokio::test]
async fn tagged_groups_are_searched_and_metric_filters_not_waited_for() {
    let aws = aws_with_filter("ERROR").await;
    aws.always("DescribeMetricFilters", Answer::Hang);
    let pattern = "?TAGGED ?FAILED";
    aws.resources(|it| {
        it.tag("shop", "pagetrail:log-group", "/shop/one  /shop/two");
        it.tag("shop", "pagetrail:pattern", pattern);
        it.tag("shop", "team", "checkout");
    });
    aws.logs(|logs| {
        logs.line("/shop/one", STREAM, DATAPOINT, "TAGGED disk full");
        logs.group("/shop/two");
        logs.line(GROUP, STREAM, DATAPOINT, "ERROR not asked for");
    });
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    let tags = aws.calls("ListTagsForResource");
    assert_eq!(tags.len(), 1);
    assert_eq!(tags[0].body, json!({"ResourceARN": alarm_arn("shop")}));
    assert!(aws.calls("DescribeMetricFilters").len() <= 1, "asked while the tags were read");
    let expected = ["/shop/one", "/shop/two"].map(|group| (group.to_owned(), pattern.to_owned()));
    assert_eq!(searched(&aws), expected);
    assert!(event["payload"]["summary"].as_str().unwrap().contains("disk full"), "{event:#}");
    assert_has_no_note(&event);
}

#[tokio::test]
async fn without_a_tagged_pattern_the_usual_errors_are_looked_for() {
    let aws = Aws::start().await;
    aws.resources(|it| it.tag("shop", "pagetrail:log-group", GROUP));
    aws.logs(|logs| {
        for (second, line) in [
            "ERROR one",
            r#"{"level":"error","msg":"two"}"#,
            "level=error msg=three",
            r#"{"level":50,"msg":"four"}"#,
            "java.lang.IllegalStateException: five",
            "Traceback (most recent call last):\n  File \"x\", line 1\nKeyError: 'six'",
        ]
        .iter()
        .zip(1..)
        .map(|(line, second)| (second, line))
        {
            logs.line(GROUP, STREAM, DATAPOINT + second * 1000, line);
        }
        logs.line(GROUP, STREAM, DATAPOINT, "INFO all is well");
    });
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert!(event["payload"]["summary"].as_str().unwrap().contains("6× in"), "{event:#}");
}

#[tokio::test]
async fn an_arn_as_the_console_copies_it() {
    let aws = Aws::start().await;
    let arn = format!("arn:aws:logs:ap-northeast-1:111111111111:log-group:{GROUP}");
    aws.resources(|it| it.tag("shop", "pagetrail:log-group", &format!("{arn}:*")));
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert_has_no_note(&event);
    assert_eq!(aws.calls("FilterLogEvents")[0].body["logGroupIdentifier"], arn);
}

#[tokio::test]
async fn tags_in_the_message_save_the_call() {
    let aws = Aws::start().await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    let mut alarm = alarm("shop");
    alarm["AlarmTags"] = json!([{"key": "pagetrail:log-group", "value": GROUP}]);
    event_from(&aws, &sns(&[alarm])).await;
    assert_eq!(aws.calls("ListTagsForResource").len(), 0);
    assert_eq!(searched_groups(&aws), [GROUP]);
}

#[tokio::test]
async fn tags_that_may_not_be_read_cost_nothing_else() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    let words = "User: x is not authorized to perform: cloudwatch:ListTagsForResource";
    aws.always("ListTagsForResource", refusal("AccessDeniedException", words));
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert!(event["payload"]["summary"].as_str().unwrap().contains("disk full"), "{event:#}");
    let note = note(&event);
    assert!(note.contains("cloudwatch:ListTagsForResource"), "{note}");
    assert!(note.contains(&alarm_arn("shop")), "{note}");
}

#[tokio::test]
async fn a_resolve_goes_to_the_tagged_target_and_to_the_default_one() {
    let aws = aws_with_filter("ERROR").await;
    aws.resources(|it| it.tag("shop", "pagetrail:target", "db"));
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[turned(alarm("shop"), "OK")])).await.response();
    let sent = aws.sent(EVENTS_QUEUE);
    let targets: Vec<_> = sent.iter().map(|it| it.body["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["default", "db"]);
    assert_ne!(sent[0].group, sent[1].group);
    assert_ne!(sent[0].deduplication, sent[1].deduplication);
}

#[tokio::test]
async fn a_resolve_whose_tags_could_not_be_read_just_now_is_tried_again_by_lambda() {
    let aws = aws_with_filter("ERROR").await;
    aws.always("ListTagsForResource", refusal("ThrottlingException", "Rate exceeded"));
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[turned(alarm("shop"), "OK")])).await.error();
    let sent = aws.sent(EVENTS_QUEUE);
    assert_eq!(sent.len(), 1, "the default target has its resolve already");
}

#[tokio::test]
async fn a_resolve_whose_tags_did_not_come_before_the_deadline_is_tried_again_as_well() {
    let aws = aws_with_filter("ERROR").await;
    aws.always("ListTagsForResource", Answer::Hang);
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "1").start().await;
    enrich.invoke(&sns(&[turned(alarm("shop"), "OK")])).await.error();
    assert_eq!(aws.sent(EVENTS_QUEUE).len(), 1, "the default target has its resolve already");
}

async fn tagged_event(tag: Option<(&str, &str)>, alarm: Value) -> Value {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    let name = alarm["AlarmName"].as_str().unwrap().to_owned();
    aws.resources(|it| {
        if let Some((key, value)) = tag {
            it.tag(&name, key, value);
        }
    });
    event_from(&aws, &sns(&[alarm])).await
}

#[tokio::test]
async fn severity_by_tag_before_name_before_description_before_the_default() {
    let described = |name: &str, text: &str| {
        let mut alarm = alarm(name);
        alarm["AlarmDescription"] = text.into();
        alarm
    };
    for (tag, alarm, expected) in [
        (Some("critical"), described("shop-SEV3", "[info]"), "critical"),
        (Some("P4"), described("shop-SEV1", ""), "info"),
        (Some("nonsense"), described("shop-SEV1", ""), "critical"),
        (None, described("shop-SEV3", "[critical]"), "warning"),
        (None, described("shop", "[warning] the queue is long"), "warning"),
        (None, described("shop", "p99 of the shop"), "error"),
    ] {
        let event = tagged_event(tag.map(|tag| ("pagetrail:severity", tag)), alarm.clone()).await;
        let severity = &event["payload"]["severity"];
        assert_eq!(severity, expected, "{tag:?} {} {}", alarm["AlarmName"], severity);
    }
}

#[tokio::test]
async fn the_tagged_runbook_comes_first_among_the_links() {
    let mut described = alarm("shop");
    described["AlarmDescription"] = "Runbook: https://wiki.example/described".into();
    let tag = ("pagetrail:runbook", "https://wiki.example/tagged");
    for (tag, expected) in
        [(Some(tag), "https://wiki.example/tagged"), (None, "https://wiki.example/described")]
    {
        let event = tagged_event(tag, described.clone()).await;
        assert_eq!(event["links"][0], json!({"href": expected, "text": "Runbook"}), "{event:#}");
    }
    let odd = tagged_event(Some(("pagetrail:runbook", "javascript:alert(1)")), alarm("shop")).await;
    assert!(!odd.to_string().contains("javascript:"), "{odd:#}");
}

#[tokio::test]
async fn tags_are_asked_in_the_alarms_region_and_once_per_alarm() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| {
        logs.filter("/shop/other", "ERROR", NAMESPACE, METRIC);
        logs.region = "us-west-2".to_owned();
    });
    let mut far = alarm("far");
    far["AlarmArn"] = alarm_arn("far").replace("ap-northeast-1", "us-west-2").into();
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "2").start().await;
    enrich.invoke(&sns(&[far, alarm("near")])).await.response();
    assert_eq!(aws.queued(EVENTS_QUEUE).len(), 2);
    let asked = aws.calls("ListTagsForResource");
    assert_eq!(asked.len(), 2, "{asked:#?}");
    for call in asked {
        let arn = call.body["ResourceARN"].as_str().unwrap();
        assert!(arn.contains(&call.region), "{} asked for {arn}", call.region);
    }
}
