//! The status page, its JSON, and the metrics.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use chrono::Utc;
use pagetrail::gateway::Place;
use pagetrail::routing::Target;
use pagetrail::telemetry::Signal;
use serde_json::{Value, json};

use crate::support::{KEY, OTHER, Rig, Setting, here, target, trigger};

const SCRIPT: &str = "</title><script>alert(1)</script>\"'";

async fn busy() -> Rig {
    let rig = Rig::default();
    rig.waits(
        &[
            (Target::default_pool(), 3),
            (target(OTHER), 1_234),
            (Target::Pool(SCRIPT.to_owned()), 1),
        ],
        Duration::from_mins(125),
        2,
    );
    rig.keys.all().await.unwrap();
    rig.post("/v2/enqueue", &trigger(KEY)).await;
    rig.keys.set_aside(&KEY.parse().unwrap());
    let count = |signal: Signal<'_>| rig.tally.count(&signal, Utc::now());
    count(Signal::Delivered { dedup_key: "k", action: "trigger", attempts: 1, since: None });
    count(Signal::Postponed {
        dedup_key: "k",
        why: "HTTP 429",
        rate_limited: true,
        attempts: 1,
        waiting: 1,
        seconds: 1.0,
    });
    count(Signal::Rejected { dedup_key: "k", why: SCRIPT });
    count(Signal::KeyRefused { key: "…cdef", why: "Invalid routing key" });
    rig
}

async fn json_of(rig: &Rig) -> Value {
    let request = here("GET", "/").header("accept", "application/json");
    let answer = rig.call(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("vary"), Some("accept"));
    answer.json()
}

