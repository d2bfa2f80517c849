//! Where to look: what the user tagged, else the metric filters, else the table of AWS metrics.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::calls::Calls;
use super::notes::{Asked, explain, no_source};
use super::ports::{AlarmSource, LogSource, LookupError, MetricFilter};
use super::table::{self, ERRORS, Group, Place};
use crate::alarm::{Alarm, Metric};
use crate::aws::Origin;

/// Log groups that one alarm's evidence is searched in; each costs a call or more.
const MOST_SOURCES: usize = 10;

/// A log group to be searched, and for what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// A name, or an ARN where the log group is in another account.
    pub log_group: String,
    /// CloudWatch Logs filter pattern; empty matches every line.
    pub pattern: String,
    pub why: Why,
}

/// What led to a log group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    Tag,
    MetricFilter,
    /// The table from AWS metrics to log groups: a guess, if a good one.
    Table,
}

/// The sources of one alarm, and what could not be found out.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sources: Vec<Source>,
    pub(super) notes: Vec<String>,
}

/// Looks in the order tags, metric filters, table; the first that answers, for each
/// metric on its own. `tags` are the alarm's own.
pub(super) async fn find(
    alarm: &Alarm,
    tags: &BTreeMap<String, String>,
    logs: &impl LogSource,
    alarms: &impl AlarmSource,
    calls: &Calls,
) -> Found {
    let mut found = tagged(tags);
    if found.sources.is_empty() {
        let (filtered, unfed) = filtered(alarm, logs, calls).await;
        found.add(filtered);
        found.add(tabled(&unfed, alarm, tags, logs, alarms, calls).await);
    }
    found.sources.sort();
    found.sources.dedup_by(|a, b| a.log_group == b.log_group && a.pattern == b.pattern);
    if found.sources.len() > MOST_SOURCES {
        let left = found.sources.split_off(MOST_SOURCES);
        found.notes.push(format!(
            "only {MOST_SOURCES} log groups were searched; {} more feed this alarm.",
            left.len()
        ));
    }
    if found.sources.is_empty() && found.notes.is_empty() {
        found.notes.push(no_source(alarm));
    }
    found
}

impl Found {
    fn add(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.notes.extend(other.notes);
    }
}

/// `pagetrail:log-group` names log groups, separated by spaces; `pagetrail:pattern` is
/// what to look for in them.
fn tagged(tags: &BTreeMap<String, String>) -> Found {
    let groups = tags.get("pagetrail:log-group").map(String::as_str).unwrap_or_default();
    let pattern = tagged_pattern(tags).unwrap_or_else(|| ERRORS.to_owned());
    let sources = groups.split_whitespace().map(|group| Source {
        // The console shows a log group's ARN with `:*` behind it, which no search takes.
        log_group: group.trim_end_matches(":*").to_owned(),
        pattern: pattern.clone(),
        why: Why::Tag,
    });
    Found { sources: sources.collect(), notes: Vec::new() }
}

/// What `pagetrail:pattern` asks for. A tag's value may hold letters, digits, spaces and
/// `+ - = . _ : / @` only, so `any: ERROR FATAL` stands for the pattern `?"ERROR" ?"FATAL"`;
/// anything else is a pattern as it is.
fn tagged_pattern(tags: &BTreeMap<String, String>) -> Option<String> {
    let value = tags.get("pagetrail:pattern")?.trim();
    let Some(words) = value.strip_prefix("any:") else { return Some(value.to_owned()) };
    let terms: Vec<String> = words
        .split_whitespace()
        .map(|word| word.replace(['"', '\\'], ""))
        .map(|word| format!("?\"{word}\""))
        .collect();
    Some(terms.join(" ")).filter(|pattern| !pattern.is_empty())
}

/// The sources that metric filters name, and the metrics that no filter feeds.
async fn filtered<'a>(
    alarm: &'a Alarm,
    logs: &impl LogSource,
    calls: &Calls,
) -> (Found, Vec<&'a Metric>) {
    let is_aws = |metric: &&Metric| table::is_aws(&metric.namespace);
    let (mut unfed, own): (Vec<_>, Vec<_>) = alarm.metrics.iter().partition(is_aws);
    let asked = join_all(own.iter().map(|metric| filters(metric, logs, calls))).await;
    let mut found = Found::default();
    for (metric, (filters, error)) in own.into_iter().zip(asked) {
        if filters.is_empty() {
            unfed.push(metric);
        }
        found.sources.extend(filters.into_iter().map(|filter| Source {
            log_group: filter.log_group,
            pattern: filter.pattern,
            why: Why::MetricFilter,
        }));
        let what = "no log lines: the metric filters of this alarm could not be read";
        let note = error.map(|error| explain(what, &error, &Asked::filters(&alarm.origin)));
        found.notes.extend(note);
    }
    found.notes.dedup();
    (found, unfed)
}

