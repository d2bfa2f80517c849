//! The worker killed (SIGKILL) at any moment: the queue hands the batch over again, and
//! every event is accepted in the end, under its own dedup key, in its order.

use std::time::Duration;

use serde_json::{Value, json};

use crate::contract_deliver::paced;
use crate::support::aws::{Aws, REJECTED_QUEUE};
use crate::support::http::Answer;
use crate::support::lambda::Lambda;
use crate::support::pagerduty::{PagerDuty, taken};
use crate::support::queue_items::{batch, failures, received, resolve, trigger};

struct Crash {
    aws: Aws,
    pagerduty: PagerDuty,
}

fn messages() -> Vec<Value> {
    vec![trigger("a"), trigger("b"), resolve("a"), trigger("c"), resolve("b"), trigger("a")]
}

impl Crash {
    async fn start() -> Self {
        Self { aws: Aws::start().await, pagerduty: PagerDuty::start().await }
    }

    async fn worker(&self) -> Lambda {
        paced(self.aws.deliver(&self.pagerduty.url()), "60000", "1").start().await
    }

    /// Hands the batch to a worker, kills it once the condition holds, and hands the batch
    /// to a new one, as SQS does after the visibility time-out.
    async fn killed_when(&self, worker: Lambda, reached: impl Fn(&Lambda) -> bool) {
        let event = batch(&messages());
        let killed = async {
            while !reached(&worker) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            outcome = worker.invoke(&event) => panic!("it ended before it was killed: {outcome:?}"),
            () = killed => {}
        }
        worker.stop().await;
        self.pagerduty.recover();
        self.aws.delay("GetSecretValue", Duration::ZERO);

        let mut again = event;
        for item in again["Records"].as_array_mut().unwrap() {
            *item = received(item.take(), 2);
        }
        let response = self.worker().await.invoke(&again).await.response();
        assert!(failures(&response).is_empty(), "{response}");
    }

    /// Everything was accepted, and never anything before what precedes it in its group.
    #[track_caller]
    fn assert_all_accepted_in_order(&self) {
        let accepted = self.pagerduty.accepted();
        let mut keys: Vec<&str> =
            accepted.iter().map(|event| event["dedup_key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys, ["a", "b", "c"], "no other dedup key");
        for (key, actions) in [
            ("a", vec!["trigger", "resolve", "trigger"]),
            ("b", vec!["trigger", "resolve"]),
            ("c", vec!["trigger"]),
        ] {
            let of_key = accepted.iter().filter(|event| event["dedup_key"] == key);
            let told: Vec<_> =
                of_key.map(|event| event["event_action"].as_str().unwrap()).collect();
            // What the first worker got through, then the whole group from its start.
            let split = told.len().checked_sub(actions.len()).expect("all of the group");
            assert_eq!(told[split..], actions, "{key}: {told:?}");
            assert!(actions.starts_with(&told[..split]), "{key}: {told:?}");
        }
        assert!(self.aws.sent(REJECTED_QUEUE).is_empty());
    }
}

#[tokio::test]
async fn before_the_call() {
    let crash = Crash::start().await;
    crash.aws.delay("GetSecretValue", Duration::from_secs(3));
    let worker = crash.worker().await;
    crash.killed_when(worker, |_| !crash.aws.calls("GetSecretValue").is_empty()).await;
    assert_eq!(crash.pagerduty.requests().len(), 6, "the first worker sent nothing");
    crash.assert_all_accepted_in_order();
}

#[tokio::test]
async fn during_each_of_the_calls() {
    for taken_before in 0..6 {
        let crash = Crash::start().await;
        crash.pagerduty.next((0..taken_before).map(|_| taken(&json!({}))));
        crash.pagerduty.always_where(|_| true, Answer::Hang);
        let worker = crash.worker().await;
        let requests = || crash.pagerduty.requests().len();
        crash.killed_when(worker, |_| requests() > taken_before).await;
        crash.assert_all_accepted_in_order();
    }
}

#[tokio::test]
async fn when_pagerduty_took_it_and_the_answer_was_on_its_way() {
    let crash = Crash::start().await;
    let slow = taken(&json!({})).after(Duration::from_secs(5));
    crash.pagerduty.always_where(|event| event["dedup_key"] == "b", slow);
    let worker = crash.worker().await;
    let asked = || crash.pagerduty.dedup_keys();
    let all_of_a = |keys: &[String]| keys.iter().filter(|key| *key == "a").count() == 3;
    crash.killed_when(worker, |_| all_of_a(&asked()) && asked().contains(&"b".to_owned())).await;
    crash.assert_all_accepted_in_order();
}

#[tokio::test]
async fn after_the_calls_and_before_the_queues_delete() {
    // Lambda deletes what was delivered after the function's answer; it never hears it.
    let crash = Crash::start().await;
    let worker = crash.worker().await;
    worker.lose_answers();
    crash.killed_when(worker, |worker| worker.lost_answers() > 0).await;
    assert_eq!(crash.pagerduty.accepted().len(), 12, "each twice");
    crash.assert_all_accepted_in_order();
}

#[tokio::test]
async fn after_the_answer_nothing_is_sent_again() {
    let crash = Crash::start().await;
    let worker = crash.worker().await;
    assert!(failures(&worker.invoke(&batch(&messages())).await.response()).is_empty());
    worker.stop().await;
    assert_eq!(crash.pagerduty.accepted().len(), 6);
    crash.assert_all_accepted_in_order();
}
