//! New or known: whether each kind of error was logged, or paged, before.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::budget::Budget;
use crate::evidence::ports::{LogSource, Query};
use crate::evidence::{Part, Window};
use crate::lines::Line;
use crate::lines::digest::Digest;
use crate::lines::record::Record;
use crate::text::{cut, in_words, passed};

/// How far back the same pattern is searched.
pub(super) const BACK: TimeDelta = TimeDelta::hours(24);
const WEEK: TimeDelta = TimeDelta::days(7);
/// The kinds of which something is said, and the log groups that are read for them.
pub(super) const MOST_KINDS: usize = 3;
const MOST_GROUPS: usize = 3;
/// Pages of this many lines: reading and comparing more would delay the page.
const PAGES: usize = 3;
const PAGE: usize = 100;
/// Two messages are alike if they share this part of their words: neither the same kind nor proof that
/// one of them is new.
const ALIKE: f64 = 0.4;
const LONGEST_NAME: usize = 120;

/// What is known of a kind, short for the list of errors and in full for the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) short: String,
    pub(super) sentence: String,
    pub(super) is_new: bool,
}

/// The lines that matched before the alarm's own time.
pub(super) struct Before {
    /// In the 24 hours before.
    pub(super) day: Span,
    /// At the same time a week ago, if that was read.
    pub(super) week: Option<Span>,
}

/// The 24 hours before a part's own time.
pub(super) fn day(part: &Part) -> Window {
    let Window { start, .. } = part.window;
    Window { start: start - BACK, end: start - TimeDelta::milliseconds(1) }
}

/// The part's own time a week ago.
pub(super) fn week(part: &Part) -> Window {
    let Window { start, end } = part.window;
    Window { start: start - WEEK, end: end - WEEK }
}

/// Reads what the alarm's own patterns match in another window, the newest first.
pub(super) async fn read(
    part: &Part,
    window: Window,
    logs: &impl LogSource,
    budget: &Budget,
) -> Option<Span> {
    if part.sources.is_empty() || part.sources.len() > MOST_GROUPS {
        return None;
    }
    let spans = part.sources.iter().map(|source| {
        let query = Query::newest(&source.log_group, &source.pattern, window);
        let query = Query { most: Some(PAGE), ..query };
        async move { span(&query, logs, budget).await }
    });
    let mut all = Span { lines: Vec::new(), complete: true, back_to: window.start };
    for span in join_all(spans).await {
        let span = span?;
        all.complete &= span.complete;
        all.back_to = all.back_to.max(span.back_to);
        all.lines.extend(span.lines);
    }
    Some(all)
}

/// Part of a time span's lines, the newest first.
pub(super) struct Span {
    lines: Vec<Line>,
    /// Everything was read.
    complete: bool,
    /// What was not read is older than this.
    back_to: DateTime<Utc>,
}

async fn span(query: &Query, logs: &impl LogSource, budget: &Budget) -> Option<Span> {
    let mut lines: Vec<Line> = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..PAGES {
        let page = budget.once(logs.events(query, token.as_deref())).await?;
        lines.extend(page.items);
        if page.next.is_none() || page.next == token {
            return Some(Span { lines, complete: true, back_to: query.start });
        }
        token = page.next;
    }
    // Without a line, nobody knows how far back an empty page reached.
    let back_to = lines.iter().map(|line| line.at).min().unwrap_or(query.end);
    Some(Span { lines, complete: false, back_to })
}

/// When a kind was logged before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// The times of its lines in the 24 hours before, in any order.
    pub(super) day: Vec<DateTime<Utc>>,
    /// How many there were at the same time a week ago, if that is known.
    pub(super) week: Option<usize>,
    /// Lines that are neither of the kind nor clearly others.
    pub(super) alike: bool,
    pub(super) complete: bool,
    pub(super) read_back_to: DateTime<Utc>,
}

