//! A queue that keeps what it is sent, and can fail.

use std::sync::{Arc, Mutex};

use pagetrail::queue::{Outbox, Outgoing, QueueError, QueueState};
use serde_json::Value;

/// The queue; clones share one.
#[derive(Clone, Default)]
pub(crate) struct Keeper(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sent: Vec<Outgoing>,
    fails_on: Option<&'static str>,
    crashes_on: Option<&'static str>,
}

impl Keeper {
    /// The events that a consumer would see, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        let body = |message: &Outgoing| serde_json::from_str::<Value>(&message.body).unwrap();
        state.sent.iter().map(|message| body(message)["event"].take()).collect()
    }

    /// What each event does to which alarm.
    pub(crate) fn story(&self) -> Vec<String> {
        let told = |event: &Value| {
            let name = event["dedup_key"].as_str().unwrap().rsplit(':').next().unwrap();
            format!("{} {name}", event["event_action"].as_str().unwrap())
        };
        self.events().iter().map(told).collect()
    }

    /// Does not take the next event with this word.
    pub(crate) fn fail_on(&self, word: &'static str) {
        self.0.lock().unwrap().fails_on = Some(word);
    }

    /// Stands for code that panics over an event with this word.
    pub(crate) fn crash_on(&self, word: &'static str) {
        self.0.lock().unwrap().crashes_on = Some(word);
    }
}

impl Outbox for Keeper {
    async fn send(&self, message: Outgoing) -> Result<(), QueueError> {
        let crashes_on = self.0.lock().unwrap().crashes_on;
        assert!(!crashes_on.is_some_and(|word| message.body.contains(word)), "a crash");
        let mut state = self.0.lock().unwrap();
        if state.fails_on.is_some_and(|word| message.body.contains(word)) {
            state.fails_on = None;
            return Err(QueueError::Full("the disk".to_owned()));
        }
        let is_new = |sent: &Outgoing| sent.deduplication != message.deduplication;
        if state.sent.iter().all(is_new) {
            state.sent.push(message);
        }
        Ok(())
    }

    async fn state(&self) -> QueueState {
        QueueState::default()
    }
}
