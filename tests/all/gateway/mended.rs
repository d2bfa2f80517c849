//! What PagerDuty could refuse although it is clear what was meant is mended and taken.

use axum::body::Body;
use pagetrail::pagerduty::accept;
use serde_json::{Value, json};

use crate::gateway::support::{Answer, KEY, Rig, here, trigger};

const V1: &str = "/generic/2010-04-15/create_event.json";

async fn post(rig: &Rig, path: &str, body: impl Into<Body>) -> Answer {
    rig.call(here("POST", path).body(body.into()).unwrap()).await
}

/// The event that is queued for a body, which PagerDuty's own rules must take then.
async fn queued(path: &str, body: impl Into<Body>) -> Value {
    let rig = Rig::default();
    let answer = post(&rig, path, body).await;
    assert!((200..300).contains(&answer.status), "{}", answer.json());
    let mut event = rig.only_sent().1["event"].take();
    let (endpoint, key) = if path == V1 {
        (accept::Endpoint::V1, "service_key")
    } else {
        (accept::Endpoint::V2, "routing_key")
    };
    let whole = event.as_object_mut().unwrap();
    whole.insert(key.to_owned(), KEY.into());
    accept::check(endpoint, None, event.to_string().as_bytes()).unwrap();
    event
}

async fn v2(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = trigger(KEY);
    change(&mut event);
    queued("/v2/enqueue", event.to_string()).await
}

#[tokio::test]
async fn slashes_too_many() {
    for path in ["/v2/enqueue/", "//v2/enqueue", "/v2//enqueue//", "//v2/enqueue/?a=b"] {
        let rig = Rig::default();
        assert_eq!(rig.post(path, &trigger(KEY)).await.status, 202, "{path}");
        assert_eq!(rig.sent().len(), 1);
    }
    let rig = Rig::default();
    let event = json!({"service_key": KEY, "event_type": "trigger", "description": "d"});
    assert_eq!(rig.post(&format!("/{V1}/"), &event).await.status, 200);
    assert_eq!(rig.post(&format!("//integration//{KEY}/enqueue/"), &json!({})).await.status, 202);
    assert_eq!(rig.get("//health/").await.status, 200);
}

#[tokio::test]
async fn details_of_older_clients_arrive_as_they_were() {
    for details in [json!("a text"), json!(["a", {"b": 1}]), Value::Null] {
        let event = v2(|event| event["payload"]["custom_details"] = details.clone()).await;
        assert_eq!(event["payload"]["custom_details"], details);
    }
}

#[tokio::test]
async fn numbers_capitals_and_times() {
    let event = v2(|event| {
        event["event_action"] = "Trigger".into();
        event["dedup_key"] = 17.into();
        event["payload"]["source"] = 1.into();
        event["payload"]["class"] = true.into();
        event["payload"]["severity"] = " CRITICAL".into();
        event["payload"]["timestamp"] = 1_795_773_600.into();
        event["payload"]["custom_details"] = 5.into();
        event["x-own"] = 1.5.into();
    })
    .await;
    let payload = &event["payload"];
    assert_eq!((&event["event_action"], &event["dedup_key"]), (&json!("trigger"), &json!("17")));
    assert_eq!((&payload["source"], &payload["class"]), (&json!("1"), &json!("true")));
    assert_eq!(payload["severity"], "critical");
    assert_eq!(payload["timestamp"], "2026-11-27T10:00:00.000Z");
    assert_eq!((&payload["custom_details"], &event["x-own"]), (&json!("5"), &json!(1.5)));
    for (given, expected) in [
        (json!(1_795_773_600_250_i64), "2026-11-27T10:00:00.250Z"),
        (json!("1795773600"), "2026-11-27T10:00:00.000Z"),
        (json!(1_795_773_600.5), "2026-11-27T10:00:00.500Z"),
    ] {
        let event = v2(|event| event["payload"]["timestamp"] = given.clone()).await;
        assert_eq!(event["payload"]["timestamp"], expected, "{given}");
    }
}

