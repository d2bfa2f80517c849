//! Collecting evidence from a log service that answers late, badly or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use pagetrail::alarm::{Alarm, Metric, sns};
use pagetrail::evidence::logs::{LogError, LogSource, Order, Page, Query};
use pagetrail::evidence::{Evidence, Limits, Line, Source, Step, collect};
use serde_json::json;
use tokio::time::Instant;

const ID: &str = "52fdfc07-2182-454f-963f-5f0f9a621d72";
const LIMITS: Limits = Limits { lines: 50, trails: 3, trail_lines: 100 };

type Answer = Result<Page<Line>, LogError>;

/// A log service that answers each call for events with the next prepared answer,
/// then with empty pages; `None` hangs.
#[derive(Default)]
struct Scripted {
    sources: Vec<Source>,
    filters_error: Option<LogError>,
    answers: Mutex<VecDeque<Option<Answer>>>,
    asked: Mutex<Vec<(Query, Option<String>, Duration)>>,
    started: Option<Instant>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Option<Answer>>) -> Self {
        Self {
            sources: vec![Source {
                log_group: "/aws/lambda/checkout".into(),
                pattern: "ERROR".into(),
            }],
            answers: Mutex::new(answers.into_iter().collect()),
            started: Some(Instant::now()),
            ..Self::default()
        }
    }

    fn queries(&self) -> Vec<(Query, Option<String>, Duration)> {
        self.asked.lock().unwrap().clone()
    }
}

impl LogSource for Scripted {
    async fn metric_filters(
        &self,
        _metric: &Metric,
        token: Option<&str>,
    ) -> Result<Page<Source>, LogError> {
        if let Some(error) = &self.filters_error {
            return Err(error.clone());
        }
        // One source a page.
        let at = token.map_or(0, |token| token.parse().unwrap());
        let next = (at + 1 < self.sources.len()).then(|| (at + 1).to_string());
        Ok(Page { items: self.sources.get(at).cloned().into_iter().collect(), next })
    }

    async fn events(&self, query: &Query, token: Option<&str>) -> Answer {
        let after = self.started.unwrap().elapsed();
        self.asked.lock().unwrap().push((query.clone(), token.map(str::to_owned), after));
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(Some(answer)) => answer,
            Some(None) => pending().await,
            None => Ok(Page { items: Vec::new(), next: None }),
        }
    }
}

fn alarm() -> Alarm {
    let message = json!({
        "AlarmName": "checkout-errors", "NewStateValue": "ALARM",
        "AlarmArn": "arn:aws:cloudwatch:ap-northeast-1:111122223333:alarm:checkout-errors",
        "NewStateReason": "Threshold Crossed: 1 datapoint [3.0 (14/11/26 03:05:00)] was greater",
        "StateChangeTime": "2026-11-14T03:06:35.472+0000",
        "Trigger": {"MetricName": "Errors", "Namespace": "Shop", "Period": 60,
            "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"},
    });
    sns::alarm(&message, &sns::home("us-east-1", "1")).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-11-14T03:06:36Z".parse().unwrap()
}

fn line(second: i64, text: &str) -> Line {
    Line {
        at: "2026-11-14T03:05:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second),
        log_group: "/aws/lambda/checkout".into(),
        stream: "2026/11/14/[$LATEST]a".into(),
        text: text.into(),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "beside None, which hangs")]
fn page(lines: impl IntoIterator<Item = Line>, next: Option<&str>) -> Option<Answer> {
    let page = Page { items: lines.into_iter().collect(), next: next.map(str::to_owned) };
    Some(Ok(page))
}

