//! What the port promises: order, exclusion, waits, deduplication, keys, state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use pagetrail::pagerduty::Severity;
use pagetrail::queue::sqlite::SqliteQueue;
use pagetrail::queue::{
    Deduplication, Inbox as _, Outbox as _, Outgoing, QueueError, Settle as _, Wait,
};
use pagetrail::routing::Target;
use tokio::time::timeout;

use crate::kit::{
    PATIENCE, Place, bodies, drain, failed, key, message, nothing_comes, received, rejection,
    send_all, severe, to_key,
};

#[tokio::test]
async fn a_group_in_its_order_and_kept_from_others_until_it_is_settled() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, vec![message(1, "a"), message(2, "b"), message(1, "c")]).await;
    let first = received(&queue).await;
    assert_eq!(bodies(&first), ["a", "c", "b"], "up to ten, groups together");
    assert_eq!(first[0].group.as_deref(), Some("group 1"));
    send_all(&queue, vec![message(1, "d")]).await;
    nothing_comes(&queue).await;
    queue.done(&first[0]).await.unwrap();
    nothing_comes(&queue).await;
    queue.done(&first[1]).await.unwrap();
    assert_eq!(bodies(&received(&queue).await), ["d"]);
}

#[tokio::test]
async fn ten_at_a_time() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, (0..25).map(|number| message(1, &number.to_string())).collect()).await;
    let mut all = Vec::new();
    for expected in [10, 10, 5] {
        let messages = received(&queue).await;
        assert_eq!(messages.len(), expected);
        all.extend(messages.iter().map(|message| message.body.parse::<u32>().unwrap()));
        join_all(messages.iter().map(|message| queue.done(message))).await;
    }
    assert!(all.is_sorted(), "{all:?}");
}

#[tokio::test]
async fn the_most_severe_goes_first() {
    let place = Place::new();
    let queue = place.open();
    let told = [
        (1, "info", Severity::Info),
        (2, "error", Severity::Error),
        (3, "critical", Severity::Critical),
        (4, "warning", Severity::Warning),
    ];
    send_all(&queue, vec![message(0, "unknown")]).await;
    send_all(&queue, told.map(|(group, body, severity)| severe(group, body, severity)).into())
        .await;
    let expected = ["critical", "error", "warning", "info", "unknown"];
    assert_eq!(bodies(&received(&queue).await), expected);
}

#[tokio::test]
async fn what_is_postponed_comes_back_together_and_only_failures_count() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, vec![message(1, "a"), message(1, "b"), message(1, "c")]).await;
    let first = received(&queue).await;
    queue.done(&first[0]).await.unwrap();
    queue.postpone(&first[1..], Wait::Failed(Duration::from_millis(20))).await;
    let second = received(&queue).await;
    assert_eq!(bodies(&second), ["b", "c"]);
    assert_eq!([second[0].attempts, second[1].attempts], [2, 1]);
    let fingerprint = pagetrail::routing::Fingerprint::of(&key(1));
    let turn = Wait::Turn { wait: Duration::from_millis(20), key: fingerprint };
    queue.postpone(&second, turn).await;
    let third = received(&queue).await;
    assert_eq!((bodies(&third), third[0].attempts), (vec!["b", "c"], 2));
    // A receiver that no longer has them settles nothing.
    queue.postpone(&second, failed(3_600)).await;
    queue.postpone(&third, failed(0)).await;
    assert_eq!(bodies(&received(&queue).await), ["b", "c"]);
}

#[tokio::test]
async fn after_a_restart_everything_is_due_at_once_and_in_order() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, vec![message(1, "a"), message(1, "b"), message(2, "c")]).await;
    let taken = received(&queue).await;
    queue.postpone(&taken[..2], failed(3_600)).await;
    queue.close().await;
    let queue = place.open();
    assert_eq!(bodies(&received(&queue).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_receiver_that_goes_away_leaves_everything_as_it_was() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, (0..10).map(|number| message(number, "x")).collect()).await;
    for _ in 0..200 {
        // Polled once, then dropped wherever it was.
        if let Ok(messages) = timeout(Duration::ZERO, queue.receive()).await {
            for group in messages.unwrap().chunks(1) {
                queue.postpone(group, failed(0)).await;
            }
        }
    }
    assert_eq!(received(&queue).await.len(), 10);
}

#[tokio::test]
async fn receivers_wait_and_each_message_comes_to_one() {
    let place = Place::new();
    let queue = Arc::new(place.open());
    let left = Arc::new(AtomicUsize::new(300));
    let receivers: Vec<_> = (0..4)
        .map(|_| {
            let (queue, left) = (Arc::clone(&queue), Arc::clone(&left));
            tokio::spawn(async move { drain_some(&queue, &left).await })
        })
        .collect();
    for number in 0..300 {
        queue.send(message(number % 7, &number.to_string())).await.unwrap();
    }
    let mut all: Vec<u32> = Vec::new();
    for receiver in receivers {
        all.extend(timeout(PATIENCE, receiver).await.unwrap().unwrap());
    }
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..300), "{all:?}");
}

/// Takes and deletes what comes, until none is left.
async fn drain_some(queue: &SqliteQueue, left: &AtomicUsize) -> Vec<u32> {
    let mut all = Vec::new();
    while left.load(Ordering::Relaxed) > 0 {
        let received = timeout(Duration::from_millis(100), queue.receive()).await;
        for message in received.into_iter().flat_map(Result::unwrap) {
            queue.done(&message).await.unwrap();
            left.fetch_sub(1, Ordering::Relaxed);
            all.push(message.body.parse().unwrap());
        }
    }
    all
}

