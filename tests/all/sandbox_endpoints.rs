//! The sandbox beyond `/v2/enqueue`: changes, Events API v1, vendors' integrations, rulesets.

use crate::support::sandbox::{Answer, KEY, Page, Served, trigger};
use pagetrail::sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

const CHANGE: &str = "/v2/change/enqueue";
const V1: &str = "/generic/2010-04-15/create_event.json";
const INTEGRATION: &str = "/integration/0123456789abcdef0123456789abcdef/enqueue";
const RULESET: &str = "/x-ere/R123456789ABCDEFGHIJKLMNOPQRSTUV";

async fn post(page: &Page, path: &str, event: &Value) -> Answer {
    page.post(path, &event.to_string()).await
}

fn change(summary: &str) -> Value {
    json!({"routing_key": KEY, "payload": {"summary": summary}})
}

fn v1(event_type: &str, incident_key: &str) -> Value {
    let mut event =
        json!({"service_key": KEY, "event_type": event_type, "incident_key": incident_key});
    if event_type == "trigger" {
        event["description"] = json!("disk 98 %");
    }
    event
}

#[tokio::test]
async fn a_change_is_kept_and_pages_nobody() {
    let page = Page::default();
    let payload = json!({
        "summary": "Build 2 deployed", "source": "ci", "timestamp": "2020-07-17T08:42:58.315+0000",
        "custom_details": {"build": "2"},
    });
    let links = json!([{"href": "https://example.com/build/2", "text": "Build"}]);
    let answer =
        post(&page, CHANGE, &json!({"routing_key": KEY, "payload": payload, "links": links})).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json(), json!({"status": "success", "message": "Change event processed"}));
    post(&page, CHANGE, &change("second")).await;

    assert!(page.incidents().await.is_empty());
    let changes = page.get("/api/changes").await.json();
    assert_eq!(changes.as_array().unwrap().len(), 2);
    assert_eq!(changes[0]["summary"], "second", "newest first");
    let first = &changes[1];
    assert_eq!((&first["id"], &first["routing_key"]), (&json!(1), &json!("…cdef")));
    assert_eq!((&first["summary"], &first["source"]), (&payload["summary"], &payload["source"]));
    assert_eq!((&first["payload"], &first["links"]), (&payload, &links));
    assert_eq!(first["details"], payload["custom_details"]);
    let log = &page.requests().await[0];
    assert_eq!((&log["endpoint"], &log["outcome"]), (&json!("change"), &json!("kept")));

    let answer = post(&page, CHANGE, &json!({"routing_key": KEY, "payload": {}})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"], json!(["'payload.summary' is missing or blank"]));

    assert_eq!(page.send("DELETE", "/api/changes", "").await.status, 204);
    assert_eq!(page.get("/api/changes").await.json(), json!([]));
    post(&page, CHANGE, &change("third")).await;
    assert_eq!(page.get("/api/changes").await.json()[0]["id"], 3, "an id never comes back");
}

#[tokio::test]
async fn changes_are_bounded() {
    let page = Page::new(Settings { rate: 0, ..Settings::default() });
    for number in 0..1_001 {
        post(&page, CHANGE, &change(&number.to_string())).await;
    }
    let changes = page.get("/api/changes").await.json();
    assert_eq!(changes.as_array().unwrap().len(), 1_000);
    assert_eq!((&changes[0]["summary"], &changes[999]["summary"]), (&json!("1000"), &json!("1")));
}

