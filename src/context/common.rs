//! What the failing lines have in common: a field that nearly all of them have with the same value,
//! and few of the other lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::ids;
use crate::lines::Line;
use crate::lines::correlation::correlations;
use crate::lines::record::Record;

/// The fewest failing requests, and the fewest others, that say anything.
const LEAST_FAILING: usize = 5;
const LEAST_OTHERS: usize = 20;
/// The share of the failing ones that must have the value, the most of the others that may have it, and
/// the share of the others that must have the field at all.
const SHARE: f64 = 0.8;
const MOST_OF_OTHERS: f64 = 0.3;
const HAVE_FIELD: f64 = 0.5;
/// How likely the value is by chance, at most, over all values that were looked at.
const CHANCE: f64 = 0.001;
/// The most fields that are named, and the longest value.
const MOST: usize = 2;
const LONGEST_VALUE: usize = 80;
/// Parts of the names of fields that tell how a line was logged or how a request ended, not what it was
/// about.
const BESIDE: [&str; 26] = [
    "time",
    "duration",
    "elapsed",
    "latency",
    "took",
    "status",
    "code",
    "error",
    "exception",
    "stack",
    "level",
    "severity",
    "logger",
    "caller",
    "location",
    "file",
    "line",
    "func",
    "thread",
    "pid",
    "message",
    "reason",
    "retry",
    "attempt",
    "result",
    "outcome",
];

/// `tenant=acme in 41 of 44 failing requests, 3 of 100 others`. None unless chance is ruled out.
pub(super) fn sentence(failing: &[Line], lines: &[Line]) -> Option<String> {
    let failing = requests(failing);
    let all = requests(lines);
    let others: HashMap<&Request, &BTreeSet<String>> =
        all.iter().filter(|(request, _)| !failing.contains_key(request)).collect();
    if failing.len() < LEAST_FAILING || others.len() < LEAST_OTHERS {
        return None;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for field in failing.values().flatten() {
        *counts.entry(field).or_default() += 1;
    }
    let mut found: Vec<(f64, &str, usize, usize)> = counts
        .iter()
        .filter(|(_, count)| share(**count, failing.len()) >= SHARE)
        .filter_map(|(field, count)| {
            let name = field.split_once('=')?.0;
            let have = |fields: &BTreeSet<String>| {
                fields.iter().any(|other| other.split_once('=').is_some_and(|it| it.0 == name))
            };
            let with_field = others.values().filter(|fields| have(fields)).count();
            let with_value = others.values().filter(|fields| fields.contains(*field)).count();
            if share(with_field, others.len()) < HAVE_FIELD
                || share(with_value, with_field) > MOST_OF_OTHERS
            {
                return None;
            }
            let chance = by_chance(*count, failing.len(), with_value, with_field);
            #[allow(clippy::cast_precision_loss, reason = "at most some thousands")]
            let over_all = chance * counts.len() as f64;
            (over_all <= CHANCE).then_some((over_all, *field, *count, with_value))
        })
        .collect();
    found.sort_by(|one, other| one.0.total_cmp(&other.0));
    let by_id = failing.keys().all(|request| matches!(request, Request::Id(_)));
    let what = if by_id { "requests" } else { "lines" };
    let said: Vec<String> = found
        .iter()
        .take(MOST)
        .map(|(_, field, count, other)| {
            format!(
                "{field} in {count} of {} failing {what}, {other} of {} others",
                failing.len(),
                others.len()
            )
        })
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// A request by its id, or a line that has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Request<'l> {
    Id(String),
    Line(&'l Line),
}

/// The fields of each request: what several lines say of one request counts once.
fn requests(lines: &[Line]) -> HashMap<Request<'_>, BTreeSet<String>> {
    let mut requests: HashMap<Request<'_>, BTreeSet<String>> = HashMap::new();
    for line in lines {
        let id = correlations(line).into_iter().next();
        let request = id.map_or(Request::Line(line), |id| Request::Id(id.id().as_str().to_owned()));
        requests.entry(request).or_default().extend(fields(line));
    }
    requests
}

fn fields(line: &Line) -> Vec<String> {
    let fields = Record::read(&line.text).fields.into_iter();
    fields
        .filter(|field| {
            field.split_once('=').is_some_and(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                let plain = !BESIDE.iter().any(|beside| lower.contains(beside));
                plain
                    && ids::scope(name).is_none()
                    && (1..=LONGEST_VALUE).contains(&value.len())
                    && !value.contains("[redacted")
                    && !value.starts_with(['{', '['])
            })
        })
        .collect()
}

