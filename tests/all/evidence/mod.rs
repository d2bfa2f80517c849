//! Collecting evidence from a log service that answers late, badly or not at all.

mod around;
mod claims;
mod invocations;
mod no_lines;
mod search;
mod sources;
mod stored;
mod trails;

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use pagetrail::alarm::intake::{self, Notice};
use pagetrail::alarm::tags::Tags;
use pagetrail::alarm::{Alarm, Metric};
use pagetrail::aws::home;
use pagetrail::evidence::ports::{
    AlarmSource, LogSource, LookupError, MetricFilter, Order, Page, Query,
};
use pagetrail::evidence::{Collector, Evidence, Limits, Part, Step};
use pagetrail::lines::Line;
use pagetrail::zone::Zone;
use serde_json::{Value, json};
use tokio::time::Instant;

const ID: &str = "52fdfc07-2182-454f-963f-5f0f9a621d72";
const LIMITS: Limits = Limits { lines: 50, trails: 3, trail_lines: 100 };

type Answer = Result<Page<Line>, LookupError>;

/// A log service that answers each call for events with the next prepared answer,
/// then with empty pages; `None` hangs.
struct Scripted {
    filters: Vec<MetricFilter>,
    filters_error: Option<LookupError>,
    answers: Mutex<VecDeque<Option<Answer>>>,
    asked: Mutex<Vec<(Query, Option<String>, Duration)>>,
    started: Option<Instant>,
    tags: Result<Tags, LookupError>,
    alarms: Vec<Alarm>,
    groups: Vec<String>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Option<Answer>>) -> Self {
        Self {
            filters: vec![MetricFilter {
                log_group: "/aws/lambda/checkout".into(),
                pattern: "ERROR".into(),
            }],
            filters_error: None,
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
            started: Some(Instant::now()),
            tags: Ok(Tags::new()),
            alarms: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The searches for a pattern: neither those beside a line nor for the last lines.
    fn searches(&self) -> Vec<Query> {
        let queries = self.queries().into_iter().map(|(query, ..)| query);
        queries.filter(|query| !query.pattern.is_empty()).collect()
    }

    fn patterns(&self) -> Vec<String> {
        self.queries().into_iter().map(|(query, ..)| query.pattern).collect()
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
    ) -> Result<Page<MetricFilter>, LookupError> {
        if let Some(error) = &self.filters_error {
            return Err(error.clone());
        }
        // One source a page.
        let at = token.map_or(0, |token| token.parse().unwrap());
        let next = (at + 1 < self.filters.len()).then(|| (at + 1).to_string());
        Ok(Page { items: self.filters.get(at).cloned().into_iter().collect(), next })
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

    async fn log_groups(&self, prefix: &str) -> Result<Vec<String>, LookupError> {
        let found = self.groups.iter().filter(|group| group.starts_with(prefix));
        Ok(found.cloned().collect())
    }
}

impl AlarmSource for Scripted {
    async fn tags(&self, _arn: &str) -> Result<Tags, LookupError> {
        self.tags.clone()
    }

    async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>, LookupError> {
        let known = self.alarms.iter().filter(|alarm| names.contains(&alarm.name));
        Ok(known.cloned().collect())
    }

    async fn function_log_group(&self, function: &str) -> Result<String, LookupError> {
        match function {
            "custom" => Ok("/my/own/group".to_owned()),
            "denied" => Err(LookupError::AccessDenied),
            _ => Err(LookupError::NotFound),
        }
    }

    async fn rule_functions(&self, _rule: &str) -> Result<Vec<String>, LookupError> {
        Ok(vec!["custom".to_owned(), "other".to_owned()])
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
    alarm_in(&message)
}

/// An alarm whose datapoint proves no line.
fn too_low() -> Alarm {
    let mut alarm = alarm();
    alarm.evaluation.comparison = Some("LessThanThreshold".into());
    alarm
}

fn alarm_in(message: &Value) -> Alarm {
    match intake::read(message, &home("us-east-1", "1")).remove(0) {
        Notice::Alarm(alarm) => *alarm,
        Notice::Message(message) => panic!("{message:?}"),
    }
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
    collect(&alarm(), logs, limits).await
}

async fn collect(alarm: &Alarm, logs: &Scripted, limits: Limits) -> Evidence {
    collect_and_tag(&mut alarm.clone(), logs, limits).await
}

async fn collect_and_tag(alarm: &mut Alarm, logs: &Scripted, limits: Limits) -> Evidence {
    let deadline = Instant::now() + Duration::from_secs(20);
    let groups = ["/trace/*".to_owned(), "gateway".to_owned()];
    let collector = Collector {
        logs,
        alarms: logs,
        limits,
        trace_log_groups: &groups,
        zone: Zone::UTC,
        now: now(),
        deadline,
    };
    collector.collect(alarm).await
}

/// The one part of a plain alarm's evidence.
fn part(evidence: &Evidence) -> &Part {
    assert_eq!(evidence.parts.len(), 1);
    &evidence.parts[0]
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}
