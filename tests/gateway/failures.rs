//! Only what the queue has confirmed is answered with success.

use axum::body::Body;
use futures_util::future::join_all;
use pagetrail::telemetry::Metric;
use serde_json::json;

use crate::support::{Conduct, KEY, Rig, elsewhere, here, trigger};

#[tokio::test(start_paused = true)]
async fn what_is_not_durable_is_not_accepted() {
    let rig = Rig::default();
    for conduct in [Conduct::Fails, Conduct::Full, Conduct::Hangs] {
        rig.conducts(conduct);
        for (path, event) in [
            ("/v2/enqueue".to_owned(), trigger(KEY)),
            ("/".to_owned(), trigger(KEY)),
            (format!("/x-ere/{KEY}"), json!({})),
        ] {
            let answer = rig.post(&path, &event).await;
            assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
            assert_eq!(answer.json()["status"], "service unavailable");
            assert!(answer.error().contains("send it again"), "{}", answer.body);
            assert!(!answer.body.contains("secret"), "{}", answer.body);
        }
    }
    let counts = rig.tally.read();
    assert_eq!((counts.sum(Metric::TakenIn), counts.sum(Metric::RequestsRefused)), (0, 9));
    assert!(counts.refusals.iter().all(|it| !it.why.contains("secret")));
    rig.conducts(Conduct::Takes);
    assert_eq!(rig.post("/v2/enqueue", &trigger(KEY)).await.status, 202);
    assert_eq!(rig.sent().len(), 1);
}

#[tokio::test]
async fn an_event_larger_than_the_queue_takes_is_the_senders_matter() {
    let rig = Rig::default();
    rig.conducts(Conduct::TooLarge);
    let answer = rig.post("/v2/enqueue", &trigger(KEY)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (413, None));
    answer.error();
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let rig = Rig::default();
    rig.conducts(Conduct::Panics);
    let answer = rig.post("/v2/enqueue", &trigger(KEY)).await;
    assert_eq!(answer.status, 500);
    answer.error();
    for path in ["/", "/health", "/metrics"] {
        assert_eq!(rig.get(path).await.status, 500, "{path}");
    }
    rig.conducts(Conduct::Takes);
    assert_eq!(rig.post("/v2/enqueue", &trigger(KEY)).await.status, 202);
    assert_eq!(rig.get("/").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_cannot_say_how_it_is_is_not_ready() {
    let rig = Rig::default();
    for conduct in [Conduct::Fails, Conduct::Full, Conduct::Hangs] {
        rig.conducts(conduct);
        assert_eq!(rig.get("/health").await.status, 503);
        let page = rig.get("/").await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Not ready") && page.body.contains("Events cannot be queued"));
        let metrics = rig.get("/metrics").await;
        assert_eq!(metrics.status, 200);
        assert!(metrics.body.contains("\npagetrail_ready 0\n"));
        assert!(!metrics.body.contains("pagetrail_queue_events"));
    }
    rig.conducts(Conduct::Takes);
    assert_eq!(rig.get("/health").await.status, 200, "at once");
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_for_health_ask_the_queue_once_or_twice() {
    let rig = Rig::default();
    rig.conducts(Conduct::Hangs);
    let before = tokio::time::Instant::now();
    let asked = (0..100).map(|_| async {
        rig.call(elsewhere("GET", "/health").body(Body::empty()).unwrap()).await.status
    });
    assert!(join_all(asked).await.into_iter().all(|status| status == 503));
    // Each question to a queue that hangs lasts five seconds of this paused clock.
    assert!(before.elapsed().as_secs() <= 10, "{:?}", before.elapsed());
}

#[tokio::test]
async fn the_senders_answer_does_not_depend_on_whether_the_body_was_read() {
    let rig = Rig::default();
    let request = here("PUT", "/v2/enqueue").body(Body::from(vec![b'x'; 600_000])).unwrap();
    assert_eq!(rig.call(request).await.status, 405);
    let request = elsewhere("POST", "/").body(Body::from(vec![b'x'; 600_000])).unwrap();
    assert_eq!(rig.call(request).await.status, 401);
}
