//! Events that waited too long: put aside with the reason.

use pagetrail::queue::Outbox as _;

use crate::kit::{Place, bodies, drain, message, send_all};

fn older(place: &Place, body: &str, days: i64) {
    let other = rusqlite::Connection::open(place.path()).unwrap();
    let change = "UPDATE event SET accepted_at = accepted_at - ?2 * 86400000 WHERE body = ?1";
    assert_eq!(other.execute(change, (body, days)).unwrap(), 1);
}

#[tokio::test]
async fn what_waited_longer_than_the_bound_is_put_aside_and_the_rest_goes_on() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, vec![message(1, "old"), message(1, "older"), message(2, "young")]).await;
    send_all(&queue, vec![message(1, "new")]).await;
    queue.close().await;
    for (body, days) in [("old", 15), ("older", 14), ("young", 13)] {
        older(&place, body, days);
    }
    let queue = place.open();
    // The state is known after the first search for old ones.
    let state = queue.state().await;
    assert_eq!((state.messages, state.rejected), (Some(2), Some(2)));
    assert!(state.oldest.unwrap().as_secs() > 12 * 86_400);
    assert_eq!(bodies(&drain(&queue).await), ["young", "new"]);
    queue.close().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    let reason: String =
        other.query_row("SELECT DISTINCT reason FROM rejected", [], |row| row.get(0)).unwrap();
    assert_eq!(reason, "waited longer than 14 days");
}
