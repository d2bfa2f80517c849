//! Measures an alarm's way to PagerDuty: from invoking the function to PagerDuty's 202, with a delay in
//! every answer of AWS and PagerDuty.
//!
//! Run by `scripts/bench-alarm.sh`, which builds what is compared. Arguments:
//! `<pagetrail-lambda> [<node> <its arguments>…]`.

// A measurement that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns};
use support::aws::{Aws, EVENTS_QUEUE};
use support::http::Answer;
use support::lambda::{Lambda, Stage};
use support::pagerduty::{PagerDuty, taken};
use support::queue_items::record;

const WARM: usize = 11;
const COLD: usize = 7;
const DELAYS: [u64; 3] = [0, 20, 100];
/// Between two alarms, the limit on calls to CloudWatch Logs recovers, as it does between real alarms.
const PAUSE: Duration = Duration::from_millis(1_300);
const GROUP: &str = "/aws/lambda/shop-orders";
const STREAM: &str = "2025/02/02/[$LATEST]8a2d39c1f0e04d3b9d3b64dd1f8b0d11";
const ID: &str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";
/// All that is asked on the way, and beside it.
const OPERATIONS: [&str; 9] = [
    "ListTagsForResource",
    "DescribeMetricFilters",
    "FilterLogEvents",
    "SendMessage",
    "GetFunctionConfiguration",
    "DescribeAlarmHistory",
    "DescribeAlarms",
    "GetMetricData",
    "GetSecretValue",
];
/// The share of a processor that Lambda gives a function of 256 MB (1769 MB have one).
const SHARE: f64 = 256.0 / 1_769.0;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Cargo adds `--bench` to the arguments.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [pagetrail, node @ ..] = &arguments[..] else {
        eprintln!("bench-alarm: run scripts/bench-alarm.sh, which builds what is compared");
        return;
    };
    println!("from invoking the function to PagerDuty's 202, milliseconds");
    println!(
        "{:>6} {:>6} {:>11} {:>11} {:>11} {:>11} {:>7}",
        "", "delay", "Pagetrail", "its own", "processor", "Node", "ratio"
    );
    for delay in DELAYS {
        let delay = Duration::from_millis(delay);
        for cold in [false, true] {
            let ours = pagetrail_times(pagetrail, delay, cold).await;
            let theirs =
                if node.is_empty() { None } else { Some(node_times(node, delay, cold).await) };
            row(delay, cold, ours, theirs);
        }
    }
    println!(
        "its own: less five answers in sequence. processor: enrich's processor time for a warm alarm; \
         with the {:.0} % of a processor that 256 MB give, it takes {:.1} times as long.",
        SHARE * 100.0,
        1.0 / SHARE
    );
}

fn row(
    delay: Duration,
    cold: bool,
    (ours, processor): (Duration, Duration),
    node: Option<Duration>,
) {
    let state = if cold { "cold" } else { "warm" };
    let own = ours.saturating_sub(delay * 5);
    let (theirs, ratio) = match node {
        Some(node) => {
            let ratio = ours.as_secs_f64() / node.as_secs_f64();
            (format!("{:.1}", ms(node)), format!("{ratio:.2}"))
        }
        None => ("-".to_owned(), "-".to_owned()),
    };
    let processor = if cold { "-".to_owned() } else { format!("{:.1}", ms(processor)) };
    println!(
        "{state:>6} {:>6} {:>11.1} {:>11.1} {processor:>11} {theirs:>11} {ratio:>7}",
        delay.as_millis(),
        ms(ours),
        ms(own),
    );
}

/// AWS with one failing Powertools request, and PagerDuty; all answers take this long.
async fn stand_ins(delay: Duration) -> (Aws, PagerDuty) {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        logs.filter(GROUP, r#"{ $.level = "ERROR" }"#, NAMESPACE, METRIC);
        let line = |level: &str, message: &str| {
            format!(
                r#"{{"level":"{level}","location":"handler:22","message":"{message}","service":"orders","function_request_id":"{ID}"}}"#
            )
        };
        for (at, text) in [
            (0, format!("START RequestId: {ID} Version: $LATEST")),
            (100, line("INFO", "order 7 received")),
            (200, line("ERROR", "order 7 lost: no answer from the warehouse")),
            (300, format!("END RequestId: {ID}")),
            (310, format!("REPORT RequestId: {ID}\tDuration: 12.52 ms\tBilled Duration: 13 ms\t")),
        ] {
            logs.line(GROUP, STREAM, DATAPOINT + at, &text);
        }
    });
    for operation in OPERATIONS {
        aws.delay(operation, delay);
    }
    let pagerduty = PagerDuty::start().await;
    let answer = taken(&serde_json::json!({"dedup_key": "orders"}));
    pagerduty.always_where(|_| true, Answer::After(delay, Box::new(answer)));
    (aws, pagerduty)
}

