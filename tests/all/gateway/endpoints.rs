//! Each endpoint takes what PagerDuty would take, and queues it as it came.

use axum::body::Body;
use pagetrail::gateway::UnknownKeys;
use pagetrail::pagerduty::Severity;
use pagetrail::queue::Deduplication;
use pagetrail::routing::Target;
use pagetrail::telemetry::Metric;
use serde_json::{Value, json};

use crate::gateway::support::{KEY, OTHER, Rig, Setting, TOKEN, elsewhere, here, target, trigger};

#[tokio::test]
async fn an_event_of_version_2_is_queued_and_answered_as_by_pagerduty() {
    let rig = Rig::default();
    let mut event = trigger(KEY);
    event["x-unknown"] = json!({"kept": [1, 2.5, "日本"]});
    let answer = rig.post("/v2/enqueue", &event).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let words = json!({"status": "success", "message": "Event processed", "dedup_key": "disk"});
    assert_eq!(answer.json(), words);
    let (outgoing, body) = rig.only_sent();
    assert_eq!(outgoing.target, target(KEY));
    assert_eq!(outgoing.severity, Some(Severity::Critical));
    assert_eq!(outgoing.key, None, "the key is in a pool");
    assert!(!outgoing.body.contains(KEY));
    event.as_object_mut().unwrap().remove("routing_key");
    let queued = json!({"target": target(KEY).to_string(), "endpoint": "v2", "event": event});
    assert_eq!(body, queued);
}

#[tokio::test]
async fn a_trigger_without_a_dedup_key_is_given_one() {
    let rig = Rig::default();
    let mut event = trigger(KEY);
    event.as_object_mut().unwrap().remove("dedup_key");
    let first = rig.post("/v2/enqueue", &event).await.json()["dedup_key"].clone();
    let second = rig.post("/v2/enqueue", &event).await.json()["dedup_key"].clone();
    assert_eq!(first.as_str().unwrap().len(), 32);
    assert_ne!(first, second);
    let sent = rig.sent();
    let queued: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!(queued["event"]["dedup_key"], first);
    assert_ne!(sent[0].group, sent[1].group);
}

#[tokio::test]
async fn the_same_event_twice_is_two_events_of_one_group() {
    let rig = Rig::default();
    for _ in 0..2 {
        assert_eq!(rig.post("/v2/enqueue", &trigger(KEY)).await.status, 202);
    }
    let sent = rig.sent();
    assert_eq!(sent[0].group, sent[1].group);
    assert_eq!(sent[1].deduplication, Deduplication::Unique);
}

#[tokio::test]
async fn all_other_endpoints() {
    let change = json!({"routing_key": KEY, "payload": {"summary": "deployed"}});
    let v1 = json!({
        "service_key": KEY, "event_type": "trigger", "incident_key": "i", "description": "d",
    });
    let vendor = json!({"anything": ["at", "all"], "dedup_key": "v"});
    let integration = format!("/integration/{KEY}/enqueue");
    let ruleset = format!("/x-ere/{KEY}");
    let processed = "Event processed";
    for (path, event, status, name, answer) in [
        (
            "/v2/change/enqueue",
            &change,
            202,
            "change",
            json!({"status": "success", "message": "Change event processed"}),
        ),
        (
            "/generic/2010-04-15/create_event.json",
            &v1,
            200,
            "v1",
            json!({"status": "success", "message": processed, "incident_key": "i"}),
        ),
        (
            integration.as_str(),
            &vendor,
            202,
            "integration",
            json!({"status": "success", "message": processed, "dedup_key": "v"}),
        ),
        (
            ruleset.as_str(),
            &vendor,
            202,
            "ruleset",
            json!({"status": "success", "message": processed, "dedup_key": "v"}),
        ),
    ] {
        let rig = Rig::default();
        let answered = rig.post(path, event).await;
        assert_eq!((answered.status, answered.json()), (status, answer), "{name}");
        let (outgoing, body) = rig.only_sent();
        assert_eq!(outgoing.target, target(KEY), "{name}");
        assert_eq!(body["endpoint"], name);
        let mut event = event.clone();
        for field in ["routing_key", "service_key"] {
            event.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(body["event"], event);
        assert!(!outgoing.body.contains(KEY), "{name}");
    }
}

#[tokio::test]
async fn an_event_without_a_key_goes_through_the_default_pool() {
    let rig = Rig::default();
    let answer = rig.post("/", &trigger(OTHER)).await;
    assert_eq!((answer.status, answer.json()["dedup_key"].as_str()), (202, Some("disk")));
    let (outgoing, _) = rig.only_sent();
    assert_eq!(outgoing.target, Target::default_pool());
    assert!(!outgoing.body.contains(OTHER) && outgoing.key.is_none());
    let request = elsewhere("POST", "/").header("authorization", format!("Bearer {TOKEN}"));
    let event = json!({"event_action": "resolve", "dedup_key": "disk"}).to_string();
    assert_eq!(rig.call(request.body(Body::from(event)).unwrap()).await.status, 202);
}

#[tokio::test]
async fn without_a_pool_the_answer_names_the_setting() {
    let source = pagetrail::routing::KeySource::Nothing;
    let rig = Rig::new(Setting { source, ..Setting::default() });
    let answer = rig.post("/", &trigger(KEY)).await;
    assert_eq!(answer.status, 503);
    assert!(answer.error().contains("routing_keys_file"), "{}", answer.body);
    assert_eq!(answer.header("retry-after"), Some("10"));
    assert!(rig.sent().is_empty());
}

#[tokio::test]
async fn a_key_in_no_pool_is_held_beside_the_event_and_known_before_it() {
    let rig = Rig::default();
    for _ in 0..2 {
        assert_eq!(rig.post("/v2/enqueue", &trigger(OTHER)).await.status, 202);
    }
    for outgoing in rig.sent() {
        assert_eq!(outgoing.target, target(OTHER));
        assert_eq!(outgoing.key, Some(OTHER.parse().unwrap()));
        assert!(!outgoing.body.contains(OTHER));
    }
}

#[tokio::test]
async fn a_queue_that_may_hold_no_keys_takes_only_those_in_a_pool() {
    let rig = Rig::new(Setting { unknown_keys: UnknownKeys::Refused, ..Setting::default() });
    let answer = rig.post("/v2/enqueue", &trigger(OTHER)).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "Invalid routing key"));
    assert_eq!(rig.post("/v2/enqueue", &trigger(KEY)).await.status, 202);
    assert_eq!(rig.only_sent().0.key, None);
}

