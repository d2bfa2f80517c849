//! The sandbox answers as PagerDuty does: contract tests, in this process.

use std::time::Duration;

use crate::support::sandbox::{KEY, Page, Served, acknowledge, resolve, trigger};
use pagetrail::sandbox::{Sandbox, Settings};
use serde_json::json;

#[tokio::test]
async fn a_trigger_is_processed_and_gets_a_dedup_key_when_it_has_none() {
    let page = Page::default();
    let answer = page.enqueue(&trigger("disk")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        answer.json(),
        json!({"status": "success", "message": "Event processed", "dedup_key": "disk"})
    );

    let mut event = trigger("");
    event.as_object_mut().unwrap().remove("dedup_key");
    let first = page.enqueue(&event).await.json()["dedup_key"].as_str().unwrap().to_owned();
    let second = page.enqueue(&event).await.json()["dedup_key"].as_str().unwrap().to_owned();
    assert_eq!(first.len(), 32);
    assert_ne!(first, second, "each opens an alert of its own");
    assert_eq!(page.incidents().await.len(), 3);
}

#[tokio::test]
async fn an_invalid_event_is_answered_in_pagerdutys_words() {
    let page = Page::default();
    let mut event = trigger("disk");
    event["payload"]["severity"] = json!("fatal");
    let answer = page.enqueue(&event).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({
            "status": "invalid event",
            "message": "Event object is invalid",
            "errors": ["'payload.severity' is invalid (must be one of the following: \
                        'critical', 'warning', 'error' or 'info')"],
        })
    );

    let answer = page.post("/v2/enqueue", "{not json").await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({
            "status": "Unrecognized object",
            "message": "Event object format is unrecognized",
            "errors": ["JSON parse error"],
        })
    );

    let answer = page.enqueue(&json!({"routing_key": KEY, "event_action": "resolve"})).await;
    assert_eq!(answer.json()["errors"], json!(["'dedup_key' is missing or blank"]));
    assert!(page.incidents().await.is_empty());
    let outcomes: Vec<_> = page.requests().await.iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["invalid", "invalid", "invalid"]);
}

#[tokio::test]
async fn a_body_over_512_000_bytes_is_a_400() {
    let page = Page::default();
    let mut event = trigger("large");
    event["payload"]["custom_details"] = json!({"text": "x".repeat(512_000)});
    let answer = page.enqueue(&event).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["status"], "invalid event");

    let spare = 512_000 - (event.to_string().len() - 512_000);
    event["payload"]["custom_details"] = json!({"text": "x".repeat(spare)});
    assert_eq!(event.to_string().len(), 512_000);
    assert_eq!(page.enqueue(&event).await.status, 202);
}

#[tokio::test]
async fn where_keys_are_given_others_are_unknown() {
    let settings = Settings { keys: [KEY.parse().unwrap()].into(), ..Settings::default() };
    let page = Page::new(settings);
    assert_eq!(page.enqueue(&trigger("a")).await.status, 202);
    let mut event = trigger("a");
    event["routing_key"] = json!("R".repeat(32));
    let answer = page.enqueue(&event).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"], json!(["Invalid routing key"]));
}

#[tokio::test]
async fn events_join_the_open_alert_until_it_is_resolved() {
    let page = Page::default();
    page.enqueue(&trigger("disk")).await;
    page.enqueue(&acknowledge("disk")).await;
    let mut again = trigger("disk");
    again["payload"]["summary"] = json!("disk 99 %");
    page.enqueue(&again).await;

    let incidents = page.incidents().await;
    assert_eq!(incidents.len(), 1);
    let open = &incidents[0];
    assert_eq!(open["status"], "acknowledged", "a new trigger does not take it back");
    assert_eq!(open["title"], "disk 99 %");
    assert_eq!(open["trigger_count"], 2);
    let actions: Vec<_> =
        open["timeline"].as_array().unwrap().iter().map(|one| one["action"].clone()).collect();
    assert_eq!(actions, ["trigger", "acknowledge", "trigger"]);

    page.enqueue(&resolve("disk")).await;
    page.enqueue(&trigger("disk")).await;
    let incidents = page.incidents().await;
    assert_eq!(incidents.len(), 2, "a resolved alert is never opened again");
    assert_eq!(incidents[0]["id"], 2, "newest first");
    assert_eq!(incidents[0]["status"], "triggered");
    assert_eq!(incidents[1]["status"], "resolved");
    assert_eq!(incidents[0]["dedup_key"], incidents[1]["dedup_key"]);
}

