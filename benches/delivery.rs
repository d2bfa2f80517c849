//! Measures `deliver`: events a second, and whose time it is; plots a simulated storm.
//!
//! Run by `scripts/bench-delivery.sh`, which builds what is measured. Argument: the binary.

// A measurement that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// The stand-ins and the model are shared with the tests, which use more of them.
#![allow(dead_code, unreachable_pub)]

#[path = "../tests/all/delivery_model/play.rs"]
mod play;
#[path = "../tests/all/delivery_model/queue.rs"]
mod queue;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use pagetrail::pagerduty::Severity;
use serde_json::json;

use support::aws::Aws;
use support::pagerduty::{PagerDuty, taken};
use support::queue_items::{batch, failures, trigger};

const BATCHES: usize = 300;
const BATCH: usize = 10;
/// Clock ticks a second in `/proc` (Linux on every common machine).
const TICKS: f64 = 100.0;

fn main() {
    // Cargo adds `--bench` to the arguments.
    let binary = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    if let Some(binary) = binary {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        println!(
            "{:<28} {:>9} {:>12} {:>14} {:>12}",
            "PagerDuty answers after", "events/s", "ms a batch", "ms ours of it", "share ours"
        );
        for milliseconds in [0, 100] {
            runtime.block_on(speed(&binary, Duration::from_millis(milliseconds)));
        }
    } else {
        eprintln!("bench-delivery: run scripts/bench-delivery.sh for the speed as well");
    }
    plot();
}

/// Ours is what the process computes, start and first connection aside; the rest is waiting
/// for PagerDuty and for the stand-ins, which share the machine.
async fn speed(binary: &str, latency: Duration) {
    let (aws, pagerduty) = (Aws::start().await, PagerDuty::start().await);
    pagerduty.always_where(|_| true, taken(&json!({})).after(latency));
    let deliver = aws
        .deliver(&pagerduty.url())
        .variable("PAGETRAIL_RATE_PER_MINUTE", "60000")
        .variable("PAGETRAIL_WORKERS", "1")
        .program(binary, &[])
        .start()
        .await;
    let keys: Vec<String> = (0..BATCH).map(|number| format!("alarm-{number}")).collect();
    let mut messages: Vec<_> = keys.iter().map(|key| trigger(key)).collect();
    for message in &mut messages {
        message["event"]["payload"]["custom_details"]["2 lines"] =
            "a log line\n".repeat(200).into();
    }
    let event = batch(&messages);
    let batches = if latency.is_zero() { BATCHES } else { BATCHES / 5 };
    let mut measured = Duration::ZERO;
    let mut before = 0.0;
    for round in 0..=batches {
        let begun = Instant::now();
        assert!(failures(&deliver.invoke(&event).await.response()).is_empty());
        if round == 0 {
            before = computed(deliver.process_id());
        } else {
            measured += begun.elapsed();
        }
    }
    let wall = measured.as_secs_f64();
    let ours = computed(deliver.process_id()) - before;
    let count = f64::from(u32::try_from(batches).unwrap());
    println!(
        "{:<28} {:>9.0} {:>12.2} {:>14.2} {:>10.1} %",
        format!("{} ms", latency.as_millis()),
        count * 10.0 / wall,
        wall * 1_000.0 / count,
        ours * 1_000.0 / count,
        ours * 100.0 / wall
    );
    deliver.stop().await;
}

/// Seconds of processor time a process has taken.
fn computed(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / TICKS
}

fn plot() {
    let story = play::play(&play::storm(1_000, 120, 2));
    println!(
        "\n1 000 alarms within 10 s through one key of 120 a minute, 2 workers. SIMULATED: virtual \
         time,\nthe worker's own rules, a model of the queue, a PagerDuty that enforces the \
         limit.\n\nminute  accepted  (# = 4 events, critical as !)"
    );
    let minutes = story.ended.as_secs() / 60;
    for minute in 0..=minutes {
        let within: Vec<_> =
            story.accepted.iter().filter(|it| it.at.as_secs() / 60 == minute).collect();
        let critical = within.iter().filter(|it| it.told.severity == Severity::Critical).count();
        let marks =
            "!".repeat(critical.div_ceil(4)) + &"#".repeat((within.len() - critical).div_ceil(4));
        println!("{minute:>6}  {:>8}  {marks}", within.len());
    }
    let last = story.accepted.iter().map(|it| it.at).max().unwrap();
    let critical = story.accepted.iter().filter(|it| it.told.severity == Severity::Critical);
    let last_critical = critical.map(|it| it.at).max().unwrap();
    println!(
        "accepted {}, attempts {}, answered 429 {}; the last after {} s (the last critical {} s); \
         the limit alone allows {} s",
        story.accepted.len(),
        story.attempts.len(),
        story.too_many,
        last.as_secs(),
        last_critical.as_secs(),
        1_000 * 60 / 120
    );
}
