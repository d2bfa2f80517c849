//! What is queued for an event that is taken, and how bodies and paths come through.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::contract_gateway::{Gateway, keyed, trigger};
use crate::support::aws::{EVENTS_QUEUE, ROUTING_KEY, TOKEN};
use crate::support::function_url::Request;

#[tokio::test]
async fn an_event_is_queued_before_it_is_answered_and_without_its_key() {
    let gateway = Gateway::start().await;
    let answer = gateway.post("/v2/enqueue", &keyed(trigger("db-1/disk"))).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    let words =
        json!({"status": "success", "message": "Event processed", "dedup_key": "db-1/disk"});
    assert_eq!(answer.json(), words);

    let queued = gateway.aws.queued(EVENTS_QUEUE);
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].body["endpoint"], "v2");
    assert_eq!(queued[0].body["event"], trigger("db-1/disk"));
    let target = queued[0].body["target"].as_str().unwrap();
    assert!(target.starts_with("key:") && target.ends_with(&ROUTING_KEY[28..]), "{target}");
    assert!(!queued[0].text.contains(ROUTING_KEY), "{}", queued[0].text);
}

#[tokio::test]
async fn the_events_of_one_alert_are_one_group_and_none_is_dropped_as_a_copy() {
    let gateway = Gateway::start().await;
    for event in [trigger("a"), trigger("a"), trigger("b")] {
        assert_eq!(gateway.post("/v2/enqueue", &keyed(event)).await.status, 202);
    }
    let queued = gateway.aws.queued(EVENTS_QUEUE);
    assert_eq!(queued.len(), 3);
    assert_eq!(queued[0].group, queued[1].group);
    assert_ne!(queued[0].group, queued[2].group);
}

#[tokio::test]
async fn each_endpoint_is_remembered() {
    let gateway = Gateway::start().await;
    let v1 = json!({"service_key": ROUTING_KEY, "event_type": "resolve", "incident_key": "k"});
    let change = json!({"routing_key": ROUTING_KEY, "payload": {"summary": "deployed"}});
    for (path, event, status) in [
        ("/v2/enqueue", keyed(trigger("k")), 202),
        ("/v2/change/enqueue", change, 202),
        ("/generic/2010-04-15/create_event.json", v1, 200),
        (&format!("/integration/{ROUTING_KEY}/enqueue"), json!({"a": 1}), 202),
        (&format!("/x-ere/{ROUTING_KEY}"), json!({"a": 1}), 202),
    ] {
        let answer = gateway.post(path, &event).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    let keyless = gateway.ask(&Request::post("/", &trigger("k")).bearer(TOKEN)).await;
    assert_eq!(keyless.status, 202, "{keyless:?}");
    let queued = gateway.aws.queued(EVENTS_QUEUE);
    let endpoints: Vec<_> = queued.iter().map(|it| it.body["endpoint"].clone()).collect();
    assert_eq!(endpoints, ["v2", "change", "v1", "integration", "ruleset", "v2"]);
    assert_eq!(queued[5].body["target"], "default");
}

#[tokio::test]
async fn bodies_come_as_text_or_as_base64() {
    let gateway = Gateway::start().await;
    let event = keyed(trigger("k ✓")).to_string();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(event.as_bytes()).unwrap();
    let zipped = gzip.finish().unwrap();
    for request in [
        Request::new("POST", "/v2/enqueue").body(event.as_bytes()),
        Request::new("POST", "/v2/enqueue")
            .header("content-type", "text/plain")
            .body(event.as_bytes()),
        Request::new("POST", "/v2/enqueue")
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(&zipped),
        Request::new("POST", "/v2/enqueue").header("content-encoding", "gzip").body(&zipped),
    ] {
        let answer = gateway.ask(&request).await;
        assert_eq!(answer.json()["dedup_key"], "k ✓", "{answer:?}");
    }
    let answer = gateway.ask(&Request::new("POST", "/v2/enqueue")).await;
    assert_eq!((answer.status, &answer.json()["errors"][0]), (400, &json!("JSON parse error")));
}

#[tokio::test]
async fn whatever_a_client_sends_is_answered() {
    let gateway = Gateway::start().await;
    let long = format!("/{}", "a/".repeat(4_000));
    for (request, status) in [
        (Request::get("/health?<script>alert(\"1\")</script>"), 200),
        (Request::get("/<script>"), 404),
        (Request::get("/a b"), 404),
        (Request::get("/%zz"), 404),
        (Request::get("/ä\u{1}"), 404),
        (Request::get("//"), 401),
        (Request::get(&long), 404),
        (Request::new("PURGE", "/v2/enqueue"), 405),
        (Request::new("OPTIONS", "/"), 405),
        (Request::get("/").header("x-strange", "ü\n"), 401),
        (Request::get("/").header("authorization", "Bearer ü"), 401),
        (Request::post("/integration/%ff/enqueue", &json!({})), 400),
        (Request::new("POST", "/v2/enqueue").body(b"\xff\xfe"), 400),
    ] {
        let answer = gateway.ask(&request).await;
        assert_eq!(answer.status, status, "{}: {answer:?}", request.event());
    }
    let head = gateway.ask(&Request::new("HEAD", "/health")).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}
