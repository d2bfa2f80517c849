//! Events that waited too long: put aside with the reason, after an attempt.

use std::time::Duration;

use pagetrail::queue::{Outbox as _, Settle as _};

use crate::kit::{Place, bodies, drain, failed, message, received, send_all};

const DAY: i64 = 86_400_000;

/// Moves the time at which an event was accepted.
fn move_time(place: &Place, body: &str, milliseconds: i64) {
    let other = rusqlite::Connection::open(place.path()).unwrap();
    let change = "UPDATE event SET accepted_at = accepted_at + ?2 WHERE body = ?1";
    assert_eq!(other.execute(change, (body, milliseconds)).unwrap(), 1);
}

fn reasons(place: &Place) -> Vec<String> {
    let other = rusqlite::Connection::open(place.path()).unwrap();
    let mut reasons = other.prepare("SELECT body || ': ' || reason FROM rejected").unwrap();
    let rows = reasons.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn what_waited_longer_than_the_bound_and_was_tried_is_put_aside_and_the_rest_goes_on() {
    let mut place = Place::new();
    place.bounds.age = Duration::from_secs(5);
    let queue = place.open();
    send_all(&queue, vec![message(1, "old"), message(1, "behind"), message(2, "tried")]).await;
    queue.close().await;
    for body in ["old", "behind", "tried"] {
        move_time(&place, body, -10_000);
    }
    // Young, so that the ages are believed.
    let queue = place.open();
    send_all(&queue, vec![message(3, "young")]).await;
    queue.close().await;

    let queue = place.open();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(queue.state().await.rejected, Some(0), "none was tried since it was opened");
    let taken = received(&queue).await;
    for it in taken.iter().filter(|it| it.body != "young") {
        queue.postpone(std::slice::from_ref(it), failed(600)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let state = queue.state().await;
    assert_eq!((state.messages, state.rejected), (Some(2), Some(2)));
    queue.close().await;
    assert_eq!(
        reasons(&place),
        ["old: waited longer than 5 seconds", "tried: waited longer than 5 seconds"]
    );
    let queue = place.open();
    assert_eq!(bodies(&drain(&queue).await), ["behind", "young"], "the next of the group goes out");
}

/// Opens, tries the events without success, and says how many were put aside.
async fn put_aside_after_an_attempt(place: &Place) -> Option<u64> {
    let queue = place.open();
    let taken = received(&queue).await;
    queue.postpone(&taken, failed(600)).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let rejected = queue.state().await.rejected;
    queue.close().await;
    rejected
}

#[tokio::test]
async fn a_clock_that_was_years_behind_changes_nothing() {
    let mut place = Place::new();
    place.bounds.age = Duration::from_secs(5);
    let queue = place.open();
    send_all(&queue, vec![message(1, "before"), message(2, "after")]).await;
    queue.close().await;
    // Of a machine whose clock began in 1970, alone and behind one of the right time.
    move_time(&place, "after", -50 * 365 * DAY);
    assert_eq!(put_aside_after_an_attempt(&place).await, Some(0));
    move_time(&place, "before", -50 * 365 * DAY);
    assert_eq!(put_aside_after_an_attempt(&place).await, Some(0));
    let queue = place.open();
    assert_eq!(bodies(&drain(&queue).await), ["before", "after"]);
}

#[tokio::test]
async fn nor_does_one_that_is_years_ahead() {
    let mut place = Place::new();
    place.bounds.age = Duration::from_secs(5);
    let queue = place.open();
    send_all(&queue, vec![message(1, "a")]).await;
    queue.close().await;
    // As if the clock had been set ten years ahead while the process was away.
    move_time(&place, "a", -10 * 365 * DAY);
    assert_eq!(put_aside_after_an_attempt(&place).await, Some(0));
}
