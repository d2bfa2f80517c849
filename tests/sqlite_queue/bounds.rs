//! Bounds on size and disk: refused with the reason, and taken again once there is room.

use pagetrail::queue::{Outbox as _, QueueError, Settle as _};

use crate::kit::{Place, drain, full, message, received, rejection, send_all};

const BYTES: u64 = 1 << 20;

fn small() -> Place {
    let mut place = Place::new();
    place.bounds.bytes = BYTES;
    place
}

/// Sends until the queue is full; returns how many it took, and why it took no more.
async fn fill(queue: &pagetrail::queue::sqlite::SqliteQueue, size: usize) -> (u32, String) {
    for number in 0.. {
        let sent = queue.send(message(number, &"x".repeat(size))).await;
        if sent.is_err() {
            return (number, full(sent));
        }
    }
    unreachable!("it never fills")
}

#[tokio::test]
async fn full_by_size_and_taking_again_when_events_were_delivered() {
    let place = small();
    let queue = place.open();
    let mut taken = Vec::new();
    for size in [500, 20_000, 100, 3_000, 500] {
        let (count, why) = fill(&queue, size).await;
        assert!(why.contains("queue.db holds ") && why.ends_with(" of at most 1.0 MiB"), "{why}");
        let state = queue.state().await;
        assert_eq!(state.messages, Some(u64::from(count)));
        assert!(u64::from(count) * size as u64 > BYTES / 2, "{count} of {size}");
        assert!(matches!(
            queue.send(message(0, &"x".repeat(size))).await,
            Err(QueueError::Full(_))
        ));
        assert_eq!(drain(&queue).await.len(), count as usize, "deleting works, and all is there");
        assert_eq!(queue.state().await.ready, Ok(()));
        taken.push(count);
    }
    assert_eq!(taken[0], taken[4], "deleted space is used again");
    queue.close().await;
    let length = std::fs::metadata(place.path()).unwrap().len();
    assert!(length <= BYTES, "{length}");
}

#[tokio::test]
async fn a_small_one_may_fit_where_a_large_one_does_not() {
    let place = small();
    let queue = place.open();
    fill(&queue, 200_000).await;
    assert_eq!(queue.state().await.ready, Ok(()));
    queue.send(message(1, "small")).await.unwrap();
}

#[tokio::test]
async fn rejected_events_count_and_are_named_as_the_cause() {
    let place = small();
    let queue = place.open();
    for _ in 0..3 {
        let (count, _) = fill(&queue, 10_000).await;
        for _ in 0..count.div_ceil(10) / 2 {
            for message in received(&queue).await {
                queue.reject(&message, rejection("no")).await.unwrap();
            }
        }
        drain(&queue).await;
    }
    let (_, why) = fill(&queue, 10_000).await;
    assert!(
        why.contains("MiB of it rejected events: look at them with 'pagetrail rejected"),
        "{why}"
    );
    queue.close().await;
    let (_, again) = fill(&place.open(), 10_000).await;
    assert!(again.contains("rejected events"), "also after a restart: {again}");
}

#[tokio::test]
async fn disk_space_stays_free() {
    let mut place = Place::new();
    let queue = place.open();
    queue.send(message(1, "a")).await.unwrap();
    queue.close().await;
    place.bounds.free = u64::MAX / 2;
    let queue = place.open();
    let why = full(queue.send(message(1, "b")).await);
    assert!(why.contains("MiB left, and") && why.contains("must stay free"), "{why}");
    assert_eq!(full(queue.state().await.ready), why);
    let taken = received(&queue).await;
    queue.done(&taken[0]).await.unwrap();
    assert_eq!(queue.state().await.messages, Some(0), "deleting works");
}

#[tokio::test]
async fn with_a_bound_below_its_size_events_can_still_be_put_aside() {
    let mut place = Place::new();
    let queue = place.open();
    let large = "x".repeat(50_000);
    send_all(&queue, (0..60).map(|number| message(number, &large)).collect()).await;
    queue.close().await;
    place.bounds.bytes = 1 << 20;
    let queue = place.open();
    let mut left = 60;
    while left > 0 {
        for message in received(&queue).await {
            queue.reject(&message, rejection("no")).await.unwrap();
            left -= 1;
        }
    }
    let why = full(queue.send(message(1, "more")).await);
    assert!(why.contains("of at most 1.0 MiB"), "{why}");
}
