//! When AWS fails: never a 202, always an answer, and it mends itself.

use std::time::Duration;

use serde_json::json;

use crate::contract_gateway::{Gateway, keyed, trigger};
use crate::support::aws::{EVENTS_QUEUE, ROUTING_KEY, TOKEN, refusal};
use crate::support::function_url::{Request, Response};
use crate::support::http::Answer;

fn assert_later(answer: &Response) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers["retry-after"].parse::<u32>().unwrap() > 0, "{answer:?}");
    assert!(answer.json().get("dedup_key").is_none(), "{answer:?}");
    assert!(!answer.body.contains("amazonaws") && !answer.body.contains("arn:"), "{answer:?}");
}

#[tokio::test]
async fn an_event_that_sqs_does_not_confirm_is_not_taken() {
    let denied = refusal("AccessDenied", "not authorized to perform: sqs:sendmessage on arn:aws:x");
    let gone = refusal("AWS.SimpleQueueService.NonExistentQueue", "The queue does not exist");
    // What may pass is tried four times in one call.
    for (fault, tries) in [(denied, 1), (gone, 1), (Answer::text(500, ""), 4), (Answer::Reset, 4)] {
        let gateway = Gateway::start().await;
        gateway.aws.script(|script| script.next("SendMessage", vec![fault; tries]));
        let event = keyed(trigger("k"));
        assert_later(&gateway.post("/v2/enqueue", &event).await);
        assert_eq!(gateway.aws.calls("SendMessage").len(), tries);
        assert!(gateway.aws.queued(EVENTS_QUEUE).is_empty());
        assert_eq!(gateway.ask(&Request::get("/health")).await.status, 503, "as it was just now");
        let answer = gateway.post("/v2/enqueue", &event).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(gateway.aws.queued(EVENTS_QUEUE).len(), 1);
        assert_eq!(gateway.ask(&Request::get("/health")).await.status, 200);
    }
}

#[tokio::test]
async fn a_queue_that_hangs_is_answered_for_before_lambda_ends_the_function() {
    let gateway = Gateway::start().await;
    gateway.aws.always("SendMessage", Answer::Hang);
    let request = Request::post("/v2/enqueue", &keyed(trigger("k"))).event();
    let outcome = gateway.lambda.invoke_within(&request, Duration::from_secs(4)).await;
    assert_later(&Response::of(&outcome.response()));
}

#[tokio::test]
async fn keys_that_cannot_be_read_are_no_reason_to_refuse() {
    let denied = refusal("AccessDeniedException", "no secretsmanager:GetSecretValue on arn:aws:x");
    for fault in [denied, Answer::Reset, Answer::text(500, "")] {
        let gateway = Gateway::start().await;
        gateway.aws.always("GetSecretValue", fault);
        assert_later(&gateway.post("/v2/enqueue", &keyed(trigger("k"))).await);
        assert_later(&gateway.ask(&Request::post("/", &trigger("k")).bearer(TOKEN)).await);
        assert_later(&gateway.ask(&Request::get("/").bearer(TOKEN)).await);
        assert_eq!(gateway.ask(&Request::get("/")).await.status, 401);
        assert!(gateway.aws.queued(EVENTS_QUEUE).is_empty());
    }
}

#[tokio::test]
async fn a_secret_that_holds_no_key_is_no_reason_to_refuse_either() {
    let gateway = Gateway::start().await;
    gateway.aws.secret("PASTE-YOUR-KEY");
    assert_later(&gateway.post("/v2/enqueue", &keyed(trigger("k"))).await);
    assert_later(&gateway.ask(&Request::post("/", &trigger("k")).bearer(TOKEN)).await);
}

#[tokio::test]
async fn a_token_that_cannot_be_read_again_stays_in_use() {
    let gateway = Gateway::start().await;
    let look = |token: &str| Request::get("/metrics").bearer(token);
    assert_eq!(gateway.ask(&look(TOKEN)).await.status, 200);
    gateway.aws.always("GetSecretValue", Answer::text(500, ""));
    assert_eq!(gateway.ask(&look("wrong")).await.status, 401);
    assert_eq!(gateway.ask(&look(TOKEN)).await.status, 200);
}

#[tokio::test]
async fn health_is_whether_the_queue_answers() {
    let gateway = Gateway::start().await;
    let health = Request::get("/health");
    let answer = gateway.ask(&health).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "ready"})));
    gateway.aws.always("GetQueueAttributes", refusal("AccessDenied", "not authorized"));
    let answer = gateway.ask(&health).await;
    assert_eq!((answer.status, answer.json()), (503, json!({"status": "not ready"})));
}

#[tokio::test]
async fn the_log_tells_what_failed_and_holds_no_secret() {
    let gateway = Gateway::start().await;
    gateway.aws.always("SendMessage", refusal("AccessDenied", "not authorized"));
    let unknown = "f".repeat(32);
    gateway.post("/v2/enqueue", &keyed(trigger("customer-7731"))).await;
    gateway.post(&format!("/integration/{unknown}/enqueue"), &trigger("k")).await;
    gateway.ask(&Request::get("/").bearer("a-wrong-token")).await;
    gateway.ask(&Request::get("/").bearer(TOKEN)).await;
    let output = gateway.lambda.output().await;
    assert!(output.contains("AccessDenied"), "{output}");
    for secret in [ROUTING_KEY, &unknown, TOKEN, "a-wrong-token", "disk 98"] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}
