//! Everything that is not a message of an allowed topic, signed by SNS.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::sns::Served;
use crate::sns::amazon::{notification, signed};
use crate::support::alarms::{alarm, topic};
use crate::support::lambda::REGION;

fn message() -> Value {
    notification(&alarm("shop").to_string())
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut message = message();
    message[name] = value.into();
    message
}

/// Nothing was asked of anybody, and nothing queued.
#[track_caller]
fn assert_untouched(served: &Served) {
    assert_eq!(served.amazon.asked(), Vec::<String>::new());
    assert_eq!(served.aws.operations(), Vec::<String>::new());
    assert!(served.queue.events().is_empty());
}

#[tokio::test]
async fn before_anything_is_fetched() {
    let yesterday = (Utc::now() - TimeDelta::hours(25)).to_rfc3339();
    let other = topic(REGION).replace("errors", "theirs");
    for (message, status, field, fix) in [
        (signed(with("TopicArn", other)), 403, "TopicArn", "add it"),
        (signed(with("TopicArn", topic("us-east-1"))), 403, "TopicArn", "sns_topics"),
        (with("TopicArn", "errors"), 400, "TopicArn", "ARN of a standard SNS topic"),
        (signed(with("Timestamp", yesterday)), 503, "Timestamp", "older than a day"),
        (
            with("SigningCertURL", "https://evil.example/SimpleNotificationService-1.pem"),
            403,
            "SigningCertURL",
            "https://sns.ap-northeast-1.amazonaws.com/",
        ),
        (
            with(
                "SigningCertURL",
                "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
            ),
            403,
            "SigningCertURL",
            "https://sns.ap-northeast-1.amazonaws.com/",
        ),
        (with("SignatureVersion", "3"), 400, "SignatureVersion", "1 or 2"),
        (with("Signature", "%%%"), 400, "Signature", "base64"),
        (with("Type", "Greeting"), 400, "Type", "SNS message"),
        (with("MessageId", Value::Null), 400, "MessageId", "is missing: SNS always sends it"),
        (
            with("Message", json!({"AlarmName": "shop"})),
            400,
            "body",
            "the body is not a message from SNS",
        ),
        (json!("text"), 400, "body", "subscribe this address"),
    ] {
        let served = Served::start().await;
        let answer = served.post(&message).await;
        assert_eq!((answer.status, &answer.body["field"]), (status, &json!(field)), "{answer:?}");
        let words = answer.body["message"].as_str().unwrap();
        assert!(words.contains(fix), "{words}");
        assert!(!words.contains("disk") && !words.contains("evil"), "{words}");
        assert_untouched(&served);
    }
}

#[tokio::test]
async fn a_raw_message_is_told_apart_and_the_fix_named() {
    let served = Served::start().await;
    let request = Request::post("/sns").header("x-amz-sns-rawdelivery", "true");
    let answer = served.send(request.body(Body::from(alarm("shop").to_string())).unwrap()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body["message"].as_str().unwrap().contains("turn raw message delivery off"));
    assert_untouched(&served);
}

#[tokio::test]
async fn what_is_no_post_of_a_message() {
    let served = Served::start().await;
    let get = Request::get("/sns").body(Body::empty()).unwrap();
    assert_eq!(served.send(get).await.status, 405);
    for body in ["", "{", "[]", "null", "\u{0}", r#"{"Type":"Notification","Type":"x"}"#] {
        let request = Request::post("/sns").body(Body::from(body)).unwrap();
        assert_eq!(served.send(request).await.status, 400, "{body}");
    }
    let deep = Request::post("/sns").body(Body::from("[".repeat(500_000))).unwrap();
    assert_eq!(served.send(deep).await.status, 400);
    let large = Request::post("/sns").body(Body::from(vec![b' '; (1 << 20) + 1])).unwrap();
    assert_eq!(served.send(large).await.status, 413);
    assert_untouched(&served);
}

#[tokio::test]
async fn the_largest_message_of_sns_is_taken() {
    let served = Served::start().await;
    // Each becomes six bytes of JSON, as some JSON writers do it.
    let message = notification(&"\u{1}".repeat(150_000));
    assert!(message.to_string().len() > 900_000);
    assert_eq!(served.post(&message).await.status, 200);
}

#[tokio::test]
async fn a_signature_of_somebody_elses() {
    let served = Served::start().await;
    for signature in [vec![], vec![0; 256], vec![0xff; 256], vec![1; 100_000]] {
        let message = with("Signature", BASE64_STANDARD.encode(signature));
        let answer = served.post(&message).await;
        assert_eq!((answer.status, &answer.body["field"]), (403, &json!("Signature")));
    }
    // Not even a signed text moves from one type of message to another.
    let message = with("Type", "UnsubscribeConfirmation");
    assert_eq!(served.post(&message).await.status, 400);
    assert!(served.queue.events().is_empty());
}

static RUNTIME: LazyLock<(Runtime, Served)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let served = runtime.block_on(Served::start());
    (runtime, served)
});

proptest! {
    #[test]
    fn no_signed_field_can_be_changed(
        name in prop::sample::select(vec![
            "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"]),
        place in any::<prop::sample::Index>(),
        other in any::<char>(),
    ) {
        let (runtime, served) = &*RUNTIME;
        let mut message = message();
        let mut text: Vec<char> = message[name].as_str().unwrap().chars().collect();
        let place = place.index(text.len());
        prop_assume!(text[place] != other);
        text[place] = other;
        message[name] = text.into_iter().collect::<String>().into();
        let answer = runtime.block_on(served.post(&message));
        // A changed time can be too old, which is looked at first: this machine's clock can be wrong.
        let too_old = name == "Timestamp" && answer.status == 503;
        prop_assert!(too_old || [400, 403].contains(&answer.status), "{:?}", answer);
        prop_assert!(served.queue.events().is_empty());
    }

    #[test]
    fn no_body_is_taken_or_makes_it_panic(body in any::<Vec<u8>>()) {
        let (runtime, served) = &*RUNTIME;
        let request = Request::post("/sns").body(Body::from(body)).unwrap();
        prop_assert_eq!(runtime.block_on(served.send(request)).status, 400);
    }
}
