//! A whole event as JSON.

use serde_json::{Value, json};

use super::{Ended, KEY, Run, Server};

const OTHER: &str = "R123456789ABCDEFGHIJKLMNOPQRSTUV";

async fn send(server: &Server, input: &str, arguments: &[&str], key: &str) -> Ended {
    let mut run = Run::with(&[("PAGETRAIL_ROUTING_KEY", key)]);
    run.input = input;
    run.send(&[&["--url", &server.url, "--json", "-"], arguments].concat()).await
}

fn event() -> Value {
    json!({
        "event_action": "trigger",
        "payload": {
            "summary": "ディスク 💥", "source": "db-1", "severity": "info",
            "custom_details": {"n": [1, 2.5, null, {"x": "\u{0}"}]},
        },
        "x_own": true,
    })
}

#[tokio::test]
async fn it_goes_out_as_written_with_the_key() {
    let server = Server::taking().await;
    assert_eq!(send(&server, &event().to_string(), &[], KEY).await.code, 0);
    let mut expected = event();
    expected["routing_key"] = KEY.into();
    assert_eq!(server.only().json(), expected);
}

#[tokio::test]
async fn its_own_key_goes_before_the_environments_and_an_option_before_both() {
    let mut own = event();
    own["routing_key"] = OTHER.into();
    for (options, expected) in [(&[][..], OTHER), (&["-k", KEY], KEY)] {
        let server = Server::taking().await;
        assert_eq!(send(&server, &own.to_string(), options, KEY).await.code, 0);
        assert_eq!(server.only().json()["routing_key"], expected);
    }
}

#[tokio::test]
async fn the_type_may_be_an_option() {
    let server = Server::taking().await;
    let resolve = json!({"dedup_key": "k"}).to_string();
    assert_eq!(send(&server, &resolve, &["-t", "resolve"], KEY).await.code, 0);
    assert_eq!(server.only().json()["event_action"], "resolve");

    let server = Server::taking().await;
    let change = json!({"payload": {"summary": "deployed"}});
    assert_eq!(send(&server, &change.to_string(), &["-t", "change"], KEY).await.code, 0);
    let request = server.only();
    assert_eq!(request.path, "/v2/change/enqueue");
    assert_eq!(request.json()["payload"], change["payload"]);
}

#[tokio::test]
async fn it_may_come_from_a_file() {
    let server = Server::taking().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), event().to_string()).unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(server.send(&["--json", path, "-k", KEY]).await.code, 0);
    assert_eq!(server.only().json()["x_own"], true);
    let missing = server.send(&["--json", "/no/such/file", "-k", KEY]).await;
    missing.failed(2, "pagetrail: error: --json /no/such/file: No such file");
}

#[tokio::test]
async fn what_the_server_would_refuse_is_not_sent() {
    let server = Server::taking().await;
    let mut long = event();
    long["payload"]["summary"] = "x".repeat(1025).into();
    let large = format!(r#"{{"event_action": "trigger", "x": "{}"}}"#, "x".repeat(600_000));
    for (input, expected) in [
        ("", "not JSON: EOF while parsing"),
        ("{\"a\": }", "not JSON: expected value at line 1 column 7"),
        ("[]", "the event must be a JSON object"),
        ("{}", "'event_action' is missing or blank"),
        (r#"{"event_action": "trigger"}"#, "'payload' is missing or blank"),
        (&long.to_string(), "'summary' is too long"),
        (&large, "Event is too large (maximum is 512000 bytes)"),
    ] {
        let ended = send(&server, input, &[], KEY).await;
        ended.failed(2, &format!("pagetrail: error: --json: {expected}"));
    }
    let both = send(&server, &event().to_string(), &["-d", "x"], KEY).await;
    both.failed(
        2,
        "error: the argument '--json <FILE>' cannot be used with '--description <TEXT>'",
    );
    server.nothing_arrived();
}
