//! Which alarms to investigate: the one that fired, or the children of a composite alarm.

use std::borrow::Cow;

use futures_util::future::join_all;

use super::calls::Calls;
use super::notes::{Asked, explain};
use super::ports::AlarmSource;
use super::sources::Measured;
use super::tags;
use crate::alarm::tags::LOG_GROUP;
use crate::alarm::{Alarm, State, rule};
use crate::aws::alarm_name;

/// The most children of a composite alarm that are investigated, on all levels together.
const MOST_CHILDREN: usize = 10;
/// The most levels that are read: composite alarms can contain composite alarms.
const DEEPEST: usize = 3;

/// An alarm that is investigated, with its tags.
pub(super) struct Subject<'a> {
    pub(super) alarm: Cow<'a, Alarm>,
    /// Whether it is a child of the alarm that fired.
    pub(super) is_child: bool,
    /// Where its metrics lead, if that was asked while its tags were read.
    pub(super) ahead: Option<Measured>,
}

/// The alarm itself, or the children of a composite alarm. If the composite alarm has a log
/// group tag, it is included too.
pub(super) async fn subjects<'a>(
    alarm: &'a Alarm,
    alarms: &impl AlarmSource,
    calls: &Calls,
    notes: &mut Vec<String>,
    ahead: Option<Measured>,
) -> Vec<Subject<'a>> {
    if alarm.composite.is_none() {
        let alarm = completed(alarm, alarms, calls, notes).await;
        return vec![Subject { alarm, is_child: false, ahead }];
    }
    let children = children(alarm, alarms, calls, notes).await;
    let tagged = children.into_iter().map(|mut child| async {
        let read = tags::read(&child, alarms, calls).await;
        let note = tags::fill(&mut child, read);
        (Subject { alarm: Cow::Owned(child), is_child: true, ahead: None }, note)
    });
    let (mut subjects, tag_notes): (Vec<_>, Vec<_>) = join_all(tagged).await.into_iter().unzip();
    notes.extend(tag_notes.into_iter().flatten());
    if subjects.is_empty() || alarm.tags.contains_key(LOG_GROUP) {
        subjects.push(Subject { alarm: Cow::Borrowed(alarm), is_child: false, ahead: None });
    }
    subjects
}

/// The alarm with what it watches. Not every notification contains this (for log alarms, the
/// form is not documented), so CloudWatch is asked.
async fn completed<'a>(
    alarm: &'a Alarm,
    alarms: &impl AlarmSource,
    calls: &Calls,
    notes: &mut Vec<String>,
) -> Cow<'a, Alarm> {
    let says = !alarm.metrics.is_empty() || alarm.log_query.is_some();
    if says || !alarm.carried.is_empty() || alarm.tags.contains_key(LOG_GROUP) {
        return Cow::Borrowed(alarm);
    }
    let names = [alarm.name.clone()];
    let found = match calls.make(|| alarms.alarms(&names)).await {
        Ok(found) => found,
        Err(error) => {
            let what = format!("the metric or query of {} could not be read", alarm.name);
            notes.push(explain(&what, &error, &Asked::alarms()));
            return Cow::Borrowed(alarm);
        }
    };
    // Another account can have an alarm with the same name.
    let same =
        |it: &Alarm| it.origin == alarm.origin && (alarm.arn.is_none() || it.arn == alarm.arn);
    let Some(known) = found.into_iter().find(same) else { return Cow::Borrowed(alarm) };
    let mut alarm = alarm.clone();
    alarm.metrics = known.metrics;
    alarm.log_query = known.log_query;
    alarm.evaluation = known.evaluation;
    Cow::Owned(alarm)
}

/// The alarms behind a composite alarm that are in ALARM, on all levels.
async fn children(
    alarm: &Alarm,
    alarms: &impl AlarmSource,
    calls: &Calls,
    notes: &mut Vec<String>,
) -> Vec<Alarm> {
    let mut found: Vec<Alarm> = Vec::new();
    let mut names = child_names(alarm);
    for _ in 0..DEEPEST {
        names.retain(|name| found.iter().all(|known| known.name != *name));
        if names.is_empty() {
            break;
        }
        let level = match calls.make(|| alarms.alarms(&names)).await {
            Ok(alarms) => alarms,
            Err(error) => {
                let what = format!("the children of {} could not be read", alarm.name);
                notes.push(explain(&what, &error, &Asked::alarms()));
                break;
            }
        };
        names = level.iter().filter(|it| it.composite.is_some()).flat_map(child_names).collect();
        found.extend(level);
    }
    found.retain(|child| child.composite.is_none());
    if found.iter().any(|child| child.state == State::Alarm) {
        found.retain(|child| child.state == State::Alarm);
    }
    if found.len() > MOST_CHILDREN {
        let left = found.len() - MOST_CHILDREN;
        notes.push(format!("only {MOST_CHILDREN} children were searched, {left} were not."));
        found.truncate(MOST_CHILDREN);
    }
    found
}

/// The names of a composite alarm's children: those that caused the change, else all that its
/// rule names.
fn child_names(alarm: &Alarm) -> Vec<String> {
    let Some(composite) = &alarm.composite else { return Vec::new() };
    let named = if composite.triggering.is_empty() {
        composite.rule.as_deref().map(rule::children).unwrap_or_default()
    } else {
        composite.triggering.clone()
    };
    let name = |named: String| alarm_name(&named).map(str::to_owned).unwrap_or(named);
    named.into_iter().map(name).collect()
}
