//! What the page says on logs of many formats: an incident each in `tests/oncall`, with what an
//! on-call engineer would want to read. Prints the figures, and holds floors.
//!
//! `cargo nextest run --test all oncall --no-capture` prints them and each miss.

mod incident;
mod score;
mod source;

use pagetrail::alarm::intake::{self, Notice};
use pagetrail::aws::home;
use pagetrail::compose::Composer;
use pagetrail::evidence::{Collector, Evidence, Limits, Redacted};
use pagetrail::pagerduty::{BODY_LIMIT, Event, Severity};
use pagetrail::redact::Redactor;
use tokio::time::{Duration, Instant};

use incident::{Incident, incidents};
use score::{Score, Sums, score};
use source::Logs;

/// What is reached, less a little. In percent.
const TITLE: f64 = 97.0;
const IN_80_CHARACTERS: f64 = 97.0;
const KINDS: f64 = 96.0;
const BY_ID: (f64, f64) = (98.0, 98.0);
const BESIDE: (f64, f64) = (95.0, 80.0);

async fn page(incident: &Incident) -> (Evidence, Event) {
    let logs = Logs::of(incident);
    let redactor = Redactor::default();
    let notice = intake::read(&incident.notification(), &home("eu-west-1", "111122223333"));
    let Some(Notice::Alarm(mut alarm)) = notice.into_iter().next() else {
        panic!("{}: no alarm", incident.id)
    };
    let collector = Collector {
        logs: &Redacted { logs: &logs, redactor: &redactor },
        alarms: &logs,
        limits: Limits { lines: 50, trails: 3, trail_lines: 100 },
        trace_log_groups: &[],
        now: incident::now(),
        deadline: Instant::now() + Duration::from_secs(20),
    };
    let evidence = collector.collect(&mut alarm).await;
    let composer = Composer { severity: Severity::Error, account: None, limit: BODY_LIMIT - 256 };
    let event = composer.trigger(&alarm, &evidence, incident::now());
    (evidence, event)
}

#[tokio::test(start_paused = true)]
async fn the_page_names_the_fault() {
    let mut sums = Sums::default();
    for incident in incidents() {
        let (evidence, event) = page(&incident).await;
        let Score { misses, .. } = sums.add(score(&incident, &evidence, &event));
        if !misses.is_empty() {
            let title = event.payload.as_ref().map_or("", |payload| &payload.summary);
            println!("{} [{}]\n  {title}", incident.id, incident.format);
            for miss in misses {
                println!("   - {miss}");
            }
        }
    }
    println!("{sums}");
    assert!(sums.leaks == 0 && sums.lost == 0, "{sums}");
    assert!(sums.title() >= TITLE && sums.in_80() >= IN_80_CHARACTERS, "{sums}");
    assert!(sums.kinds() >= KINDS, "{sums}");
    let (by_id, beside) = (sums.by_id(), sums.beside());
    assert!(by_id.0 >= BY_ID.0 && by_id.1 >= BY_ID.1, "{sums}");
    assert!(beside.0 >= BESIDE.0 && beside.1 >= BESIDE.1, "{sums}");
}
