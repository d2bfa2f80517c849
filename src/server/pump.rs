//! The pump: takes batches from the queue and has them delivered, on a thread of its own.

use std::io;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use crate::delivery::{Worker, delay};
use crate::queue::{Inbox, Message, Settle, Wait};

/// Batches under way at once: a slow answer holds up its own batch only.
const BATCHES: u32 = 16;
/// What one batch may take. A turn that does not come within it comes back.
const BATCH: Duration = Duration::from_mins(1);
/// A batch whose delivery crashed comes back after this.
const AFTER_A_CRASH: Duration = Duration::from_mins(1);

/// Starts delivering; ends, with the batches under way, after the worker's `stop` turned true.
///
/// Posting waits for no delivery: what is delivered has a thread of its own.
///
/// # Errors
/// When the thread cannot be started.
pub(super) fn start<Q: Inbox>(worker: Worker<Q>) -> io::Result<JoinHandle<()>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("delivery".to_owned()).spawn(move || {
        LocalSet::new().block_on(&runtime, pump(Rc::new(worker)));
    })
}

async fn pump<Q: Inbox>(worker: Rc<Worker<Q>>) {
    let mut stop = worker.stop.clone();
    let slots = Arc::new(Semaphore::new(BATCHES as usize));
    let mut failures = 0;
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, worker.queue.receive().await)
        };
        let (slot, received) = tokio::select! {
            biased;
            // An error means that whoever would stop us is gone.
            _ = stop.wait_for(|stop| *stop) => break,
            next = next => next,
        };
        match received {
            Ok(batch) => {
                failures = 0;
                let worker = Rc::clone(&worker);
                tokio::task::spawn_local(async move {
                    deliver(&worker, batch).await;
                    drop(slot);
                });
            }
            Err(problem) => {
                failures += 1;
                let wait = delay(failures, None, fastrand::f64()).min(BATCH);
                error!(%problem, seconds = wait.as_secs_f64(), "the queue could not be read");
                tokio::select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop) => break,
                    () = sleep(wait) => {}
                }
            }
        }
    }
    // All slots are free once nothing is under way.
    let _ = slots.acquire_many(BATCHES).await;
}

async fn deliver<Q: Settle>(worker: &Worker<Q>, batch: Vec<Message>) {
    let without_body = |message: &Message| Message { body: String::new(), ..message.clone() };
    let outlines: Vec<Message> = batch.iter().map(without_body).collect();
    let delivery = worker.deliver(batch, Instant::now() + BATCH);
    if AssertUnwindSafe(delivery).catch_unwind().await.is_err() {
        // What of it was settled already the queue no longer knows, and passes over.
        warn!(messages = outlines.len(), "delivering crashed; the batch comes back");
        for group in outlines.chunk_by(|one, next| one.group == next.group) {
            worker.queue.postpone(group, Wait::Failed(AFTER_A_CRASH)).await;
        }
    }
}
