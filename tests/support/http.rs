//! A small HTTP/1.1 server on loopback that can also hang, reset and talk nonsense.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    pub at: Instant,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What a stand-in answers, or does instead of answering.
#[derive(Debug, Clone)]
pub enum Answer {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The answer, but only after a while.
    After(Duration, Box<Answer>),
    /// Takes the request and never says a word.
    Hang,
    /// The head of a good answer; its body never comes.
    Stall,
    /// Cuts the connection with a TCP reset.
    Reset,
    /// The head and the first bytes of a body, then the connection closes.
    Half,
    /// Bytes that are not HTTP.
    Garbage,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string()).header("content-type", "application/json")
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::Http { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self::After(delay, Box::new(self))
    }
}

/// Serves on a free loopback port for as long as the test's runtime lives.
pub async fn serve<Handler, Answering>(handler: Handler) -> SocketAddr
where
    Handler: Fn(Request) -> Answering + Send + Sync + 'static,
    Answering: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let handler = Arc::new(handler);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Head and body are written apart: the body would wait for the head's ACK.
            let _ = stream.set_nodelay(true);
            let handler = Arc::clone(&handler);
            tokio::spawn(async move { while_connected(stream, &*handler).await });
        }
    });
    address
}

async fn while_connected<Handler, Answering>(stream: TcpStream, handler: &Handler)
where
    Handler: Fn(Request) -> Answering,
    Answering: Future<Output = Answer>,
{
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let mut answer = handler(request).await;
        while let Answer::After(delay, then) = answer {
            tokio::time::sleep(delay).await;
            answer = *then;
        }
        if !give(stream.get_mut(), answer).await {
            return;
        }
    }
}

/// Reads one request; none when the peer has gone.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    assert!(!headers.contains_key("transfer-encoding"), "the stand-ins read no chunked bodies");
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { method, path, headers, body, at: Instant::now() })
}

/// Gives the answer; false when the connection is not to be used again.
async fn give(stream: &mut TcpStream, answer: Answer) -> bool {
    match answer {
        Answer::Http { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await.is_ok() && stream.write_all(&body).await.is_ok()
        }
        Answer::After(..) => unreachable!("unwrapped by the caller"),
        Answer::Hang => std::future::pending().await,
        Answer::Stall => {
            let _ = stream.write_all(b"HTTP/1.1 200 -\r\ncontent-length: 9\r\n\r\n").await;
            std::future::pending().await
        }
        Answer::Reset => {
            let _ = stream.set_zero_linger();
            false
        }
        Answer::Half => {
            let _ = stream.write_all(b"HTTP/1.1 200 -\r\ncontent-length: 999\r\n\r\n{\"ev").await;
            false
        }
        Answer::Garbage => {
            let _ = stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await;
            false
        }
    }
}
