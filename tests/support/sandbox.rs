//! Talking to the sandbox in this process: without sockets where they don't matter.

// Each test crate compiles this for itself and uses its own part.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use pagetrail::sandbox::{Sandbox, Settings, router, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

pub use super::router::Answer;

pub const KEY: &str = "0123456789abcdef0123456789abcdef";

pub fn trigger(dedup_key: &str) -> Value {
    json!({
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {"summary": "disk 98 %", "source": "db-1", "severity": "error"},
    })
}

pub fn acknowledge(dedup_key: &str) -> Value {
    json!({"routing_key": KEY, "event_action": "acknowledge", "dedup_key": dedup_key})
}

pub fn resolve(dedup_key: &str) -> Value {
    json!({"routing_key": KEY, "event_action": "resolve", "dedup_key": dedup_key})
}

/// The sandbox's router, called without a socket.
pub struct Page(Router);

impl Default for Page {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Page {
    pub fn new(settings: Settings) -> Self {
        Self(router(Sandbox::new(settings)))
    }

    pub async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.0.clone().oneshot(request).await.unwrap();
        Answer::of(response).await
    }

    /// A request with the routing key in the header of older clients.
    pub async fn post_with_key(&self, path: &str, body: &Value, key: &str) -> Answer {
        let request = Request::builder().method("POST").uri(path).header("X-Routing-Key", key);
        let request = request.body(Body::from(body.to_string())).unwrap();
        Answer::of(self.0.clone().oneshot(request).await.unwrap()).await
    }

    /// Presses a button of a page; `site` is what the browser says of where it stands.
    pub async fn press(&self, path: &str, site: &str) -> u16 {
        let request = Request::builder().method("POST").uri(path).header("Sec-Fetch-Site", site);
        let request = request.body(Body::empty()).unwrap();
        self.0.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, body).await
    }

    pub async fn enqueue(&self, event: &Value) -> Answer {
        self.post("/v2/enqueue", &event.to_string()).await
    }

    /// Newest first.
    pub async fn incidents(&self) -> Vec<Value> {
        serde_json::from_value(self.get("/api/incidents").await.json()).unwrap()
    }

    /// Newest first.
    pub async fn requests(&self) -> Vec<Value> {
        serde_json::from_value(self.get("/api/requests").await.json()).unwrap()
    }
}

/// The sandbox behind a real socket, until it is dropped.
pub struct Served {
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Served {
    pub async fn start(sandbox: Sandbox) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, task: tokio::spawn(serve(listener, sandbox)) }
    }

    pub async fn fault(&self, fault: &str) {
        let answer = self.post("/api/faults", fault).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    pub async fn enqueue(&self, event: &Value) -> io::Result<String> {
        self.post("/v2/enqueue", &event.to_string()).await
    }

    /// Every byte of the answer, head and body.
    pub async fn post(&self, path: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address).await?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}
