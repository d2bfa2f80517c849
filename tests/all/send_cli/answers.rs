//! What the server answers, or does instead, and what is said of it.

use serde_json::json;

use super::{Answer, Ended, KEY, Run, Server, TRIGGER, taken};

/// Sends a trigger to a server that answers so.
async fn after(answer: Answer) -> Ended {
    let server = Server::start(answer).await;
    let ended = server.send(&[&TRIGGER[..], &["--timeout", "1"]].concat()).await;
    server.only();
    ended
}

#[tokio::test]
async fn an_answer_is_printed_as_it_came() {
    let spaced = "{ \"status\":\"success\",\n  \"dedup_key\": \"a  b\\n\" }";
    after(Answer::text(202, spaced)).await.printed(spaced);
    after(Answer::text(202, "")).await.printed("");
}

#[tokio::test]
async fn v1_and_pdaltagent_say_200() {
    let v1 = r#"{"status":"success","message":"Event processed","incident_key":"k"}"#;
    after(Answer::text(200, v1)).await.printed(v1);
    after(Answer::text(200, "Message enqueued\n")).await.printed("Message enqueued");
}

#[tokio::test]
async fn no_other_answer_is_success() {
    let login = "<html>\n<title>Log in</title>";
    let not_one = "pagetrail: not sent: not an answer from an Events API: HTTP 20";
    for answer in [Answer::text(200, login), Answer::text(200, "{}"), Answer::text(204, "")] {
        after(answer).await.failed(1, not_one);
    }
    let elsewhere = Server::taking().await;
    let moved = Answer::text(307, "").header("location", &format!("{}/v2/enqueue", elsewhere.url));
    after(moved).await.failed(1, "pagetrail: not sent: redirects are not followed: HTTP 307");
    elsewhere.nothing_arrived();
}

#[tokio::test]
async fn a_refusal_is_in_the_servers_words() {
    let refusal = json!({
        "status": "invalid event", "message": "Event object is invalid",
        "errors": ["Invalid routing key"],
    });
    let ended = after(Answer::json(400, &refusal)).await;
    ended
        .failed(1, "pagetrail: not sent: HTTP 400: Event object is invalid: Invalid routing key\n");
    assert_eq!(ended.out, format!("{refusal}\n"));
    let limited = after(Answer::text(429, "Request Limit Exceeded")).await;
    limited.failed(1, "pagetrail: not sent: HTTP 429: Request Limit Exceeded\n");
    assert_eq!(limited.out, "Request Limit Exceeded\n");
    after(Answer::text(500, "")).await.failed(1, "pagetrail: not sent: HTTP 500\n");
}

#[tokio::test]
async fn an_answer_cannot_show_the_key_or_steer_the_terminal() {
    let hostile = format!("\u{1b}[2Jyour key {KEY}\r\nis \u{7}fine \u{202e}{}", "x".repeat(70_000));
    let ended = after(Answer::text(500, &hostile)).await;
    ended.failed(1, "pagetrail: not sent: HTTP 500: your key …cdef is fine xxx");
    for shown in [&ended.out, &ended.err] {
        assert!(!shown.trim_end().contains(|it: char| it.is_control() || it == '\u{202e}'));
        assert!(shown.chars().count() < 600, "{shown}");
    }
    let quoted = json!({"status": "success", "dedup_key": KEY, "x": "\u{9b}31m\u{1b}"});
    let ended = after(Answer::json(202, &quoted)).await;
    assert_eq!(ended.code, 0);
    assert!(!ended.out.trim_end().contains(char::is_control), "{:?}", ended.out);
    assert!(!ended.out.contains(KEY), "{}", ended.out);
}

#[tokio::test]
async fn what_may_have_arrived_is_neither_sent_nor_not() {
    let late =
        "pagetrail: not known to be sent: no complete answer within 1 s from http://127.0.0.1";
    let broken = "pagetrail: not known to be sent: no complete answer (";
    for (answer, expected) in [
        (Answer::Hang, late),
        (Answer::Stall, late),
        (Answer::Reset, broken),
        (Answer::Garbage, broken),
        (Answer::Half, broken),
    ] {
        let ended = after(answer).await;
        ended.failed(1, expected);
        assert_eq!(ended.out, "");
    }
}

#[tokio::test]
async fn no_connection_is_said_with_its_reason() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    // A label of more than 63 characters is no name that anybody would be asked for.
    let unknown = format!("http://{}.example", "x".repeat(64));
    for (url, reason) in [(refused, "Connection refused"), (unknown, "failed to lookup address")] {
        let ended = Run::default().send(&[&TRIGGER[..], &["-q", "--url", &url]].concat()).await;
        ended.failed(1, &format!("pagetrail: not sent: no connection to {url}: {reason}"));
        assert_eq!((&*ended.out, ended.err.lines().count()), ("", 1));
    }
}

#[tokio::test]
async fn plain_http_beyond_this_machine_is_warned_of() {
    let url = format!("http://user:secret@{}.example", "x".repeat(64));
    let ended = Run::default().send(&[&TRIGGER[..], &["--url", &url]].concat()).await;
    ended.failed(1, "pagetrail: warning: the routing key travels unencrypted to http://xxx");
    assert!(!ended.err.contains("secret"), "{}", ended.err);
    let quiet = Run::default().send(&[&TRIGGER[..], &["-q", "--url", &url]].concat()).await;
    quiet.failed(1, "pagetrail: not sent: no connection to http://xxx");
}

#[tokio::test]
async fn nobody_reading_the_answer_does_not_undo_it() {
    let server = Server::start(Answer::json(202, &taken())).await;
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_pagetrail"))
        .args([&["send", "--url", &server.url], &TRIGGER[..]].concat())
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}