async fn evidence(logs: &Scripted, limits: Limits) -> Evidence {
    collect(&alarm(), logs, &limits, now(), Instant::now() + Duration::from_secs(20)).await
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_on_through_empty_pages() {
    let logs = Scripted::new([
        page([], Some("a")),
        page([], Some("b")),
        page([line(5, "ERROR one")], Some("c")),
        page([line(2, "ERROR two")], None),
    ]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&evidence.lines), ["ERROR two", "ERROR one"]);
    assert_eq!(evidence.matched.seen, 2);
    assert_eq!(evidence.notes, Vec::<String>::new());
    let tokens: Vec<_> = logs.queries().into_iter().map(|(_, token, _)| token).collect();
    assert_eq!(tokens, [None, Some("a".into()), Some("b".into()), Some("c".into())]);
    let (query, _, _) = &logs.queries()[0];
    assert_eq!(query.pattern, "ERROR");
    assert_eq!(query.order, Order::NewestFirst);
    assert_eq!(query.start.to_rfc3339(), "2026-11-14T03:04:30+00:00");
    assert_eq!(query.end.to_rfc3339(), "2026-11-14T03:06:30+00:00");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_never_ends_is_not_followed_for_ever() {
    let same = || page([], Some("again"));
    let logs = Scripted::new([same(), same(), same(), same(), same(), same()]);
    let mut alarm = alarm();
    alarm.reason = "test".into();
    let deadline = Instant::now() + Duration::from_secs(20);
    let evidence = collect(&alarm, &logs, &LIMITS, now(), deadline).await;
    assert_eq!(logs.queries().len(), 2);
    assert_eq!(evidence.notes.len(), 1, "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn the_newest_lines_win_and_all_are_counted() {
    let lines = (0..30).map(|second| line(second, &format!("ERROR {second}")));
    let more = (30..60).map(|second| line(second, &format!("ERROR {second}")));
    let logs = Scripted::new([page(lines, Some("x")), page(more, None)]);
    let evidence = evidence(&logs, Limits { lines: 3, ..LIMITS }).await;
    assert_eq!(texts(&evidence.lines), ["ERROR 57", "ERROR 58", "ERROR 59"]);
    assert_eq!(evidence.matched.seen, 60);
    assert!(!evidence.matched.at_least);
}

#[tokio::test(start_paused = true)]
async fn searches_again_for_lines_that_are_late() {
    let logs = Scripted::new([page([], None), page([], None), page([line(1, "ERROR late")], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&evidence.lines), ["ERROR late"]);
    assert_eq!(logs.queries().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn gives_up_on_late_lines_within_the_deadline_and_says_so() {
    let started = Instant::now();
    let logs = Scripted::new([]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(logs.queries().len(), 5);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(evidence.notes[0].contains("/aws/lambda/checkout"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_for_lines_that_need_not_exist() {
    let logs = Scripted::new([]);
    let mut alarm = alarm();
    alarm.reason = "test".into();
    let deadline = Instant::now() + Duration::from_secs(20);
    let evidence = collect(&alarm, &logs, &LIMITS, now(), deadline).await;
    assert_eq!(logs.queries().len(), 1);
    assert_eq!(evidence.notes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_gets_its_whole_trail_from_its_own_stream() {
    let failing = format!(r#"{{"level":"ERROR","message":"no","function_request_id":"{ID}"}}"#);
    let start = format!("START RequestId: {ID}");
    let report = format!("REPORT RequestId: {ID}");
    let logs = Scripted::new([
        page([line(9, &failing), line(20, "ERROR without id")], None),
        page([line(7, &start), line(9, &failing), line(11, &report)], None),
    ]);
    let evidence = evidence(&logs, LIMITS).await;
    let (query, _, _) = &logs.queries()[1];
    assert_eq!(query.pattern, format!("\"{ID}\""));
    assert_eq!(query.stream.as_deref(), Some("2026/11/14/[$LATEST]a"));
    assert_eq!(query.order, Order::OldestFirst);
    assert_eq!(evidence.trails.len(), 1);
    let shown: Vec<_> = evidence.trails[0]
        .steps
        .iter()
        .map(|step| match step {
            Step::Line(line) => line.text.clone(),
            Step::LeftOut(count) => format!("({count})"),
        })
        .collect();
    assert_eq!(shown, [start, failing, report]);
    let others: Vec<_> = evidence.lines_without_trail().map(|line| line.text.as_str()).collect();
    assert_eq!(others, ["ERROR without id"]);
}

#[tokio::test(start_paused = true)]
async fn a_trail_that_cannot_be_read_leaves_the_line_and_a_note() {
    let failing = format!(r#"{{"level":"ERROR","message":"no","function_request_id":"{ID}"}}"#);
    let logs = Scripted::new([page([line(9, &failing)], None), Some(Err(LogError::AccessDenied))]);
    let evidence = evidence(&logs, LIMITS).await;
    assert!(evidence.trails.is_empty());
    assert_eq!(evidence.lines_without_trail().count(), 1);
    assert!(evidence.notes[0].contains("logs:FilterLogEvents"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn an_id_with_pattern_syntax_is_never_searched() {
    let evil = r#"{"level":"ERROR","function_request_id":"x\" || { $.a = \"b\" } %.*%"}"#;
    let logs = Scripted::new([page([line(9, evil)], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(logs.queries().len(), 1);
    assert_eq!(evidence.lines.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_search_leaves_the_page_at_the_deadline() {
    let started = Instant::now();
    let logs = Scripted::new([page([line(3, "ERROR seen")], Some("more")), None]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    assert_eq!(texts(&evidence.lines), ["ERROR seen"]);
    assert!(evidence.matched.at_least);
    assert!(evidence.notes[0].contains("deadline"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn throttling_backs_off_and_goes_on() {
    let throttled = || Some(Err(LogError::Throttled));
    let logs = Scripted::new([throttled(), throttled(), page([line(3, "ERROR x")], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&evidence.lines), ["ERROR x"]);
    assert_eq!(evidence.notes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn one_log_group_that_fails_leaves_the_others() {
    let mut logs =
        Scripted::new([Some(Err(LogError::NotFound)), page([line(3, "ERROR other")], None)]);
    logs.sources.push(Source { log_group: "other".into(), pattern: "ERROR".into() });
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&evidence.lines), ["ERROR other"]);
    assert!(evidence.notes[0].contains("does not exist"), "{:?}", evidence.notes);
    assert!(evidence.notes[0].contains("/aws/lambda/checkout"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_up_is_said_with_the_permission() {
    let mut logs = Scripted::new([]);
    logs.filters_error = Some(LogError::AccessDenied);
    let denied = evidence(&logs, LIMITS).await;
    let note = &denied.notes[0];
    assert!(note.contains("logs:DescribeMetricFilters"), "{note}");
    assert!(note.contains("arn:aws:logs:ap-northeast-1:111122223333:log-group:*"), "{note}");

    let mut logs = Scripted::new([]);
    logs.sources.clear();
    let absent = evidence(&logs, LIMITS).await;
    assert!(absent.notes[0].contains("no metric filter"), "{:?}", absent.notes);
    assert!(absent.notes[0].contains("Shop/Errors"), "{:?}", absent.notes);
}
