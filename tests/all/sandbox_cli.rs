//! `pagetrail sandbox` as a process: what it prints, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The running command; killed when a test ends early.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line
            .trim_end()
            .strip_prefix("pagetrail sandbox: listening on http://")
            .unwrap_or_else(|| panic!("it printed {line:?}"))
            .to_owned();
        Self { child, address }
    }

    fn post(&self) -> TcpStream {
        let body = format!(r#"{{"routing_key":"{KEY}","event_action":"resolve","dedup_key":"k"}}"#);
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!(
            "POST /v2/enqueue HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        stream
    }

    fn end(&mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end on {signal}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pagetrail"));
    command.args(["sandbox", "--port", "0"]).args(arguments);
    command
}

#[test]
fn it_fails_as_told_and_then_answers() {
    let mut running = Running::start(&["--fail", "status:503", "--fail-count", "2", "--key", KEY]);
    for expected in ["HTTP/1.1 503", "HTTP/1.1 503", "HTTP/1.1 202"] {
        let mut answer = String::new();
        running.post().read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(expected), "{answer}");
    }
    assert_eq!(running.end("-INT").code(), Some(0));
}

#[test]
fn a_request_that_hangs_does_not_hold_up_its_end() {
    let mut running = Running::start(&["--fail", "hang:60"]);
    let mut request = running.post();
    request.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(request.read(&mut [0]).is_err(), "nothing is answered");
    assert_eq!(running.end("-TERM").code(), Some(0));
}

#[test]
fn a_wrong_argument_is_explained_without_showing_the_key() {
    for (arguments, expected) in [
        (&["--key", "secret-but-short"][..], "--key no. 1: Length of 'routing_key'"),
        (&["--fail", "flood"], "known are status:CODE"),
        (&["--fail", "reset", "--fail-count", "0"], "count must be at least 1"),
        (&["--fail-count", "2"], "--fail"),
        (&["--host", "256.0.0.1"], "cannot listen on 256.0.0.1"),
    ] {
        let output = command(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn a_taken_port_is_answered_with_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_pagetrail"))
        .args(["sandbox", "--port", &port])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains(&port) && text.contains("choose another --port"), "{text}");
}

#[test]
fn listening_beyond_this_machine_is_warned_of() {
    let mut child = command(&["--host", "0.0.0.0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("warning") && line.contains("other machines"), "{line}");
}
