//! Where to search: in the log groups that the user tagged, else as the metric filters, the table
//! of AWS metrics, or a log alarm's own query say.

use futures_util::future::join_all;

use super::calls::Calls;
use super::notes::{Asked, another_account, explain, no_source};
use super::ports::{AlarmSource, LogSource, LookupError, MetricFilter};
use super::table::{self, Group, Guess};
use super::words::ERRORS;
use crate::alarm::tags::{self, Tags};
use crate::alarm::{Alarm, Metric};
use crate::aws::{Origin, log_group_name};

/// The most log groups that are searched for one alarm; each costs at least one call.
const MOST_SOURCES: usize = 10;

/// A log group to search, and the pattern to search for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// A name, or an ARN if the log group is in another account.
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
    /// The table from AWS metrics to log groups: a good guess, but a guess.
    Table,
    /// A log alarm's own query.
    LogAlarm,
}

/// The sources of one alarm, and what could not be found out.
#[derive(Debug, Clone, Default)]
pub(super) struct Located {
    pub(super) sources: Vec<Source>,
    pub(super) notes: Vec<String>,
}

/// The services that know where an alarm's lines are, and the time for calling them.
pub(super) struct Services<'a, L, A> {
    pub(super) logs: &'a L,
    pub(super) alarms: &'a A,
    pub(super) calls: &'a Calls,
}

/// What an alarm's metrics lead to, whatever its tags say.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    /// By metric filters.
    filtered: Located,
    /// By the table, with the table's patterns.
    tabled: Located,
}

/// Asks where an alarm's metrics lead while its tags are still being read, so that the page does
/// not wait for one after the other. Tags that name a log group make the answer unnecessary. `None`
/// if there is nothing to ask, or nothing to wait for.
pub(super) async fn ahead(
    alarm: &Alarm,
    services: &Services<'_, impl LogSource, impl AlarmSource>,
) -> Option<Measured> {
    let waits = alarm.arn.is_some() && alarm.tags.is_empty();
    let asks = alarm.carried.is_empty() && !alarm.metrics.is_empty();
    if waits && asks { Some(measured(alarm, services).await) } else { None }
}

/// Tries tags, metric filters and the table, in this order. For each metric, the first of them
/// that knows a log group is used. A log alarm has a query instead of a metric. `ahead`: where the
/// metrics lead, if that was asked already.
pub(super) async fn find(
    alarm: &Alarm,
    ahead: Option<&Measured>,
    services: &Services<'_, impl LogSource, impl AlarmSource>,
) -> Located {
    let mut found = tagged(&alarm.tags);
    if found.sources.is_empty() {
        let Measured { filtered, mut tabled } = match ahead {
            Some(measured) => measured.clone(),
            None => measured(alarm, services).await,
        };
        if let Some(pattern) = tags::pattern(&alarm.tags) {
            tabled.sources.iter_mut().for_each(|source| source.pattern.clone_from(&pattern));
        }
        found.add(filtered);
        found.add(tabled);
        found.add(queried(alarm));
    }
    found.sources.sort();
    found.sources.dedup_by(|a, b| a.log_group == b.log_group && a.pattern == b.pattern);
    if found.sources.len() > MOST_SOURCES {
        let left = found.sources.split_off(MOST_SOURCES);
        found.notes.push(format!(
            "only {MOST_SOURCES} log groups were searched; {} more belong to this alarm.",
            left.len()
        ));
    }
    if found.sources.is_empty() && found.notes.is_empty() {
        found.notes.push(no_source(alarm));
    }
    found
}

impl Located {
    fn add(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.notes.extend(other.notes);
    }
}

/// The log groups that the alarm's tags name, and what to look for in them.
fn tagged(tags: &Tags) -> Located {
    let pattern = tags::pattern(tags).unwrap_or_else(|| ERRORS.to_owned());
    let sources = tags::log_groups(tags).map(|group| Source {
        log_group: group.to_owned(),
        pattern: pattern.clone(),
        why: Why::Tag,
    });
    Located { sources: sources.collect(), notes: Vec::new() }
}

