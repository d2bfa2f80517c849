//! Asks the queue for its state, once for all callers at the same time. Anyone can request the
//! gateway's health, and many requests must not slow the queue down.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::queue::{Outbox, QueueError, QueueState};

/// A queue that takes longer to report its state would not accept an event in time either.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Probe {
    // Tokio's lock: held while the queue is asked, so that it is asked only once.
    last: Mutex<Option<Known>>,
}

struct Known {
    asked: Instant,
    state: QueueState,
}

impl Probe {
    /// The queue's current state, never older than the call.
    pub(super) async fn state<Q: Outbox>(&self, queue: &Q) -> QueueState {
        let wanted = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(known) = last.as_ref().filter(|known| known.asked > wanted) {
            return known.state.clone();
        }
        let asked = Instant::now();
        let state = timeout(PATIENCE, queue.state()).await.unwrap_or_else(|_| {
            let why = format!("the queue did not answer within {} s", PATIENCE.as_secs());
            QueueState::unknown(QueueError::Failed(why))
        });
        *last = Some(Known { asked, state: state.clone() });
        state
    }
}
