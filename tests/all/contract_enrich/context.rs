//! The next questions: which calls are made for them, what they say, and that the page never waits for
//! them or fails with them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, alarm_on, assert_has_no_note, assert_valid_trigger, aws_with_filter, details,
    event_from,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns};
use crate::support::aws::{Aws, Call, refusal};
use crate::support::http::Answer;

/// When the alarm went into ALARM.
const CHANGED: i64 = DATAPOINT + 95_472;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
/// The search begins half a minute before the datapoint, and ends half a minute behind it.
pub(super) const START: i64 = DATAPOINT - 30_000;
const END: i64 = DATAPOINT + 90_000;
const OWN_GROUP: &str = "/aws/lambda/pagetrail-under-test";
pub(super) const ERROR: &str = "ERROR payment declined by the bank";
/// All operations that only context needs.
const OPERATIONS: [&str; 3] = ["DescribeAlarmHistory", "DescribeAlarms", "GetMetricData"];

/// CloudWatch Logs takes its time, so that turns for calls come back while the trail is read: these
/// questions never wait for a turn that the page would have to wait for.
async fn aws_with_error() -> Aws {
    let aws = aws_with_filter("ERROR").await;
    aws.delay("FilterLogEvents", Duration::from_millis(700));
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT + 1_000, ERROR));
    aws
}

pub(super) fn context(event: &Value) -> Vec<String> {
    details(event, "2 context")
}

#[track_caller]
fn assert_says(event: &Value, expected: &str) {
    let said = context(event);
    assert!(said.iter().any(|sentence| sentence == expected), "{expected}: {said:#?}");
}

#[tokio::test]
async fn how_often_and_what_else_with_one_call_each() {
    let aws = aws_with_error().await;
    aws.resources(|it| {
        it.alarm("shop", "ALARM", (NAMESPACE, METRIC));
        it.alarm("slow", "ALARM", (NAMESPACE, "Latency"));
        it.alarm("calm", "OK", (NAMESPACE, "Latency"));
        for (ago, state) in [(0, "ALARM"), (7, "OK"), (10, "ALARM"), (40, "OK"), (42, "ALARM")] {
            it.went("shop", CHANGED - ago * MINUTE, state);
        }
    });
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert_says(
        &event,
        "3rd time in 24 h; the last 2 ended after 2 min to 3 min, the newest of them began at 2025-02-02 \
         11:56 UTC (alarm history)",
    );
    assert_says(&event, "also in ALARM: slow since 2025-02-02 12:06 UTC (alarms of this Region)");
    let history = aws.context_calls("DescribeAlarmHistory");
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].body["AlarmName"], "shop");
    assert_eq!(history[0].body["HistoryItemType"], "StateUpdate");
    assert_eq!(history[0].body["MaxRecords"], 100);
    let others = aws.context_calls("DescribeAlarms");
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].body["StateValue"], "ALARM");
    assert_has_no_note(&event);
}

#[tokio::test]
async fn a_kind_that_was_not_logged_in_24_hours_is_new() {
    let aws = aws_with_error().await;
    aws.logs(|logs| logs.line(GROUP, STREAM, START - HOUR, "ERROR disk full on web-3"));
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert!(
        details(&event, "1 errors")[0].ends_with(" · new: none in the 24 h before"),
        "{event:#}"
    );
    assert_says(
        &event,
        "new: payment declined by the bank: none in the 24 h before, none a week ago at this time \
         (searched to the end) (log search)",
    );
    let calls = aws.context_calls("FilterLogEvents");
    let of = |group: &str, start: i64| {
        let found = calls
            .iter()
            .filter(|call| call.body["logGroupName"] == group && call.body["startTime"] == start);
        let found: Vec<&Value> = found.map(|call| &call.body).collect();
        assert_eq!(found.len(), 1, "{group} {start}: {calls:#?}");
        found[0].clone()
    };
    let day = of(GROUP, START - 24 * HOUR);
    assert_eq!((&day["endTime"], &day["filterPattern"]), (&json!(START - 1), &json!("ERROR")));
    assert_eq!((&day["limit"], &day["startFromHead"]), (&json!(100), &json!(false)));
    let week = of(GROUP, START - 7 * 24 * HOUR);
    assert_eq!(week["endTime"], END - 7 * 24 * HOUR);
    let others = of(GROUP, START);
    assert_eq!((&others["filterPattern"], &others["limit"]), (&Value::Null, &json!(300)));
    let own = calls.iter().filter(|call| call.body["logGroupName"] == OWN_GROUP).count();
    assert_eq!((own, calls.len()), (1, 4), "{calls:#?}");
}

#[tokio::test]
async fn a_kind_that_was_logged_before_is_known() {
    let aws = aws_with_error().await;
    aws.logs(|logs| {
        for ago in [1, 90, 24 * 60] {
            logs.line(GROUP, STREAM, START - ago * MINUTE, ERROR);
        }
    });
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    let error = &details(&event, "1 errors")[0];
    assert!(error.contains(" · known, last "), "{error}");
    let said = context(&event);
    let known =
        said.iter().find(|it| it.starts_with("known: payment declined by the bank: 1 now, "));
    let known = known.unwrap_or_else(|| panic!("{said:#?}"));
    let counts = "1 in the 2 min before, 3 in 24 h, 1 yesterday at this time, 0 a week ago; last ";
    assert!(known.contains(counts), "{known}");
}