#[tokio::test]
async fn what_pagerduty_would_refuse_is_refused_in_its_words() {
    let rig = Rig::default();
    let mut long = trigger(KEY);
    long["dedup_key"] = "k".repeat(256).into();
    for (path, event, error) in [
        ("/v2/enqueue", json!({}), "'routing_key' cannot be blank"),
        ("/v2/enqueue", long, "'dedup_key' is too long (maiximum is 255 characters)"),
        ("/v2/enqueue", json!([]), "JSON parse error"),
        ("/v2/change/enqueue", json!({"routing_key": KEY}), "'payload' is missing or blank"),
        ("/", json!({"event_action": "resolve"}), "'dedup_key' is missing or blank"),
        (
            "/generic/2010-04-15/create_event.json",
            json!({"service_key": KEY}),
            "Event type can't be blank",
        ),
        (
            "/integration/short/enqueue",
            json!({}),
            "Length of 'routing_key' is incorrect (should be 32 characters)",
        ),
        (
            "/x-ere/%ff%fe",
            json!({}),
            "Length of 'routing_key' is incorrect (should be 32 characters)",
        ),
        (
            "/x-ere/0123456789abcdef0123456789abcde!",
            json!({}),
            "'routing_key' cannot contain non-alphanumeric characters.",
        ),
    ] {
        let answer = rig.post(path, &event).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, error), "{path}");
    }
    assert!(rig.sent().is_empty());
}

#[tokio::test]
async fn a_hundred_thousand_broken_rules_are_answered_briefly() {
    let rig = Rig::default();
    let mut event = trigger(KEY);
    event["links"] = Value::Array(vec![json!(1); 100_000]);
    let answer = rig.post("/v2/enqueue", &event).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.len() < 5_000, "{} bytes", answer.body.len());
}

#[tokio::test]
async fn events_for_one_alert_stay_in_order_whether_they_name_the_pool_or_its_key() {
    let rig = Rig::default();
    rig.post("/", &trigger(KEY)).await;
    rig.post("/v2/enqueue", &trigger(KEY)).await;
    let v1 = json!({"service_key": KEY, "event_type": "resolve", "incident_key": "disk"});
    rig.post("/generic/2010-04-15/create_event.json", &v1).await;
    // Of a key in no pool.
    rig.post("/v2/enqueue", &trigger(OTHER)).await;
    let groups: Vec<String> = rig.sent().into_iter().map(|it| it.group).collect();
    assert_eq!((&groups[0], &groups[1]), (&groups[1], &groups[2]));
    assert_ne!(groups[0], groups[3]);
}

#[tokio::test]
async fn a_form_of_pagerdutys_script_for_nagios_is_an_event_of_version_1() {
    let path = "/nagios/2010-04-15/create_event";
    let form = format!(
        "CONTACTPAGER={KEY}&NOTIFICATIONTYPE=PROBLEM&pd_nagios_object=service&HOSTNAME=web-1\
         &SERVICEDESC=HTTP&SERVICESTATE=CRITICAL&SERVICEOUTPUT=no+answer"
    );
    let rig = Rig::default();
    let post = |form: String| here("POST", path).body(Body::from(form)).unwrap();
    let answer = rig.call(post(form.clone())).await;
    let key = "event_source=service;host_name=web-1;service_desc=HTTP";
    let words = json!({"status": "success", "message": "Event processed", "incident_key": key});
    assert_eq!((answer.status, answer.json()), (200, words));
    let (outgoing, body) = rig.only_sent();
    assert_eq!((outgoing.target, &body["endpoint"]), (target(KEY), &json!("v1")));
    assert_eq!(body["event"]["details"]["SERVICEOUTPUT"], "no answer");
    assert!(!outgoing.body.contains(KEY));

    let without_key = form.replace("CONTACTPAGER", "CONTACTEMAIL");
    let answer = rig.call(post(without_key)).await;
    assert_eq!((answer.status, answer.error().contains("Service key")), (400, true));
    let answer = rig.call(post("a=b".to_owned())).await;
    assert_eq!((answer.status, rig.sent().len()), (400, 1));
}

