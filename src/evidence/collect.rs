//! Collects evidence: sources, then their lines and kinds, then the trails, until the deadline.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::calls::Calls;
use super::kinds::KindsOf;
use super::newest::Newest;
use super::notes::{Asked, Proof, explain, looked_back, no_line};
use super::ports::{AlarmSource, LogSource, LookupError, Query};
use super::search::{MOST_COUNTED, search};
use super::sources::{Services, Source, Why, ahead, find};
use super::subjects::{Subject, subjects};
use super::trail::{Reach, follow, latest, show_each_trail_once};
use super::window::wider;
use super::{Count, Evidence, Kind, Part, Progress, Stage, Trail, Window, breach, tags, window};
use crate::alarm::Alarm;
use crate::lines::Line;
use crate::lock::{into_inner, lock};
use crate::text::cut;
use crate::zone::Zone;

/// Log lines become searchable seconds after they were written. A search that must find some is
/// therefore repeated after these waits.
const LATE_LINES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(6),
];
/// How many lines are read, and how many are shown, where nothing matched.
const LATEST_READ: usize = 500;
const MOST_LATEST: usize = 15;
const MOST_LATEST_GROUPS: usize = 3;
/// The most log groups in which a trace is searched.
const MOST_TRACE_GROUPS: usize = 10;

/// How much evidence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Matching lines kept per alarm.
    pub lines: usize,
    /// Kinds whose trail is fetched.
    pub trails: usize,
    /// Lines kept per trail.
    pub trail_lines: usize,
}

/// Collects evidence for one notification.
pub struct Collector<'a, L, A> {
    pub logs: &'a L,
    pub alarms: &'a A,
    pub limits: Limits,
    /// Further log groups in which a trace is searched. A name that ends in `*` means all log
    /// groups with this prefix.
    pub trace_log_groups: &'a [String],
    /// The time zone of the times in notes.
    pub zone: Zone,
    pub now: DateTime<Utc>,
    pub deadline: Instant,
}

