//! `pagetrail send` as a process, and as `pd-send`: what it sends, prints and returns.

mod agent;
mod answers;
mod certificates;
mod events;
mod json;
mod names;
mod proxies;
mod refusals;
mod verification;

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::support::http::{Answer, Request, serve};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const TRIGGER: [&str; 6] = ["-k", KEY, "-t", "trigger", "-d", "disk full"];

/// How one run ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    /// It ended well and printed this line.
    #[track_caller]
    fn printed(&self, line: &str) {
        assert_eq!((self.code, &*self.err), (0, ""), "{}", self.out);
        assert_eq!(self.out, if line.is_empty() { String::new() } else { format!("{line}\n") });
    }

    /// It failed, and its only word about it begins and goes on so.
    #[track_caller]
    fn failed(&self, code: i32, beginning: &str) {
        assert!(self.err.starts_with(beginning), "{} instead of {beginning}", self.err);
        assert_eq!(self.code, code, "{}", self.err);
        assert!(!self.err.contains(KEY) && !self.out.contains(KEY), "{}{}", self.out, self.err);
    }
}

/// The command in an environment of its own.
#[derive(Default)]
struct Run<'a> {
    variables: Vec<(&'a str, &'a str)>,
    input: &'a str,
}

impl<'a> Run<'a> {
    fn with(variables: &[(&'a str, &'a str)]) -> Self {
        Self { variables: variables.to_vec(), input: "" }
    }

    /// Runs `pagetrail send`.
    async fn send(&self, arguments: &[&str]) -> Ended {
        self.program(Path::new(env!("CARGO_BIN_EXE_pagetrail")), &[&["send"], arguments].concat())
            .await
    }

    async fn program(&self, program: &Path, arguments: &[&str]) -> Ended {
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // Whoever does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes()).await;
        let output = child.wait_with_output().await.unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A server that always gives the same answer and remembers what it was asked.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let address = serve(move |request| {
            seen.lock().unwrap().push(request);
            let answer = answer.clone();
            async move { answer }
        })
        .await;
        Self { url: format!("http://{address}"), requests }
    }

    /// As PagerDuty takes an event.
    async fn taking() -> Self {
        Self::start(Answer::json(202, &taken())).await
    }

    /// Sends there.
    async fn send(&self, arguments: &[&str]) -> Ended {
        Run::with(&[("PDSEND_EVENTS_BASE_URL", &self.url)]).send(arguments).await
    }

    /// The one request there was.
    #[track_caller]
    fn only(&self) -> Request {
        let requests = self.requests.lock().unwrap();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }

    #[track_caller]
    fn nothing_arrived(&self) {
        assert!(self.requests.lock().unwrap().is_empty());
    }
}

fn taken() -> Value {
    json!({"status": "success", "message": "Event processed", "dedup_key": "k"})
}