/// The median from the invocation to the 202, and the processor time of enrich.
async fn pagetrail_times(program: &str, delay: Duration, cold: bool) -> (Duration, Duration) {
    let (aws, pagerduty) = stand_ins(delay).await;
    let enrich =
        || aws.enrich().program(program, &[]).variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
    let deliver = || aws.deliver(&pagerduty.url()).program(program, &[]);
    let mut times = Vec::new();
    let mut processor = Vec::new();
    if cold {
        for round in 0..COLD {
            let begun = Instant::now();
            let stage = enrich().start().await;
            let event = enriched(&aws, &stage, round).await;
            let sender = deliver().start().await;
            delivered(&sender, &event).await;
            times.push(begun.elapsed());
            stage.stop().await;
            sender.stop().await;
            tokio::time::sleep(PAUSE).await;
        }
    } else {
        let (stage, sender) = (enrich().start().await, deliver().start().await);
        for round in 0..=WARM {
            let used = processor_time(stage.process_id());
            let begun = Instant::now();
            let event = enriched(&aws, &stage, round).await;
            delivered(&sender, &event).await;
            // The first round connects.
            if round > 0 {
                times.push(begun.elapsed());
                processor.push(processor_time(stage.process_id()).saturating_sub(used));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    assert_eq!(pagerduty.requests().len(), if cold { COLD } else { WARM + 1 });
    let processor = if processor.is_empty() {
        Duration::ZERO
    } else {
        // The clock is coarse, so the mean says more than the median.
        processor.iter().sum::<Duration>() / u32::try_from(processor.len()).unwrap()
    };
    (median(&mut times), processor)
}

/// Invokes enrich with an alarm; returns the queued event as SQS hands it over.
async fn enriched(aws: &Aws, stage: &Lambda, round: usize) -> Value {
    let name = format!("orders-{round}");
    stage.invoke(&sns(&[alarm(&name)])).await.response();
    let sent = aws.sent(EVENTS_QUEUE);
    let message = sent.last().expect("an event is queued");
    let details = &message.body["event"]["payload"]["custom_details"];
    assert_eq!(details["3 trail 1"].as_array().map(Vec::len), Some(6), "{details:#}");
    let id = format!("m{round}");
    serde_json::json!({"Records": [record(&id, &message.group, &message.text)]})
}

async fn delivered(sender: &Lambda, event: &Value) {
    let answer = sender.invoke(event).await.response();
    assert_eq!(answer["batchItemFailures"], serde_json::json!([]), "{answer}");
}

async fn node_times(node: &[String], delay: Duration, cold: bool) -> Duration {
    let (aws, pagerduty) = stand_ins(delay).await;
    let [program, arguments @ ..] = node else { unreachable!() };
    let stage = || {
        Stage::new("handler")
            .program(program, arguments)
            .variable("AWS_ENDPOINT_URL", &aws.url())
            .variable("PAGERDUTY_URL", &pagerduty.url())
    };
    let event = sns(&[alarm("orders")]);
    let mut times = Vec::new();
    if cold {
        for _ in 0..COLD {
            let begun = Instant::now();
            let stage = stage().start().await;
            stage.invoke(&event).await.response();
            times.push(begun.elapsed());
            stage.stop().await;
        }
    } else {
        let stage = stage().start().await;
        for round in 0..=WARM {
            let begun = Instant::now();
            stage.invoke(&event).await.response();
            if round > 0 {
                times.push(begun.elapsed());
            }
        }
    }
    assert_eq!(pagerduty.requests().len(), if cold { COLD } else { WARM + 1 });
    median(&mut times)
}

/// The processor time of a process of one thread.
fn processor_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap();
    let nanoseconds: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
