//! Who may post and look: known keys, the token, and nobody for being local.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::contract_gateway::{Gateway, keyed, trigger};
use crate::support::aws::{EVENTS_QUEUE, TOKEN, TOKEN_SECRET};
use crate::support::function_url::Request;

const UNKNOWN: &str = "ffffffffffffffffffffffffffffffff";
const NEW_TOKEN: &str = "9TiQxV4OlKq3vXo8LmZ5tYb1RwDnE7hJcUf2GsAp";

#[tokio::test]
async fn an_unknown_key_is_refused_and_a_new_one_known_once_it_is_in_the_secret() {
    let gateway = Gateway::start().await;
    let mut event = trigger("k");
    event["routing_key"] = UNKNOWN.into();
    let answer = gateway.post("/v2/enqueue", &event).await;
    assert_eq!((answer.status, &answer.json()["errors"]), (400, &json!(["Invalid routing key"])));
    assert!(gateway.aws.queued(EVENTS_QUEUE).is_empty());

    gateway.aws.secret(&json!({"default": [UNKNOWN]}).to_string());
    let begun = Instant::now();
    while gateway.post("/v2/enqueue", &event).await.status != 202 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the secret is not read again");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn keys_are_read_once_and_the_token_only_when_one_is_given() {
    let gateway = Gateway::start().await;
    for _ in 0..3 {
        assert_eq!(gateway.post("/v2/enqueue", &keyed(trigger("k"))).await.status, 202);
    }
    assert_eq!(gateway.aws.calls("GetSecretValue").len(), 1);
    for _ in 0..3 {
        assert_eq!(gateway.ask(&Request::get("/metrics").bearer(TOKEN)).await.status, 200);
    }
    assert_eq!(gateway.ask(&Request::get("/metrics")).await.status, 401);
    let reads = gateway.aws.calls("GetSecretValue");
    assert_eq!(reads.len(), 2, "{reads:#?}");
    assert_eq!(reads[1].body["SecretId"], TOKEN_SECRET);
}

#[tokio::test]
async fn the_token_opens_what_a_local_address_does_not() {
    let gateway = Gateway::start().await;
    let event = trigger("k");
    for request in [
        Request::post("/", &event),
        Request::post("/", &event).bearer("wrong"),
        Request::post("/", &event).bearer(""),
        Request::post("/", &event).header("authorization", TOKEN),
        Request::post("/", &event).header("x-forwarded-for", "127.0.0.1"),
        Request::get("/"),
        Request::get("/metrics"),
    ] {
        let mut invocation = request.event();
        invocation["headers"]["host"] = "localhost".into();
        invocation["requestContext"]["http"]["sourceIp"] = "127.0.0.1".into();
        invocation["headers"].as_object_mut().unwrap().retain(|name, _| !name.starts_with("x-"));
        for event in [request.event(), invocation] {
            let answer = gateway.lambda.invoke(&event).await.response();
            assert_eq!(answer["statusCode"], 401, "{event}: {answer}");
            assert_eq!(answer["headers"]["www-authenticate"], "Bearer realm=\"Pagetrail\"");
        }
    }
    assert!(gateway.aws.queued(EVENTS_QUEUE).is_empty());
    assert_eq!(gateway.ask(&Request::post("/", &event).bearer(TOKEN)).await.status, 202);
    let page = gateway.ask(&Request::get("/").bearer(TOKEN)).await;
    assert!(page.status == 200 && page.body.contains("<html"), "{page:?}");
}

#[tokio::test]
async fn a_new_token_works_without_a_restart() {
    let gateway = Gateway::start().await;
    let look = |token: &str| Request::get("/metrics").bearer(token);
    assert_eq!(gateway.ask(&look(TOKEN)).await.status, 200);
    gateway.aws.token(NEW_TOKEN);
    let begun = Instant::now();
    while gateway.ask(&look(NEW_TOKEN)).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the secret is not read again");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(gateway.ask(&look(TOKEN)).await.status, 401, "the old one works no longer");
}

#[tokio::test]
async fn wrong_tokens_cause_no_storm() {
    let gateway = Gateway::start().await;
    for number in 0..20 {
        let answer = gateway.ask(&Request::get("/").bearer(&format!("guess-{number}"))).await;
        assert_eq!(answer.status, 401);
    }
    let reads = gateway.aws.calls("GetSecretValue").len();
    assert!(reads <= 4, "{reads} reads of the secret for 20 guesses");
}

#[tokio::test]
async fn an_empty_secret_opens_nothing() {
    for value in ["", " \n"] {
        let gateway = Gateway::start().await;
        gateway.aws.token(value);
        for given in ["", value.trim(), "x"] {
            assert_eq!(
                gateway.ask(&Request::get("/").bearer(given)).await.status,
                401,
                "{value:?}"
            );
        }
    }
}
