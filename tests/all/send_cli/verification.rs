//! `--verify-key`: whether the server takes the key, without an alert.

use serde_json::json;

use super::{Answer, KEY, Run, Server};

#[tokio::test]
async fn it_resolves_an_alert_that_never_was() {
    let server = Server::taking().await;
    let ended = server.send(&["--verify-key", "-k", KEY]).await;
    ended.printed(&format!("the key …cdef is accepted by {}", server.url));
    let sent = server.only().json();
    assert_eq!((&sent["event_action"], &sent["routing_key"]), (&json!("resolve"), &json!(KEY)));
    assert!(sent["dedup_key"].as_str().unwrap().contains("no-such-alert"));
    assert_eq!(sent.as_object().unwrap().len(), 3, "{sent}");
}

#[tokio::test]
async fn a_good_key_is_nothing_to_print_when_quiet() {
    let server = Server::taking().await;
    let variables = [("PAGETRAIL_ROUTING_KEY", KEY), ("PDSEND_EVENTS_BASE_URL", &*server.url)];
    Run::with(&variables).send(&["--verify-key", "-q"]).await.printed("");
}

#[tokio::test]
async fn a_refused_key_and_no_verdict_are_told_apart() {
    let refusal = json!({"message": "Event object is invalid", "errors": ["Invalid routing key"]});
    let unverified = "pagetrail: the key …cdef could not be verified: ";
    for (answer, expected) in [
        (
            Answer::json(400, &refusal),
            "pagetrail: the key …cdef is refused: HTTP 400: Event object",
        ),
        (Answer::text(429, ""), unverified),
        (Answer::text(200, "<html>"), unverified),
        (Answer::Reset, unverified),
    ] {
        let server = Server::start(answer).await;
        server.send(&["--verify-key", "-k", KEY]).await.failed(1, expected);
    }
    let server = Server::taking().await;
    let shapeless = server.send(&["--verify-key", "-k", "x"]).await;
    shapeless.failed(2, "pagetrail: error: Length of 'routing_key'");
    server.nothing_arrived();
}
