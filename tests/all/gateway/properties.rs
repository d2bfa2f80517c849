//! Whatever is sent: no panic, and success only with exactly one event queued.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method};
use pagetrail::gateway::{LocalClients, RunsIn, UnknownKeys};
use pagetrail::pagerduty::{accept, plainer};
use pagetrail::queue::{Outgoing, Queued};
use pagetrail::telemetry::Metric;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::gateway::support::{KEY, OTHER, Rig, Setting, TOKEN, elsewhere, here, trigger};

fn paths() -> impl Strategy<Value = String> {
    let known = select(vec![
        "/".to_owned(),
        "/health".to_owned(),
        "/metrics".to_owned(),
        "/assets/style.css".to_owned(),
        "/v2/enqueue".to_owned(),
        "/v2/change/enqueue".to_owned(),
        "/generic/2010-04-15/create_event.json".to_owned(),
        format!("/integration/{KEY}/enqueue"),
        format!("/integration/{OTHER}/enqueue"),
        format!("/x-ere/{KEY}"),
        format!("/v1/{KEY}/alerts"),
        "/nagios/2010-04-15/create_event".to_owned(),
        "/v3/events".to_owned(),
    ]);
    prop_oneof![8 => known, 1 => "/(x-ere|integration|v2)/[!-~]{0,40}(/enqueue)?"]
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let whole = select(vec![
        trigger(KEY).to_string().into_bytes(),
        trigger(OTHER).to_string().into_bytes(),
        format!(r#"{{"service_key":"{KEY}","event_type":"trigger","description":"d"}}"#).into(),
        format!(r#"{{"routing_key":"{KEY}","payload":{{"summary":"s"}}}}"#).into(),
        format!("CONTACTPAGER={KEY}&HOSTNAME=a&HOSTSTATE=DOWN").into(),
    ]);
    let damaged = (whole.clone(), any::<prop::sample::Index>(), any::<u8>());
    let damaged = damaged.prop_map(|(mut body, at, byte)| {
        let at = at.index(body.len());
        body[at] = byte;
        body
    });
    prop_oneof![
        3 => whole,
        3 => strange(),
        2 => damaged,
        1 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => r#"\{("(routing_key|payload|event_action|links)":[\[\]{}"a-z0-9:,]{0,20},?){0,4}\}"#
            .prop_map(String::into_bytes),
    ]
}

/// Events with any value in some of their fields.
fn strange() -> impl Strategy<Value = Vec<u8>> {
    let values = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!(["a", 1])),
        Just(json!({"a": {"b": 1}})),
        Just(json!("x".repeat(2_000))),
        Just(json!([{"href": "http://a"}, {"text": "b"}, null])),
        select(vec!["resolve", "Acknowledge", "TRIGGER", "ERROR", "ok"]).prop_map(Value::from),
    ];
    let fields = select(vec![
        "event_action",
        "event_type",
        "dedup_key",
        "incident_key",
        "links",
        "images",
        "client",
        "client_url",
        "details",
        "contexts",
        "description",
        "status",
        "title",
    ]);
    let inner = select(vec![
        "summary",
        "source",
        "severity",
        "timestamp",
        "component",
        "group",
        "class",
        "custom_details",
    ]);
    let of_event = proptest::collection::vec((fields, values.clone()), 0..4);
    let of_payload = proptest::collection::vec((inner, values), 0..4);
    (any::<bool>(), of_event, of_payload).prop_map(|(is_new, of_event, of_payload)| {
        let mut event = if is_new {
            trigger(KEY)
        } else {
            json!({"service_key": KEY, "event_type": "trigger", "description": "d"})
        };
        for (field, value) in of_event {
            event[field] = value;
        }
        if is_new {
            for (field, value) in of_payload {
                event["payload"][field] = value;
            }
        }
        event.to_string().into_bytes()
    })
}

/// What was taken has a form that PagerDuty should take whatever was wrong with it, or is in this form.
fn has_plain_form(outgoing: &Outgoing) -> bool {
    let queued: Queued = serde_json::from_str(&outgoing.body).unwrap();
    let Some(plain) = plainer(queued.endpoint, queued.event.get(), "refused") else {
        return serde_json::from_str::<Value>(queued.event.get())
            .unwrap()
            .as_object()
            .unwrap()
            .len()
            == 2;
    };
    let mut event: Value = serde_json::from_str(&plain.event).unwrap();
    if let Some(field) = plain.endpoint.key_field() {
        event[field] = KEY.into();
    }
    let checked = accept::check(plain.endpoint, Some(KEY), event.to_string().as_bytes());
    checked.is_ok() && plain.event.len() < 5_000
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let names = select(vec![
        "host",
        "origin",
        "authorization",
        "content-encoding",
        "content-type",
        "content-length",
        "forwarded",
        "sec-fetch-site",
        "accept",
        "x-other",
    ]);
    let values = prop_oneof![
        select(vec![
            b"localhost".to_vec(),
            b"gzip".to_vec(),
            format!("Bearer {TOKEN}").into_bytes(),
            b"Bearer".to_vec(),
            b"application/json".to_vec(),
            b"same-origin".to_vec(),
            b"http://127.0.0.1:8080".to_vec(),
            b"[::1".to_vec(),
            b"99999999999999999999".to_vec(),
        ]),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec((names, values), 0..4)
}

fn settings() -> impl Strategy<Value = Setting> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(trusted, held, token, server)| Setting {
            local: if trusted { LocalClients::Trusted } else { LocalClients::LikeOthers },
            unknown_keys: if held { UnknownKeys::Held } else { UnknownKeys::Refused },
            token: token.then_some(TOKEN),
            runs_in: if server { RunsIn::Server } else { RunsIn::Function },
            ..Setting::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn success_means_one_event_queued(
        setting in settings(),
        local in any::<bool>(),
        method in select(vec!["POST", "POST", "POST", "GET", "HEAD", "PUT", "OPTIONS"]),
        path in paths(),
        headers in headers(),
        body in bodies(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let rig = Rig::new(setting);
            let request = if local { here(method, &path) } else { elsewhere(method, &path) };
            let Ok(mut request) = request.body(Body::from(body)) else { return Ok(()) };
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    request.headers_mut().append(HeaderName::from_static(name), value);
                }
            }
            let answer = rig.call(request).await;
            let accepted = method == Method::POST && answer.status / 100 == 2;
            prop_assert_eq!(rig.sent().len(), usize::from(accepted), "{}", answer.status);
            prop_assert!(answer.status != 500);
            for outgoing in rig.sent() {
                prop_assert!(has_plain_form(&outgoing), "{}", outgoing.body);
            }
            let counts = rig.tally.read();
            prop_assert_eq!(counts.sum(Metric::TakenIn), u64::from(accepted));
            prop_assert_eq!(counts.sum(Metric::RequestsRefused), u64::from(answer.status >= 400));
            let told = format!("{counts:?}");
            for key in [KEY, OTHER] {
                prop_assert!(!answer.body.contains(key) && !told.contains(key));
            }
            Ok(())
        })?;
    }
}
