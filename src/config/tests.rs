//! The faults and defaults of the Lambda stages' settings.

use std::time::Duration;

use super::*;
use crate::evidence::Limits;
use crate::pagerduty::Severity;
use crate::{enrich, stage};

fn enrich(pairs: &[(&str, &str)]) -> Result<enrich::Settings, String> {
    let stage = read_enrich_stage(lookup(pairs)).map_err(|error| error.to_string());
    stage.map(|stage| stage.enrich)
}

fn deliver(pairs: &[(&str, &str)]) -> Result<stage::deliver::Settings, String> {
    read_deliver_stage(lookup(pairs)).map_err(|error| error.to_string())
}

fn lookup(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
}

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/1/events.fifo";

#[test]
fn defaults() {
    let config = enrich(&[("PAGETRAIL_EVENTS_QUEUE_URL", QUEUE)]).unwrap();
    assert_eq!(config.evidence_deadline, Duration::from_secs(20));
    assert_eq!(config.limits, Limits { lines: 50, trails: 3, trail_lines: 100 });
    assert_eq!(config.paging.insufficient_data, None);
    assert_eq!(config.paging.severity, Severity::Error);
}

#[test]
fn all_faults_at_once_and_no_value_in_them() {
    let error = enrich(&[
        ("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "sixty"),
        ("PAGETRAIL_MAX_LINES", "0"),
        ("PAGETRAIL_SEVERITY", "0123456789abcdef0123456789abcdef"),
    ])
    .unwrap_err();
    for part in [
        "wrong configuration: ",
        "PAGETRAIL_EVENTS_QUEUE_URL is not set: it must be the URL of an SQS FIFO queue",
        "PAGETRAIL_EVIDENCE_DEADLINE_SECONDS is not valid: it must be a whole number from 1 to 45",
        "PAGETRAIL_MAX_LINES is not valid: it must be a whole number from 1 to 500",
        "PAGETRAIL_SEVERITY is not valid: it must be one of critical, error, warning, info",
    ] {
        assert!(error.contains(part), "{part} not in {error}");
    }
    assert!(!error.contains("0123456789abcdef"), "{error}");
}

#[test]
fn plain_http_only_to_loopback() {
    let with = |url| {
        deliver(&[
            ("PAGETRAIL_EVENTS_QUEUE_URL", QUEUE),
            ("PAGETRAIL_REJECTED_QUEUE_URL", QUEUE),
            ("PAGETRAIL_ROUTING_KEY_SECRET_ARN", "arn:aws:secretsmanager:x:1:secret:k"),
            ("PAGETRAIL_PAGERDUTY_URL", url),
        ])
    };
    for url in [
        "",
        "https://events.eu.pagerduty.com/v2/enqueue",
        "http://127.0.0.1:9/v2/enqueue",
        "http://[::1]:9/",
        "http://localhost:8081/v2/enqueue",
    ] {
        assert!(with(url).is_ok(), "{url}");
    }
    for url in [
        "http://events.pagerduty.com/v2/enqueue",
        "ftp://127.0.0.1/",
        "events.pagerduty.com",
        "http://localhost.evil.example/",
        "https://user:key@events.pagerduty.com/",
    ] {
        let error = with(url).unwrap_err();
        assert!(error.contains("PAGETRAIL_PAGERDUTY_URL is not valid"), "{error}");
        assert!(!error.contains("evil") && !error.contains("user:key"), "{error}");
    }
}

#[test]
fn a_url_of_only_a_host_leads_to_the_events_api() {
    let url = |given: &str| {
        let config = deliver(&[
            ("PAGETRAIL_EVENTS_QUEUE_URL", QUEUE),
            ("PAGETRAIL_REJECTED_QUEUE_URL", QUEUE),
            ("PAGETRAIL_ROUTING_KEY_SECRET_ARN", "secret"),
            ("PAGETRAIL_PAGERDUTY_URL", given),
        ]);
        config.unwrap().pagerduty_url.to_string()
    };
    for given in ["https://events.eu.pagerduty.com", "https://events.eu.pagerduty.com/"] {
        assert_eq!(url(given), "https://events.eu.pagerduty.com/v2/enqueue");
    }
    let proxy = "https://proxy.example.com/pagerduty/v2/enqueue";
    assert_eq!(url(proxy), proxy);
}

#[test]
fn an_unknown_time_zone_is_a_note_and_no_fault() {
    let zone = |name: &str| {
        let pairs = [("PAGETRAIL_EVENTS_QUEUE_URL", QUEUE), ("PAGETRAIL_TIME_ZONE", name)];
        enrich(&pairs).unwrap().paging
    };
    let known = zone("Asia/Tokyo");
    assert_eq!((known.zone, known.zone_fault), ("Asia/Tokyo".parse().unwrap(), None));
    let unknown = zone("Mars/Olympus");
    assert_eq!(unknown.zone, crate::zone::Zone::UTC);
    let fault = unknown.zone_fault.unwrap();
    assert!(fault.contains("PAGETRAIL_TIME_ZONE") && fault.contains("Europe/Berlin"), "{fault}");
}