#[tokio::test]
async fn v1_opens_joins_acknowledges_and_resolves() {
    let page = Page::default();
    let mut event = v1("trigger", "disk");
    event["details"] = json!({"free": "2 %"});
    event["client"] = json!("Nagios");
    event["client_url"] = json!("https://nagios.example.com");
    event["contexts"] = json!([
        {"type": "link", "href": "https://example.com/", "text": "Graph"},
        {"type": "image", "src": "https://example.com/graph.png"},
    ]);
    let answer = post(&page, V1, &event).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"status": "success", "message": "Event processed", "incident_key": "disk"})
    );
    let one = page.get("/api/incidents/1").await.json();
    assert_eq!((&one["title"], &one["severity"]), (&json!("disk 98 %"), &json!("error")));
    assert_eq!(one["details"], json!({"free": "2 %"}));
    assert_eq!(one["links"], json!([event["contexts"][0]]));
    assert_eq!(one["images"], json!([event["contexts"][1]]));
    assert_eq!(one["client"], "Nagios");
    assert_eq!((&one["routing_key"], &one["dedup_key"]), (&json!("…cdef"), &json!("disk")));

    for (event_type, outcome) in
        [("trigger", "joined"), ("acknowledge", "acknowledged"), ("resolve", "resolved")]
    {
        assert_eq!(post(&page, V1, &v1(event_type, "disk")).await.status, 200);
        let log = &page.requests().await[0];
        assert_eq!((&log["endpoint"], &log["outcome"]), (&json!("v1"), &json!(outcome)));
        assert_eq!((&log["action"], &log["status"]), (&json!(event_type), &json!(200)));
    }
    assert_eq!(page.incidents().await.len(), 1);

    let mut event = v1("trigger", "");
    event["details"] = json!("plain text");
    let made = post(&page, V1, &event).await.json()["incident_key"].as_str().unwrap().to_owned();
    assert_eq!(made.len(), 32);
    assert_eq!(page.incidents().await[0]["dedup_key"], made);
    assert_eq!(page.incidents().await[0]["details"], json!({"details": "plain text"}));
}

#[tokio::test]
async fn v1_refuses_in_its_own_words() {
    let settings = Settings { keys: [KEY.parse().unwrap()].into(), ..Settings::default() };
    let page = Page::new(settings);
    let answer = post(&page, V1, &json!({"service_key": "short", "event_type": "resolve"})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({
            "status": "invalid event",
            "message": "Event object is invalid",
            "errors": [
                "Service key is the wrong length (should be 32 characters)",
                "Incident key can't be blank",
            ],
        })
    );
    assert_eq!(page.post(V1, "[]").await.json()["status"], "unrecognized object");
    let mut event = v1("trigger", "k");
    event["service_key"] = json!("f".repeat(32));
    assert_eq!(post(&page, V1, &event).await.json()["errors"], json!(["Service key is invalid"]));
    assert!(page.incidents().await.is_empty());
}

#[tokio::test]
async fn a_vendors_event_opens_an_incident_under_its_best_title() {
    let page = Page::default();
    for (event, title) in [
        (json!({"AlarmName": "api-errors", "NewStateValue": "ALARM"}), "api-errors"),
        (json!({"Subject": "ALARM: \"api\"", "Message": "{}"}), "ALARM: \"api\""),
        (json!({"title": "t", "description": "disk\nfull", "summary": " "}), "disk full"),
        (json!({"name": "x".repeat(2_000)}), &*format!("{}…", "x".repeat(1_023))),
        (json!({"anything": 1}), "An event without a title"),
    ] {
        let answer = post(&page, INTEGRATION, &event).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.json(), json!({"status": "success", "message": "Event processed"}));
        let newest = &page.incidents().await[0];
        assert_eq!(newest["title"], title);
        assert_eq!(newest["details"], event);
        assert_eq!(
            (&newest["severity"], &newest["routing_key"]),
            (&json!("error"), &json!("…cdef"))
        );
    }
    assert_eq!(page.incidents().await.len(), 5, "without a key none joins another");
    assert_eq!(page.requests().await[0]["endpoint"], "integration");
}

#[tokio::test]
async fn a_vendors_event_follows_the_key_and_action_it_tells() {
    let page = Page::default();
    let mut event = trigger("disk");
    event["payload"]["severity"] = json!("critical");
    let answer = post(&page, RULESET, &event).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["dedup_key"], "disk");
    post(&page, RULESET, &json!({"incident_key": "disk", "event_type": "acknowledge"})).await;

    let incidents = page.incidents().await;
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["status"], "acknowledged");
    assert_eq!(incidents[0]["title"], "disk 98 %", "v2's form is understood");
    assert_eq!(incidents[0]["severity"], "critical");
    assert_eq!(incidents[0]["routing_key"], "…STUV", "the path's key counts");
    post(&page, RULESET, &json!({"dedup_key": "disk", "event_action": "resolve"})).await;
    post(&page, RULESET, &json!({"dedup_key": "disk", "event_action": "resolve"})).await;
    let outcomes: Vec<_> = page.requests().await.iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["dropped", "resolved", "acknowledged", "opened"]);
    assert_eq!(page.requests().await[0]["endpoint"], "ruleset");
}

