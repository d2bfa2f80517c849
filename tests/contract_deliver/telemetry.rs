//! Log lines and the metrics in them, as they are written.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::Delivery;
use crate::support::http::Answer;
use crate::support::pagerduty::{invalid, unknown_key};
use crate::support::queue_items::{record, resolve, trigger};

/// The values of every metric by name; fails on a block that CloudWatch would not take.
#[track_caller]
fn metrics(log: &[Value]) -> HashMap<String, Vec<f64>> {
    let mut metrics: HashMap<String, Vec<f64>> = HashMap::new();
    for line in log.iter().filter(|line| line.get("_aws").is_some()) {
        assert!(line["_aws"]["Timestamp"].as_i64().is_some_and(|at| at > 1_700_000_000_000));
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            assert_eq!(directive["Namespace"], "Pagetrail");
            for dimension in directive["Dimensions"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|it| it.as_array().unwrap())
            {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
            }
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                let unit = metric["Unit"].as_str().unwrap();
                assert!(["Count", "Milliseconds"].contains(&unit), "{line}");
                let value = line[name].as_f64().unwrap_or_else(|| panic!("{name} in {line}"));
                metrics.entry(name.to_owned()).or_default().push(value);
            }
        }
    }
    metrics
}

#[tokio::test]
async fn every_outcome_has_its_metrics_and_tells_the_events_story() {
    let delivery = Delivery::start().await;
    let about = |key: &'static str| move |event: &Value| event["dedup_key"] == key;
    delivery.pagerduty.always_where(about("bad"), invalid(&["no"]));
    delivery.pagerduty.always_where(about("limited"), Answer::text(429, ""));
    delivery.pagerduty.always_where(about("down"), Answer::text(503, ""));
    let mut dated = trigger("good");
    dated["event"]["payload"]["timestamp"] = "2025-02-02T12:06:35.472Z".into();
    let messages = [dated, resolve("good"), trigger("bad"), trigger("limited"), trigger("down")];
    assert_eq!(delivery.hand_over(&messages).await.len(), 2);
    delivery.pagerduty.always_where(|_| true, unknown_key());
    assert_eq!(delivery.hand_over(&[trigger("late")]).await.len(), 1);

    let log = delivery.log().await;
    let metrics = metrics(&log);
    let sum = |name: &str| metrics.get(name).map_or(0.0, |values| values.iter().sum::<f64>());
    for (name, expected) in [
        ("Delivered", 2.0),
        ("Attempts", 2.0),
        ("Postponed", 3.0),
        ("RateLimited", 1.0),
        ("Rejected", 1.0),
        ("KeyRefused", 1.0),
    ] {
        assert!((sum(name) - expected).abs() < 0.01, "{name}: {metrics:#?}");
    }
    assert_eq!(metrics["TimeToAccepted"].len(), 1, "only where the event says when");
    assert!(metrics["TimeToAccepted"][0] > 1_000_000.0);
    for (key, told) in [
        ("good", vec!["delivered", "delivered"]),
        ("bad", vec!["rejected"]),
        ("limited", vec!["delivery postponed"]),
        ("down", vec!["delivery postponed"]),
    ] {
        let lines = log.iter().filter(|line| line["dedup_key"] == key);
        let lines: Vec<&str> = lines.filter_map(|line| line["message"].as_str()).collect();
        assert_eq!(lines, told, "{key}");
    }
}

#[tokio::test]
async fn the_stacks_name_is_the_only_dimension() {
    use crate::support::aws::Aws;
    use crate::support::pagerduty::PagerDuty;
    let (aws, pagerduty) = (Aws::start().await, PagerDuty::start().await);
    let stage = aws.deliver(&pagerduty.url()).variable("PAGETRAIL_STACK", "pages-prod");
    let deliver = stage.start().await;
    let delivery = Delivery { aws, pagerduty, deliver };
    let unreadable = json!({"Records": [record("x", "g", "not JSON")]});
    assert!(delivery.invoke(&unreadable).await.is_empty());
    let log = delivery.log().await;
    assert_eq!(metrics(&log)["Rejected"], [1.0]);
    let line = log.iter().find(|line| line["Rejected"] == 1).unwrap();
    assert_eq!(line["stack"], "pages-prod");
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["stack"]]));
}
