//! Measures `pagetrail serve`: events accepted a second, durably, beside a raw append and fsync
//! loop in the same run; processor time when idle; memory with many events queued.
//!
//! Run by `scripts/bench-server.sh`, which builds what is measured. Arguments: the binary, wrk.

// A measurement that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// Counts and seconds are far from the limits of either type.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CONNECTIONS: [usize; 3] = [1, 32, 256];
const SECONDS: u64 = 10;
/// About what wrk posts, as it lies in the queue.
const RECORD: usize = 600;
const ENQUEUE: &str = "/v2/enqueue";
const QUEUED: u64 = 100_000;
const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Clock ticks a second in `/proc` (Linux on every common machine).
const TICKS: f64 = 100.0;

fn main() {
    // Cargo adds `--bench` to the arguments.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [binary, wrk] = &arguments[..] else {
        eprintln!("bench-server: run scripts/bench-server.sh");
        return;
    };
    // On the same disk as what is measured: in memory nothing would be durable.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-server");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();

    let server = Server::start(binary, &folder);
    println!("idle for {SECONDS} s: {:.2} % of one core", 100.0 * server.idle());
    drop(server);
    println!(
        "\n{:>11} {:>13} {:>11} {:>9} {:>12} {:>8} {:>9} {:>10}",
        "connections",
        "accepted/s",
        "raw loop/s",
        "of raw",
        "HTTP alone/s",
        "p99 ms",
        "errors",
        "server CPU"
    );
    for connections in CONNECTIONS {
        let _ = fs::remove_dir_all(folder.join("data"));
        let raw = raw_loop(&folder.join("raw"), connections);
        let server = Server::start(binary, &folder);
        let before = server.computed();
        let loaded = load(wrk, &server.url, connections, SECONDS, ENQUEUE);
        let cores = (server.computed() - before) / loaded.seconds;
        let accepted = loaded.requests / loaded.seconds;
        let nothing = load(wrk, &server.url, connections, SECONDS / 2, "/nowhere");
        let http = nothing.requests / nothing.seconds;
        println!(
            "{connections:>11} {accepted:>13.0} {raw:>11.0} {:>8.0}% {http:>12.0} {:>8.1} {:>9} {:>9.2}c",
            100.0 * accepted / raw,
            loaded.p99,
            loaded.errors,
            cores
        );
    }

    let _ = fs::remove_dir_all(folder.join("data"));
    let server = Server::start(binary, &folder);
    println!("\nresident memory, empty: {} MB", server.resident());
    let mut queued = 0;
    while queued < QUEUED {
        queued += load(wrk, &server.url, 32, 1, ENQUEUE).requests as u64;
    }
    println!(
        "with {queued} events queued: {} MB, at its peak {} MB",
        server.resident(),
        server.peak()
    );
    drop(server);
    let server = Server::start(binary, &folder);
    println!("started again with them: {} MB", server.resident());
    drop(server);
    let _ = fs::remove_dir_all(&folder);
}

/// Appends as many records as there are connections, then waits for the disk: what a group
/// commit could reach if it did nothing else.
fn raw_loop(path: &Path, connections: usize) -> f64 {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let records = vec![b'x'; RECORD * connections];
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(3) {
        file.write_all(&records).unwrap();
        file.sync_data().unwrap();
        count += connections;
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    fs::remove_file(path).unwrap();
    rate
}

struct Loaded {
    requests: f64,
    seconds: f64,
    p99: f64,
    errors: u64,
}

fn load(wrk: &str, url: &str, connections: usize, seconds: u64, path: &str) -> Loaded {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/server/post.lua");
    let output = Command::new(wrk)
        .args(["--threads", "1", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--timeout", "10s", "--script"])
        .arg(script)
        .arg(url)
        .env("POST_PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let result = said.lines().find_map(|line| line.strip_prefix("RESULT ")).expect(&said);
    let numbers: Vec<f64> = result.split(' ').map(|word| word.parse().unwrap()).collect();
    Loaded {
        requests: numbers[0],
        seconds: numbers[1] / 1e6,
        p99: numbers[2] / 1e3,
        errors: numbers[3] as u64,
    }
}

/// The server with a PagerDuty that nobody answers for, so that everything stays queued.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(binary: &str, folder: &Path) -> Self {
        // Taken and never answered on: each attempt ends at once.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("PAGETRAIL_DATA_DIR", folder.join("data"))
            .env("PAGETRAIL_ROUTING_KEYS", KEY)
            .env("PAGETRAIL_VERIFY_KEYS", "false")
            .env("PAGETRAIL_PAGERDUTY_URL", format!("http://{nobody}/v2/enqueue"))
            .env("PAGETRAIL_LOG_LEVEL", "error")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .find_map(|line| line.unwrap().split("listening on ").nth(1).map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: url.expect("it listens") }
    }

    /// Processor seconds so far.
    fn computed(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS
    }

    fn idle(&self) -> f64 {
        let before = self.computed();
        std::thread::sleep(Duration::from_secs(SECONDS));
        (self.computed() - before) / SECONDS as f64
    }

    fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_000
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
