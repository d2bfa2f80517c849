//! Who may do what.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{Request, Version};
use pagetrail::gateway::LocalClients;
use pagetrail::routing::KeySource;
use serde_json::json;

use crate::gateway::support::{
    Answer, KEY, OTHER, Rig, Setting, TOKEN, elsewhere, from, here, target, trigger,
};

/// Whether the client was treated as one on this machine, by all three signs: an unknown
/// key, no key, the page.
async fn is_local(
    change: impl Fn(axum::http::request::Builder) -> axum::http::request::Builder,
) -> bool {
    let rig = Rig::default();
    let event = || Body::from(trigger(OTHER).to_string());
    let unknown = rig.call(change(here("POST", "/v2/enqueue")).body(event()).unwrap()).await;
    let keyless = rig.call(change(here("POST", "/")).body(event()).unwrap()).await;
    let page = rig.call(change(here("GET", "/")).body(Body::empty()).unwrap()).await;
    let signs = (unknown.status, keyless.status, page.status);
    assert!(matches!(signs, (202, 202, 200) | (400, 401, 401)), "{signs:?}");
    assert_eq!(rig.sent().len(), if signs.0 == 202 { 2 } else { 0 });
    signs.0 == 202
}

#[tokio::test]
async fn programs_on_this_machine_are_trusted() {
    assert!(is_local(|request| request).await);
    for host in ["localhost", "LOCALHOST:8080", "127.9.9.9", "[::1]:8080", "[::ffff:127.0.0.1]"] {
        assert!(is_local(|request| with(request, "host", host)).await, "{host}");
    }
    assert!(is_local(|request| request.header("sec-fetch-site", "same-origin")).await);
    assert!(is_local(|request| request.header("sec-fetch-site", "none")).await);
    assert!(is_local(|request| request.header("origin", "http://127.0.0.1:8080")).await);
}

#[tokio::test]
async fn addresses_of_this_machine_in_all_forms() {
    for (peer, local) in [
        ("127.0.0.2:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("[::ffff:192.0.2.7]:1", false),
        ("10.0.0.1:1", false),
        ("[fe80::1]:1", false),
    ] {
        let rig = Rig::default();
        let request = from(peer, "GET", "/").body(Body::empty()).unwrap();
        assert_eq!(rig.call(request).await.status, if local { 200 } else { 401 }, "{peer}");
    }
    let rig = Rig::default();
    let request = Request::get("/").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(rig.call(request).await.status, 401, "nothing is known of the client");
}

#[tokio::test]
async fn who_comes_through_a_proxy_on_this_machine_is_not() {
    for header in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
        "via",
        "x-real-ip",
        "cf-connecting-ip",
    ] {
        assert!(!is_local(|request| request.header(header, "127.0.0.1")).await, "{header}");
    }
    assert!(!is_local(|request| request.version(Version::HTTP_10)).await, "as nginx asks");
}

#[tokio::test]
async fn a_browser_that_was_led_here_under_another_name_is_not() {
    for host in [
        "evil.example",
        "127.0.0.1.evil.example:8080",
        "localhost.evil.example",
        "0.0.0.0",
        "",
        // A proxy's or a tunnel's own port.
        "127.0.0.1:3000",
        "localhost:8081",
        "localhost:",
        "[::1]:99999",
    ] {
        assert!(!is_local(|request| with(request, "host", host)).await, "{host}");
    }
    let none = |mut request: axum::http::request::Builder| {
        request.headers_mut().unwrap().remove("host");
        request
    };
    assert!(!is_local(none).await);
    assert!(!is_local(|request| request.header("host", "evil.example")).await, "two hosts");
    let rig = Rig::default();
    let request = here("GET", "http://evil.example/").body(Body::empty()).unwrap();
    assert_eq!(rig.call(request).await.status, 401, "the target goes before the header");
}

#[tokio::test]
async fn a_browser_that_another_site_has_post_here_is_not() {
    for origin in ["https://evil.example", "null", "http://127.0.0.1:3000", "127.0.0.1:8080"] {
        assert!(!is_local(|request| request.header("origin", origin)).await, "{origin}");
    }
    for site in ["cross-site", "same-site", "new-value"] {
        assert!(!is_local(|request| request.header("sec-fetch-site", site)).await, "{site}");
    }
    // A link is followed, a form is not posted.
    let rig = Rig::default();
    let navigates = |method, path| {
        here(method, path)
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "navigate")
    };
    let followed = rig.call(navigates("GET", "/").body(Body::empty()).unwrap()).await;
    assert_eq!(followed.status, 200);
    let event = Body::from(trigger(OTHER).to_string());
    let posted = rig.call(navigates("POST", "/v2/enqueue").body(event).unwrap()).await;
    assert_eq!(posted.status, 400);
    assert!(rig.sent().is_empty());
}

#[tokio::test]
async fn local_clients_can_be_like_others() {
    let rig = Rig::new(Setting { local: LocalClients::LikeOthers, ..Setting::default() });
    assert_eq!(rig.get("/").await.status, 401);
    assert_eq!(rig.post("/", &trigger(KEY)).await.status, 401);
    assert_eq!(rig.post("/v2/enqueue", &trigger(OTHER)).await.status, 400);
    assert_eq!(rig.post("/v2/enqueue", &trigger(KEY)).await.status, 202);
}

