//! Keeps the events of one alarm in the order in which its notices arrived, and recognises old
//! notices that are delivered again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use crate::lock::lock;
use crate::queue::QueueError;

/// The number of alarms whose last changes are remembered.
const REMEMBERED: usize = 10_000;

/// The notices in progress. Collecting evidence takes seconds: without this order, an OK that
/// arrives meanwhile would overtake its ALARM, and the incident would stay open.
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
    /// What was queued for each alarm, in progress or not.
    queued: HashMap<String, Newest>,
}

/// The newest changes of an alarm that were queued.
#[derive(Default)]
struct Newest {
    trigger: Option<DateTime<Utc>>,
    resolve: Option<DateTime<Utc>>,
    /// The number of the turn that queued last.
    number: u64,
}

/// A change of an alarm's state: what decides its place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) opens: bool,
    /// When CloudWatch changed the state.
    pub(super) at: Option<DateTime<Utc>>,
}

/// How a change relates to those queued before it, when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It happened after all of them.
    InOrder,
    /// The opposite change, which happened later, is already queued: this notice was delivered
    /// again after a failure, or is an old message that was posted again.
    Overtaken,
}

struct Last {
    number: u64,
    /// Receives a value when its events are queued; closed if they could not be queued.
    queued: oneshot::Receiver<()>,
}

/// One notice's place among those of its alarm. If it is dropped, the notice failed.
pub(super) struct Turn<'a> {
    order: &'a Order,
    alarm: String,
    change: Change,
    number: u64,
    before: Option<oneshot::Receiver<()>>,
    queued: Option<oneshot::Sender<()>>,
}

impl Order {
    /// The place after all notices of this alarm that are in progress.
    pub(super) fn turn(&self, alarm: &str, change: Change) -> Turn<'_> {
        let (sender, receiver) = oneshot::channel();
        let mut under_way = self.under_way();
        under_way.turns += 1;
        let number = under_way.turns;
        let last = Last { number, queued: receiver };
        let before = under_way.last.insert(alarm.to_owned(), last).map(|last| last.queued);
        let alarm = alarm.to_owned();
        Turn { order: self, alarm, change, number, before, queued: Some(sender) }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        lock(&self.under_way)
    }
}

impl UnderWay {
    fn remember(&mut self, alarm: &str, number: u64, change: Change) {
        let newest = self.queued.entry(alarm.to_owned()).or_default();
        newest.number = number;
        let side = if change.opens { &mut newest.trigger } else { &mut newest.resolve };
        *side = (*side).max(change.at);
        if self.queued.len() > REMEMBERED {
            let oldest = self.queued.iter().min_by_key(|(_, newest)| newest.number);
            if let Some(oldest) = oldest.map(|(alarm, _)| alarm.clone()) {
                self.queued.remove(&oldest);
            }
        }
    }
}

impl Turn<'_> {
    /// Waits until the events of the previous notice are queued. Returns whether this one is
    /// still in order.
    ///
    /// # Errors
    /// If they could not be queued: that notice comes again, and this one must come after it.
    pub(super) async fn come(&mut self) -> Result<Standing, QueueError> {
        if let Some(before) = self.before.take() {
            before.await.map_err(|_| {
                QueueError::Failed("an earlier event of the same alarm was not queued".to_owned())
            })?;
        }
        let under_way = self.order.under_way();
        let newest = under_way.queued.get(&self.alarm);
        let opposite =
            newest.and_then(|it| if self.change.opens { it.resolve } else { it.trigger });
        let overtaken = self.change.at.zip(opposite).is_some_and(|(at, later)| at < later);
        Ok(if overtaken { Standing::Overtaken } else { Standing::InOrder })
    }

    /// Lets the next notice continue: the events of this one are queued.
    pub(super) fn pass(mut self) {
        self.order.under_way().remember(&self.alarm, self.number, self.change);
        if let Some(queued) = self.queued.take() {
            // There is no receiver if no notice came after this one.
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

    fn change(opens: bool, minute: i64) -> Change {
        Change { opens, at: DateTime::from_timestamp(60 * minute, 0) }
    }

    fn turn<'a>(order: &'a Order, alarm: &str) -> Turn<'a> {
        order.turn(alarm, change(true, 0))
    }

    #[test]
    fn who_came_later_waits_and_other_alarms_do_not() {
        let order = Order::default();
        let [mut first, mut second, mut third] = [(); 3].map(|()| turn(&order, "a"));
        let mut other = turn(&order, "b");
        assert_eq!(first.come().now_or_never(), Some(Ok(Standing::InOrder)));
        assert_eq!(other.come().now_or_never(), Some(Ok(Standing::InOrder)));
        let mut later = Box::pin(second.come());
        assert_eq!((&mut later).now_or_never(), None);
        first.pass();
        assert_eq!(later.now_or_never(), Some(Ok(Standing::InOrder)));
        drop(second);
        let failed = third.come().now_or_never();
        assert!(matches!(failed, Some(Err(QueueError::Failed(_)))), "it comes again: {failed:?}");
    }

    #[test]
    fn what_is_over_is_under_way_no_more() {
        let order = Order::default();
        let (first, second) = (turn(&order, "a"), turn(&order, "a"));
        first.pass();
        assert_eq!(order.under_way().last.len(), 1, "the second is under way");
        drop(second);
        turn(&order, "b").pass();
        assert!(order.under_way().last.is_empty());
    }

    #[test]
    fn a_change_that_its_opposite_has_overtaken_is_told_apart() {
        let order = Order::default();
        let standing = |opens, minute| {
            let mut turn = order.turn("a", change(opens, minute));
            let standing = turn.come().now_or_never().unwrap().unwrap();
            turn.pass();
            standing
        };
        assert_eq!(standing(true, 2), Standing::InOrder);
        assert_eq!(standing(false, 1), Standing::Overtaken);
        assert_eq!(standing(false, 2), Standing::InOrder, "at once, and came behind");
        assert_eq!(standing(false, 4), Standing::InOrder);
        assert_eq!(standing(true, 3), Standing::Overtaken);
        assert_eq!(standing(true, 5), Standing::InOrder);
        let mut unknown = order.turn("a", Change { opens: false, at: None });
        assert_eq!(unknown.come().now_or_never(), Some(Ok(Standing::InOrder)));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let order = Order::default();
        for number in 0..=REMEMBERED {
            order.turn(&number.to_string(), change(true, 1)).pass();
        }
        let under_way = order.under_way();
        assert_eq!(under_way.queued.len(), REMEMBERED);
        assert!(!under_way.queued.contains_key("0") && under_way.queued.contains_key("1"));
    }
}