/// When each of a part's first kinds was logged before.
pub(super) fn seen(part: &Part, before: &Before) -> Vec<Seen> {
    let week = before.week.as_ref().filter(|week| week.complete);
    let mut digest = Digest::new();
    let mut add = |line: &Line| {
        let record = Record::read(&line.text);
        let headline = record.headline();
        let message = if headline.is_empty() { line.text.trim() } else { &headline };
        (digest.add_read(&line.text, message, record.severity()), words(message))
    };
    let own: Vec<_> =
        part.kinds.iter().take(MOST_KINDS).map(|kind| add(kind.naming_line())).collect();
    let older: Vec<_> = before.day.lines.iter().map(|line| (line.at, add(line))).collect();
    let week_ago: Vec<_> = week.iter().flat_map(|week| &week.lines).map(&mut add).collect();
    let kinds = digest.kinds();
    own.iter()
        .map(|(slot, own_words)| {
            let of = kinds.of(*slot);
            let (same, others): (Vec<_>, Vec<_>) =
                older.iter().partition(|(_, (slot, _))| kinds.of(*slot) == of);
            let alike = others.iter().any(|(_, (_, words))| are_alike(own_words, words));
            let same_week = week_ago.iter().filter(|(slot, _)| kinds.of(*slot) == of).count();
            Seen {
                day: same.into_iter().map(|(at, _)| *at).collect(),
                week: week.is_some().then_some(same_week),
                alike,
                complete: before.day.complete,
                read_back_to: before.day.back_to,
            }
        })
        .collect()
}

/// A message's words, without numbers and ids.
fn words(message: &str) -> HashSet<String> {
    let words = message.split(|it: char| !it.is_alphanumeric() && it != '_').take(40);
    let plain = |word: &&str| word.len() > 2 && !word.chars().any(|it| it.is_ascii_digit());
    words.filter(plain).map(str::to_lowercase).collect()
}

fn are_alike(one: &HashSet<String>, other: &HashSet<String>) -> bool {
    let common = one.intersection(other).count();
    let fewer = one.len().min(other.len());
    #[allow(clippy::cast_precision_loss, reason = "a handful of words")]
    let share = common as f64 / fewer.max(1) as f64;
    fewer == 0 || share >= ALIKE
}