/// The log groups that a log alarm's query reads. If a filter pattern can express the query's
/// filters, it is used for the search: running the query itself would cost money each time.
fn queried(alarm: &Alarm) -> Located {
    let Some(query) = &alarm.log_query else { return Located::default() };
    let pattern =
        tags::pattern(&alarm.tags).or_else(|| query.pattern()).unwrap_or_else(|| ERRORS.to_owned());
    let sources = query.log_groups.iter().map(|group| Source {
        log_group: nearest_name(group, alarm),
        pattern: pattern.clone(),
        why: Why::LogAlarm,
    });
    Located { sources: sources.collect(), notes: Vec::new() }
}

/// The name of a log group in the alarm's own account; the ARN of any other.
fn nearest_name(group: &str, alarm: &Alarm) -> String {
    let own = Origin::from_arn(group).is_some_and(|origin| origin == alarm.origin);
    if own { log_group_name(group).to_owned() } else { group.trim_end_matches(":*").to_owned() }
}

/// The sources that metric filters name, and those that the table has for the other metrics.
async fn measured(
    alarm: &Alarm,
    services: &Services<'_, impl LogSource, impl AlarmSource>,
) -> Measured {
    let is_aws = |metric: &&Metric| table::is_aws(&metric.namespace);
    let (mut unfed, own): (Vec<_>, Vec<_>) = alarm.metrics.iter().partition(is_aws);
    let mut found = Located::default();
    // The filters of another account cannot be read from here; those of this account with the same
    // metric count other lines.
    let elsewhere = |metric: &&Metric| {
        metric.account.as_ref().is_some_and(|account| *account != alarm.origin.account)
    };
    let (foreign, own): (Vec<_>, Vec<_>) = own.into_iter().partition(elsewhere);
    found.notes.extend(foreign.into_iter().map(another_account));
    let asked = join_all(own.iter().map(|metric| filters(metric, services))).await;
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
    Measured { filtered: found, tabled: tabled(&unfed, alarm, services).await }
}

async fn filters(
    metric: &Metric,
    services: &Services<'_, impl LogSource, impl AlarmSource>,
) -> (Vec<MetricFilter>, Option<LookupError>) {
    let mut filters = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = || services.logs.metric_filters(metric, token.as_deref());
        match services.calls.make(page).await {
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
    services: &Services<'_, impl LogSource, impl AlarmSource>,
) -> Located {
    // Several metrics of one resource lead to the same guess, which is resolved once.
    let mut guesses: Vec<(Option<&str>, Guess)> = Vec::new();
    for metric in metrics {
        let account = metric.account.as_deref();
        for guess in table::guesses(metric) {
            if !guesses.iter().any(|known| known.0 == account && known.1 == guess) {
                guesses.push((account, guess));
            }
        }
    }
    let resolved = guesses.iter().map(|(account, guess)| async move {
        let (groups, note) = resolve(guess, alarm, services).await;
        let sources = groups.into_iter().map(|group| Source {
            log_group: in_account(group, *account, alarm),
            pattern: guess.pattern.to_owned(),
            why: Why::Table,
        });
        Located { sources: sources.collect(), notes: note.into_iter().collect() }
    });
    let mut found = Located::default();
    join_all(resolved).await.into_iter().for_each(|part| found.add(part));
    found
}

/// The names of the guessed log groups.
async fn resolve(
    guess: &Guess,
    alarm: &Alarm,
    services: &Services<'_, impl LogSource, impl AlarmSource>,
) -> (Vec<String>, Option<String>) {
    let (at, Services { logs, alarms, calls }) = (&alarm.origin, services);
    match &guess.group {
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
            let (group, note) = function_group(name, alarm, services).await;
            (vec![group], note)
        }
        Group::OfRule(rule) => match calls.make(|| alarms.rule_functions(rule)).await {
            Ok(functions) => {
                let groups = functions.iter().map(|name| function_group(name, alarm, services));
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

/// A function's own log group, or the usual one if the function's settings cannot be read.
async fn function_group(
    name: &str,
    alarm: &Alarm,
    services: &Services<'_, impl LogSource, impl AlarmSource>,
) -> (String, Option<String>) {
    let usual = format!("/aws/lambda/{name}");
    let asked = services.calls.make_briefly(|| services.alarms.function_log_group(name));
    match asked.await {
        Ok(group) => (group, None),
        // The logs of a deleted function remain.
        Err(LookupError::NotFound) => (usual, None),
        Err(error) => {
            let what = format!("the log group of function {name} is assumed to be {usual}");
            let note = explain(&what, &error, &Asked::function(&alarm.origin, name));
            (usual, Some(note))
        }
    }
}

/// A log group in another account must be named by its ARN.
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