#[tokio::test]
async fn encodings() {
    let event = trigger(KEY).to_string().replace("disk 98 %", "Plattenfüller");
    assert!(event.contains("ü"), "{event}");
    let bom = [b"\xef\xbb\xbf", event.as_bytes()].concat();
    let wide = |bytes: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
        mark.into_iter().chain(event.encode_utf16().flat_map(bytes)).collect()
    };
    for body in [bom, wide(u16::to_le_bytes, [0xff, 0xfe]), wide(u16::to_be_bytes, [0xfe, 0xff])] {
        let event = queued("/v2/enqueue", body).await;
        assert!(event["payload"]["summary"].as_str().unwrap().contains("Plattenfüller"));
    }
    let latin: Vec<u8> = event.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
    let event = queued("/v2/enqueue", latin).await;
    assert!(event["payload"]["summary"].as_str().unwrap().contains("Plattenf\u{fffd}ller"));
}

#[tokio::test]
async fn what_json_does_not_allow_in_a_text() {
    let whole = trigger(KEY).to_string();
    for (written, expected) in [
        (r"a\ud83db", "a\u{fffd}b"),
        (r"a\udc00", "a\u{fffd}"),
        (r"\ud83d\ude00\ud83d", "\u{1f600}\u{fffd}"),
        ("a\nb\tc\u{1}\\n\\\\", "a\nb\tc\u{1}\n\\"),
        ("a\n\\\"ü", "a\n\"ü"),
    ] {
        let body = whole.replace("disk 98 %", written);
        let event = queued("/v2/enqueue", body).await;
        assert_eq!(event["payload"]["summary"], expected, "{written:?}");
    }
}

#[tokio::test]
async fn forms() {
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let event = trigger(KEY).to_string();
    for body in [encoded(&event), format!("payload={}", encoded(&event))] {
        assert_eq!(queued("/v2/enqueue", body).await["payload"]["summary"], "disk 98 %");
    }
    let body =
        format!("service_key={KEY}&event_type=trigger&description=db+1+%26+2&incident_key=k");
    let event = queued(V1, body).await;
    assert_eq!((&event["description"], &event["incident_key"]), (&json!("db 1 & 2"), &json!("k")));
}

#[tokio::test]
async fn the_key_in_a_header() {
    let mut event = trigger(KEY);
    event.as_object_mut().unwrap().remove("routing_key");
    let rig = Rig::default();
    let request = here("POST", "/v2/enqueue").header("X-Routing-Key", KEY);
    let answer = rig.call(request.body(Body::from(event.to_string())).unwrap()).await;
    assert_eq!(answer.status, 202, "{}", answer.json());
    let (outgoing, body) = rig.only_sent();
    assert!(!outgoing.body.contains(KEY));
    assert_eq!(body["event"], event);
    // The key in the body counts where there are two.
    let request = here("POST", "/v2/enqueue").header("X-Routing-Key", "f".repeat(32));
    let body = Body::from(trigger(KEY).to_string());
    assert_eq!(rig.call(request.body(body).unwrap()).await.status, 202);
}

#[tokio::test]
async fn long_titles_are_cut_and_kept_whole_in_the_details() {
    let long = "ä".repeat(1500);
    for (details, others) in [
        (json!({"a": 1}), json!({"a": 1, "description": long})),
        (json!("text"), json!({"details": "text", "description": long})),
        (Value::Null, json!({"description": long})),
    ] {
        let event = v2(|event| {
            event["payload"]["summary"] = long.as_str().into();
            event["payload"]["custom_details"] = details;
        })
        .await;
        assert_eq!(event["payload"]["custom_details"], others);
    }
    let event = json!({"service_key": KEY, "event_type": "trigger", "description": long});
    let event = queued(V1, event.to_string()).await;
    assert_eq!(event["details"], json!({"description": long}));
}

#[tokio::test]
async fn what_cannot_be_mended_gets_pagerdutys_words() {
    let rig = Rig::default();
    for (body, words) in [
        ("", "JSON parse error"),
        ("{\"a\": ", "JSON parse error"),
        ("hello=world&x=y", "JSON parse error"),
        ("[1]", "JSON parse error"),
    ] {
        let answer = post(&rig, "/v2/enqueue", body).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]), (400, &json!(words)), "{body}");
    }
    let mut event = trigger(KEY);
    event["payload"]["severity"] = "bad".into();
    event["payload"]["source"] = Value::Null;
    let answer = rig.post("/v2/enqueue", &event).await;
    assert_eq!((answer.status, answer.json()["errors"].as_array().unwrap().len()), (400, 2));
    assert!(rig.sent().is_empty());
}