#[tokio::test]
async fn a_known_key_makes_an_unknown_path_known() {
    let rig = Rig::default();
    let event = json!({"anything": ["at", "all"], "dedup_key": "v"});
    let answer = rig.post(&format!("/v1/alerts/{KEY}/x?a=b"), &event).await;
    assert_eq!((answer.status, answer.json()["dedup_key"].as_str()), (202, Some("v")));
    let (outgoing, body) = rig.only_sent();
    let expected = json!({"target": target(KEY).to_string(), "endpoint": "other",
        "route": "/v1/alerts/{key}/x?a=b", "event": event});
    assert_eq!((outgoing.target, body), (target(KEY), expected));

    // Events that say of which API they are.
    let v1 = json!({"service_key": KEY, "event_type": "trigger", "description": "d"});
    for (event, status, name) in [(trigger(KEY), 202, "v2"), (v1, 200, "v1")] {
        let rig = Rig::default();
        assert_eq!(rig.post("/api/v3/events", &event).await.status, status);
        assert_eq!(rig.only_sent().1["endpoint"], name);
    }
    let rig = Rig::default();
    for (path, event) in [
        ("/v1/alerts".to_owned(), json!({"payload": {}})),
        ("/v1/alerts".to_owned(), json!({"event_action": "trigger"})),
        (format!("/v1/alerts/{OTHER}"), json!({})),
    ] {
        let answer =
            rig.call(elsewhere("POST", &path).body(Body::from(event.to_string())).unwrap());
        assert_eq!(answer.await.status, 404, "{path} {event}");
    }
    assert!(rig.sent().is_empty());
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let rig = Rig::default();
    for path in ["/v3/enqueue", "/v2/enqueue/x", "/x-ere/", "/assets/passwd", "/assets/%ff"] {
        let answer = rig.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.error();
    }
    for (method, path, allowed) in [
        ("GET", "/v2/enqueue", "POST"),
        ("DELETE", "/v2/change/enqueue", "POST"),
        ("PUT", "/x-ere/key", "POST"),
        ("OPTIONS", "/integration/key/enqueue", "POST"),
        ("PUT", "/", "GET,HEAD,POST"),
        ("POST", "/health", "GET,HEAD"),
        ("POST", "/metrics", "GET,HEAD"),
        ("POST", "/assets/style.css", "GET,HEAD"),
    ] {
        let answer = rig.call(here(method, path).body(Body::from("x")).unwrap()).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{path}");
        answer.error();
    }
    for path in ["/", "/health", "/metrics", "/assets/style.css"] {
        let answer = rig.call(here("HEAD", path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn what_happened_is_counted_and_no_key_is_shown() {
    let rig = Rig::default();
    rig.post("/v2/enqueue", &trigger(KEY)).await;
    rig.post("/v2/enqueue", &json!({"routing_key": KEY})).await;
    rig.post(&format!("/integration/{OTHER}x/other"), &json!({})).await;
    rig.post_from_elsewhere("/v2/enqueue", &trigger(OTHER)).await;
    rig.post_from_elsewhere("/", &trigger(KEY)).await;
    let counts = rig.tally.read();
    assert_eq!((counts.sum(Metric::TakenIn), counts.sum(Metric::RequestsRefused)), (1, 4));
    assert_eq!(counts.minutes.iter().map(|it| it.accepted).sum::<u64>(), 1);
    let refusals: Vec<_> = counts.requests.iter().map(|it| it.why.as_str()).collect();
    assert!(refusals[0].starts_with("HTTP 400: 'event_action' is missing"), "{refusals:?}");
    assert!(refusals[1].starts_with("HTTP 404: "), "{refusals:?}");
    assert_eq!(refusals[2], "HTTP 400: Invalid routing key");
    assert!(refusals[3].starts_with("HTTP 401: "), "{refusals:?}");
    let page = rig.get("/").await.body + &rig.get("/metrics").await.body;
    for key in [KEY, OTHER] {
        assert!(!page.contains(&key[27..]) && !format!("{counts:?}").contains(&key[27..]));
    }
    assert!(page.contains(&KEY[28..]), "the last four characters show");
}

#[tokio::test]
async fn one_alerts_events_wait_together_whatever_endpoint_they_came_by() {
    let rig = Rig::default();
    let v1 = json!({
        "service_key": KEY, "event_type": "trigger", "incident_key": "k", "description": "d",
    });
    rig.post("/generic/2010-04-15/create_event.json", &v1).await;
    let v2 = json!({"routing_key": KEY, "event_action": "resolve", "dedup_key": "k"});
    rig.post("/v2/enqueue", &v2).await;
    let groups: Vec<String> = rig.sent().into_iter().map(|sent| sent.group).collect();
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0], groups[1]);
}
