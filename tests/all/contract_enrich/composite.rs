//! Composite alarms: each child that broke is searched as itself, under its name.

use serde_json::{Value, json};

use crate::contract_enrich::{
    STREAM, assert_has_no_note, details, event_from, note, searched_groups,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm_arn, sns};
use crate::support::aws::{Aws, refusal};

/// A composite alarm's message: no Trigger, a rule, and the children that changed it.
fn composite(rule: &str, triggering: &[&str]) -> Value {
    let children: Vec<Value> = triggering
        .iter()
        .map(|name| {
            let state = json!({"Value": "ALARM", "Timestamp": "2025-02-02T12:06:35.472+0000"});
            json!({"Arn": alarm_arn(name), "State": state})
        })
        .collect();
    let mut alarm = crate::support::alarms::alarm("shop-is-down");
    alarm.as_object_mut().unwrap().remove("Trigger");
    alarm["AlarmRule"] = rule.into();
    alarm["TriggeringChildren"] = children.into();
    alarm["NewStateReason"] = format!(
        "{} transitioned to ALARM at Sunday 02 February, 2025 12:06:35 UTC",
        alarm_arn("orders")
    )
    .into();
    alarm
}

/// Three children with a log group each; `refunds` is well.
async fn aws_with_children() -> Aws {
    let aws = Aws::start().await;
    aws.resources(|it| {
        for (name, state) in [("orders", "ALARM"), ("stock", "ALARM"), ("refunds", "OK")] {
            it.alarm(name, state, (NAMESPACE, &format!("{METRIC}-{name}")));
        }
    });
    aws.logs(|logs| {
        for name in ["orders", "stock", "refunds"] {
            let group = format!("/shop/{name}");
            logs.filter(&group, "ERROR", NAMESPACE, &format!("{METRIC}-{name}"));
            logs.line(&group, STREAM, DATAPOINT + 1000, &format!("ERROR {name} broke"));
        }
    });
    aws
}

#[track_caller]
fn assert_names_both(event: &Value) {
    let errors = details(event, "1 errors");
    for name in ["orders", "stock"] {
        let found = errors.iter().find(|error| error.contains(&format!("{name} broke")));
        assert!(found.is_some_and(|it| it.split(" · ").any(|part| part == name)), "{errors:#?}");
    }
    assert!(!event.to_string().contains("refunds broke"), "{event:#}");
}

#[tokio::test]
async fn the_children_that_made_the_change() {
    let aws = aws_with_children().await;
    let rule = "ALARM(\"orders\") OR ALARM(\"stock\") OR ALARM(\"refunds\")";
    let event = event_from(&aws, &sns(&[composite(rule, &["orders"])])).await;
    assert_has_no_note(&event);
    let asked = aws.calls("DescribeAlarms");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body["AlarmNames"], json!(["orders"]));
    assert_eq!(asked[0].body["AlarmTypes"], json!(["MetricAlarm", "CompositeAlarm", "LogAlarm"]));
    assert_eq!(searched_groups(&aws), ["/shop/orders"]);
}

#[tokio::test]
async fn by_the_rule_those_in_alarm_each_under_its_name() {
    let aws = aws_with_children().await;
    let rule =
        format!("(ALARM(orders) OR ALARM(\"stock\")) AND NOT ALARM({})", alarm_arn("refunds"));
    let event = event_from(&aws, &sns(&[composite(&rule, &[])])).await;
    assert_has_no_note(&event);
    assert_eq!(
        aws.calls("DescribeAlarms")[0].body["AlarmNames"],
        json!(["orders", "stock", "refunds"])
    );
    assert_eq!(searched_groups(&aws), ["/shop/orders", "/shop/stock"]);
    assert_names_both(&event);
    assert!(event["payload"]["summary"].as_str().unwrap().contains("shop-is-down"), "{event:#}");
    assert!(event["dedup_key"].as_str().unwrap().ends_with(":alarm:shop-is-down"), "{event:#}");
}

#[tokio::test]
async fn nested_composites_down_to_the_metrics() {
    let aws = aws_with_children().await;
    aws.resources(|it| {
        it.composite("front", "ALARM", "ALARM(orders) OR ALARM(back)");
        // In a circle, as a rule may not be, but a reader must not hang.
        it.composite("back", "ALARM", "ALARM(stock) OR ALARM(front)");
    });
    let event = event_from(&aws, &sns(&[composite("ALARM(front)", &["front"])])).await;
    assert_has_no_note(&event);
    assert_names_both(&event);
    assert_eq!(aws.calls("DescribeAlarms").len(), 3);
}

#[tokio::test]
async fn each_childs_own_tags_say_where_to_look() {
    let aws = aws_with_children().await;
    aws.resources(|it| it.tag("orders", "pagetrail:log-group", "/shop/tagged"));
    aws.logs(|logs| logs.line("/shop/tagged", STREAM, DATAPOINT, "ERROR orders broke"));
    let event = event_from(&aws, &sns(&[composite("ALARM(orders) OR ALARM(stock)", &[])])).await;
    assert_eq!(searched_groups(&aws), ["/shop/stock", "/shop/tagged"]);
    assert_names_both(&event);
    // The composite itself and both children.
    assert_eq!(aws.calls("ListTagsForResource").len(), 3);
}

#[tokio::test]
async fn children_that_may_not_be_described_are_noted() {
    let aws = aws_with_children().await;
    let words = "not authorized to perform: cloudwatch:DescribeAlarms";
    aws.always("DescribeAlarms", refusal("AccessDenied", words));
    let event = event_from(&aws, &sns(&[composite("ALARM(orders)", &["orders"])])).await;
    // On an alarm's ARN, CloudWatch would leave composite alarms out.
    let advice = "Allow cloudwatch:DescribeAlarms on * in the role";
    assert!(note(&event).contains(advice), "{event:#}");
}

#[tokio::test]
async fn children_that_are_gone_are_noted() {
    let aws = Aws::start().await;
    for (rule, triggering) in [("ALARM(gone)", &["gone"][..]), ("TRUE", &[])] {
        let aws = aws.clone();
        let mut alarm = composite(rule, triggering);
        alarm["StateChangeTime"] = format!("2025-02-02T12:06:35.47{}+0000", rule.len() % 10).into();
        let enrich = aws.enrich().start().await;
        enrich.invoke(&sns(&[alarm])).await.response();
        let sent = aws.sent(crate::support::aws::EVENTS_QUEUE);
        let event = &sent.last().unwrap().body["event"];
        assert!(note(event).contains("no log lines"), "{rule}: {event:#}");
    }
}

#[tokio::test]
async fn a_long_rule_looks_into_ten_children_and_says_so() {
    let aws = Aws::start().await;
    let names: Vec<String> = (0..60).map(|number| format!("part-{number:02}")).collect();
    aws.resources(|it| {
        for name in &names {
            it.alarm(name, "ALARM", ("Nothing", name));
        }
    });
    let rule: Vec<String> = names.iter().map(|name| format!("ALARM({name})")).collect();
    let event = event_from(&aws, &sns(&[composite(&rule.join(" OR "), &[])])).await;
    assert!(note(&event).contains("only 10 children were searched, 50 were not"), "{event:#}");
}
