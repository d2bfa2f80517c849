//! Notices of one alarm that come within seconds.

use std::time::Duration;

use serde_json::Value;

use crate::sns::amazon::notification;
use crate::sns::{Served, until};
use crate::support::alarms::{DATAPOINT, alarm, turned};

fn ok(name: &str) -> Value {
    notification(&turned(alarm(name), "OK").to_string())
}

/// Posts the notices of an alarm, the OK while the evidence of the ALARM is collected.
async fn raised_and_cleared(served: &Served, raised: &Value, cleared: &Value) -> (u16, u16) {
    served.aws.logs(|logs| logs.line("/shop/errors", "web-1", DATAPOINT, "ERROR disk full"));
    served.aws.delay("FilterLogEvents", Duration::from_secs(2));
    let first = tokio::spawn(served.post(raised));
    until(|| !served.aws.calls("FilterLogEvents").is_empty()).await;
    let second = tokio::spawn(served.post(cleared));
    until(|| served.aws.calls("ListTagsForResource").len() == 2).await;
    // Another alarm waits for neither.
    assert_eq!(served.post(&ok("other")).await.status, 200);
    (first.await.unwrap().status, second.await.unwrap().status)
}

#[tokio::test]
async fn an_ok_waits_for_its_alarm_and_for_no_other() {
    let served = Served::start().await;
    let (raised, cleared) = (notification(&alarm("shop").to_string()), ok("shop"));
    assert_eq!(raised_and_cleared(&served, &raised, &cleared).await, (200, 200));
    assert_eq!(served.queue.story(), ["resolve other", "trigger shop", "resolve shop"]);
}

#[tokio::test]
async fn an_ok_whose_alarm_is_not_queued_comes_again_as_well() {
    let served = Served::start().await;
    served.queue.fail_on("trigger");
    let (raised, cleared) = (notification(&alarm("shop").to_string()), ok("shop"));
    assert_eq!(raised_and_cleared(&served, &raised, &cleared).await, (503, 503));
    for message in [raised, cleared] {
        assert_eq!(served.post(&message).await.status, 200);
    }
    assert_eq!(served.queue.story(), ["resolve other", "trigger shop", "resolve shop"]);
}

/// A notice of this state at this minute.
fn change(state: &str, minute: u32) -> Value {
    let mut alarm = turned(alarm("shop"), state);
    alarm["StateChangeTime"] = format!("2026-11-21T10:{minute:02}:00.000+0000").into();
    notification(&alarm.to_string())
}

#[tokio::test]
async fn an_ok_that_is_older_than_the_last_alarm_closes_nothing() {
    let served = Served::start().await;
    for notice in [change("ALARM", 5), change("OK", 4), change("OK", 6)] {
        assert_eq!(served.post(&notice).await.status, 200);
    }
    assert_eq!(served.queue.story(), ["trigger shop", "resolve shop"]);
}

#[tokio::test]
async fn an_alarm_that_is_told_after_its_ok_pages_and_is_closed() {
    let served = Served::start().await;
    for notice in [change("OK", 6), change("ALARM", 5)] {
        assert_eq!(served.post(&notice).await.status, 200);
    }
    assert_eq!(served.queue.story(), ["resolve shop", "trigger shop", "resolve shop"]);
}
