//! What only shows on a socket: lengths that lie, chunks, answers to bodies that are refused.

use std::net::{Shutdown, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::gateway::support::{Conduct, KEY, Rig, trigger};

struct Served {
    rig: Rig,
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Served {
    async fn start() -> Self {
        let rig = Rig::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = rig.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async { axum::serve(listener, service).await });
        Self { rig, address, task }
    }

    async fn connection(&self, headers: &str, body: &[u8]) -> TcpStream {
        let head = format!("POST /v2/enqueue HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n{headers}\r\n");
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        stream
    }

    /// What comes back until the server closes.
    async fn post(&self, headers: &str, body: &[u8]) -> String {
        let headers = format!("{headers}connection: close\r\n");
        answer(self.connection(&headers, body).await).await
    }

    /// The same, where nothing more is sent after the body.
    async fn post_and_end(&self, headers: &str, body: &[u8]) -> String {
        let stream = self.connection(headers, body).await.into_std().unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        answer(TcpStream::from_std(stream).unwrap()).await
    }
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn chunks_and_lengths() {
    let served = Served::start().await;
    let event = trigger(KEY).to_string();
    let exact = format!("content-length: {}\r\n", event.len());
    let answer = served.post(&exact, event.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");

    let (first, second) = event.split_at(30);
    let chunked = format!(
        "{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\nx-trailer: 1\r\n\r\n",
        first.len(),
        second.len()
    );
    let coding = "transfer-encoding: chunked\r\ntrailer: x-trailer\r\n";
    let answer = served.post(coding, chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(served.rig.sent().len(), 2);

    let longer = format!("content-length: {}\r\n", event.len() + 1);
    let shorter = format!("content-length: {}\r\n", event.len() - 1);
    for (headers, body) in [
        (longer.as_str(), event.as_str()),
        (shorter.as_str(), event.as_str()),
        ("transfer-encoding: chunked\r\n", event.as_str()),
        ("transfer-encoding: chunked\r\n", "ffffffffffffffff\r\n{"),
        ("content-length: -1\r\n", event.as_str()),
        ("", event.as_str()),
    ] {
        let answer = served.post_and_end(headers, body.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{headers} {answer}");
    }
    assert_eq!(served.rig.sent().len(), 2);
}

#[tokio::test]
async fn who_sends_too_much_gets_to_read_why() {
    let served = Served::start().await;
    let body = vec![b' '; 4_000_000];
    let headers = format!("content-length: {}\r\n", body.len());
    let answer = served.post(&headers, &body).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}

#[tokio::test]
async fn the_server_outlives_a_panic() {
    let served = Served::start().await;
    let event = trigger(KEY).to_string();
    let headers = format!("content-length: {}\r\n", event.len());
    served.rig.conducts(Conduct::Panics);
    let answer = served.post(&headers, event.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    served.rig.conducts(Conduct::Takes);
    let answer = served.post(&headers, event.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}
