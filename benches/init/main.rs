//! Measures starting and memory: spawn → first `/next`, and the peak of one large alarm.
//!
//! Run by `scripts/bench-init.sh`, which builds what is compared. Arguments:
//! `<pagetrail-lambda> <bare> [<node> <its arguments>…]`.

// A measurement that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns};
use support::aws::Aws;

const ROUNDS: usize = 25;
const LINES: i64 = 10_000;
const MEMORY_RUNS: usize = 3;
const GROUP: &str = "/aws/lambda/shop-orders";

struct Contestant {
    name: &'static str,
    command: Vec<String>,
    times: Vec<Duration>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Cargo adds `--bench` to the arguments.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [pagetrail, bare, node @ ..] = &arguments[..] else {
        eprintln!("bench-init: run scripts/bench-init.sh, which builds what is compared");
        return;
    };
    println!("machine: {}", machine());
    starting(pagetrail, bare, node).await;
    memory(pagetrail).await;
}

async fn starting(pagetrail: &str, bare: &str, node: &[String]) {
    let contestant = |name, command: &[String]| Contestant {
        name,
        command: command.to_vec(),
        times: Vec::new(),
    };
    let mut contestants = vec![
        contestant("minimal lambda_runtime", &[bare.to_owned()]),
        contestant("pagetrail enrich", &[pagetrail.to_owned()]),
    ];
    if !node.is_empty() {
        contestants.push(contestant("Node, SDK v3 + axios", node));
    }
    let aws = Aws::start().await;
    // Turn by turn, so that whatever else the machine does disturbs all alike. The first
    // round only warms the file cache.
    for round in 0..=ROUNDS {
        for contestant in &mut contestants {
            let [program, arguments @ ..] = &contestant.command[..] else { unreachable!() };
            let lambda = aws.enrich().program(program, arguments).start().await;
            let time = lambda.time_to_ready().await;
            if round > 0 {
                contestant.times.push(time);
            }
            // A process that is still being taken down would disturb the next start.
            lambda.stop().await;
        }
    }
    println!("\nspawn → first /next, {ROUNDS} interleaved runs each");
    println!("{:<22} {:>9} {:>9} {:>9} {:>8}", "program", "median", "least", "most", "ratio");
    let of_bare = median(&mut contestants[0].times);
    let mut medians = Vec::new();
    for contestant in &mut contestants {
        let median = median(&mut contestant.times);
        medians.push(median);
        println!(
            "{:<22} {:>6.2} ms {:>6.2} ms {:>6.2} ms {:>8.2}",
            contestant.name,
            milliseconds(median),
            milliseconds(contestant.times[0]),
            milliseconds(*contestant.times.last().unwrap()),
            median.as_secs_f64() / of_bare.as_secs_f64(),
        );
    }
    let against_bare = medians[1].as_secs_f64() / medians[0].as_secs_f64();
    println!("enrich vs minimal: {against_bare:.2}× ({})", aim(against_bare <= 2.0, "at most 2×"));
    if let Some(node) = medians.get(2) {
        let faster = node.as_secs_f64() / medians[1].as_secs_f64();
        println!("enrich vs Node: {faster:.0}× as fast ({})", aim(faster >= 50.0, "at least 50×"));
    }
}

/// Peak memory of a fresh process that handles one alarm with many matching lines.
async fn memory(pagetrail: &str) {
    let aws = Aws::start().await;
    let mut bytes = 0;
    aws.logs(|logs| {
        logs.filter(GROUP, r#"{ $.level = "ERROR" }"#, NAMESPACE, METRIC);
        for number in 0..LINES {
            let line = format!(
                r#"{{"level":"ERROR","location":"handler:22","message":"order {number} lost: no answer from the warehouse","timestamp":"2025-02-02 12:05:10,650+0000","service":"orders","cold_start":false,"function_name":"shop-orders","function_memory_size":"128","function_request_id":"c6af9ac6-7b61-11e6-9a41-{number:012x}","xray_trace_id":"1-5bef4de7-ad49b0e87f6ef6c87fc2e700"}}"#
            );
            bytes += line.len();
            logs.line(GROUP, &format!("stream-{}", number % 20), DATAPOINT + number, &line);
        }
    });
    println!(
        "\npeak memory (VmHWM) of enrich, one alarm with {LINES} matching lines ({bytes} bytes)"
    );
    let mut most = 0;
    for _ in 0..MEMORY_RUNS {
        let lambda = aws.enrich().program(pagetrail, &[]).start().await;
        lambda.ready().await;
        let idle = peak_kib(lambda.process_id());
        let begun = Instant::now();
        lambda.invoke(&sns(&[alarm("orders")])).await.response();
        let took = begun.elapsed();
        let peak = peak_kib(lambda.process_id());
        println!("{:.1} MiB (ready: {:.1} MiB) in {took:.1?}", mib(peak), mib(idle));
        most = most.max(peak);
    }
    let event = &aws.sent(support::aws::EVENTS_QUEUE)[0].body["event"];
    let seen = &event["payload"]["custom_details"]["1 errors"];
    println!("what the event says it saw: {seen}");
    println!("most: {:.1} MiB ({})", mib(most), aim(mib(most) <= 30.0, "at most 30"));
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn mib(kib: u32) -> f64 {
    f64::from(kib) / 1024.0
}

fn aim(met: bool, aim: &str) -> String {
    format!("{}: {aim}", if met { "aim met" } else { "AIM MISSED" })
}

fn peak_kib(process: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("Linux's /proc");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let architecture = std::env::consts::ARCH;
    format!("{model}, {cores} cores, {architecture}, Linux {}, load {load}", kernel.trim())
}
