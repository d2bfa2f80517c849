//! Alarms in every form become valid events: golden pairs, and properties that hold
//! for any input.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use pagetrail::alarm::intake::{self, Notice};
use pagetrail::alarm::{Alarm, State};
use pagetrail::aws::home;
use pagetrail::compose::{Composer, resolve};
use pagetrail::context::Context;
use pagetrail::evidence::{Count, Evidence, Kind, Part, Source, Step, Trail, Why, breach, window};
use pagetrail::lines::Line;
use pagetrail::lines::correlation::{Correlation, Id};
use pagetrail::lines::record::Record;
use pagetrail::pagerduty::accept::v2;
use pagetrail::pagerduty::{BODY_LIMIT, Event, Severity};
use pagetrail::zone::Zone;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::queue_items::assert_rows;

const ID: &str = "52fdfc07-2182-454f-963f-5f0f9a621d72";
const LIMIT: usize = BODY_LIMIT - 256;

fn composer() -> Composer<'static> {
    Composer {
        severity: Severity::Error,
        account: Some("shop-prod"),
        trail_lines: 16,
        zone: Zone::UTC,
        limit: LIMIT,
    }
}

/// The record Lambda gets when this message is published to a topic.
fn record(message: &str) -> Value {
    json!({"EventSource": "aws:sns", "Sns": {
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": "arn:aws:sns:ap-northeast-1:111122223333:errors",
        "Message": message,
    }})
}

fn read(message: &str) -> Notice {
    let event = json!({"Records": [record(message)]});
    intake::read(&event, &home("eu-west-1", "999999999999")).remove(0)
}

fn line(alarm: &Alarm, second: i64, text: &str) -> Line {
    Line {
        at: alarm.changed_at.unwrap_or_default() - TimeDelta::seconds(60 - second),
        log_group: "/aws/lambda/checkout".into(),
        stream: "2026/11/14/[$LATEST]a1b2c3".into(),
        text: text.into(),
    }
}

/// A log alarm brings its lines along; they are the only evidence then.
fn carried(alarm: &Alarm) -> Evidence {
    let lines: Vec<Line> = alarm
        .carried
        .iter()
        .map(|carried| Line {
            at: carried.at.unwrap(),
            log_group: carried.log_group.clone().unwrap(),
            stream: carried.stream.clone().unwrap(),
            text: carried.text.clone(),
        })
        .collect();
    let kinds = lines.iter().map(|line| Kind {
        name: Record::read(&line.text).headline(),
        count: 1,
        first: line.at,
        last: line.at,
        example: line.clone(),
        naming: None,
        fingerprint: String::new(),
        trail: None,
    });
    let part = Part {
        child: None,
        sources: Vec::new(),
        window: window(alarm, alarm.changed_at.unwrap()),
        span: breach(alarm, alarm.changed_at.unwrap()),
        matched: Count { seen: lines.len(), at_least: false },
        kinds: kinds.collect(),
        lines,
        latest: None,
    };
    Evidence { parts: vec![part], notes: Vec::new() }
}

fn evidence(alarm: &Alarm) -> Evidence {
    if !alarm.carried.is_empty() {
        return carried(alarm);
    }
    let failing = line(
        alarm,
        20,
        &format!(
            r#"{{"level":"ERROR","location":"charge:41","message":"payment failed","timestamp":"2026-11-14 03:05:55,472+0000","service":"checkout","cold_start":true,"function_name":"checkout","function_request_id":"{ID}","order":42,"exception":"Traceback (most recent call last):\n  File \"/var/task/app.py\", line 41, in charge\nKeyError: 'amount'","exception_name":"KeyError"}}"#
        ),
    );
    let plain = line(alarm, 10, "ERROR something else without an id");
    let steps = vec![
        Step::Line(line(alarm, 18, &format!("START RequestId: {ID} Version: $LATEST"))),
        Step::Line(failing.clone()),
        Step::Line(line(alarm, 21, &format!("REPORT RequestId: {ID} Duration: 12 ms"))),
    ];
    let now = alarm.changed_at.unwrap_or_default();
    let kind = |name: &str, line: &Line, trail| Kind {
        name: name.into(),
        count: 1,
        first: line.at,
        last: line.at,
        example: line.clone(),
        naming: None,
        fingerprint: String::new(),
        trail,
    };
    let trail = Trail {
        correlation: Some(Correlation::LambdaRequest(Id::parse(ID).unwrap())),
        log_group: "/aws/lambda/checkout".into(),
        stream: "2026/11/14/[$LATEST]a1b2c3".into(),
        steps,
        failing: Some(1),
        error: 1..2,
    };
    let part = Part {
        child: alarm.composite.is_some().then(|| "checkout-errors".to_owned()),
        sources: vec![Source {
            log_group: "/aws/lambda/checkout".into(),
            pattern: r#"{ $.level = "ERROR" }"#.into(),
            why: Why::MetricFilter,
        }],
        window: window(alarm, now),
        span: breach(alarm, now),
        kinds: vec![
            kind("KeyError: 'amount'", &failing, Some(trail)),
            kind("ERROR something else without an id", &plain, None),
        ],
        lines: vec![plain, failing],
        latest: None,
        matched: Count { seen: 2, at_least: false },
    };
    Evidence { parts: vec![part], ..Evidence::default() }
}

