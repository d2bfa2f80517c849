//! The Lambda Runtime API, and the built `pagetrail-lambda` running against it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::PATIENCE;
use super::http::{Answer, Request, serve};

const FUNCTION: &str = "pagetrail-under-test";
/// The function's own Region, and that of the alarms unless a test says otherwise.
pub const REGION: &str = "ap-northeast-1";
pub const ACCOUNT: &str = "449671225256";

/// How an invocation ended.
#[derive(Debug)]
pub enum Outcome {
    Response(Value),
    Error(Value),
    /// Lambda would have killed the function at its time-out.
    TimedOut,
}

impl Outcome {
    #[track_caller]
    pub fn response(self) -> Value {
        match self {
            Self::Response(value) => value,
            other => panic!("the invocation did not succeed: {other:?}"),
        }
    }

    #[track_caller]
    pub fn error(self) -> Value {
        match self {
            Self::Error(value) => value,
            other => panic!("the invocation did not fail: {other:?}"),
        }
    }
}

struct Invocation {
    event: Value,
    timeout: Duration,
    outcome: oneshot::Sender<Outcome>,
}

/// A stage about to be started: its handler and its environment.
pub struct Stage {
    program: String,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Stage {
    pub fn new(handler: &str) -> Self {
        let stage = Self {
            program: env!("CARGO_BIN_EXE_pagetrail-lambda").to_owned(),
            arguments: Vec::new(),
            variables: BTreeMap::new(),
        };
        stage
            .variable("_HANDLER", handler)
            .variable("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
            .variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .variable("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .variable("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/pagetrail-under-test")
            .variable("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/21/[$LATEST]0123456789abcdef")
            .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .variable("AWS_REGION", REGION)
            .variable("AWS_DEFAULT_REGION", REGION)
            .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
            .variable("AWS_SESSION_TOKEN", "example-session-token")
    }

    /// Another program than `pagetrail-lambda`, to be measured beside it.
    #[must_use]
    pub fn program(mut self, program: &str, arguments: &[String]) -> Self {
        program.clone_into(&mut self.program);
        arguments.clone_into(&mut self.arguments);
        self
    }

    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Starts the Runtime API, then the program with exactly this environment.
    pub async fn start(self) -> Lambda {
        let runtime = Runtime::default();
        let (invocations, waiting) = mpsc::unbounded_channel();
        *runtime.waiting.try_lock().unwrap() = Some(waiting);
        let address = runtime.clone().serve().await;
        let started = Instant::now();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let output = vec![collect(child.stdout.take()), collect(child.stderr.take())];
        Lambda { child, started, runtime, invocations, output }
    }
}

fn collect(pipe: Option<impl AsyncRead + Unpin + Send + 'static>) -> JoinHandle<String> {
    let mut pipe = pipe.expect("a pipe");
    tokio::spawn(async move {
        let mut text = Vec::new();
        let _ = pipe.read_to_end(&mut text).await;
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// A running function.
pub struct Lambda {
    child: Child,
    started: Instant,
    runtime: Runtime,
    invocations: mpsc::UnboundedSender<Invocation>,
    output: Vec<JoinHandle<String>>,
}

impl Lambda {
    /// Invokes with Pagetrail's time-out of 60 s.
    pub async fn invoke(&self, event: &Value) -> Outcome {
        self.invoke_within(event, Duration::from_mins(1)).await
    }

    pub async fn invoke_within(&self, event: &Value, timeout: Duration) -> Outcome {
        let (outcome, ended) = oneshot::channel();
        let invocation = Invocation { event: event.clone(), timeout, outcome };
        self.invocations.send(invocation).expect("the runtime waits");
        tokio::select! {
            outcome = ended => outcome.expect("the runtime answers"),
            error = self.init_error() => panic!("the function did not start: {error}"),
            () = self.gone() => panic!("the function ended during an invocation"),
            () = tokio::time::sleep(timeout + Duration::from_millis(200)) => Outcome::TimedOut,
        }
    }

    /// Waits until the program asks for its first event.
    pub async fn ready(&self) {
        self.polls(1).await;
    }

    /// The time from starting the program to its first request for an event.
    pub async fn time_to_ready(&self) -> Duration {
        self.ready().await;
        let first = self.runtime.first_poll.lock().unwrap().expect("it is ready");
        first - self.started
    }

    async fn polls(&self, count: usize) {
        let mut polls = self.runtime.polls.subscribe();
        let reached = polls.wait_for(|polls| *polls >= count);
        tokio::select! {
            reached = tokio::time::timeout(PATIENCE, reached) => {
                reached.expect("it asks for an event").unwrap();
            }
            () = self.gone() => panic!("the program ended instead of asking for an event"),
        }
    }

    /// Waits for what the program reports to `/init/error`.
    pub async fn init_error(&self) -> Value {
        loop {
            let told = self.runtime.told.notified();
            if let Some(error) = self.runtime.init_error.lock().unwrap().clone() {
                return error;
            }
            told.await;
        }
    }

    /// Returns once the program has closed its output, as it does by ending.
    async fn gone(&self) {
        while !self.output.iter().all(JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for a start that fails, and returns all the program said about it.
    pub async fn start_failure(mut self) -> String {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait());
        let status = ended.await.expect("it ends by itself").unwrap();
        assert!(!status.success(), "a start that fails does not exit with {status}");
        let polls = *self.runtime.polls.borrow();
        assert_eq!(polls, 0, "a function that cannot work must not ask for an event");
        let told = self.runtime.init_error.lock().unwrap().take().unwrap_or_default();
        let mut all = told.to_string();
        for output in std::mem::take(&mut self.output) {
            all.push_str(&output.await.unwrap());
        }
        all
    }

    /// From now on the program's answers are heard by nobody.
    pub fn lose_answers(&self) {
        self.runtime.deaf.send_replace(Some(0));
    }

    /// How many answers were lost.
    pub fn lost_answers(&self) -> usize {
        self.runtime.deaf.borrow().unwrap_or_default()
    }

    pub fn process_id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Ends the program, and returns once it is gone.
    pub async fn stop(mut self) {
        self.child.kill().await.expect("it is killed");
    }

    /// Ends the program and returns all it wrote to stdout and stderr.
    pub async fn output(mut self) -> String {
        // Asking for the next event is the last thing it does after an invocation.
        let answered = *self.runtime.answered.lock().unwrap();
        if self.child.try_wait().unwrap().is_none() {
            self.polls(answered + 1).await;
            self.child.kill().await.expect("it is killed");
        }
        let mut all = String::new();
        for output in std::mem::take(&mut self.output) {
            all.push_str(&output.await.unwrap());
        }
        all
    }
}

/// The state of the Runtime API.
#[derive(Clone, Default)]
struct Runtime {
    waiting: Arc<tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<Invocation>>>>,
    running: Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>,
    init_error: Arc<Mutex<Option<Value>>>,
    answered: Arc<Mutex<usize>>,
    first_poll: Arc<Mutex<Option<Instant>>>,
    polls: Arc<watch::Sender<usize>>,
    told: Arc<Notify>,
    /// How many answers were lost, where they are to be lost.
    deaf: Arc<watch::Sender<Option<usize>>>,
}

impl Runtime {
    async fn serve(self) -> SocketAddr {
        serve(move |request| {
            let runtime = self.clone();
            async move { runtime.answer(request).await }
        })
        .await
    }

    async fn answer(&self, request: Request) -> Answer {
        let path = request.path.strip_prefix("/2018-06-01/runtime/").unwrap_or("");
        match path.split('/').collect::<Vec<_>>()[..] {
            ["invocation", "next"] => {
                self.first_poll.lock().unwrap().get_or_insert(request.at);
                self.next().await
            }
            ["invocation", _, "response"] if self.deaf.borrow().is_some() => {
                self.deaf.send_modify(|lost| *lost = lost.map(|lost| lost + 1));
                Answer::Hang
            }
            ["invocation", id, "response"] => self.end(id, Outcome::Response(request.json())),
            ["invocation", id, "error"] => self.end(id, Outcome::Error(request.json())),
            ["init", "error"] => {
                *self.init_error.lock().unwrap() = Some(request.json());
                self.told.notify_waiters();
                Answer::json(202, &json!({"status": "OK"}))
            }
            _ => Answer::text(404, "no such operation in the Runtime API"),
        }
    }

    async fn next(&self) -> Answer {
        self.polls.send_modify(|polls| *polls += 1);
        let mut waiting = self.waiting.lock().await;
        let Some(invocation) = waiting.as_mut().expect("started").recv().await else {
            return Answer::Hang;
        };
        let number = *self.answered.lock().unwrap();
        let id = format!("8476a536-e9f4-11e8-9739-{number:012}");
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + invocation.timeout;
        self.running.lock().unwrap().insert(id.clone(), invocation.outcome);
        let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}");
        let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
        Answer::json(200, &invocation.event)
            .header("lambda-runtime-aws-request-id", &id)
            .header("lambda-runtime-deadline-ms", &deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", &function)
            .header("lambda-runtime-trace-id", trace)
    }

    fn end(&self, id: &str, outcome: Outcome) -> Answer {
        let Some(ended) = self.running.lock().unwrap().remove(id) else {
            return Answer::text(400, "no such request");
        };
        *self.answered.lock().unwrap() += 1;
        let _ = ended.send(outcome);
        Answer::json(202, &json!({"status": "OK"}))
    }
}
