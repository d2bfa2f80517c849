//! Rejected events: looked at beside the one who writes, put back in their order, deleted.

use pagetrail::queue::sqlite::{OpenError, RejectedEvents, SqliteQueue};
use pagetrail::queue::{Outbox as _, Settle as _};

use crate::kit::{Place, bodies, drain, key, message, received, rejection, send_all, to_key};

/// A queue whose events so far were all rejected.
async fn with_rejected(place: &Place) -> SqliteQueue {
    let queue = place.open();
    send_all(&queue, vec![message(1, "a"), message(1, "b"), to_key(7, 2, "c")]).await;
    let mut left = 3;
    while left > 0 {
        for message in received(&queue).await {
            let reason = format!("no {}", message.body);
            queue.reject(&message, rejection(&reason)).await.unwrap();
            left -= 1;
        }
    }
    queue
}

fn listed(events: &RejectedEvents) -> Vec<(i64, String)> {
    events.list().unwrap().into_iter().map(|event| (event.id, event.body)).collect()
}

#[tokio::test]
async fn they_are_looked_at_while_the_queue_is_at_work() {
    let place = Place::new();
    let queue = with_rejected(&place).await;
    let mut events = RejectedEvents::look(&place.path()).unwrap();
    let list = events.list().unwrap();
    let first = list.iter().find(|event| event.body == "a").unwrap();
    assert_eq!(first.rejection, rejection("no a"));
    assert_eq!(list.iter().map(|event| &event.body).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(events.retry(first.id).is_err() && events.discard(first.id).is_err());
    assert_eq!(listed(&events).len(), 3);
    queue.send(message(1, "more")).await.unwrap();
    let refused = RejectedEvents::own(&place.path()).err().unwrap();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    // And where nobody is.
    queue.close().await;
    assert_eq!(listed(&RejectedEvents::look(&place.path()).unwrap()).len(), 3);
}

#[tokio::test]
async fn what_is_put_back_waits_behind_the_others_with_its_key() {
    let place = Place::new();
    let queue = with_rejected(&place).await;
    queue.send(message(1, "later")).await.unwrap();
    queue.close().await;
    let mut events = RejectedEvents::own(&place.path()).unwrap();
    let ids: Vec<i64> = listed(&events).into_iter().map(|(id, _)| id).collect();
    assert!(events.retry(ids[0]).unwrap() && events.retry(ids[2]).unwrap());
    assert!(events.retry(ids[0]).is_err(), "it is there no more");
    events.discard(ids[1]).unwrap();
    assert!(listed(&events).is_empty());
    drop(events);
    let queue = place.open();
    assert_eq!(queue.keys(), [key(7)]);
    queue.send(message(1, "new")).await.unwrap();
    assert_eq!(bodies(&drain(&queue).await), ["later", "a", "new", "c"]);
    assert_eq!(queue.state().await.rejected, Some(0));
}

#[tokio::test]
async fn what_was_altered_on_disk_is_not_put_back() {
    let place = Place::new();
    with_rejected(&place).await.close().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute("UPDATE rejected SET body = 'other' WHERE body = 'a'", []).unwrap();
    drop(other);
    let mut events = RejectedEvents::own(&place.path()).unwrap();
    let list = listed(&events);
    assert_eq!(list[0].1, "other");
    assert!(!events.retry(list[0].0).unwrap());
    assert_eq!(listed(&events), list);
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    let place = Place::new();
    for opened in [RejectedEvents::look(&place.path()), RejectedEvents::own(&place.path())] {
        assert!(matches!(opened.err().unwrap(), OpenError::Missing(_)));
    }
    assert!(!place.path().exists());
    std::fs::write(place.path(), "something else\n".repeat(100)).unwrap();
    for opened in [RejectedEvents::look(&place.path()), RejectedEvents::own(&place.path())] {
        let error = opened.err().unwrap();
        assert!(matches!(error, OpenError::NotAQueue(_)), "{error}");
    }
}
