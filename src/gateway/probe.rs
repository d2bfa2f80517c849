//! Asks the queue how it is, once for all who want to know at the same time: anybody may ask
//! for the gateway's health, and many at once must not keep the queue from its work.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::queue::{Outbox, QueueError, QueueState};

/// A queue that takes longer to say how it is would take no event in time either.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Probe {
    // Tokio's lock: held while the queue is asked, so that it is asked once.
    last: Mutex<Option<Answer>>,
}

struct Answer {
    asked: Instant,
    state: QueueState,
}

impl Probe {
    /// The queue's state now, never older than the question.
    pub(super) async fn state<Q: Outbox>(&self, queue: &Q) -> QueueState {
        let wanted = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(answer) = last.as_ref().filter(|answer| answer.asked > wanted) {
            return answer.state.clone();
        }
        let asked = Instant::now();
        let state = timeout(PATIENCE, queue.state()).await.unwrap_or_else(|_| {
            let why = format!("the queue did not answer within {} s", PATIENCE.as_secs());
            QueueState::unknown(QueueError::Failed(why))
        });
        *last = Some(Answer { asked, state: state.clone() });
        state
    }
}