#[tokio::test]
async fn the_same_id_within_five_minutes_is_accepted_and_dropped() {
    let place = Place::new();
    let queue = place.open();
    let told = |body: &str, id: &str| Outgoing {
        deduplication: Deduplication::Id(id.to_owned()),
        ..message(1, body)
    };
    send_all(&queue, vec![told("a", "1"), told("again", "1"), told("b", "2")]).await;
    assert_eq!(bodies(&drain(&queue).await), ["a", "b"]);
    queue.close().await;
    let queue = place.open();
    send_all(&queue, vec![told("again", "1"), message(1, "c"), message(1, "c")]).await;
    assert_eq!(bodies(&drain(&queue).await), ["c", "c"], "also after a restart");
    // Six minutes later.
    queue.close().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute("UPDATE seen SET at = at - 360000", []).unwrap();
    drop(other);
    let queue = place.open();
    send_all(&queue, vec![told("anew", "1"), told("again", "1")]).await;
    assert_eq!(bodies(&drain(&queue).await), ["anew"]);
    queue.close().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    let left: i64 = other.query_row("SELECT count(*) FROM seen", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1, "the old ones are gone");
}

#[tokio::test]
async fn keys_are_kept_while_their_events_wait() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, vec![to_key(1, 1, "a"), to_key(2, 2, "b"), to_key(1, 3, "c")]).await;
    assert!(queue.keys().is_empty(), "those that were there when it was opened");
    queue.close().await;
    let queue = place.open();
    let mut keys = queue.keys();
    keys.sort_by_key(|key| key.expose().to_owned());
    assert_eq!(keys, [key(1), key(2)]);
    let taken = received(&queue).await;
    for message in taken.iter().filter(|message| message.body != "b") {
        queue.done(message).await.unwrap();
    }
    queue.close().await;
    let queue = place.open();
    assert_eq!(queue.keys(), [key(2)]);
    queue.reject(&received(&queue).await[0], rejection("no")).await.unwrap();
    queue.close().await;
    let file = std::fs::read(place.path()).unwrap();
    let holds = |key: &str| file.windows(32).any(|part| part == key.as_bytes());
    assert!(holds(key(2).expose()), "a rejected event may be sent again");
    assert!(place.open().keys().is_empty());
}

#[tokio::test]
async fn the_state_counts_by_target() {
    let place = Place::new();
    let queue = place.open();
    let state = queue.state().await;
    assert_eq!((state.ready, state.messages, state.oldest), (Ok(()), Some(0), None));
    send_all(&queue, vec![message(1, "a"), message(2, "b"), to_key(7, 3, "c")]).await;
    let taken = received(&queue).await;
    queue.reject(&taken[0], rejection("no")).await.unwrap();
    let state = queue.state().await;
    assert_eq!((state.messages, state.rejected), (Some(2), Some(1)));
    assert_eq!(state.by_target[&Target::default_pool()], 1);
    assert_eq!(state.by_target.len(), 2);
    assert!(state.oldest.unwrap() < PATIENCE);
    queue.close().await;
    let queue = place.open();
    let state = queue.state().await;
    assert_eq!((state.messages, state.rejected), (Some(2), Some(1)), "also after a restart");
}

#[tokio::test]
async fn any_text_comes_out_as_it_went_in() {
    let place = Place::new();
    let queue = place.open();
    let large = "🧨\0\u{202e}{".repeat(90_000);
    let texts = ["", "\0", "{\"a\":", "'; DROP TABLE event; --", "日本語\u{0}x", large.as_str()];
    for (group, text) in (0..).zip(texts) {
        queue.send(Outgoing { group: text.to_owned(), ..message(group, text) }).await.unwrap();
    }
    queue.close().await;
    let queue = place.open();
    let all = drain(&queue).await;
    assert_eq!(bodies(&all), texts);
    assert!(all.iter().zip(texts).all(|(message, text)| message.group.as_deref() == Some(text)));
    let too_large = queue.send(message(1, &"x".repeat(9 << 20))).await;
    assert_eq!(too_large, Err(QueueError::TooLarge));
}

#[tokio::test]
async fn a_closed_queue_takes_and_gives_nothing_and_says_so() {
    let place = Place::new();
    let queue = Arc::new(place.open());
    let sends: Vec<_> = (0..200)
        .map(|number| {
            let queue = Arc::clone(&queue);
            tokio::spawn(
                async move { (number, queue.send(message(number, &number.to_string())).await) },
            )
        })
        .collect();
    let waits = {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            loop {
                if let Err(error) = queue.receive().await {
                    return error;
                }
            }
        })
    };
    tokio::task::yield_now().await;
    queue.close().await;
    let closed = QueueError::Failed("the queue is closed".to_owned());
    assert_eq!(timeout(PATIENCE, waits).await.unwrap().unwrap(), closed);
    let mut accepted = Vec::new();
    for send in sends {
        match send.await.unwrap() {
            (number, Ok(())) => accepted.push(number),
            (_, Err(error)) => assert_eq!(error, closed),
        }
    }
    assert_eq!(queue.state().await.ready, Err(closed.clone()));
    assert_eq!(queue.send(message(1, "x")).await, Err(closed));
    assert!(!place.beside("-wal").exists(), "all of it is in the file");
    let queue = place.open();
    let mut kept: Vec<u32> =
        drain(&queue).await.iter().map(|message| message.body.parse().unwrap()).collect();
    kept.sort_unstable();
    assert!(accepted.iter().all(|number| kept.contains(number)), "{accepted:?} {kept:?}");
}
