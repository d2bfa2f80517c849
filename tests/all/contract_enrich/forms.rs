//! Every form in which a notification can reach the function.

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, assert_has_no_note, assert_valid_trigger, aws_with_filter, details, event_from,
    of_alarm, searched_groups, trail,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, alarm_arn, sns, topic, turned};
use crate::support::aws::{Aws, EVENTS_QUEUE};
use crate::support::lambda::{ACCOUNT, REGION};

async fn aws_with_a_line() -> Aws {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    aws
}

/// What EventBridge and direct actions tell of the alarm `shop`.
fn change(state: &str) -> Value {
    json!({
        "alarmName": "shop",
        "state": {
            "value": state,
            "reason": "Threshold Crossed: 1 datapoint [1.0 (02/02/25 12:05:00)] was greater than \
                       or equal to the threshold (1.0).",
            "reasonData": "{\"version\":\"1.0\",\"period\":60,\"threshold\":1.0}",
            "timestamp": "2025-02-02T12:06:35.472+0000",
        },
        "previousState": {"value": "OK", "timestamp": "2025-02-02T12:00:35.472+0000"},
        "configuration": {
            "description": "Errors in the shop's log",
            "metrics": [{"id": "m1", "returnData": true, "metricStat": {
                "metric": {"namespace": NAMESPACE, "name": METRIC, "dimensions": {}},
                "period": 60, "stat": "Sum",
            }}],
        },
    })
}

fn event_bridge(state: &str) -> Value {
    json!({
        "version": "0",
        "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": "2025-02-02T12:06:35Z",
        "region": REGION,
        "resources": [alarm_arn("shop")],
        "detail": change(state),
    })
}

fn direct_action(state: &str) -> Value {
    json!({
        "source": "aws.cloudwatch",
        "alarmArn": alarm_arn("shop"),
        "accountId": ACCOUNT,
        "time": "2025-02-02T12:06:35.472+0000",
        "region": REGION,
        "alarmData": change(state),
    })
}

fn sqs(bodies: &[String]) -> Value {
    let record = |(number, body): (usize, &String)| {
        json!({
            "messageId": format!("059f36b4-87a3-44ab-83d2-{number:012}"),
            "receiptHandle": "AQEB",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:alarms"),
            "awsRegion": REGION,
        })
    };
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    json!({"Records": records})
}

fn notification(message: &Value) -> String {
    json!({
        "Type": "Notification",
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": topic(REGION),
        "Subject": "ALARM: \"shop\"",
        "Message": message.to_string(),
        "Timestamp": "2025-02-02T12:06:35.530Z",
    })
    .to_string()
}

#[tokio::test]
async fn every_road_gives_the_same_event_once() {
    let roads = [
        ("SNS", sns(&[alarm("shop")])),
        ("EventBridge", event_bridge("ALARM")),
        ("direct action", direct_action("ALARM")),
        ("SQS, raw", sqs(&[alarm("shop").to_string()])),
        ("SQS, enveloped", sqs(&[notification(&alarm("shop"))])),
        ("EventBridge by SNS and SQS", sqs(&[notification(&event_bridge("ALARM"))])),
    ];
    let aws = aws_with_a_line().await;
    let enrich = aws.enrich().start().await;
    for (road, payload) in &roads {
        enrich.invoke(payload).await.response();
        let sent = aws.sent(EVENTS_QUEUE);
        let event = &sent.last().unwrap().body["event"];
        assert_valid_trigger(event);
        assert_has_no_note(event);
        assert_eq!(event["dedup_key"], alarm_arn("shop"), "{road}");
        let summary = event["payload"]["summary"].as_str().unwrap();
        assert!(summary.contains("disk full") && summary.contains("shop"), "{road}: {summary}");
        assert_eq!(event["payload"]["group"], NAMESPACE, "{road}");
        assert_eq!(of_alarm(event, "description"), "Errors in the shop's log", "{road}");
    }
    assert_eq!(aws.sent(EVENTS_QUEUE).len(), roads.len());
    assert_eq!(aws.queued(EVENTS_QUEUE).len(), 1, "one state change by whatever road");
}

