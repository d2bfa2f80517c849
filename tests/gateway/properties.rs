//! Whatever is sent: no panic, and success only with exactly one event queued.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method};
use pagetrail::gateway::{LocalClients, Place, UnknownKeys};
use pagetrail::telemetry::Metric;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{KEY, OTHER, Rig, Setting, TOKEN, elsewhere, here, trigger};

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
    ]);
    prop_oneof![8 => known, 1 => "/(x-ere|integration|v2)/[!-~]{0,40}(/enqueue)?"]
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let whole = select(vec![
        trigger(KEY).to_string().into_bytes(),
        trigger(OTHER).to_string().into_bytes(),
        format!(r#"{{"service_key":"{KEY}","event_type":"trigger","description":"d"}}"#).into(),
        format!(r#"{{"routing_key":"{KEY}","payload":{{"summary":"s"}}}}"#).into(),
    ]);
    let damaged = (whole.clone(), any::<prop::sample::Index>(), any::<u8>());
    let damaged = damaged.prop_map(|(mut body, at, byte)| {
        let at = at.index(body.len());
        body[at] = byte;
        body
    });
    prop_oneof![
        3 => whole,
        2 => damaged,
        1 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => r#"\{("(routing_key|payload|event_action|links)":[\[\]{}"a-z0-9:,]{0,20},?){0,4}\}"#
            .prop_map(String::into_bytes),
    ]
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
            place: if server { Place::Server } else { Place::Function },
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