impl<L: LogSource, A: AlarmSource> Collector<'_, L, A> {
    /// Collects what the logs say about an alarm, and fills in the alarm's tags. Never fails and
    /// never exceeds the deadline: the notes say what could not be read.
    pub async fn collect(&self, alarm: &mut Alarm) -> Evidence {
        self.collect_and_tell(alarm, None).await
    }

    /// The same, and tells how far it is.
    pub async fn collect_and_tell(
        &self,
        alarm: &mut Alarm,
        progress: Option<UnboundedSender<Progress>>,
    ) -> Evidence {
        let calls = Calls::until(self.deadline);
        let mut evidence = Evidence::default();
        let subjects = self.subjects(alarm, &mut evidence, &calls).await;
        let trails = (self.limits.trails / subjects.len().max(1)).max(self.limits.trails.min(1));
        let parts = subjects.iter().enumerate().map(|(place, subject)| {
            let progress = progress.clone();
            let tell = move |stage: Stage, part: &Part| {
                if let Some(progress) = &progress {
                    // Without a receiver, nobody asks.
                    let _ = progress.send(Progress { place, stage, part: part.clone() });
                }
            };
            self.part(subject, trails, tell, &calls)
        });
        let parts: Vec<_> = parts.collect();
        drop(progress);
        let parts = join_all(parts).await;
        for (part, notes) in parts {
            evidence.parts.push(part);
            evidence.notes.extend(notes);
        }
        evidence.note_once();
        evidence
    }

    /// Finds out where an alarm's evidence would come from, without reading any line. The parts
    /// contain only sources.
    pub async fn places(&self, alarm: &mut Alarm) -> Evidence {
        let calls = Calls::until(self.deadline);
        let mut evidence = Evidence::default();
        for subject in self.subjects(alarm, &mut evidence, &calls).await {
            let found = find(&subject.alarm, subject.ahead.as_ref(), &self.services(&calls)).await;
            let mut part = Part::of(&subject, self.now);
            for source in found.sources {
                if self.exists(&source, &calls).await {
                    part.sources.push(source);
                } else {
                    evidence.notes.push(format!("{} does not exist.", source.log_group));
                }
            }
            evidence.parts.push(part);
            evidence.notes.extend(found.notes);
        }
        evidence.note_once();
        evidence
    }

    async fn subjects<'s>(
        &self,
        alarm: &'s mut Alarm,
        evidence: &mut Evidence,
        calls: &Calls,
    ) -> Vec<Subject<'s>> {
        let services = self.services(calls);
        let (tags, ahead) = tags::beside(alarm, self.alarms, calls, ahead(alarm, &services)).await;
        evidence.notes.extend(tags::fill(alarm, tags));
        subjects(alarm, self.alarms, calls, &mut evidence.notes, ahead).await
    }

    fn services<'s>(&'s self, calls: &'s Calls) -> Services<'s, L, A> {
        Services { logs: self.logs, alarms: self.alarms, calls }
    }

    /// Whether a log group exists that is known only by its name; true if in doubt.
    async fn exists(&self, source: &Source, calls: &Calls) -> bool {
        let name = &source.log_group;
        if source.why == Why::MetricFilter || name.starts_with("arn:") {
            return true;
        }
        let groups = calls.make_briefly(|| self.logs.log_groups(name)).await;
        groups.map_or(true, |groups| groups.contains(name))
    }

    /// What the logs say about one subject of the alarm. Boxed, because many run at the same time
    /// and each is large.
    fn part<'f>(
        &'f self,
        subject: &'f Subject<'_>,
        trails: usize,
        tell: impl Fn(Stage, &Part) + Send + 'f,
        calls: &'f Calls,
    ) -> BoxFuture<'f, (Part, Vec<String>)> {
        async move {
            let alarm = &*subject.alarm;
            let mut part = Part::of(subject, self.now);
            let mut notes = Vec::new();
            if alarm.carried.is_empty() {
                let found = find(alarm, subject.ahead.as_ref(), &self.services(calls)).await;
                part.sources = found.sources;
                notes = found.notes;
                tell(Stage::Sources, &part);
                self.lines(&mut part, alarm, &mut notes, calls).await;
            } else {
                tell(Stage::Sources, &part);
                part.carry(alarm);
            }
            tell(Stage::Lines, &part);
            self.trails(&mut part.kinds, trails, alarm, &mut notes, calls).await;
            if part.lines.is_empty() && notes.is_empty() {
                part.latest = self.latest(&part, calls).await;
                let proof = Proof::of(alarm, &part);
                notes.push(no_line(&part.sources, part.window, self.zone, proof));
            }
            (part, notes)
        }
        .boxed()
    }

    async fn lines(&self, part: &mut Part, alarm: &Alarm, notes: &mut Vec<String>, calls: &Calls) {
        if part.sources.is_empty() {
            return;
        }
        let mut found = self.search_all(&part.sources, part.window, calls).await;
        for wait in LATE_LINES {
            if !found.is_empty()
                || Proof::of(alarm, part) != Proof::Filter
                || !calls.pause(wait).await
            {
                break;
            }
            found = self.search_all(&part.sources, part.window, calls).await;
        }
        if found.is_empty()
            && let Some(wider) = wider(alarm, self.now)
        {
            found = self.search_all(&part.sources, wider, calls).await;
            if found.matched().seen > 0 {
                notes.push(looked_back(part.window, wider, self.zone));
                part.span = wider;
            }
            part.window = wider;
        }
        for (source, (matched, error)) in part.sources.iter().zip(&found.ends) {
            let Some(error) = error else { continue };
            let guessed = source.why == Why::Table && *error == LookupError::NotFound;
            if guessed && part.sources.len() > 1 {
                continue;
            }
            let group = &source.log_group;
            let what = if matched.seen == 0 {
                format!("no log lines from {group}")
            } else {
                format!("not all log lines from {group} were read")
            };
            notes.push(explain(&what, error, &Asked::events(&alarm.origin, group)));
        }
        part.matched = found.matched();
        (part.kinds, part.matched.seen) = found.kinds.finish();
        part.lines = found.newest.into_lines();
    }

    async fn search_all(&self, sources: &[Source], window: Window, calls: &Calls) -> Matches {
        // The standard library's lock: nothing awaits while it is held.
        let found = Mutex::new((Newest::backwards(self.limits.lines), KindsOf::default()));
        let searches = sources.iter().map(|source| {
            let found = &found;
            async move {
                let query = Query::newest(&source.log_group, &source.pattern, window);
                search(&query, MOST_COUNTED, self.logs, calls, |line| {
                    let mut found = lock(found);
                    found.1.add(&line);
                    found.0.push(line);
                })
                .await
            }
        });
        let ends = join_all(searches).await;
        let (newest, kinds) = into_inner(found);
        Matches { newest, kinds, ends }
    }

    async fn trails(
        &self,
        kinds: &mut [Kind],
        trails: usize,
        alarm: &Alarm,
        notes: &mut Vec<String>,
        calls: &Calls,
    ) {
        if kinds.is_empty() || trails == 0 {
            // Nothing to follow: the log groups of traces need not be asked for.
            return;
        }
        let first = kinds.iter_mut().take(trails).filter(|kind| !kind.example.stream.is_empty());
        let groups = self.trace_groups(calls).await;
        let reach = Reach {
            trail_lines: self.limits.trail_lines,
            trace_log_groups: &groups,
            now: self.now,
        };
        let followed = join_all(first.map(|kind| async move {
            let followed = follow(&kind.example, reach, self.logs, calls).await;
            kind.trail = followed.trail;
            kind.name_by_trail();
            (kind.name.clone(), followed.failures)
        }));
        let followed = followed.await;
        show_each_trail_once(kinds);
        for (name, failures) in followed {
            for (group, error) in failures {
                let what = format!(
                    "the trail of \"{}\" in {group} could not be read completely",
                    cut(&name, 80)
                );
                notes.push(explain(&what, &error, &Asked::events(&alarm.origin, &group)));
            }
        }
    }

    /// The last lines of the place that wrote last among those that were searched; of a Lambda
    /// function its last invocation. `None` if there are none or they could not be read.
    async fn latest(&self, part: &Part, calls: &Calls) -> Option<Trail> {
        let mut groups: Vec<&str> = Vec::new();
        for source in &part.sources {
            if !groups.contains(&source.log_group.as_str()) {
                groups.push(&source.log_group);
            }
        }
        let searches = groups.into_iter().take(MOST_LATEST_GROUPS).map(|group| async move {
            let query = Query::newest(group, "", part.window);
            let mut newest = Newest::backwards(LATEST_READ);
            search(&query, LATEST_READ, self.logs, calls, |line| newest.push(line)).await;
            newest.into_lines()
        });
        let found = join_all(searches).await;
        let lines = found.into_iter().max_by_key(|lines| lines.last().map(|line| line.at))?;
        latest(lines, self.limits.trail_lines.min(MOST_LATEST))
    }

    /// The log groups that the user named, including those named by a prefix.
    async fn trace_groups(&self, calls: &Calls) -> Vec<String> {
        let found = self.trace_log_groups.iter().map(|name| async move {
            match name.strip_suffix('*') {
                None => vec![name.clone()],
                // If the list cannot be read, the trace is not searched there.
                Some(prefix) => {
                    calls.make_briefly(|| self.logs.log_groups(prefix)).await.unwrap_or_default()
                }
            }
        });
        join_all(found).await.into_iter().flatten().take(MOST_TRACE_GROUPS).collect()
    }
}