#[tokio::test]
async fn the_page_shows_everything_and_runs_none_of_it() {
    let rig = busy().await;
    let page = rig.get("/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let body = page.body;
    for text in [
        "1\u{202f}238 events wait for delivery",
        "2 h 5 min",
        "<dt>Rejected</dt><dd>2</dd>",
        "…3210",
        "<code>…cdef</code><span class=\"pill triggered\">refused</span>",
        "Accepted <strong>1</strong>",
        "delivered <strong>1</strong>",
        "…cdef: Invalid routing key",
        "&lt;/title&gt;&lt;script&gt;alert(1)",
        "1 accepted, 1 delivered, 1 attempts postponed",
    ] {
        assert!(body.contains(text), "{text} is missing in {body}");
    }
    assert!(!body.contains("<script>") && !body.contains(" style="), "{body}");
    assert!(body.contains("<title>1\u{202f}238 waiting · Pagetrail</title>"));
    let foreign =
        body.split("=\"").filter(|value| value.starts_with("http") || value.starts_with("//"));
    assert_eq!(foreign.count(), 0, "no asset of another place");
}

#[tokio::test]
async fn a_browser_gets_the_page_and_a_program_json() {
    let rig = busy().await;
    for accept in
        ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "text/html, application/json"]
    {
        let request = here("GET", "/").header("accept", accept).body(Body::empty()).unwrap();
        let answer = rig.call(request).await;
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{accept}");
    }
    let status = json_of(&rig).await;
    assert_eq!(status["ready"], true);
    assert_eq!(
        status["queue"],
        json!({
            "events": 1_238, "oldest_seconds": 7_500, "rejected": 2, "others": 0,
            "targets": [
                {"target": "…3210", "events": 1_234},
                {"target": "default", "events": 3},
                {"target": SCRIPT, "events": 1},
            ],
        })
    );
    assert_eq!(status["keys"], json!([{"key": "…cdef", "state": "refused"}]));
    for (field, count) in [
        ("accepted", 1),
        ("delivered", 1),
        ("postponed", 1),
        ("rate_limited", 1),
        ("rejected", 1),
        ("requests_refused", 0),
        ("keys_refused", 1),
        ("health_checks_failed", 0),
    ] {
        assert_eq!(status[field], count, "{field}");
    }
    let minutes = status["minutes"].as_array().unwrap();
    assert_eq!(minutes.len(), 60);
    let accepted: u64 = minutes.iter().map(|it| it["accepted"].as_u64().unwrap()).sum();
    assert_eq!(accepted, 1);
    assert_eq!(status["refusals"][0]["what"], "routing key");
    assert_eq!(status["refusals"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_page_with_nothing_on_it() {
    let rig = Rig::default();
    let body = rig.get("/").await.body;
    for text in ["No event waits", "Nothing waits.", "None since the start.", "None in use yet."] {
        assert!(body.contains(text), "{text} is missing in {body}");
    }
    assert!(!body.contains("Minute by minute"));
    let status = json_of(&rig).await;
    assert_eq!((&status["queue"]["oldest_seconds"], &status["ready"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn one_of_many_instances_tells_only_what_it_can_know() {
    let rig = Rig::new(Setting { place: Place::Function, ..Setting::default() });
    rig.post("/v2/enqueue", &trigger(KEY)).await;
    let body = rig.get("/").await.body;
    assert!(body.contains("No event waits") && body.contains("CloudWatch"), "{body}");
    assert!(!body.contains("Last hour") && !body.contains("Routing keys"));
    let status = json_of(&rig).await;
    assert!(status["queue"].is_object());
    assert!(status.get("accepted").is_none() && status.get("keys").is_none(), "{status}");
    let metrics = rig.get("/metrics").await.body;
    assert!(metrics.contains("pagetrail_queue_events 0"));
    assert!(!metrics.contains("_total") && !metrics.contains("key_state"), "{metrics}");
}

#[tokio::test]
async fn assets_are_the_gateways_own() {
    let rig = Rig::default();
    for (name, kind) in [
        ("style.css", "text/css; charset=utf-8"),
        ("refresh.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let answer = rig.get(&format!("/assets/{name}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

/// A metric family of the text format: its kind, and its samples by their labels.
type Families = HashMap<String, (String, HashMap<String, f64>)>;

/// Reads the text format 0.0.4, as strictly as `promtool check metrics`.
fn parsed(text: &str) -> Families {
    let mut families = Families::new();
    let mut helped = None;
    let is_name = |name: &str| {
        let first = name.chars().next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_');
        first && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
    };
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && help.ends_with('.'), "{line}");
            assert!(helped.replace(name.to_owned()).as_deref() != Some(name), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(helped.as_deref(), Some(name), "help comes first");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            let family = (kind.to_owned(), HashMap::new());
            assert!(families.insert(name.to_owned(), family).is_none(), "{name} twice");
            name.clone_into(&mut current);
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            assert_eq!(name, current, "the samples of one family stand together");
            let labels = labels.strip_suffix('}').unwrap();
            check_labels(labels, &is_name);
            let samples = &mut families.get_mut(name).unwrap().1;
            let value: f64 = value.parse().unwrap();
            assert!(value >= 0.0);
            assert!(samples.insert(labels.to_owned(), value).is_none(), "{series} twice");
        }
    }
    families
}

fn check_labels(labels: &str, is_name: &impl Fn(&str) -> bool) {
    let mut rest = labels;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        assert!(is_name(name), "{labels}");
        let mut escaped = false;
        let end = value
            .find(|character| {
                assert!(!escaped || "\\\"n".contains(character), "{labels}");
                let ends = !escaped && character == '"';
                escaped = !escaped && character == '\\';
                ends
            })
            .unwrap();
        rest = &value[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

#[tokio::test]
async fn metrics_are_in_prometheus_text_format() {
    let rig = busy().await;
    let answer = rig.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let families = parsed(&answer.body);
    for (name, kind, labels, value) in [
        ("pagetrail_ready", "gauge", "", 1.0),
        ("pagetrail_queue_events", "gauge", "", 1_238.0),
        ("pagetrail_queue_target_events", "gauge", "target=\"default\"", 3.0),
        ("pagetrail_queue_target_events", "gauge", "target=\"…3210\"", 1_234.0),
        ("pagetrail_queue_oldest_age_seconds", "gauge", "", 7_500.0),
        ("pagetrail_queue_rejected_events", "gauge", "", 2.0),
        ("pagetrail_events_accepted_total", "counter", "", 1.0),
        ("pagetrail_events_delivered_total", "counter", "", 1.0),
        ("pagetrail_events_rejected_total", "counter", "", 1.0),
        ("pagetrail_attempts_postponed_total", "counter", "", 1.0),
        ("pagetrail_attempts_rate_limited_total", "counter", "", 1.0),
        ("pagetrail_requests_refused_total", "counter", "", 0.0),
        ("pagetrail_keys_refused_total", "counter", "", 1.0),
        ("pagetrail_health_checks_failed_total", "counter", "", 0.0),
        ("pagetrail_key_state", "gauge", "key=\"…cdef\",state=\"refused\"", 1.0),
        ("pagetrail_key_state", "gauge", "key=\"…cdef\",state=\"healthy\"", 0.0),
    ] {
        let family = families.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!((family.0.as_str(), family.1.get(labels)), (kind, Some(&value)), "{name}");
    }
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(families["pagetrail_build_info"].1.get(&version), Some(&1.0));
    let started = families["process_start_time_seconds"].1[""];
    assert!(started > 1.7e9 && started < 1e11);
    assert!(answer.body.contains(r#"target="</title><script>alert(1)</script>\"'""#));
}