#[tokio::test]
async fn a_colon_and_a_space_in_the_name_change_no_key() {
    let name = "Shop: errors";
    let renamed = |payload: Value| -> Value {
        let text = payload.to_string().replace(":alarm:shop", &format!(":alarm:{name}"));
        serde_json::from_str(&text.replace(r#""shop""#, &format!(r#""{name}""#))).unwrap()
    };
    let aws = aws_with_a_line().await;
    let enrich = aws.enrich().start().await;
    let roads =
        [sns(&[alarm(name)]), renamed(event_bridge("ALARM")), renamed(direct_action("ALARM"))];
    for payload in &roads {
        enrich.invoke(payload).await.response();
        let sent = aws.sent(EVENTS_QUEUE);
        let event = &sent.last().unwrap().body["event"];
        assert_eq!(event["dedup_key"], alarm_arn(name), "{payload}");
    }
    assert_eq!(aws.queued(EVENTS_QUEUE).len(), 1, "one state change by whatever road");
}

#[tokio::test]
async fn an_event_bridge_pipe_hands_over_an_array() {
    let aws = aws_with_a_line().await;
    let bodies = [alarm("shop").to_string(), json!([event_bridge("OK"), {"x": 1}]).to_string()];
    let payload = sqs(&bodies)["Records"].clone();
    assert!(payload.is_array());
    let enrich = aws.enrich().start().await;
    enrich.invoke(&payload).await.response();
    let queued = aws.queued(EVENTS_QUEUE);
    let mut events: Vec<&str> = queued
        .iter()
        .map(|message| message.body["event"]["event_action"].as_str().unwrap())
        .collect();
    events.sort_unstable();
    assert_eq!(events, ["resolve", "trigger", "trigger"], "what is no alarm pages too");
}

#[tokio::test]
async fn every_road_resolves() {
    let aws = aws_with_a_line().await;
    let enrich = aws.enrich().start().await;
    let ok = turned(alarm("shop"), "OK");
    for payload in [
        sns(std::slice::from_ref(&ok)),
        event_bridge("OK"),
        direct_action("OK"),
        sqs(&[ok.to_string()]),
    ] {
        enrich.invoke(&payload).await.response();
        let sent = aws.sent(EVENTS_QUEUE);
        let event = &sent.last().unwrap().body["event"];
        assert_eq!(event["event_action"], "resolve", "{event:#}");
        assert_eq!(event["dedup_key"], alarm_arn("shop"));
    }
    assert!(aws.log_calls().is_empty());
}

#[tokio::test]
async fn several_forms_in_one_batch() {
    let aws = aws_with_a_line().await;
    let mut other = alarm("bakery");
    other["StateChangeTime"] = "2025-02-02T12:06:36.000+0000".into();
    let bodies = [
        alarm("shop").to_string(),
        notification(&other),
        event_bridge("OK").to_string(),
        "the coffee machine is on fire".to_owned(),
    ];
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sqs(&bodies)).await.response();
    let queued = aws.queued(EVENTS_QUEUE);
    let mut told: Vec<String> = queued
        .iter()
        .map(|message| {
            let event = &message.body["event"];
            let key = event["dedup_key"].as_str().unwrap();
            let name = key.rsplit(['/', ':']).next().unwrap();
            format!("{} {name}", event["event_action"].as_str().unwrap())
        })
        .collect();
    told.sort();
    let message = "trigger 059f36b4-87a3-44ab-83d2-000000000003";
    assert_eq!(told, ["resolve shop", message, "trigger bakery", "trigger shop"]);
    assert!(queued.iter().any(|it| it.text.contains("the coffee machine is on fire")));
}

#[tokio::test]
async fn contributors_are_alerts_of_their_own() {
    let of = |id: &str, table: &str, state: &str| {
        let mut event = event_bridge(state);
        event["detail-type"] = "CloudWatch Alarm Contributor State Change".into();
        event["detail"]["alarmContributor"] = json!({"id": id, "attributes": {"Table": table}});
        event
    };
    let aws = aws_with_a_line().await;
    let enrich = aws.enrich().start().await;
    for event in [of("c1", "orders", "ALARM"), of("c2", "stock", "ALARM"), of("c1", "orders", "OK")]
    {
        enrich.invoke(&event).await.response();
    }
    let queued = aws.queued(EVENTS_QUEUE);
    let key = |at: usize| queued[at].body["event"]["dedup_key"].as_str().unwrap();
    assert_eq!(queued.len(), 3);
    assert_eq!(key(0), format!("{}#c1", alarm_arn("shop")));
    assert_eq!(key(1), format!("{}#c2", alarm_arn("shop")));
    assert_eq!(queued[2].body["event"]["event_action"], "resolve");
    assert_eq!(key(2), key(0), "one contributor's OK resolves its own alert");
    let summary = queued[0].body["event"]["payload"]["summary"].as_str().unwrap();
    assert!(summary.contains("[orders]"), "{summary}");
}

const FAILED: &str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";
const LAMBDA_STREAM: &str = "2025/02/02/[$LATEST]8a2d39c1f0e04d3b9d3b64dd1f8b0d11";

#[tokio::test]
async fn a_log_alarms_own_lines_are_kept_and_their_trail_searched() {
    let aws = Aws::start().await;
    let error = format!("2025-02-02T12:05:01.000Z\t{FAILED}\tERROR\torder 7 lost");
    aws.logs(|logs| {
        let group = "/aws/lambda/orders";
        let start = format!("START RequestId: {FAILED} Version: $LATEST");
        logs.line(group, LAMBDA_STREAM, DATAPOINT + 500, &start);
        logs.line(group, LAMBDA_STREAM, DATAPOINT + 1000, &error);
        logs.line(group, LAMBDA_STREAM, DATAPOINT + 1500, &format!("END RequestId: {FAILED}"));
    });
    // The form of these fields is not documented: what Logs Insights calls them is one guess.
    for (group, carried) in [
        ("logGroup", json!("/aws/lambda/orders")),
        ("@log", json!(format!("{ACCOUNT}:/aws/lambda/orders"))),
    ] {
        let mut line = json!({
            "timestamp": DATAPOINT + 1000, "logStream": LAMBDA_STREAM, "message": error,
        });
        line[group] = carried;
        let mut alarm = alarm("log-alarm");
        alarm["StateChangeTime"] = format!("2025-02-02T12:06:35.00{}+0000", group.len()).into();
        alarm["Trigger"] = json!({
            "Period": 60, "EvaluationPeriods": 1,
            "LogGroupIdentifiers": ["/aws/lambda/orders"],
            "LogEvents": [line],
        });
        let enrich = aws.enrich().start().await;
        enrich.invoke(&sns(&[alarm])).await.response();
        let sent = aws.sent(EVENTS_QUEUE);
        let event = &sent.last().unwrap().body["event"];
        assert_valid_trigger(event);
        assert_has_no_note(event);
        assert!(event["payload"]["summary"].as_str().unwrap().contains("order 7 lost"));
        assert_eq!(details(event, "1 errors").len(), 1, "{group}: {event:#}");
        let trail = trail(event).join("\n");
        assert!(trail.contains("START RequestId") && trail.contains("END"), "{group}: {trail}");
    }
    assert_eq!(aws.calls("DescribeMetricFilters").len(), 0, "the lines are there already");
    assert_eq!(searched_groups(&aws), Vec::<String>::new());
}

#[tokio::test]
async fn an_event_that_is_no_alarm_pages_as_itself() {
    let aws = Aws::start().await;
    let mut configuration = event_bridge("ALARM");
    configuration["detail"]["operation"] = "update".into();
    let event = event_from(&aws, &configuration).await;
    assert!(details(&event, "0 note")[0].contains("not a state change"), "{event:#}");
    assert_eq!(aws.operations(), ["SendMessage"]);
}