/// What the next questions were answered with.
fn context() -> Context {
    Context {
        sentences: vec![
            "new: KeyError: 'amount': none in the 24 h before (log search)".into(),
            "2nd time in 24 h; the last one began at 02:56 UTC and ended after 3 min (alarm history)".into(),
        ],
        kinds: [((0, 0), "new: none in the 24 h before".to_owned())].into(),
    }
}

fn event_of(notice: &Notice) -> Option<Event> {
    match notice {
        Notice::Message(message) => Some(composer().message(message)),
        Notice::Alarm(alarm) => match alarm.state {
            State::Alarm => {
                let now = alarm.changed_at.unwrap_or_default();
                Some(composer().trigger(alarm, &evidence(alarm), &context(), now))
            }
            State::Ok => Some(resolve(alarm)),
            State::InsufficientData => None,
        },
    }
}

/// Fails unless PagerDuty would accept the event as delivery sends it.
fn assert_valid(event: &Event) {
    let mut body = serde_json::to_value(event).unwrap();
    body["routing_key"] = json!("0123456789abcdef0123456789abcdef");
    let body = body.to_string();
    assert!(body.len() <= BODY_LIMIT, "{} bytes", body.len());
    v2(body.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}: {body:.2000}"));
    if let Some(payload) = &event.payload {
        assert!(!payload.summary.chars().any(char::is_control), "{:?}", payload.summary);
        assert_rows(&payload.custom_details);
    }
}

fn messages_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_fixture_becomes_the_event_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/alarms");
    let files = messages_in(&folder);
    assert!(files.len() >= 11, "{files:?}");
    for file in files {
        let event = event_of(&read(&std::fs::read_to_string(&file).unwrap()));
        if let Some(event) = &event {
            assert_valid(event);
        }
        let name = file.file_stem().unwrap().to_str().unwrap();
        insta::assert_json_snapshot!(name, event);
    }
}

#[test]
fn every_payload_becomes_the_events_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/payloads");
    let files = messages_in(&folder);
    assert!(files.len() >= 13, "{files:?}");
    for file in files {
        let payload: Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let notices = intake::read(&payload, &home("eu-west-1", "999999999999"));
        let events: Vec<Event> = notices.iter().filter_map(event_of).collect();
        assert!(!events.is_empty(), "{}", file.display());
        events.iter().for_each(assert_valid);
        let name = file.file_stem().unwrap().to_str().unwrap();
        insta::assert_json_snapshot!(format!("payload-{name}"), events);
    }
}

#[test]
fn every_shared_sample_gives_a_valid_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/alarms");
    if !folder.exists() {
        eprintln!(
            "{} is not here: only the repository's own fixtures were tried",
            folder.display()
        );
        return;
    }
    let mut alarms = 0;
    for file in messages_in(&folder) {
        let text = std::fs::read_to_string(&file).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let notice = read(&text);
        if value.get("AlarmName").is_some() {
            assert!(matches!(notice, Notice::Alarm(_)), "{}: {notice:?}", file.display());
            alarms += 1;
        }
        if let Some(event) = event_of(&notice) {
            assert_valid(&event);
        }
    }
    assert!(alarms >= 14, "only {alarms} of the samples are SNS alarm messages");
}

#[test]
fn plain_text_pages_as_itself() {
    let Notice::Message(mut message) = read("disk is full\non web-3") else { panic!("no alarm") };
    message.subject = Some("Disk\nalert".into());
    let event = composer().message(&message);
    assert_valid(&event);
    insta::assert_json_snapshot!("plain-text", event);
}

#[test]
fn without_evidence_the_alarm_itself_is_the_title() {
    let Notice::Alarm(alarm) = read(include_str!("../fixtures/alarms/metric.json")) else {
        panic!("an alarm")
    };
    let notes = vec!["no log lines: access denied.".to_owned()];
    let bare = Evidence { notes, ..Evidence::default() };
    let event = composer().trigger(&alarm, &bare, &Context::default(), alarm.changed_at.unwrap());
    assert_valid(&event);
    insta::assert_json_snapshot!("without-evidence", event);
}

