//! Collecting evidence from a log service that answers late, badly or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

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
    let collector =
        Collector { logs, alarms: logs, limits, trace_log_groups: &groups, now: now(), deadline };
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

#[tokio::test(start_paused = true)]
async fn pages_on_through_empty_pages() {
    let logs = Scripted::new([
        page([], Some("a")),
        page([], Some("b")),
        page([line(5, "ERROR one")], Some("c")),
        page([line(2, "ERROR two")], None),
    ]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR two", "ERROR one"]);
    assert_eq!(part(&evidence).matched.seen, 2);
    assert_eq!(evidence.notes, Vec::<String>::new());
    let of_filter = logs.queries().into_iter().filter(|(query, ..)| query.pattern == "ERROR");
    let tokens: Vec<_> = of_filter.map(|(_, token, _)| token).collect();
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
    let evidence = collect(&too_low(), &logs, LIMITS).await;
    assert_eq!(logs.queries().len(), 2);
    assert_eq!(evidence.notes.len(), 1, "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn the_newest_lines_win_and_all_are_counted() {
    let lines = (0..30).map(|second| line(second, &format!("ERROR {second}")));
    let more = (30..60).map(|second| line(second, &format!("ERROR {second}")));
    let logs = Scripted::new([page(lines, Some("x")), page(more, None)]);
    let evidence = evidence(&logs, Limits { lines: 3, ..LIMITS }).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR 57", "ERROR 58", "ERROR 59"]);
    assert_eq!(part(&evidence).matched.seen, 60);
    assert!(!part(&evidence).matched.at_least);
}

#[tokio::test(start_paused = true)]
async fn searches_again_for_lines_that_are_late() {
    let logs = Scripted::new([page([], None), page([], None), page([line(1, "ERROR late")], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR late"]);
    assert_eq!(logs.patterns(), ["ERROR", "ERROR", "ERROR", "", ""]);
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
    let evidence = collect(&too_low(), &logs, LIMITS).await;
    assert_eq!(logs.queries().len(), 1);
    assert_eq!(evidence.notes.len(), 1);
}

/// An alarm that somebody set by hand: no datapoint says when.
fn set_by_hand() -> Alarm {
    let mut alarm = alarm();
    alarm.datapoints.clear();
    alarm
}

/// When a query began and ended, to the second.
fn times(query: &Query) -> (String, String) {
    let time = |at: DateTime<Utc>| at.format("%H:%M:%S").to_string();
    (time(query.start), time(query.end))
}

#[tokio::test(start_paused = true)]
async fn looks_ten_minutes_back_where_no_datapoint_says_when_and_says_so() {
    let logs = Scripted::new([page([], None), page([line(-300, "ERROR early")], None)]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    let part = part(&evidence);
    assert_eq!(texts(&part.lines), ["ERROR early"]);
    let asked: Vec<_> = logs.queries().iter().map(|(query, ..)| times(query)).take(2).collect();
    let end = "03:06:36".to_owned();
    assert_eq!(asked, [("03:05:05".into(), end.clone()), ("02:56:35".into(), end)]);
    assert_eq!(part.window.start.format("%H:%M:%S").to_string(), "02:56:35");
    assert_eq!(part.span, part.window, "the title speaks of the time that was searched");
    let note = &evidence.notes[0];
    assert!(note.contains("03:05:05 to 03:06:36 UTC") && note.contains("from 02:56:35"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_ten_minutes_back_either_is_said_of_all_that_time() {
    let logs = Scripted::new([]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    assert_eq!(logs.queries().len(), 2);
    assert_eq!(evidence.notes.len(), 1);
    assert!(evidence.notes[0].contains("between 2026-11-14 02:56:35 and"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn looks_back_no_further_than_needed() {
    let logs = Scripted::new([page([line(30, "ERROR x")], None)]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    assert!(logs.patterns()[1..].iter().all(String::is_empty), "the trail's searches only");
    assert_eq!(evidence.notes, Vec::<String>::new());

    let logs = Scripted::new([Some(Err(LookupError::AccessDenied))]);
    let _ = collect(&set_by_hand(), &logs, LIMITS).await;
    assert_eq!(logs.queries().len(), 1, "what was not read is not empty");
}

#[tokio::test(start_paused = true)]
async fn looking_back_ends_at_the_deadline() {
    let started = Instant::now();
    let logs = Scripted::new([page([], None), None]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    assert!(evidence.notes[0].contains("deadline"), "{:?}", evidence.notes);
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
    let evidence = evidence(&logs, Limits { trails: 1, ..LIMITS }).await;
    let (query, _, _) = &logs.queries()[1];
    assert_eq!(query.pattern, format!("\"{ID}\""));
    assert_eq!(query.stream.as_deref(), Some("2026/11/14/[$LATEST]a"));
    assert_eq!(query.order, Order::OldestFirst);
    let kinds = &part(&evidence).kinds;
    let with_id = kinds.iter().find(|kind| kind.example.text == failing).unwrap();
    let shown: Vec<_> = with_id
        .trail
        .as_ref()
        .unwrap()
        .steps
        .iter()
        .map(|step| match step {
            Step::Line(line) => line.text.clone(),
            Step::LeftOut(count) => format!("({count})"),
        })
        .collect();
    assert_eq!(shown, [start, failing, report]);
    let others: Vec<_> =
        part(&evidence).lines_without_trail().map(|line| line.text.as_str()).collect();
    assert_eq!(others, ["ERROR without id"]);
}

#[tokio::test(start_paused = true)]
async fn a_trail_that_cannot_be_read_leaves_the_line_and_a_note() {
    let failing = format!(r#"{{"level":"ERROR","message":"no","function_request_id":"{ID}"}}"#);
    let logs =
        Scripted::new([page([line(9, &failing)], None), Some(Err(LookupError::AccessDenied))]);
    let evidence = evidence(&logs, LIMITS).await;
    assert!(part(&evidence).kinds[0].trail.is_none());
    assert_eq!(part(&evidence).lines_without_trail().count(), 1);
    assert!(evidence.notes[0].contains("logs:FilterLogEvents"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn an_id_with_pattern_syntax_is_never_searched() {
    let evil = r#"{"level":"ERROR","function_request_id":"x\" || { $.a = \"b\" } %.*%"}"#;
    let logs = Scripted::new([page([line(9, evil)], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(logs.patterns(), ["ERROR", "", ""]);
    assert_eq!(part(&evidence).lines.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_search_leaves_the_page_at_the_deadline() {
    let started = Instant::now();
    let logs = Scripted::new([page([line(3, "ERROR seen")], Some("more")), None]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    assert_eq!(texts(&part(&evidence).lines), ["ERROR seen"]);
    assert!(part(&evidence).matched.at_least);
    assert!(evidence.notes[0].contains("deadline"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn throttling_backs_off_and_goes_on() {
    let throttled = || Some(Err(LookupError::Throttled));
    let logs = Scripted::new([throttled(), throttled(), page([line(3, "ERROR x")], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR x"]);
    assert_eq!(evidence.notes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn one_log_group_that_fails_leaves_the_others() {
    let mut logs =
        Scripted::new([Some(Err(LookupError::NotFound)), page([line(3, "ERROR other")], None)]);
    logs.filters.push(MetricFilter { log_group: "other".into(), pattern: "ERROR".into() });
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR other"]);
    assert!(evidence.notes[0].contains("does not exist"), "{:?}", evidence.notes);
    assert!(evidence.notes[0].contains("/aws/lambda/checkout"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_up_is_said_with_the_permission() {
    let mut logs = Scripted::new([]);
    logs.filters_error = Some(LookupError::AccessDenied);
    let denied = evidence(&logs, LIMITS).await;
    let note = &denied.notes[0];
    assert!(note.contains("logs:DescribeMetricFilters"), "{note}");
    assert!(note.contains("arn:aws:logs:ap-northeast-1:111122223333:log-group:*"), "{note}");

    let mut logs = Scripted::new([]);
    logs.filters.clear();
    let absent = evidence(&logs, LIMITS).await;
    assert!(absent.notes[0].contains("no metric filter"), "{:?}", absent.notes);
    assert!(absent.notes[0].contains("Shop/Errors"), "{:?}", absent.notes);
}

#[tokio::test(start_paused = true)]
async fn a_line_without_an_id_is_shown_among_its_neighbours() {
    let error = "ERROR at com.example.Shop";
    let logs = Scripted::new([
        page([line(9, error)], None),
        page([line(8, "before"), line(9, error)], None),
        page([line(9, error), line(9, "\tat com.example.Main"), line(12, "after")], None),
    ]);
    let evidence = evidence(&logs, LIMITS).await;
    let trail = part(&evidence).kinds[0].trail.as_ref().unwrap();
    assert_eq!(trail.correlation, None);
    let shown: Vec<_> = trail.steps.iter().map(step_text).collect();
    assert_eq!(shown, ["before", error, "\tat com.example.Main", "after"]);
    let (before, ..) = &logs.queries()[1];
    assert_eq!((before.order, before.pattern.as_str()), (Order::NewestFirst, ""));
    assert_eq!(before.stream.as_deref(), Some("2026/11/14/[$LATEST]a"));
}

fn step_text(step: &Step) -> &str {
    match step {
        Step::Line(line) => &line.text,
        Step::LeftOut(_) => "(left out)",
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_searched_in_the_named_log_groups_too() {
    let trace = "1-67891233-abcdef012345678912345678";
    let mut logs = Scripted::new([page([line(9, &format!("ERROR trace_id={trace}"))], None)]);
    logs.groups = vec!["/trace/a".into(), "/trace/b".into(), "/other".into()];
    let _ = evidence(&logs, LIMITS).await;
    let searched: Vec<_> = logs
        .queries()
        .into_iter()
        .filter(|(query, ..)| query.pattern.contains(trace))
        .map(|(query, ..)| (query.log_group, query.stream))
        .collect();
    let group = |name: &str| (name.to_owned(), None);
    assert_eq!(
        searched,
        [group("/aws/lambda/checkout"), group("/trace/a"), group("/trace/b"), group("gateway")]
    );
}

#[tokio::test(start_paused = true)]
async fn tags_say_where_to_look_before_anything_else() {
    let mut logs = Scripted::new([]);
    logs.tags = Ok(Tags::from([
        (
            "pagetrail:log-group".to_owned(),
            "/mine arn:aws:logs:eu-west-1:2:log-group:/b".to_owned(),
        ),
        ("pagetrail:pattern".to_owned(), "?Oops ?\"no stock\"".to_owned()),
    ]));
    let mut alarm = alarm();
    let _ = collect_and_tag(&mut alarm, &logs, LIMITS).await;
    let searched: Vec<_> =
        logs.queries().into_iter().map(|(query, ..)| (query.log_group, query.pattern)).collect();
    let of = |group: &str| (group.to_owned(), "?Oops ?\"no stock\"".to_owned());
    assert_eq!(searched, [of("/mine"), of("arn:aws:logs:eu-west-1:2:log-group:/b")]);
    assert_eq!(alarm.tags.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tag_can_ask_for_any_of_several_words() {
    let mut logs = Scripted::new([]);
    let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    logs.tags = Ok(Tags::from([
        tag("pagetrail:log-group", "/mine"),
        tag("pagetrail:pattern", "any: ERROR level=fatal"),
    ]));
    let _ = evidence(&logs, LIMITS).await;
    assert_eq!(logs.patterns()[0], r#"?"ERROR" ?"level=fatal""#);
}

#[tokio::test(start_paused = true)]
async fn unreadable_tags_cost_little_time_and_nothing_else() {
    let started = Instant::now();
    let mut logs = Scripted::new([page([line(9, "ERROR x")], None)]);
    logs.tags = Err(LookupError::Unavailable("no connection".into()));
    let evidence = evidence(&logs, LIMITS).await;
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert_eq!(part(&evidence).lines.len(), 1);
    assert!(evidence.notes[0].contains("cloudwatch:ListTagsForResource"), "{:?}", evidence.notes);
}

fn metric_alarm(name: &str, namespace: &str, dimension: (&str, &str)) -> Alarm {
    alarm_in(&json!({
        "AlarmName": name, "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 datapoint [3.0 (14/11/26 03:05:00)] was greater",
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"),
        "StateChangeTime": "2026-11-14T03:06:35.472+0000",
        "Trigger": {"MetricName": "Errors", "Namespace": namespace, "Period": 60,
            "EvaluationPeriods": 1, "Dimensions": [{"name": dimension.0, "value": dimension.1}]},
    }))
}

async fn groups_searched(alarm: &Alarm, logs: &Scripted) -> (Vec<String>, Evidence) {
    let evidence = collect(alarm, logs, LIMITS).await;
    (logs.queries().into_iter().map(|(query, ..)| query.log_group).collect(), evidence)
}

#[tokio::test(start_paused = true)]
async fn aws_metrics_lead_to_their_log_groups() {
    for (alarm, expected) in [
        (metric_alarm("a", "AWS/Lambda", ("FunctionName", "custom")), vec!["/my/own/group"]),
        (metric_alarm("a", "AWS/Lambda", ("FunctionName", "gone")), vec!["/aws/lambda/gone"]),
        (
            metric_alarm("a", "AWS/Events", ("RuleName", "nightly")),
            vec!["/aws/lambda/other", "/my/own/group"],
        ),
        (
            metric_alarm("a", "AWS/RDS", ("DBInstanceIdentifier", "db")),
            vec!["/aws/rds/instance/db/error", "/aws/rds/instance/db/postgresql"],
        ),
    ] {
        let mut logs = Scripted::new([]);
        logs.filters.clear();
        let (groups, evidence) = groups_searched(&alarm, &logs).await;
        assert_eq!(groups, expected, "{:?}", alarm.metrics);
        assert_eq!(evidence.notes.len(), 1, "{:?}", evidence.notes);
    }
    let mut logs = Scripted::new([]);
    let denied = metric_alarm("a", "AWS/Lambda", ("FunctionName", "denied"));
    logs.filters.clear();
    let (groups, evidence) = groups_searched(&denied, &logs).await;
    assert_eq!(groups, ["/aws/lambda/denied"]);
    let note = &evidence.notes[0];
    assert!(note.contains("lambda:GetFunctionConfiguration"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn a_log_group_of_the_infrequent_access_class_is_explained() {
    let logs = Scripted::new([Some(Err(LookupError::LogClass))]);
    let evidence = evidence(&logs, LIMITS).await;
    assert!(evidence.notes[0].contains("Infrequent Access"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn a_composite_alarm_brings_the_evidence_of_its_children() {
    let composite = alarm_in(&json!({
        "AlarmName": "shop", "NewStateValue": "ALARM", "NewStateReason": "x",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:shop",
        "AlarmRule": "ALARM(\"one\") OR ALARM(inner) OR ALARM(fine)",
    }));
    let mut inner = composite.clone();
    inner.name = "inner".into();
    inner.composite.as_mut().unwrap().rule = Some("ALARM(two) AND ALARM(shop)".into());
    let mut fine = metric_alarm("fine", "AWS/Lambda", ("FunctionName", "f"));
    fine.state = pagetrail::alarm::State::Ok;
    let mut logs = Scripted::new([page([line(3, "ERROR first")], None)]);
    logs.filters.clear();
    logs.alarms = vec![
        metric_alarm("one", "AWS/Lambda", ("FunctionName", "one")),
        inner,
        metric_alarm("two", "AWS/Lambda", ("FunctionName", "two")),
        fine,
        composite.clone(),
    ];
    let evidence = collect(&composite, &logs, LIMITS).await;
    let children: Vec<_> = evidence.parts.iter().map(|part| part.child.as_deref()).collect();
    assert_eq!(children, [Some("one"), Some("two")]);
    assert_eq!(evidence.parts[0].sources[0].log_group, "/aws/lambda/one");
    assert_eq!(evidence.parts[1].sources[0].log_group, "/aws/lambda/two");
}

#[tokio::test(start_paused = true)]
async fn the_lines_a_log_alarm_carries_are_kept_and_followed() {
    let mut alarm = alarm();
    alarm.carried = vec![pagetrail::alarm::CarriedLine {
        at: Some(now()),
        log_group: Some("/app".into()),
        stream: Some("s".into()),
        text: "ERROR correlation_id=abcdefgh-1".into(),
    }];
    let logs = Scripted::new([]);
    let evidence = collect(&alarm, &logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR correlation_id=abcdefgh-1"]);
    let (query, ..) = &logs.queries()[0];
    assert_eq!((query.log_group.as_str(), query.pattern.as_str()), ("/app", "\"abcdefgh-1\""));
}
