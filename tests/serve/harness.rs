//! The running server: started, asked, killed, ended.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::PATIENCE;

pub const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A server about to be started: its arguments and its environment.
pub struct Setup {
    pub folder: Arc<TempDir>,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Setup {
    /// With a folder of its own, delivering to this PagerDuty, with `KEY` as its pool.
    pub fn new(pagerduty: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let setup = Self { folder, arguments: Vec::new(), variables: BTreeMap::new() };
        let data = setup.folder.path().join("data").display().to_string();
        setup
            .variable("PAGETRAIL_PAGERDUTY_URL", pagerduty)
            .variable("PAGETRAIL_ROUTING_KEYS", KEY)
            .variable("PAGETRAIL_DATA_DIR", &data)
            .variable("PAGETRAIL_LISTEN", "127.0.0.1:0")
            .variable("PAGETRAIL_RATE_PER_MINUTE", "60000")
    }

    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pagetrail"));
        command
            .arg("serve")
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end: its code, and what it said.
    pub async fn run(&self) -> (i32, String) {
        let output = timeout(PATIENCE, self.command().output()).await.unwrap().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts it, and waits until it listens.
    pub async fn start(&self) -> Server {
        let mut child = self.command().spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        let mut url = None;
        while url.is_none() {
            let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
            let Some(line) = line else {
                let mut error = String::new();
                child.stderr.take().unwrap().read_to_string(&mut error).await.unwrap();
                panic!("it ended at once: {said}{error}");
            };
            url = line.split("listening on ").nth(1).map(str::to_owned);
            said += &(line + "\n");
        }
        let log = Arc::new(Mutex::new(said));
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Server { child, url: url.unwrap(), log, _folder: Arc::clone(&self.folder) }
    }
}

/// A running server; killed when it is dropped.
pub struct Server {
    child: Child,
    pub url: String,
    log: Arc<Mutex<String>>,
    // It is deleted with the last that holds it.
    _folder: Arc<TempDir>,
}

impl Server {
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    pub async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }

    pub async fn post(&self, client: &reqwest::Client, event: &Value) -> (u16, Value) {
        post(client, &self.url, event).await.unwrap()
    }
}

/// A client that trusts any certificate, and keeps nothing of the environment.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(pagetrail::http::tls::bundled_config())
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

pub async fn post(
    client: &reqwest::Client,
    url: &str,
    event: &Value,
) -> Result<(u16, Value), reqwest::Error> {
    let answer = client.post(format!("{url}/v2/enqueue")).body(event.to_string()).send().await?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

pub fn trigger(dedup_key: &str) -> Value {
    json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": dedup_key,
        "payload": {"summary": "disk 98 %", "source": "db-1", "severity": "error"},
    })
}

pub fn resolve(dedup_key: &str) -> Value {
    json!({"routing_key": KEY, "event_action": "resolve", "dedup_key": dedup_key})
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within {PATIENCE:?}: {what}");
}
