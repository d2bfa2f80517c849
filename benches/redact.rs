//! How long redaction takes: realistic lines, and lines made to be slow.

use std::hint::black_box;
use std::time::{Duration, Instant};

use pagetrail::redact::{Category, Pattern, Redactor, Settings};
use serde_json::Value;

const RUNS: usize = 15;

/// Log lines as Lambda functions and services write them; one in five holds a secret.
fn lines(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| {
            let id = format!("52fdfc07-2182-454f-963f-{n:012x}");
            match n % 5 {
                0 => format!(
                    r#"{{"level":"ERROR","location":"handler:42","message":"Cannot read properties of undefined (reading 'id')","timestamp":"2026-11-14T01:02:03.123Z","service":"orders","cold_start":false,"function_name":"api","function_memory_size":"128","function_arn":"arn:aws:lambda:eu-west-1:123456789012:function:api","function_request_id":"{id}","xray_trace_id":"1-5759e988-bd862e3fe1be46a994272793","exception_name":"TypeError","exception":"Traceback (most recent call last):\n  File \"/var/task/app.py\", line 42, in handler\n    return order[\"id\"]\nKeyError: 'id'","order":{{"number":{n},"total":12.50,"items":["a","b"]}}}}"#
                ),
                1 => format!("2026-11-14T01:02:03.123Z\t{id}\tERROR\tInvoke Error \t{{\"errorType\":\"TypeError\",\"errorMessage\":\"boom\",\"stack\":[\"TypeError: boom\",\"    at Runtime.handler (/var/task/index.js:{n}:11)\",\"    at Runtime.handleOnceNonStreaming (file:///var/runtime/index.mjs:1173:29)\"]}}"),
                2 => format!("REPORT RequestId: {id}\tDuration: {n}.25 ms\tBilled Duration: 300 ms\tMemory Size: 128 MB\tMax Memory Used: 75 MB\tXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 0d1bd2c1f1a2b3c4\tSampled: true"),
                3 => format!(r#"10.0.1.{} - - [14/Nov/2026:01:02:03 +0000] "GET /api/v1/orders/{n}?page=2&sort=asc HTTP/1.1" 500 1532 "https://shop.example.com/cart" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" rt=0.312 request_id={id}"#, n % 256),
                _ => format!(r#"level=error ts=2026-11-14T01:02:03Z msg="login failed" user=joe{n}@example.com password=hunter{n} request_id={id} token=abc{n} card="4111 1111 1111 1111""#),
            }
        })
        .collect()
}

/// Texts that would cost the square of their length if a look at one place were unbounded.
const SLOW: &[&str] = &[
    "eyJ",
    "eyJa.",
    "password",
    "password=",
    "password: ",
    "pin=",
    "pin=\"",
    "pin: '",
    "pin%3D",
    "a@",
    "a%40",
    "a@b",
    "a@b.",
    "://",
    "://a:b",
    "://a:b/",
    "{\"",
    "{\"a\":",
    "[\"",
    "[{",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "-----END ",
    "--",
    "--token ",
    "<pin>",
    "token(\"a ",
    "token('",
    "Password(",
    "password '",
    "passwd ",
    "identified by '",
    " -p",
    " -u a:",
    " -u 'a",
    "mysql -p1:",
    "[\"mysql\",\"-p1\",",
    "secret: {",
    "secret=[",
    "4111 ",
    "1",
    "078-05-",
    "1.",
    "a:",
    "::",
    ":",
    "=",
    "\\",
    "\\\"",
    "\"",
    "'",
    "aSG.",
    "sk-",
    "AKIA",
    "Bearer ",
    "bearer",
    "basic ",
    "[redacted: ",
    "[redacted: email]",
    "arn:secret:",
    "token=arn:aws:a:b:c:d,",
    "cookie: ",
    "Authorization: a ",
    "trace_id=",
    "\u{1b}[",
    "\u{1b}[0m",
    "é",
    " ",
    "x1",
    "q",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY ",
    "AKIAIOSFODNN7EXAMPLE",
    "a1b2c3d4 token AKIAIOSFODNN7EXAMPLE",
];

fn best(mut work: impl FnMut()) -> Duration {
    let time = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..RUNS).map(|_| time(&mut work)).min().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn main() {
    let lines = lines(1000);
    let bytes: usize = lines.iter().map(String::len).sum();
    let redactor = Redactor::default();
    let pattern = |name: &str, regex: &str| Pattern { name: name.into(), regex: regex.into() };
    let own = Redactor::new(&Settings {
        patterns: vec![
            pattern("customer", r"\bC-[0-9]{6}\b"),
            pattern("case", r"(?i)case #[a-z0-9]+"),
        ],
        ..Settings::default()
    });

    let reading = best(|| {
        for line in &lines {
            let json = line.find('{').map_or("null", |at| &line[at..]);
            black_box(serde_json::from_str::<Value>(json).ok());
        }
    });
    let redacting = best(|| lines.iter().for_each(|line| drop(black_box(redactor.text(line)))));
    let start = Instant::now();
    black_box(Redactor::default().text(&lines[4]));
    let first = start.elapsed();

    println!("1000 lines, {bytes} bytes, best of {RUNS}:");
    println!("  redaction               {:8.2} ms", milliseconds(redacting));
    println!("  reading the JSON in them {:7.2} ms", milliseconds(reading));
    println!("  ratio                   {:8.2}", redacting.as_secs_f64() / reading.as_secs_f64());
    println!("  first line, cold        {:8.3} ms", milliseconds(first));
    if let Ok(own) = own {
        let time = best(|| lines.iter().for_each(|line| drop(black_box(own.text(line)))));
        println!("  with two own patterns   {:8.2} ms", milliseconds(time));
    }

    let everything =
        Settings { categories: Category::ALL.into_iter().collect(), ..Settings::default() };
    let Ok(redactor) = Redactor::new(&everything) else { return };
    let mut slow: Vec<_> = SLOW
        .iter()
        .map(|piece| {
            let text = |bytes: usize| piece.repeat(bytes / piece.len());
            let (half, whole) = (text(16 * 1024), text(32 * 1024));
            let short = best(|| drop(black_box(redactor.text(&half))));
            let long = best(|| drop(black_box(redactor.text(&whole))));
            (long, long.as_secs_f64() / short.as_secs_f64(), piece)
        })
        .collect();
    slow.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
    println!(
        "32 kB made to be slow, of {} kinds the slowest (growth over 16 kB; 2 is linear):",
        SLOW.len()
    );
    for (time, growth, piece) in slow.iter().take(6) {
        println!("  {:8.2} ms  {growth:4.1}  {piece:?}", milliseconds(*time));
    }
}