/// What is said of a kind. `paged` is when Pagetrail paged it before. None if nothing is proved.
pub(super) fn claim(
    name: &str,
    count: usize,
    window: Window,
    seen: Option<&Seen>,
    paged: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<Claim> {
    let name = cut(name, LONGEST_NAME);
    let logged = seen.and_then(|seen| seen.day.iter().max().copied());
    let last = logged.max(paged);
    let Some(last) = last else {
        let seen = seen?;
        if !seen.complete || seen.alike || seen.week.is_some_and(|week| week > 0) {
            return None;
        }
        let short = "new: none in the 24 h before".to_owned();
        let week = if seen.week == Some(0) { ", none a week ago at this time" } else { "" };
        let sentence = format!("new: {name}: none in the 24 h before{week} (searched to the end)");
        return Some(Claim { short, sentence, is_new: true });
    };
    let ago = passed((now - last).to_std().unwrap_or_default());
    let mut counts = vec![format!("{count} now")];
    if let Some(seen) = seen.filter(|seen| seen.complete || !seen.day.is_empty()) {
        let length = window.end - window.start;
        let within = |start: DateTime<Utc>, end: DateTime<Utc>| {
            let known = seen.complete || seen.read_back_to <= start;
            let found = seen.day.iter().filter(|at| **at >= start && **at < end).count();
            if known { found.to_string() } else { format!("at least {found}") }
        };
        let before = within(window.start - length, window.start);
        counts.push(format!(
            "{before} in the {} before",
            in_words(length.to_std().unwrap_or_default())
        ));
        counts.push(format!("{} in 24 h", within(window.start - BACK, window.start)));
        if seen.complete {
            let yesterday = within(window.start - BACK, window.end - BACK);
            counts.push(format!("{yesterday} yesterday at this time"));
        }
        if let Some(week) = seen.week {
            counts.push(format!("{week} a week ago"));
        }
    }
    let how = if logged >= paged { "last" } else { "last paged" };
    Some(Claim {
        short: format!("known, last {ago} ago"),
        sentence: format!("known: {name}: {}; {how} {ago} ago", counts.join(", ")),
        is_new: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes_ago: i64) -> DateTime<Utc> {
        "2026-11-14T03:06:00Z".parse::<DateTime<Utc>>().unwrap() - TimeDelta::minutes(minutes_ago)
    }

    fn said(seen: Option<&Seen>, paged: Option<i64>) -> Option<String> {
        let window = Window { start: at(4), end: at(1) };
        claim("KeyError: 'amount'", 37, window, seen, paged.map(at), at(0))
            .map(|it| format!("{} | {}", it.short, it.sentence.replace("KeyError: 'amount'", "E")))
    }

    fn seen(minutes_ago: &[i64], complete: bool) -> Seen {
        let day: Vec<_> = minutes_ago.iter().map(|ago| at(*ago)).collect();
        let read_back_to = day.iter().min().copied().unwrap_or(at(4));
        Seen { day, week: None, alike: false, complete, read_back_to }
    }

    #[test]
    fn situations() {
        let week = |week, of: Seen| Seen { week: Some(week), ..of };
        for (seen, paged, expected) in [
            (None, None, None),
            (
                Some(seen(&[], true)),
                None,
                Some(
                    "new: none in the 24 h before | new: E: none in the 24 h before (searched to the end)",
                ),
            ),
            (
                Some(week(0, seen(&[], true))),
                None,
                Some(
                    "new: none in the 24 h before | new: E: none in the 24 h before, none a week ago at this time (searched to the end)",
                ),
            ),
            // Seen a week ago: not new, and not of today either.
            (Some(week(2, seen(&[], true))), None, None),
            // Not read to the end, or something like it: nothing is proved.
            (Some(seen(&[], false)), None, None),
            (Some(Seen { alike: true, ..seen(&[], true) }), None, None),
            (None, Some(5), Some("known, last 5 min ago | known: E: 37 now; last paged 5 min ago")),
            (
                Some(seen(&[], true)),
                Some(3_000),
                Some(
                    "known, last 2 d ago | known: E: 37 now, 0 in the 3 min before, 0 in 24 h, 0 yesterday at this time; last paged 2 d ago",
                ),
            ),
            (
                Some(week(1, seen(&[5, 6, 100, 1_442], true))),
                None,
                Some(
                    "known, last 5 min ago | known: E: 37 now, 2 in the 3 min before, 4 in 24 h, 1 yesterday at this time, 1 a week ago; last 5 min ago",
                ),
            ),
            (
                Some(seen(&[5, 6], false)),
                None,
                Some(
                    "known, last 5 min ago | known: E: 37 now, at least 2 in the 3 min before, at least 2 in 24 h; last 5 min ago",
                ),
            ),
            (
                Some(seen(&[5, 100], false)),
                None,
                Some(
                    "known, last 5 min ago | known: E: 37 now, 1 in the 3 min before, at least 2 in 24 h; last 5 min ago",
                ),
            ),
        ] {
            assert_eq!(said(seen.as_ref(), paged).as_deref(), expected, "{seen:?} {paged:?}");
        }
    }

    #[test]
    fn messages_that_are_alike() {
        let alike = |one, other| are_alike(&words(one), &words(other));
        assert!(alike("user alice not found", "user bob not found"));
        assert!(alike("KeyError: 'amount'", "KeyError: 'price'"));
        assert!(!alike("disk is full on web-3", "payment declined by the bank"));
        assert!(alike("12345", "payment declined"), "without words, nothing tells them apart");
    }
}