#[tokio::test]
async fn a_kind_that_was_paged_before_is_known_but_not_by_its_own_page() {
    let aws = aws_with_error().await;
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let logged = enrich.output().await;
    let line = logged.lines().find(|line| line.contains("fingerprints")).expect("a log line");
    let logged: Value = serde_json::from_str(line).unwrap();
    assert_eq!(logged["fingerprints"].as_array().map(Vec::len), Some(1), "{logged}");
    // Lambda puts what the function writes into its log group.
    let now = chrono::Utc::now().timestamp_millis();
    aws.logs(|logs| logs.line(OWN_GROUP, "s", now - 5 * MINUTE, line));

    let enrich = aws.enrich().start().await;
    // The same notification again: its own page proves nothing.
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let mut other = alarm("shop-too");
    other["StateChangeTime"] = "2025-02-02T12:07:35.472+0000".into();
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[other])).await.response();
    let events: Vec<Value> = aws
        .sent(crate::support::aws::EVENTS_QUEUE)
        .iter()
        .map(|it| it.body["event"].clone())
        .collect();
    let errors: Vec<String> =
        events.iter().map(|event| details(event, "1 errors")[0].clone()).collect();
    assert!(errors[1].ends_with(" · new: none in the 24 h before"), "{errors:#?}");
    assert!(errors[2].ends_with(" · known, last 5 min ago"), "{errors:#?}");
}

#[tokio::test]
async fn a_function_that_changed_just_before_is_named() {
    let group = "/aws/lambda/orders";
    let aws = Aws::start().await;
    aws.delay("FilterLogEvents", Duration::from_millis(700));
    aws.resources(|it| it.changed("orders:43", "2025-02-02T12:02:11.000+0000"));
    aws.logs(|logs| {
        logs.filter(group, "ERROR", NAMESPACE, METRIC);
        logs.line(group, "2025/02/02/[42]aa", DATAPOINT, "INFO fine");
        logs.line(group, "2025/02/02/[43]bb", DATAPOINT + 2_000, ERROR);
    });
    let event = event_from(&aws, &sns(&[alarm("orders")])).await;
    assert_says(
        &event,
        "version 43 of function orders was published at 2025-02-02 12:02 UTC, 2 min before the first \
         of these lines; none of them in version 42, which ran too (Lambda)",
    );
    assert_eq!(aws.calls("GetFunctionConfiguration").len(), 1);
}

#[tokio::test]
async fn the_call_that_changed_the_service_is_named_where_that_is_wanted() {
    let service = [("ClusterName", "shop"), ("ServiceName", "api")];
    let alarm = || sns(&[alarm_on("api", "ECS/ContainerInsights", "TaskErrors", &service)]);
    let aws = Aws::start().await;
    aws.delay("FilterLogEvents", Duration::from_millis(700));
    aws.resources(|it| {
        it.tag("api", "pagetrail:log-group", GROUP);
        it.called("api", DATAPOINT - 3 * MINUTE, "UpdateService");
        it.called("api", DATAPOINT - 2 * MINUTE, "GetService");
        it.called("api", DATAPOINT + MINUTE, "UpdateService");
        it.called("shop", DATAPOINT - 30 * HOUR, "UpdateCluster");
    });
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT + 1_000, ERROR));
    let enrich = aws.enrich().variable("PAGETRAIL_CHANGES", "true").start().await;
    enrich.invoke(&alarm()).await.response();
    assert_says(
        &aws.only_event(),
        "UpdateService on api by [redacted: email] at 2025-02-02 12:02 UTC, 3 min before the first of \
         these lines (CloudTrail)",
    );
    let calls = aws.context_calls("LookupEvents");
    let name = |call: &Call| call.body["LookupAttributes"][0]["AttributeValue"].to_string();
    let mut names: Vec<String> = calls.iter().map(name).collect();
    names.sort();
    assert_eq!(names, ["\"api\"", "\"shop\""]);

    let aws = Aws::start().await;
    event_from(&aws, &alarm()).await;
    for operation in
        ["LookupEvents", "DescribeStackResources", "DescribeServices", "ListDeployments"]
    {
        assert!(aws.context_calls(operation).is_empty(), "{operation} only if the user wants it");
    }
}

#[tokio::test]
async fn what_the_failing_requests_have_in_common() {
    let aws = aws_with_filter("ERROR").await;
    aws.delay("FilterLogEvents", Duration::from_millis(700));
    aws.logs(|logs| {
        for number in 0..60 {
            let failing = number % 5 == 0;
            let tenant = if failing {
                "acme"
            } else {
                ["blue", "cyan", "dove"][usize::try_from(number % 3).unwrap()]
            };
            let line = json!({"level": if failing { "ERROR" } else { "INFO" }, "message": "order",
                "tenant": tenant, "request_id": format!("req-{number:08}")});
            logs.line(GROUP, STREAM, DATAPOINT + number * 100, &line.to_string());
        }
    });
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert_says(
        &event,
        "tenant=acme in 12 of 12 failing requests, 0 of 48 others (lines of the same time)",
    );
}