#[tokio::test]
async fn what_fits_no_open_alert_is_accepted_and_dropped() {
    let page = Page::default();
    page.enqueue(&trigger("disk")).await;
    let mut elsewhere = resolve("disk");
    elsewhere["routing_key"] = json!("f".repeat(32));
    for event in [elsewhere, resolve("other"), acknowledge("other")] {
        let answer = page.enqueue(&event).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.json()["message"], "Event processed");
        assert_eq!(page.requests().await[0]["outcome"], "dropped");
    }
    let incidents = page.incidents().await;
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["status"], "triggered");
}

#[tokio::test]
async fn an_incident_tells_what_the_event_carried_but_not_its_key() {
    let page = Page::default();
    let mut event = trigger("disk");
    event["client"] = json!("Pagetrail");
    event["client_url"] = json!("https://example.com/alarm");
    event["links"] = json!([{"href": "https://example.com/", "text": "Logs"}]);
    event["payload"]["component"] = json!("orders");
    event["payload"]["custom_details"] = json!({"1 error": "x", "0 note": "y"});
    page.enqueue(&event).await;

    let one = page.get("/api/incidents/1").await.json();
    assert_eq!(one["routing_key"], "…cdef");
    assert_eq!(one["details"], json!({"0 note": "y", "1 error": "x"}));
    assert_eq!(one["links"], event["links"]);
    assert_eq!(one["client"], "Pagetrail");
    assert_eq!(one["client_url"], "https://example.com/alarm");
    assert_eq!(one["payload"], event["payload"]);
    assert_eq!(one, page.incidents().await[0]);
    assert_eq!(page.get("/api/incidents/2").await.status, 404);

    for path in ["/", "/incidents/1", "/api/incidents", "/api/incidents/1", "/api/requests"] {
        let body = page.get(path).await.body;
        assert!(!body.contains("89abcdef"), "{path} shows the routing key");
        assert_eq!(body.contains("…cdef"), path != "/", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_may_send_120_events_in_any_60_seconds() {
    let page = Page::default();
    page.enqueue(&trigger("k")).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    for _ in 1..120 {
        assert_eq!(page.enqueue(&trigger("k")).await.status, 202);
    }
    let refused = page.enqueue(&resolve("k")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(page.incidents().await[0]["status"], "triggered", "a refused event is not ingested");
    assert_eq!(page.requests().await[0]["outcome"], "limited");

    let mut other = trigger("k");
    other["routing_key"] = json!("f".repeat(32));
    assert_eq!(page.enqueue(&other).await.status, 202);

    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(page.enqueue(&resolve("k")).await.status, 202, "the first event left the window");
    assert_eq!(page.enqueue(&trigger("k")).await.status, 429);
}

#[tokio::test]
async fn the_rate_can_be_changed_lifted_and_explained() {
    let page = Page::new(Settings { rate: 1, retry_after: Some(7), ..Settings::default() });
    assert_eq!(page.enqueue(&trigger("k")).await.status, 202);
    let refused = page.enqueue(&trigger("k")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("7"));

    let page = Page::new(Settings { rate: 0, ..Settings::default() });
    for _ in 0..300 {
        assert_eq!(page.enqueue(&trigger("k")).await.status, 202);
    }
}

#[tokio::test]
async fn memory_is_bounded_and_open_incidents_outlive_resolved_ones() {
    let page = Page::new(Settings { rate: 0, ..Settings::default() });
    page.enqueue(&trigger("open")).await;
    page.enqueue(&trigger("closed")).await;
    page.enqueue(&resolve("closed")).await;
    for number in 0..999 {
        page.enqueue(&trigger(&number.to_string())).await;
    }
    let incidents = page.incidents().await;
    assert_eq!(incidents.len(), 1_000);
    assert_eq!(incidents[999]["dedup_key"], "open");
    assert_eq!(incidents[998]["dedup_key"], "0", "the resolved one went first");
    assert_eq!(page.requests().await.len(), 1_000);

    for _ in 0..150 {
        page.enqueue(&trigger("998")).await;
    }
    let newest = &page.incidents().await[0];
    assert_eq!(newest["timeline"].as_array().unwrap().len(), 100);
    assert_eq!(newest["timeline_omitted"], 51);
    assert_eq!(newest["trigger_count"], 151);
}

#[tokio::test]
async fn what_is_kept_can_be_forgotten() {
    let page = Page::default();
    page.enqueue(&trigger("a")).await;
    page.post("/api/faults", r#"{"kind":"status","status":500}"#).await;
    for path in ["/api/incidents", "/api/faults", "/api/requests"] {
        assert_eq!(page.send("DELETE", path, "").await.status, 204, "{path}");
        assert_eq!(page.get(path).await.json(), json!([]), "{path}");
    }
    page.enqueue(&resolve("a")).await;
    assert_eq!(page.requests().await[0]["outcome"], "dropped");
    page.enqueue(&trigger("a")).await;
    assert_eq!(page.incidents().await[0]["id"], 2, "an id never comes back");
}

#[tokio::test]
async fn faults_are_shown_in_order_one_for_each_request() {
    let page = Page::default();
    let fault = r#"{"kind":"status","status":429,"retry_after":2,"count":2}"#;
    assert_eq!(page.post("/api/faults", fault).await.status, 201);
    let fault = r#"{"kind":"status","status":503,"body":{"why":"test"}}"#;
    assert_eq!(page.post("/api/faults", fault).await.status, 201);
    assert_eq!(page.get("/api/faults").await.json().as_array().unwrap().len(), 2);

    for _ in 0..2 {
        let answer = page.enqueue(&trigger("k")).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), Some("2"));
        assert_eq!(page.get("/api/incidents").await.status, 200, "only the Events API fails");
    }
    let answer = page.enqueue(&trigger("k")).await;
    assert_eq!((answer.status, answer.json()), (503, json!({"why": "test"})));
    assert!(page.incidents().await.is_empty());
    assert_eq!(page.enqueue(&trigger("k")).await.status, 202);
    let log = page.requests().await;
    assert_eq!(log[3]["outcome"], "fault: status 429");
    assert_eq!(log[3]["routing_key"], "…cdef");
    assert_eq!(log[0]["outcome"], "opened");
}

#[tokio::test]
async fn an_impossible_fault_is_refused() {
    let page = Page::default();
    for fault in [
        r#"{"kind":"status","status":42}"#,
        r#"{"kind":"status"}"#,
        r#"{"kind":"status","status":500,"count":0}"#,
        r#"{"kind":"status","status":500,"retry":2}"#,
        r#"{"kind":"hang","seconds":999999}"#,
        r#"{"kind":"earthquake"}"#,
        "reset",
    ] {
        let answer = page.post("/api/faults", fault).await;
        assert_eq!(answer.status, 400, "{fault}");
        assert!(answer.json()["error"].is_string(), "{fault}");
    }
    assert_eq!(page.get("/api/faults").await.json(), json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_hang_delays_the_usual_answer() {
    let page = Page::default();
    page.post("/api/faults", r#"{"kind":"hang","seconds":60}"#).await;
    let start = tokio::time::Instant::now();
    let answer = page.enqueue(&trigger("k")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(page.incidents().await.len(), 1);
}

#[tokio::test]
async fn a_connection_can_break_in_three_ways() {
    let served = Served::start(Sandbox::new(Settings::default())).await;
    served.fault(r#"{"kind":"reset"}"#).await;
    let error = served.enqueue(&trigger("k")).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    served.fault(r#"{"kind":"half"}"#).await;
    let half = served.enqueue(&trigger("k")).await.unwrap();
    assert!(half.starts_with("HTTP/1.1 202"), "{half}");
    assert!(!half.ends_with('}'), "{half}");

    served.fault(r#"{"kind":"garbage"}"#).await;
    let garbage = served.enqueue(&trigger("k")).await.unwrap();
    assert!(!garbage.is_empty() && !garbage.contains("HTTP/"), "{garbage}");

    let whole = served.enqueue(&trigger("k")).await.unwrap();
    assert!(whole.starts_with("HTTP/1.1 202") && whole.ends_with('}'), "{whole}");
}
