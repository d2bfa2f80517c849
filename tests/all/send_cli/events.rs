//! The event that the options make.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use pagetrail::sandbox::{Sandbox, Settings, router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::{KEY, Run, Server, TRIGGER, taken};

/// The body that arrives for these options.
async fn body(arguments: &[&str]) -> Value {
    let server = Server::taking().await;
    server.send(&[&["-k", KEY], arguments].concat()).await.printed(&taken().to_string());
    let request = server.only();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v2/enqueue"));
    assert_eq!(request.header("content-type"), "application/json");
    request.json()
}

#[tokio::test]
async fn every_option_has_its_field() {
    let options = [
        ["-t", "trigger"],
        ["-s", "warning"],
        ["-o", "db-1"],
        ["-m", "postgres"],
        ["-g", "prod"],
        ["-l", "disk"],
        ["-d", "ディスク 98 % – fast voll 💥"],
        ["-i", "db-1/disk"],
        ["-c", "Nagios"],
        ["-u", "https://nagios.example/db-1"],
        ["-f", "used=98 %"],
        ["-f", "query=a=b=c"],
        ["-f", "empty="],
        ["-f", "used=99 %"],
        ["--link", "https://wiki.example/?a=b&c=d How to  mend it"],
        ["--link", "https://wiki.example/2"],
        ["--image", "https://graph.example/1.png https://graph.example/1 Disk of db-1"],
        ["--image", "https://graph.example/2.png Disk of db-1"],
        ["--timestamp", "2015-07-17T08:42:58.315+0000"],
    ];
    assert_eq!(
        body(options.as_flattened()).await,
        json!({
            "routing_key": KEY,
            "event_action": "trigger",
            "dedup_key": "db-1/disk",
            "client": "Nagios",
            "client_url": "https://nagios.example/db-1",
            "payload": {
                "summary": "ディスク 98 % – fast voll 💥",
                "source": "db-1",
                "severity": "warning",
                "component": "postgres",
                "group": "prod",
                "class": "disk",
                "timestamp": "2015-07-17T08:42:58.315+0000",
                "custom_details": {"used": "99 %", "query": "a=b=c", "empty": ""},
            },
            "links": [
                {"href": "https://wiki.example/?a=b&c=d", "text": "How to  mend it"},
                {"href": "https://wiki.example/2"},
            ],
            "images": [
                {
                    "src": "https://graph.example/1.png",
                    "href": "https://graph.example/1",
                    "alt": "Disk of db-1",
                },
                {"src": "https://graph.example/2.png", "alt": "Disk of db-1"},
            ],
        })
    );
}

#[tokio::test]
async fn the_least_is_a_type_and_a_description() {
    let mut event = body(&["-t", "trigger", "-d", "disk full"]).await;
    let source = event["payload"]["source"].take();
    assert!(!source.as_str().unwrap().is_empty(), "the machine's name");
    assert_eq!(
        event,
        json!({
            "routing_key": KEY,
            "event_action": "trigger",
            "payload": {"summary": "disk full", "source": null, "severity": "critical"},
        })
    );
}

#[tokio::test]
async fn what_an_unset_variable_leaves_empty_counts_as_not_given() {
    let plain = body(&["-t", "trigger", "-d", "x"]).await;
    let empty = ["-o", "", "-m", " ", "-i", "", "-c", "", "-u", "", "--timestamp", ""];
    assert_eq!(body(&[&["-t", "trigger", "-d", "x"], &empty[..]].concat()).await, plain);
}

#[tokio::test]
async fn acknowledge_and_resolve_carry_their_key_alone() {
    for action in ["acknowledge", "resolve"] {
        let rest = ["-d", "disk full", "-s", "info", "-o", "db-1", "-f", "a=b", "-c", "Nagios"];
        assert_eq!(
            body(&[&["-t", action, "-i", "db-1/disk"], &rest[..]].concat()).await,
            json!({"routing_key": KEY, "event_action": action, "dedup_key": "db-1/disk"})
        );
    }
}