/// What a search over all sources found.
struct Matches {
    newest: Newest,
    kinds: KindsOf,
    /// How each source's search ended.
    ends: Vec<(Count, Option<LookupError>)>,
}

impl Matches {
    /// Whether at least one search succeeded and nothing matched.
    fn is_empty(&self) -> bool {
        self.matched().seen == 0 && self.ends.iter().any(|(_, error)| error.is_none())
    }

    fn matched(&self) -> Count {
        self.ends.iter().fold(Count::default(), |sum, (count, _)| Count {
            seen: sum.seen + count.seen,
            at_least: sum.at_least || count.at_least,
        })
    }
}

impl Evidence {
    /// Keeps a note once that is the same for several parts.
    fn note_once(&mut self) {
        let mut known = HashSet::new();
        self.notes.retain(|note| known.insert(note.clone()));
    }
}

impl Part {
    fn of(subject: &Subject<'_>, now: DateTime<Utc>) -> Self {
        Self {
            child: subject.is_child.then(|| subject.alarm.name.clone()),
            sources: Vec::new(),
            window: window(&subject.alarm, now),
            span: breach(&subject.alarm, now),
            matched: Count::default(),
            kinds: Vec::new(),
            lines: Vec::new(),
            latest: None,
        }
    }

    /// Uses the lines that came with the notification.
    fn carry(&mut self, alarm: &Alarm) {
        let mut kinds = KindsOf::default();
        let mut newest = Newest::new(alarm.carried.len());
        for carried in &alarm.carried {
            let line = Line {
                at: carried.at.or(alarm.changed_at).unwrap_or(self.window.end),
                log_group: carried.log_group.clone().unwrap_or_default(),
                stream: carried.stream.clone().unwrap_or_default(),
                text: carried.text.clone(),
            };
            kinds.add(&line);
            newest.push(line);
        }
        self.matched = Count { seen: alarm.carried.len(), at_least: false };
        (self.kinds, self.matched.seen) = kinds.finish();
        self.lines = newest.into_lines();
    }
}