#[tokio::test]
async fn from_elsewhere_only_known_keys_are_taken() {
    let rig = Rig::default();
    for (path, event) in [
        ("/v2/enqueue".to_owned(), trigger(OTHER)),
        (
            "/v2/change/enqueue".to_owned(),
            json!({"routing_key": OTHER, "payload": {"summary": "s"}}),
        ),
        (format!("/integration/{OTHER}/enqueue"), json!({})),
        (format!("/x-ere/{OTHER}"), json!({})),
    ] {
        let answer = rig.post_from_elsewhere(&path, &event).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, "Invalid routing key"));
    }
    let v1 = json!({"service_key": OTHER, "event_type": "trigger", "description": "d"});
    let answer = rig.post_from_elsewhere("/generic/2010-04-15/create_event.json", &v1).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "Service key is invalid"));
    assert!(rig.sent().is_empty());
    assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(KEY)).await.status, 202);
    assert_eq!(rig.only_sent().0.key, None);
}

#[tokio::test]
async fn a_key_that_a_trusted_client_brought_is_not_thereby_open_to_others() {
    let rig = Rig::default();
    assert_eq!(rig.post("/v2/enqueue", &trigger(OTHER)).await.status, 202);
    assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(OTHER)).await.status, 400);
    assert!(rig.only_sent().0.key.is_some());
}

#[tokio::test]
async fn an_allowed_key_is_taken_from_elsewhere_and_kept_beside_its_events() {
    let rig = Rig::default();
    rig.keys.allow(OTHER.parse().unwrap());
    assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(OTHER)).await.status, 202);
    let (sent, _) = rig.only_sent();
    assert_eq!((sent.key, sent.target), (Some(OTHER.parse().unwrap()), target(OTHER)));
}

#[tokio::test]
async fn a_key_added_to_the_file_is_known_at_the_next_event() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{KEY}").unwrap();
    let source = KeySource::File(file.path().to_owned());
    let rig = Rig::new(Setting { source, ..Setting::default() });
    assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(KEY)).await.status, 202);
    writeln!(file, "{OTHER}").unwrap();
    assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(OTHER)).await.status, 202);
    assert_eq!(rig.sent()[1].key, None, "it is in a pool by now");
}

#[tokio::test]
async fn while_the_keys_cannot_be_read_nobody_is_told_that_a_key_is_wrong() {
    let source = KeySource::File("/no/such/file".into());
    let rig = Rig::new(Setting { source, ..Setting::default() });
    for answer in [
        rig.post_from_elsewhere("/v2/enqueue", &trigger(KEY)).await,
        rig.post("/", &trigger(KEY)).await,
    ] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
        assert!(!answer.body.contains("/no/such"), "{}", answer.body);
        answer.error();
    }
    let event = trigger(KEY);
    assert_eq!(rig.post("/v2/enqueue", &event).await.status, 202, "a local client brings its own");
    assert!(rig.only_sent().0.key.is_some());
}

#[tokio::test]
async fn while_the_file_is_being_edited_nobody_is_told_that_a_key_is_wrong() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), KEY).unwrap();
    let source = KeySource::File(file.path().to_owned());
    let rig = Rig::new(Setting { source, ..Setting::default() });
    assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(KEY)).await.status, 202);
    std::fs::write(file.path(), &OTHER[..20]).unwrap();
    for _ in 0..2 {
        assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(OTHER)).await.status, 503);
        assert_eq!(rig.post_from_elsewhere("/v2/enqueue", &trigger(KEY)).await.status, 202);
    }
}

async fn with_authorization(rig: &Rig, value: &str) -> Answer {
    let request = elsewhere("GET", "/").header("authorization", value);
    rig.call(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_token_opens_what_is_shut() {
    let rig = Rig::default();
    for value in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN} ")] {
        assert_eq!(with_authorization(&rig, &value).await.status, 200, "{value}");
    }
    for value in [
        TOKEN.to_owned(),
        format!("Basic {TOKEN}"),
        format!("Bearer {TOKEN}!"),
        format!("Bearer {}", &TOKEN[..5]),
        "Bearer ".to_owned(),
        "Bearer".to_owned(),
    ] {
        let answer = with_authorization(&rig, &value).await;
        assert_eq!(answer.status, 401, "{value}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"Pagetrail\""));
        assert!(answer.error().contains("Authorization: Bearer"));
    }
    let twice = elsewhere("GET", "/")
        .header("authorization", "Bearer wrong")
        .header("authorization", format!("Bearer {TOKEN}"));
    assert_eq!(rig.call(twice.body(Body::empty()).unwrap()).await.status, 401);
    for path in ["/", "/metrics"] {
        let request = elsewhere("GET", path).header("authorization", format!("Bearer {TOKEN}"));
        assert_eq!(rig.call(request.body(Body::empty()).unwrap()).await.status, 200);
        let request = elsewhere("GET", path).body(Body::empty()).unwrap();
        assert_eq!(rig.call(request).await.status, 401);
    }
    let event = trigger(OTHER);
    assert_eq!(rig.post_from_elsewhere("/", &event).await.status, 401);
    assert!(rig.sent().is_empty());
}

#[tokio::test]
async fn without_a_token_nothing_opens() {
    for token in [None, Some("")] {
        let rig = Rig::new(Setting { token, ..Setting::default() });
        for value in ["Bearer ", "Bearer", "Bearer x", ""] {
            assert_eq!(with_authorization(&rig, value).await.status, 401, "{value}");
        }
    }
}

#[tokio::test]
async fn everybody_may_ask_for_health_and_is_told_yes_or_no() {
    let rig = Rig::default();
    let request = || elsewhere("GET", "/health").body(Body::empty()).unwrap();
    let answer = rig.call(request()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ready"}"#));
    rig.conducts(crate::gateway::support::Conduct::Fails);
    let answer = rig.call(request()).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, r#"{"status":"not ready"}"#));
    assert_eq!(answer.header("retry-after"), Some("10"));
}

fn with(
    mut request: axum::http::request::Builder,
    name: &'static str,
    value: &str,
) -> axum::http::request::Builder {
    request.headers_mut().unwrap().insert(name, value.parse().unwrap());
    request
}