#[tokio::test]
async fn a_change_event_goes_to_its_own_endpoint() {
    let server = Server::taking().await;
    let arguments = [
        ["-k", KEY],
        ["-t", "change"],
        ["-d", "shop 4.2 deployed"],
        ["-o", "ci"],
        ["-f", "build=7"],
        ["--link", "https://ci.example/7 Build"],
        ["--timestamp", "2026-11-21T07:00:00Z"],
    ];
    assert_eq!(server.send(arguments.as_flattened()).await.code, 0);
    let request = server.only();
    assert_eq!(request.path, "/v2/change/enqueue");
    assert_eq!(
        request.json(),
        json!({
            "routing_key": KEY,
            "payload": {
                "summary": "shop 4.2 deployed",
                "source": "ci",
                "timestamp": "2026-11-21T07:00:00Z",
                "custom_details": {"build": "7"},
            },
            "links": [{"href": "https://ci.example/7", "text": "Build"}],
        })
    );
}

#[tokio::test]
async fn too_long_a_text_is_cut_and_kept_in_the_details() {
    let server = Server::taking().await;
    let long = "ä".repeat(1025);
    let ended = server.send(&["-k", KEY, "-t", "trigger", "-d", &long]).await;
    assert_eq!(ended.code, 0);
    assert!(ended.err.starts_with("pagetrail: warning: the description is cut"), "{}", ended.err);
    let payload = &server.only().json()["payload"];
    assert_eq!(payload["summary"], format!("{}…", "ä".repeat(1023)));
    assert_eq!(payload["custom_details"], json!({"description": long}));

    let event = body(&["-t", "trigger", "-d", &long[..2048]]).await;
    assert_eq!(event["payload"]["summary"], long[..2048], "1024 characters fit");
}

#[tokio::test]
async fn too_long_an_incident_key_is_the_same_for_trigger_and_resolve() {
    let long = "k".repeat(256);
    let mut keys = Vec::new();
    for action in ["trigger", "resolve"] {
        let server = Server::taking().await;
        let ended = server.send(&["-k", KEY, "-t", action, "-d", "x", "-i", &long]).await;
        assert_eq!(ended.code, 0);
        assert!(ended.err.contains("warning: the incident key is too long"), "{}", ended.err);
        keys.push(server.only().json()["dedup_key"].clone());
    }
    assert_eq!(keys[0], keys[1]);
    assert!(keys[0].as_str().unwrap().starts_with("sha256:"));
}

#[tokio::test]
async fn text_may_begin_with_a_dash() {
    for text in ["-5", "-5 °C", "- down -", "-90%", "--- all disks full"] {
        let event = body(&["-t", "trigger", "-d", text, "-i", text]).await;
        assert_eq!(
            (&event["payload"]["summary"], &event["dedup_key"]),
            (&json!(text), &json!(text))
        );
    }
}

#[tokio::test]
async fn the_sandbox_sees_an_incident_through_its_life() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = Sandbox::new(Settings::default());
    let task = tokio::spawn(pagetrail::sandbox::serve(listener, sandbox.clone()));
    for (action, status) in
        [("trigger", "triggered"), ("acknowledge", "acknowledged"), ("resolve", "resolved")]
    {
        let arguments = ["--url", &url, "-t", action, "-i", "disk", "-d", "full"];
        let ended = Run::with(&[("PAGETRAIL_ROUTING_KEY", KEY)]).send(&arguments).await;
        let answer: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!((ended.code, &answer["dedup_key"]), (0, &json!("disk")), "{}", ended.err);
        let request = Request::get("/api/incidents").body(Body::empty()).unwrap();
        let response = router(sandbox.clone()).oneshot(request).await.unwrap();
        let list = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let list: Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(list[0]["status"], status, "{list}");
    }
    let change = ["--url", &url, "-k", KEY, "-t", "change", "-d", "deployed"];
    let ended = Run::default().send(&change).await;
    assert!(ended.code == 0 && ended.out.contains("Change event processed"), "{}", ended.out);
    task.abort();
}

#[tokio::test]
async fn quiet_prints_nothing_of_what_went_well() {
    let server = Server::taking().await;
    let long = "x".repeat(2_000);
    server.send(&["-k", KEY, "-t", "trigger", "-qd", &long]).await.printed("");
    let refused = Server::start(super::Answer::text(500, "no")).await;
    refused.send(&[&TRIGGER[..], &["--quiet"]].concat()).await.failed(1, "pagetrail: not sent: ");
}