#[tokio::test]
async fn the_metric_where_there_are_no_lines() {
    let queue = [("QueueName", "orders")];
    let alarm = || sns(&[alarm_on("queue", "AWS/SQS", "ApproximateAgeOfOldestMessage", &queue)]);
    let aws = Aws::start().await;
    let mut moved = vec![1.0; 12];
    moved[11] = 90.0;
    aws.resources(|it| {
        it.metric("ApproximateAgeOfOldestMessage", &moved);
        it.metric("NumberOfMessagesSent", &[3.0; 12]);
        it.metric(
            "NumberOfMessagesDeleted",
            &[90.0, 80.0, 90.0, 80.0, 90.0, 85.0, 90.0, 80.0, 90.0, 0.0],
        );
    });
    let event = event_from(&aws, &alarm()).await;
    let said = context(&event);
    assert!(
        said[0].starts_with("ApproximateAgeOfOldestMessage (Maximum), last 3 h: ▁"),
        "{said:#?}"
    );
    assert!(said[1].contains("moved most: NumberOfMessagesDeleted (Sum) "), "{said:#?}");
    // One call for each time span, with all metrics.
    let calls = aws.context_calls("GetMetricData");
    let metrics: Vec<usize> = calls
        .iter()
        .map(|it| it.body["MetricDataQueries"].as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(metrics.iter().sum::<usize>(), 7, "{calls:#?}");
    assert_eq!(calls.len(), 2);

    let aws = Aws::start().await;
    let enrich = aws.enrich().variable("PAGETRAIL_METRICS", "false").start().await;
    enrich.invoke(&alarm()).await.response();
    assert!(aws.context_calls("GetMetricData").is_empty());
}

#[tokio::test]
async fn of_a_long_history_only_a_few_small_pages_are_read_and_nothing_is_new() {
    let aws = aws_with_error().await;
    aws.logs(|logs| {
        logs.page_size = 50;
        for number in 0..400 {
            logs.line(GROUP, STREAM, START - 1_000 - number * 1_000, "ERROR disk full on web-3");
        }
    });
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert!(!details(&event, "1 errors")[0].contains("new"), "{event:#}");
    let calls = aws.context_calls("FilterLogEvents");
    let of_day = calls.iter().filter(|it| it.body["startTime"] == START - 24 * HOUR).count();
    assert_eq!(of_day, 3, "{calls:#?}");
}

/// The page without any answer: as it was before there were questions.
#[track_caller]
fn assert_only_evidence(event: &Value) {
    assert_valid_trigger(event);
    assert_eq!(context(event), Vec::<String>::new());
    assert!(details(event, "1 errors")[0].ends_with(" UTC"), "{event:#}");
    assert_has_no_note(event);
}

#[tokio::test]
async fn what_is_denied_or_throttled_costs_its_sentence_only() {
    for code in ["AccessDeniedException", "ThrottlingException"] {
        let aws = aws_with_error().await;
        aws.script(|script| {
            for operation in OPERATIONS {
                script.always_where(operation, |_| true, refusal(code, "no"));
            }
            let small = |body: &Value| body.get("limit").is_some();
            script.always_where("FilterLogEvents", small, refusal(code, "no"));
        });
        let event = event_from(&aws, &sns(&[alarm("shop")])).await;
        assert_only_evidence(&event);
        // A question is asked once: it is not worth a retry.
        assert_eq!(aws.context_calls("DescribeAlarmHistory").len(), 1, "{code}");
    }
}

#[tokio::test]
async fn the_page_does_not_wait_for_late_answers() {
    let aws = aws_with_error().await;
    let late = Duration::from_secs(20);
    aws.script(|script| {
        let small = |body: &Value| body.get("limit").is_some();
        script.always_where("FilterLogEvents", small, Answer::Hang);
    });
    for operation in ["DescribeAlarmHistory", "DescribeAlarms"] {
        aws.delay(operation, late);
    }
    let begun = Instant::now();
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert!(begun.elapsed() < late / 4, "{:?}", begun.elapsed());
    assert_only_evidence(&event);
}

#[tokio::test]
async fn an_alarm_of_another_account_is_not_mistaken_for_one_of_this_account() {
    let aws = aws_with_error().await;
    aws.resources(|it| {
        it.alarm("slow", "ALARM", (NAMESPACE, "Latency"));
        it.went("shop", CHANGED - 10 * MINUTE, "OK");
        it.went("shop", CHANGED - 20 * MINUTE, "ALARM");
    });
    let mut foreign = alarm("shop");
    foreign["AWSAccountId"] = "999988887777".into();
    foreign["AlarmArn"] = "arn:aws:cloudwatch:ap-northeast-1:999988887777:alarm:shop".into();
    let event = event_from(&aws, &sns(&[foreign])).await;
    let said = context(&event).join("\n");
    assert!(!said.contains("alarm history") && !said.contains("alarms of this Region"), "{said}");
}
