//! The PagerDuty Events API: answers 202 unless a test sets another answer, and keeps what it got.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use super::http::{Answer, Request, serve};
use super::script::Script;

const ENQUEUE: &str = "enqueue";

/// The endpoint; clones share one state.
#[derive(Clone)]
pub struct PagerDuty {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    accepted: Vec<Value>,
    script: Script,
}

impl PagerDuty {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = serve(move |request| {
            let answer = shared.lock().unwrap().answer(request);
            async move { answer }
        })
        .await;
        Self { state, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v2/enqueue", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// These answers to the coming requests, then 202 again.
    pub fn next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().script.next(ENQUEUE, answers);
    }

    /// This answer to every request whose body fulfils the condition.
    pub fn always_where(
        &self,
        condition: impl Fn(&Value) -> bool + Send + 'static,
        answer: Answer,
    ) {
        self.state.lock().unwrap().script.always_where(ENQUEUE, condition, answer);
    }

    /// Answers 202 again from now on.
    pub fn recover(&self) {
        self.state.lock().unwrap().script = Script::default();
    }

    /// The bodies answered with 202, in order; the answer may still be under way.
    pub fn accepted(&self) -> Vec<Value> {
        self.state.lock().unwrap().accepted.clone()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The bodies received, in order.
    pub fn events(&self) -> Vec<Value> {
        self.requests().iter().map(Request::json).collect()
    }

    /// What identifies each body received, in order.
    pub fn dedup_keys(&self) -> Vec<String> {
        let key = |event: &Value| event["dedup_key"].as_str().unwrap_or_default().to_owned();
        self.events().iter().map(key).collect()
    }

    pub fn times(&self) -> Vec<Instant> {
        self.requests().iter().map(|request| request.at).collect()
    }
}

impl State {
    fn answer(&mut self, request: Request) -> Answer {
        let event = request.json();
        self.requests.push(request);
        let answer = self.script.answer(ENQUEUE, &event).unwrap_or_else(|| taken(&event));
        if is_taken(&answer) {
            self.accepted.push(event);
        }
        answer
    }
}

fn is_taken(answer: &Answer) -> bool {
    match answer {
        Answer::Http { status, .. } => *status == 202,
        Answer::After(_, then) => is_taken(then),
        _ => false,
    }
}

/// The answer to an event that PagerDuty takes.
pub fn taken(event: &Value) -> Answer {
    let key = &event["dedup_key"];
    Answer::json(202, &json!({"status": "success", "message": "Event processed", "dedup_key": key}))
}

/// The answer to an event PagerDuty will never take, in its own words.
pub fn invalid(reasons: &[&str]) -> Answer {
    let body =
        json!({"status": "invalid event", "message": "Event object is invalid", "errors": reasons});
    Answer::json(400, &body)
}

/// The answer to a routing key that PagerDuty does not know.
pub fn unknown_key() -> Answer {
    let body = json!({
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["Invalid routing key"],
    });
    Answer::json(400, &body)
}