/// Of an isolated partition nobody outside knows the console's address; a wrong link would cost
/// more time than none.
#[test]
fn an_alarm_of_an_isolated_partition_pages_without_links_to_the_console() {
    let message = include_str!("../fixtures/alarms/metric.json");
    let message = message
        .replace("arn:aws:cloudwatch:ap-northeast-1:", "arn:aws-iso:cloudwatch:us-iso-east-1:");
    let Notice::Alarm(mut alarm) = read(&message) else { panic!("an alarm") };
    assert_eq!(
        (alarm.origin.partition.name(), alarm.origin.region.as_str()),
        ("aws-iso", "us-iso-east-1")
    );
    alarm.description = Some("Runbook: https://wiki.example/checkout".into());
    let event =
        composer().trigger(&alarm, &evidence(&alarm), &context(), alarm.changed_at.unwrap());
    assert_valid(&event);
    let links: Vec<&str> = event.links.iter().map(|link| link.href.as_str()).collect();
    assert_eq!((links, event.client_url), (vec!["https://wiki.example/checkout"], None));
}

#[test]
fn huge_evidence_is_fitted_and_says_what_was_cut() {
    let Notice::Alarm(alarm) = read(include_str!("../fixtures/alarms/metric.json")) else {
        panic!("an alarm")
    };
    let mut evidence = evidence(&alarm);
    let huge = "日本\u{1}\"\\".repeat(6_000);
    let part = &mut evidence.parts[0];
    part.lines = (0..500).map(|second| line(&alarm, second, &huge)).collect();
    part.matched = Count { seen: 12_000, at_least: true };
    part.kinds[0].trail.as_mut().unwrap().steps =
        (0..20).map(|second| Step::Line(line(&alarm, second, &huge))).collect();
    evidence.notes = (0..50).map(|number| format!("{number} {huge}")).collect();
    let event = composer().trigger(&alarm, &evidence, &context(), Utc::now());
    assert_valid(&event);
    let details = &event.payload.as_ref().unwrap().custom_details;
    let cut = details["7 cut"].as_array().unwrap();
    assert!(cut[0].as_str().unwrap().contains("too large"), "{cut:?}");
    assert!(event.payload.unwrap().summary.contains("≥12000×"));
    let small = Composer { limit: 100_000, ..composer() }.trigger(
        &alarm,
        &evidence,
        &context(),
        Utc::now(),
    );
    assert!(serde_json::to_vec(&small).unwrap().len() <= 100_000);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("Threshold Crossed: 1 datapoint [1.0 (02/02/25 12:05:00)] was")),
        Just(json!("2025-02-02T12:06:35.472+0000")),
        Just(json!("arn:aws:cloudwatch:us-east-1:1:alarm:x")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any_key(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "AlarmName",
            "NewStateReason",
            "StateChangeTime",
            "AlarmArn",
            "Trigger",
            "Metrics",
            "MetricStat",
            "Metric",
            "Namespace",
            "MetricName",
            "Period",
            "AlarmDescription",
            "AlarmContributor",
            "AWSAccountId",
            "EvaluationPeriods",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_json_as_alarm_and_any_text_as_lines_give_a_valid_event(
        fields in prop::collection::btree_map(any_key(), any_json(), 0..12),
        name in any::<String>(),
        texts in prop::collection::vec(any::<String>(), 0..8),
        notes in prop::collection::vec(any::<String>(), 0..3),
        sentences in prop::collection::vec(any::<String>(), 0..9),
        seconds in any::<u32>(),
    ) {
        let mut message: serde_json::Map<String, Value> = fields.into_iter().collect();
        message.insert("AlarmName".into(), json!(name));
        message.insert("NewStateValue".into(), json!("ALARM"));
        let now = DateTime::from_timestamp(i64::from(seconds), 0).unwrap();
        match read(&Value::Object(message).to_string()) {
            Notice::Message(message) => assert_valid(&composer().message(&message)),
            Notice::Alarm(alarm) => {
                let mut evidence = evidence(&alarm);
                evidence.notes = notes;
                let context = Context { sentences, ..context() };
                let part = &mut evidence.parts[0];
                part.lines.extend(texts.iter().map(|text| line(&alarm, 1, text)));
                let steps = texts.iter().map(|text| Step::Line(line(&alarm, 2, text)));
                part.kinds[0].trail.as_mut().unwrap().steps.extend(steps);
                assert_valid(&composer().trigger(&alarm, &evidence, &context, now));
                assert_valid(&resolve(&alarm));
            }
        }
    }

    #[test]
    fn any_text_as_message_gives_a_valid_event(
        body in any::<String>(), subject in any::<Option<String>>(), topic in any::<String>(),
    ) {
        let record = json!({"Sns": {"Message": body, "Subject": subject, "TopicArn": topic}});
        match intake::read(&record, &home("us-east-1", "1")).remove(0) {
            Notice::Message(message) => assert_valid(&composer().message(&message)),
            Notice::Alarm(alarm) => prop_assert!(false, "{alarm:?}"),
        }
    }
}