async fn filters(
    metric: &Metric,
    logs: &impl LogSource,
    calls: &Calls,
) -> (Vec<MetricFilter>, Option<LookupError>) {
    let mut filters = Vec::new();
    let mut token: Option<String> = None;
    loop {
        match calls.make(|| logs.metric_filters(metric, token.as_deref())).await {
            Err(error) => return (filters, Some(error)),
            Ok(page) => {
                filters.extend(page.items);
                if page.next.is_none() || page.next == token {
                    return (filters, None);
                }
                token = page.next;
            }
        }
    }
}

async fn tabled(
    metrics: &[&Metric],
    alarm: &Alarm,
    tags: &BTreeMap<String, String>,
    logs: &impl LogSource,
    alarms: &impl AlarmSource,
    calls: &Calls,
) -> Found {
    // Several metrics of one resource lead to the same place, which is asked about once.
    let mut places: Vec<(Option<&str>, Place)> = Vec::new();
    for metric in metrics {
        let account = metric.account.as_deref();
        for place in table::places(metric) {
            if !places.iter().any(|known| known.0 == account && known.1 == place) {
                places.push((account, place));
            }
        }
    }
    let resolved = places.iter().map(|(account, place)| async move {
        let (groups, note) = resolve(place, alarm, logs, alarms, calls).await;
        let pattern = tagged_pattern(tags).unwrap_or_else(|| place.pattern.to_owned());
        let sources = groups.into_iter().map(|group| Source {
            log_group: in_account(group, *account, alarm),
            pattern: pattern.clone(),
            why: Why::Table,
        });
        Found { sources: sources.collect(), notes: note.into_iter().collect() }
    });
    let mut found = Found::default();
    join_all(resolved).await.into_iter().for_each(|part| found.add(part));
    found
}

/// The names of the log groups at a place.
async fn resolve(
    place: &Place,
    alarm: &Alarm,
    logs: &impl LogSource,
    alarms: &impl AlarmSource,
    calls: &Calls,
) -> (Vec<String>, Option<String>) {
    let at = &alarm.origin;
    match &place.group {
        Group::Named(name) => (vec![name.clone()], None),
        Group::Like { prefix, suffix } => match calls.make(|| logs.log_groups(prefix)).await {
            Ok(names) => {
                (names.into_iter().filter(|name| name.ends_with(suffix.as_str())).collect(), None)
            }
            Err(error) => {
                let what = format!("no log lines: the log groups {prefix}… could not be listed");
                (Vec::new(), Some(explain(&what, &error, &Asked::groups())))
            }
        },
        Group::OfFunction(name) => {
            let (group, note) = function_group(name, alarm, alarms, calls).await;
            (vec![group], note)
        }
        Group::OfRule(rule) => match calls.make(|| alarms.rule_functions(rule)).await {
            Ok(functions) => {
                let groups =
                    functions.iter().map(|name| function_group(name, alarm, alarms, calls));
                let (groups, notes): (Vec<_>, Vec<_>) = join_all(groups).await.into_iter().unzip();
                (groups, notes.into_iter().flatten().next())
            }
            Err(error) => {
                let what = format!("no log lines: the targets of rule {rule} could not be read");
                (Vec::new(), Some(explain(&what, &error, &Asked::rule(at, rule))))
            }
        },
    }
}

/// A function's own log group, or the usual one where it cannot be asked for.
async fn function_group(
    name: &str,
    alarm: &Alarm,
    alarms: &impl AlarmSource,
    calls: &Calls,
) -> (String, Option<String>) {
    let usual = format!("/aws/lambda/{name}");
    match calls.make_briefly(|| alarms.function_log_group(name)).await {
        Ok(group) => (group, None),
        // A function that was deleted meanwhile leaves its logs behind.
        Err(LookupError::NotFound) => (usual, None),
        Err(error) => {
            let what = format!("the log group of function {name} is taken to be {usual}");
            let note = explain(&what, &error, &Asked::function(&alarm.origin, name));
            (usual, Some(note))
        }
    }
}

/// Across accounts, a log group goes by its ARN.
fn in_account(group: String, account: Option<&str>, alarm: &Alarm) -> String {
    let at = &alarm.origin;
    match account {
        Some(account) if account != at.account => {
            let there = Origin { account: account.to_owned(), ..at.clone() };
            there.arn("logs", &format!("log-group:{group}"))
        }
        _ => group,
    }
}