/// The chance that at least `count` of `failing` have a value that `with_value` of `with_field` others
/// have: the upper tail of the binomial distribution.
fn by_chance(count: usize, failing: usize, with_value: usize, with_field: usize) -> f64 {
    // Laplace's rule: a value that no other has is not impossible.
    #[allow(clippy::cast_precision_loss, reason = "at most some thousands")]
    let rate = (with_value as f64 + 1.0) / (with_field as f64 + 2.0);
    let mut sum = 0.0;
    for hits in count..=failing {
        let mut chance = 1.0;
        for step in 0..failing {
            #[allow(clippy::cast_precision_loss, reason = "at most some thousands")]
            if step < hits {
                chance *= rate * (failing - step) as f64 / (hits - step) as f64;
            } else {
                chance *= 1.0 - rate;
            }
        }
        sum += chance;
    }
    sum
}

fn share(part: usize, all: usize) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "at most some thousands")]
    let share = part as f64 / all.max(1) as f64;
    share
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    fn line(number: i64, tenant: &str, more: &str) -> Line {
        let text = json!({"level": "info", "message": "order", "tenant": tenant, "shard": number % 7,
            "duration_ms": 3, "more": more, "request_id": format!("req-0000{number}")});
        Line {
            at: DateTime::from_timestamp(number, 0).unwrap(),
            log_group: "g".into(),
            stream: "s".into(),
            text: text.to_string(),
        }
    }

    #[test]
    fn what_nearly_all_failing_requests_have_and_few_others() {
        let tenants = ["acme", "blue", "cyan", "dove"];
        let tenant = |it: i64| match it {
            0..3 => "acme",
            it => tenants[1 + usize::try_from(it % 3).unwrap()],
        };
        let others: Vec<Line> = (0..100).map(|it| line(it, tenant(it), "x")).collect();
        let mut failing: Vec<Line> =
            (200..244).map(|it| line(it, if it < 203 { "blue" } else { "acme" }, "x")).collect();
        // Several lines of one request count once.
        failing
            .push(Line { text: failing[0].text.replace("order", "again"), ..failing[0].clone() });
        assert_eq!(
            sentence(&failing, &others).unwrap(),
            "tenant=acme in 41 of 44 failing requests, 3 of 100 others"
        );
        assert_eq!(sentence(&failing[..4], &others), None, "too few");
        assert_eq!(sentence(&failing, &others[..10]), None, "too few others");
        let same: Vec<Line> = (0..100).map(|it| line(it, "acme", "x")).collect();
        assert_eq!(sentence(&failing, &same), None, "the others have it too");
    }

    #[test]
    fn a_field_that_only_failing_lines_have_says_nothing() {
        let strip =
            |line: Line| Line { text: line.text.replace(",\"tenant\":\"none\"", ""), ..line };
        let others: Vec<Line> = (0..50).map(|it| strip(line(it, "none", "x"))).collect();
        let failing: Vec<Line> = (100..120).map(|it| line(it, "acme", "x")).collect();
        assert_eq!(sentence(&failing, &others), None);
    }

    #[test]
    fn chance() {
        assert!((by_chance(1, 1, 0, 0) - 0.5).abs() < 1e-9);
        assert!((by_chance(0, 3, 1, 2) - 1.0).abs() < 1e-9);
        assert!((by_chance(2, 2, 1, 2) - 0.25).abs() < 1e-9);
        assert!(by_chance(44, 44, 3, 100) < 1e-30);
    }
}
