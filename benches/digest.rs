//! How long the digest takes for many lines, beside merely splitting and hashing them.
//!
//! `cargo bench --bench digest`

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::hint::black_box;
use std::time::{Duration, Instant};

use pagetrail::lines::digest::Digest;

const RUNS: usize = 15;

fn main() {
    type Line = fn(usize) -> String;
    let sets: [(&str, usize, Line); 5] = [
        ("JSON errors", 10_000, json),
        ("text", 10_000, text),
        ("mixed", 100_000, mixed),
        ("all different", 10_000, different),
        ("long", 10_000, long),
    ];
    println!("median of {RUNS} runs\n");
    println!("| lines | count | MB | digest ms | split and hash ms | ratio | kinds |");
    println!("|---|---|---|---|---|---|---|");
    for (name, count, line) in sets {
        let lines: Vec<String> = (0..count).map(line).collect();
        let bytes: usize = lines.iter().map(String::len).sum();
        let mut kinds = 0;
        let digest = median(|| {
            let mut digest = Digest::new();
            for line in &lines {
                digest.add(line);
            }
            kinds = black_box(digest.kinds()).as_slice().len();
        });
        let reference = median(|| {
            let mut seen = HashSet::new();
            for line in &lines {
                let mut hasher = DefaultHasher::new();
                line.split_whitespace().for_each(|word| word.hash(&mut hasher));
                seen.insert(hasher.finish());
            }
            black_box(seen);
        });
        let ratio = digest.as_secs_f64() / reference.as_secs_f64();
        let (digest, reference) = (milliseconds(digest), milliseconds(reference));
        let megabytes = bytes / 100_000;
        println!(
            "| {name} | {count} | {}.{} | {digest} | {reference} | {ratio:.1} | {kinds} |",
            megabytes / 10,
            megabytes % 10
        );
    }
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// Powertools for Python, three errors.
fn json(number: usize) -> String {
    let (name, said) = [
        ("KeyError", "'amount'".to_owned()),
        ("TimeoutError", format!("https://api.example.com/orders/{number} after {number} ms")),
        ("ValueError", format!("order {number} has no items")),
    ][number % 3]
        .clone();
    format!(
        r#"{{"level":"ERROR","location":"handler:{number}","message":"request failed","timestamp":"2026-02-02 12:05:31,120+0000","service":"checkout","cold_start":false,"function_name":"checkout","function_memory_size":"512","function_arn":"arn:aws:lambda:eu-west-1:123456789012:function:checkout","function_request_id":"52fdfc07-2182-454f-963f-{number:012x}","exception":"Traceback (most recent call last):\n  File \"/var/task/app.py\", line {number}, in handler\n{name}: {said}","exception_name":"{name}","xray_trace_id":"1-5f{number:06x}-a1b2c3d4e5f6a7b8c9d0e1f2"}}"#
    )
}

/// Application text with heads, eight kinds.
fn text(number: usize) -> String {
    let head = format!(
        "2026-02-02 12:05:{:02},{:03} ERROR [main] c.e.Orders - ",
        number % 60,
        number % 997
    );
    let rest = match number % 8 {
        0 => format!("order {number} of customer c{number:x} could not be saved"),
        1 => format!(
            "connect to 10.0.{}.{}:5432 refused after {number} ms",
            number % 256,
            number % 199
        ),
        2 => format!("GET https://api.example.com/v1/items/{number}?page={number} answered 503"),
        3 => {
            format!("transferred {number} bytes ({}.5 KB) to /var/data/{number:x}.csv", number % 99)
        }
        4 => format!("lock=orders owner=node-{number} waited={}s state=held", number % 50),
        5 => format!("batch {number:016x} skipped: {} of 900 rows invalid", number % 900),
        6 => "cannot read the configuration".to_owned(),
        _ => format!("retry {} of 5 for 52fdfc07-2182-454f-963f-{number:012x}", number % 5),
    };
    head + &rest
}

/// JSON and text by turns.
fn mixed(number: usize) -> String {
    if number.is_multiple_of(2) { json(number) } else { text(number / 2) }
}

/// No two lines have a shape in common: the worst for the number of shapes.
fn different(number: usize) -> String {
    let word = |number: usize| -> String {
        number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect()
    };
    (0..20).fold(String::new(), |mut line, more| {
        let _ = write!(line, "{} ", word(number * 37 + more * 1009));
        line
    })
}

/// Lines of 4 KB.
fn long(number: usize) -> String {
    let mut line = format!("2026-02-02T12:05:31Z ERROR dump {number}:");
    for more in 0..400 {
        let _ = write!(line, " {:08x},", number * 31 + more);
    }
    line
}
