//! Killed again and again: what was acknowledged arrives, in order, and opens nothing twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::{KEY, Setup, client, post, until};
use crate::support::pagerduty::PagerDuty;

const KILLS: usize = 30;
const SENDERS: usize = 12;
/// In no pool of the server's: it must be kept with the events.
const FOREIGN: &str = "R0000000000000000000000000000001";

/// One attempt to post: its number counts up with every try, acknowledged or not.
fn attempt(sender: usize, number: u64) -> Value {
    let key = if sender.is_multiple_of(2) { KEY } else { FOREIGN };
    let action = if number.is_multiple_of(2) { "trigger" } else { "resolve" };
    json!({
        "routing_key": key, "event_action": action, "dedup_key": format!("sender-{sender}"),
        "x_number": number,
        "payload": {"summary": "s", "source": "h", "severity": "error"},
    })
}

/// Posts for as long as it may; returns the numbers that were acknowledged.
async fn sender(sender: usize, url: String, go_on: Arc<AtomicBool>) -> Vec<u64> {
    let client = client();
    let mut acknowledged = Vec::new();
    let mut number = 0;
    while go_on.load(Ordering::Relaxed) {
        match post(&client, &url, &attempt(sender, number)).await {
            Ok((202, _)) => acknowledged.push(number),
            Ok((503, _)) => {}
            Ok(answer) => panic!("{answer:?}"),
            // The server is down.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
        number += 1;
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_thirty_times_it_loses_nothing_and_keeps_the_order() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url()).variable("PAGETRAIL_VERIFY_KEYS", "false");
    let first = setup.start().await;
    let url = first.url.clone();
    let setup = setup.variable("PAGETRAIL_LISTEN", url.strip_prefix("http://").unwrap());
    let go_on = Arc::new(AtomicBool::new(true));
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| tokio::spawn(sender(number, url.clone(), Arc::clone(&go_on))))
        .collect();
    let mut server = first;
    for _ in 0..KILLS {
        sleep(Duration::from_millis(fastrand::u64(30..300))).await;
        server.kill().await;
        server = setup.start().await;
    }
    go_on.store(false, Ordering::Relaxed);

    let mut acknowledged = Vec::new();
    for sender in senders {
        acknowledged.push(sender.await.unwrap());
    }
    let count: usize = acknowledged.iter().map(Vec::len).sum();
    assert!(count > SENDERS * KILLS, "only {count} were acknowledged: nothing was tried");
    until("all that was acknowledged has arrived", || {
        let arrived = arrivals(&pagerduty);
        acknowledged.iter().enumerate().all(|(sender, numbers)| {
            let arrived = arrived.get(&sender).map(Vec::as_slice).unwrap_or_default();
            numbers.iter().all(|number| arrived.contains(number))
        })
    })
    .await;

    let mut again = 0;
    for (sender, numbers) in arrivals(&pagerduty) {
        // What was delivered but not yet forgotten when the server was killed comes again at
        // once, before all that follows it: its alert is as it was.
        let mut once = numbers.clone();
        once.dedup();
        again += numbers.len() - once.len();
        assert!(once.is_sorted_by(|one, next| one < next), "sender {sender}: {numbers:?}");
    }
    assert!(again <= KILLS * SENDERS, "{again} came again");
    println!("{count} acknowledged, {again} came again at once");
}

/// What arrived of each sender, in the order of arrival.
fn arrivals(pagerduty: &PagerDuty) -> HashMap<usize, Vec<u64>> {
    let mut arrived: HashMap<usize, Vec<u64>> = HashMap::new();
    for event in pagerduty.accepted() {
        let sender = event["dedup_key"].as_str().unwrap().strip_prefix("sender-").unwrap();
        let key = if sender.parse::<usize>().unwrap().is_multiple_of(2) { KEY } else { FOREIGN };
        assert_eq!(event["routing_key"], key);
        arrived
            .entry(sender.parse().unwrap())
            .or_default()
            .push(event["x_number"].as_u64().unwrap());
    }
    arrived
}
