//! The order in which the events of one alarm are queued: that in which its notices came.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::queue::QueueError;

/// The notices under way. Evidence takes seconds: an OK that comes meanwhile would overtake
/// its ALARM, and the incident would stay open.
#[derive(Default)]
pub(super) struct Order {
    // The standard library's lock: nothing awaits while it is held.
    under_way: Mutex<UnderWay>,
}

/// The last notice of each alarm.
#[derive(Default)]
struct UnderWay {
    turns: u64,
    last: HashMap<String, Last>,
}

struct Last {
    number: u64,
    /// Told when its events are queued; closed when they could not be.
    queued: oneshot::Receiver<()>,
}

/// One notice's place among those of its alarm. Dropped, it failed.
pub(super) struct Turn<'a> {
    order: &'a Order,
    alarm: String,
    number: u64,
    before: Option<oneshot::Receiver<()>>,
    queued: Option<oneshot::Sender<()>>,
}

impl Order {
    /// The place behind all notices of this alarm that are under way.
    pub(super) fn turn(&self, alarm: &str) -> Turn<'_> {
        let (sender, receiver) = oneshot::channel();
        let mut under_way = self.under_way();
        under_way.turns += 1;
        let number = under_way.turns;
        let last = Last { number, queued: receiver };
        let before = under_way.last.insert(alarm.to_owned(), last).map(|last| last.queued);
        Turn { order: self, alarm: alarm.to_owned(), number, before, queued: Some(sender) }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Waits until the events of the notice before are queued.
    ///
    /// # Errors
    /// When they could not be: that notice comes again, and this one must come after it.
    pub(super) async fn come(&mut self) -> Result<(), QueueError> {
        let Some(before) = self.before.take() else { return Ok(()) };
        before.await.map_err(|_| {
            QueueError::Failed("an earlier event of the same alarm was not queued".to_owned())
        })
    }

    /// Lets the next notice go: this one's events are queued.
    pub(super) fn pass(mut self) {
        if let Some(queued) = self.queued.take() {
            // Nobody listens where no notice came after.
            let _ = queued.send(());
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut under_way = self.order.under_way();
        if under_way.last.get(&self.alarm).is_some_and(|last| last.number == self.number) {
            under_way.last.remove(&self.alarm);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn who_came_later_waits_and_other_alarms_do_not() {
        let order = Order::default();
        let [mut first, mut second, mut third] = [(); 3].map(|()| order.turn("a"));
        let mut other = order.turn("b");
        assert_eq!(first.come().now_or_never(), Some(Ok(())));
        assert_eq!(other.come().now_or_never(), Some(Ok(())));
        let mut later = Box::pin(second.come());
        assert_eq!((&mut later).now_or_never(), None);
        first.pass();
        assert_eq!(later.now_or_never(), Some(Ok(())));
        drop(second);
        let failed = third.come().now_or_never();
        assert!(matches!(failed, Some(Err(QueueError::Failed(_)))), "it comes again: {failed:?}");
    }

    #[test]
    fn nothing_is_kept_of_what_is_over() {
        let order = Order::default();
        let (first, second) = (order.turn("a"), order.turn("a"));
        first.pass();
        assert_eq!(order.under_way().last.len(), 1, "the second is under way");
        drop(second);
        order.turn("b").pass();
        assert!(order.under_way().last.is_empty());
    }
}
