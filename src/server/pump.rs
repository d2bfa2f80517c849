//! The pump: receives batches from the queue and has them delivered, on its own thread.

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

/// Batches at the same time: a slow answer delays only its own batch.
const BATCHES: u32 = 16;
/// Time limit for one batch. An event whose turn comes later is postponed.
const BATCH: Duration = Duration::from_mins(1);
/// A batch whose delivery crashed comes back after this time.
const AFTER_A_CRASH: Duration = Duration::from_mins(1);

/// Starts delivering. Ends after the worker's `stop` became true and the current batches are
/// finished.
///
/// Delivery has its own thread, so that senders never wait for it.
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
            // An error means that the sender of the stop signal is gone.
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
    // All slots are free when no batch is left.
    let _ = slots.acquire_many(BATCHES).await;
}

async fn deliver<Q: Settle>(worker: &Worker<Q>, batch: Vec<Message>) {
    let without_body = |message: &Message| Message { body: String::new(), ..message.clone() };
    let outlines: Vec<Message> = batch.iter().map(without_body).collect();
    let delivery = worker.deliver(batch, Instant::now() + BATCH);
    if AssertUnwindSafe(delivery).catch_unwind().await.is_err() {
        // Messages that were settled already are no longer in the queue, which ignores them.
        warn!(messages = outlines.len(), "delivering crashed; the batch comes back");
        for group in outlines.chunk_by(|one, next| one.group == next.group) {
            worker.queue.postpone(group, Wait::Failed(AFTER_A_CRASH)).await;
        }
    }
}