#[tokio::test]
async fn a_key_in_the_path_is_checked_and_never_shown() {
    let page = Page::new(Settings { keys: [KEY.parse().unwrap()].into(), ..Settings::default() });
    for (path, error) in [
        ("/x-ere/short", "Length of 'routing_key' is incorrect (should be 32 characters)"),
        ("/integration/%22%3Cscript%3E/enqueue", "Length of 'routing_key' is incorrect"),
        (RULESET, "Invalid routing key"),
    ] {
        let answer = post(&page, path, &json!({"title": "t"})).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["errors"][0].as_str().unwrap().starts_with(error), "{path}");
    }
    let event = json!({"title": "t", "routing_key": KEY, "service_key": KEY, "x": 1});
    assert_eq!(post(&page, INTEGRATION, &event).await.status, 202);
    for path in ["/", "/incidents/1", "/api/incidents", "/api/requests"] {
        let body = page.get(path).await.body;
        assert!(!body.contains("89abcdef") && !body.contains("R123456"), "{path} shows a key");
    }
    assert_eq!(page.incidents().await[0]["details"], json!({"title": "t", "x": 1}));
}

#[tokio::test]
async fn all_endpoints_share_faults_limits_and_methods() {
    let page = Page::new(Settings { rate: 1, retry_after: Some(7), ..Settings::default() });
    let events = [
        (V1, v1("trigger", "k"), 403),
        (CHANGE, change("c"), 429),
        (INTEGRATION, json!({}), 429),
        ("/v2/enqueue", trigger("k"), 429),
    ];
    page.post("/api/faults", r#"{"kind":"status","status":503,"count":4}"#).await;
    for (path, event, _) in &events {
        assert_eq!(post(&page, path, event).await.status, 503, "{path}");
        assert_eq!(page.requests().await[0]["outcome"], "fault: status 503");
        assert_eq!(page.requests().await[0]["routing_key"], "…cdef");
        assert_eq!(page.get(path).await.status, 405, "{path}");
    }
    assert_eq!(post(&page, "/v2/enqueue", &trigger("k")).await.status, 202);
    for (path, event, limited) in &events {
        let answer = post(&page, path, event).await;
        assert_eq!(answer.status, *limited, "{path}: the key's limit holds on each endpoint");
        assert_eq!(answer.header("retry-after"), Some("7"));
        assert_eq!(page.requests().await[0]["outcome"], "limited");
    }
    assert_eq!(page.incidents().await.len(), 1);
    assert_eq!(page.get("/api/changes").await.json(), json!([]));
}

/// What PagerDuty takes from clients in use for years.
#[tokio::test]
async fn older_clients_are_taken_as_pagerduty_takes_them() {
    let page = Page::default();
    let mut event = trigger("old");
    event["payload"]["custom_details"] = json!("a text");
    for path in ["/v2/enqueue/", "//v2/enqueue"] {
        assert_eq!(post(&page, path, &event).await.status, 202, "{path}");
    }
    let Value::Object(mut body) = event else { unreachable!() };
    body.remove("routing_key");
    let refused = page.post("/v2/enqueue", &Value::Object(body.clone()).to_string()).await;
    assert_eq!(refused.status, 400);
    let answer = page.post_with_key("/v2/enqueue", &Value::Object(body), KEY).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_too_deep_is_a_400_everywhere() {
    let page = Page::default();
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(512_000));
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    for path in ["/v2/enqueue", CHANGE, V1, INTEGRATION, RULESET] {
        let answer = page.post(path, &large).await;
        assert_eq!(answer.status, 400, "{path}");
        let errors = &answer.json()["errors"];
        assert_eq!(*errors, json!(["Event is too large (maximum is 512000 bytes)"]), "{path}");
        let answer = page.post(path, &deep).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.json()["errors"], json!(["JSON parse error"]), "{path}");
    }
}

#[tokio::test]
async fn half_an_answer_is_half_of_the_endpoints_own() {
    let served = Served::start(Sandbox::new(Settings::default())).await;
    served.fault(r#"{"kind":"half"}"#).await;
    let half = served.post(V1, &v1("trigger", "k").to_string()).await.unwrap();
    assert!(half.starts_with("HTTP/1.1 200") && !half.ends_with('}'), "{half}");
}
