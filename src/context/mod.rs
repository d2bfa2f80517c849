//! Context: the answers to the next questions, found out beside the logs.
//!
//! One file for each question: `novelty` (new or known?), `changes`, `calls` and `deployments` (what
//! changed?; `recorded` reads both), `common` (what do the failing lines have in common?), `history` (how often?), `burning` (what else is in ALARM?),
//! `metrics` (where there are no lines). Each says only what was read and proves it; a call that fails or
//! comes too late costs its sentence and nothing else. All run while the lines are searched and the trails
//! are followed; [`beside`] ends them soon after these are done. `budget` makes their calls, [`ports`] says
//! what they need, `aws` and `deployers` ask AWS, and [`memory`] knows what was paged before.

mod answers;
mod aws;
mod budget;
mod burning;
mod calls;
mod changes;
mod common;
mod deployers;
mod deployments;
mod history;
pub mod memory;
mod metrics;
mod novelty;
pub mod ports;
mod recorded;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::future::{Either, join, select};
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::alarm::{Alarm, State};
use crate::evidence::ports::{LogSource, Query};
use crate::evidence::table::guesses;
use crate::evidence::{Part, Progress, Stage};
use crate::lines::Line;
use crate::zone::Zone;
pub use answers::{Answers, Context};
use budget::Budget;
use novelty::{Before, Seen};
use ports::{Facts, Memory};
use recorded::Recorded;

/// How long the page waits for answers that are still missing when its evidence is complete: only for
/// those that just came.
const GRACE: Duration = Duration::from_millis(5);
/// How many of the turns for calls to CloudWatch Logs the questions leave to the evidence: two, which a
/// trail needs, and for less important ones a third.
pub const LEAVING: [u32; 2] = [2, 3];
/// The most children of a composite alarm that are asked about.
const MOST_PARTS: usize = 3;
/// How many other lines of the same time are read, to compare the failing ones with.
const OTHERS: usize = 300;

/// Runs the questions beside the evidence. When this is complete, missing answers get a short grace and
/// are then given up.
pub async fn beside<T>(
    evidence: impl Future<Output = T>,
    questions: impl Future<Output = ()>,
) -> T {
    let evidence = pin!(evidence);
    let questions = pin!(questions);
    match select(evidence, questions).await {
        Either::Left((evidence, questions)) => {
            let _ = timeout(GRACE, questions).await;
            evidence
        }
        Either::Right(((), evidence)) => evidence.await,
    }
}

/// Asks the questions about one alarm.
pub struct Asker<'a, L, F, M> {
    /// The logs, whose lines are redacted, for the more and for the less important questions.
    pub important: &'a L,
    pub background: &'a L,
    pub facts: &'a F,
    pub memory: &'a M,
    /// The account that is asked; empty if unknown.
    pub account: &'a str,
    /// Whether metrics may be read, which costs a little.
    pub metrics: bool,
    /// Whether CloudTrail and the deployers may be asked.
    pub changes: bool,
    pub zone: Zone,
    pub now: DateTime<Utc>,
    pub deadline: Instant,
}

impl<L: LogSource, F: Facts, M: Memory> Asker<'_, L, F, M> {
    /// Adds each answer as soon as it is there. Ends when `progress` is closed and all is answered.
    pub async fn ask(
        &self,
        alarm: &Alarm,
        progress: UnboundedReceiver<Progress>,
        answers: &Answers,
    ) {
        let budget = Budget::until(self.deadline);
        let of_alarm = async {
            tokio::join!(
                self.history(alarm, answers, &budget),
                self.burning(alarm, answers, &budget),
                async {
                    // No metric filter can feed these namespaces: there are no lines to wait for.
                    if has_no_lines(alarm) {
                        self.metrics(alarm, answers, &budget).await;
                    }
                },
            );
        };
        join(of_alarm, self.of_parts(alarm, progress, answers, &budget)).await;
    }

    async fn of_parts(
        &self,
        alarm: &Alarm,
        mut progress: UnboundedReceiver<Progress>,
        answers: &Answers,
        budget: &Budget,
    ) {
        let mut asked = FuturesUnordered::new();
        let mut waiting: HashMap<usize, oneshot::Sender<Box<Part>>> = HashMap::new();
        let mut open = true;
        loop {
            tokio::select! {
                next = progress.recv(), if open => match next {
                    Some(Progress { place, .. }) if place >= MOST_PARTS => {}
                    Some(Progress { place, stage: Stage::Sources, part }) => {
                        let (tell, lines) = oneshot::channel();
                        waiting.insert(place, tell);
                        asked.push(self.of_part(alarm, (place, part), lines, answers, budget));
                    }
                    Some(Progress { place, stage: Stage::Lines, part }) => {
                        // Whoever waited can have given up.
                        let _ = waiting.remove(&place).map(|waiting| waiting.send(Box::new(part)));
                    }
                    None => {
                        open = false;
                        waiting.clear();
                    }
                },
                Some(()) = asked.next(), if !asked.is_empty() => {}
                else => return,
            }
        }
    }

    /// The questions about one part: what was before it while its lines are searched, the others
    /// when they are found.
    async fn of_part(
        &self,
        alarm: &Alarm,
        (place, sources): (usize, Part),
        lines: oneshot::Receiver<Box<Part>>,
        answers: &Answers,
        budget: &Budget,
    ) {
        let (day_read, day) = oneshot::channel();
        let (week_read, week) = oneshot::channel();
        let (others_read, others) = oneshot::channel();
        let (changed_read, changed) = oneshot::channel();
        let read = |window, logs| novelty::read(&sources, window, logs, budget);
        tokio::join!(
            // Whoever waits for an answer can have given up.
            async { drop(day_read.send(read(novelty::day(&sources), self.important).await)) },
            async {
                let asked = self.changes && place == 0;
                let changed = if asked {
                    Recorded::read(self.facts, (alarm, &sources), self.now, budget).await
                } else {
                    Recorded::default()
                };
                drop(changed_read.send(changed));
            },
            async { drop(others_read.send(self.others(&sources, budget).await)) },
            async { drop(week_read.send(read(novelty::week(&sources), self.background).await)) },
            async {
                let Ok(part) = lines.await else { return };
                if part.kinds.is_empty() {
                    if part.child.is_none() && !has_no_lines(alarm) {
                        self.metrics(alarm, answers, budget).await;
                    }
                    return;
                }
                answers.add(|all| all.has_lines = true);
                // Neither waits for the other: each alone proves something.
                let paged = async {
                    let paged = self.paged(&part, budget).await;
                    self.claim(place, &part, &[], &paged, answers);
                    paged
                };
                let before = async {
                    // If another window was searched in the end, the lines before it were not read.
                    let day = day.await.ok()?.filter(|_| part.window == sources.window)?;
                    let before = Before { day, week: None };
                    let seen = novelty::seen(&part, &before);
                    self.claim(place, &part, &seen, &HashMap::new(), answers);
                    Some((before, seen))
                };
                let novelty = async {
                    let (paged, Some((before, seen))) = join(paged, before).await else { return };
                    if !paged.is_empty() {
                        self.claim(place, &part, &seen, &paged, answers);
                    }
                    if let Ok(Some(week)) = week.await {
                        let seen = novelty::seen(&part, &Before { week: Some(week), ..before });
                        self.claim(place, &part, &seen, &paged, answers);
                    }
                };
                let recorded = async {
                    let changed = changed.await.unwrap_or_default();
                    changed.say(&part, self.now, self.zone, answers);
                };
                let of_lines = self.of_lines((alarm, place), &part, others, answers, budget);
                tokio::join!(novelty, of_lines, recorded);
            },
        );
    }

    /// What changed, and what the failing lines have in common.
    async fn of_lines(
        &self,
        (alarm, place): (&Alarm, usize),
        part: &Part,
        others: oneshot::Receiver<Option<Vec<Line>>>,
        answers: &Answers,
        budget: &Budget,
    ) {
        if place > 0 {
            return;
        }
        let others = async {
            let others = others.await.ok()??;
            let group = others.first().map(|line| &line.log_group);
            if part.kinds.first().map(|kind| &kind.naming_line().log_group) != group {
                return None;
            }
            let common = common::sentence(&part.lines, &others);
            answers.add(|said| said.common = common);
            Some(others)
        };
        let Some(function) = changes::function(part, alarm) else {
            others.await;
            return;
        };
        let version = Some(function.version.as_str()).filter(|version| *version != "$LATEST");
        let changed = |facts, others: Option<&[Line]>| {
            let said =
                changes::sentence(&function, facts, &part.lines, others, self.now, self.zone);
            answers.add(|all| all.changes = said);
        };
        let facts = async {
            let facts = budget.once(self.facts.function(&function.name, version)).await?;
            changed(facts, None);
            Some(facts)
        };
        if let (Some(facts), Some(others)) = join(facts, others).await {
            changed(facts, Some(&others));
        }
    }

    async fn history(&self, alarm: &Alarm, answers: &Answers, budget: &Budget) {
        // The history of an alarm with contributors mixes their changes.
        let Some(at) = alarm.changed_at.filter(|_| alarm.contributor.is_none()) else { return };
        let since = at - history::SINCE;
        let Some(known) = budget.once(self.facts.history(&alarm.name, since)).await else { return };
        // Another account can have an alarm with the same name; only this one changed at that time.
        let is_same = known
            .items
            .iter()
            .any(|it| it.to == State::Alarm && (it.at - at).abs() < TimeDelta::seconds(2));
        if is_same || alarm.origin.account == self.account {
            let said = history::sentence(&known, at, self.now, self.zone);
            answers.add(|all| all.history = said);
        }
    }

    async fn burning(&self, alarm: &Alarm, answers: &Answers, budget: &Budget) {
        let Some(known) = budget.once(self.facts.in_alarm()).await else { return };
        let is_among = known.items.iter().any(|it| it.arn.is_some() && it.arn == alarm.arn);
        if is_among || alarm.origin.account == self.account {
            let said = burning::sentence(alarm, &known, self.now, self.zone);
            answers.add(|all| all.burning = said);
        }
    }

    async fn metrics(&self, alarm: &Alarm, answers: &Answers, budget: &Budget) {
        let reads = if self.metrics { metrics::reads(alarm, self.now) } else { Vec::new() };
        let own = alarm.origin.account == self.account || self.account.is_empty();
        if reads.is_empty() || !own {
            return;
        }
        if let Some(values) = budget.once(self.facts.metric_data(&reads)).await {
            let said = metrics::sentences(&reads, &values);
            answers.add(|all| all.metrics = said);
        }
    }

    /// When the first kinds were paged before, each the newest time.
    async fn paged(&self, part: &Part, budget: &Budget) -> HashMap<String, DateTime<Utc>> {
        let kinds = part.kinds.iter().take(novelty::MOST_KINDS);
        let prints: Vec<String> = kinds.map(|kind| kind.fingerprint.clone()).collect();
        let pages = budget.once(self.memory.pages(&prints, self.now - memory::BACK)).await;
        let mut newest: HashMap<String, DateTime<Utc>> = HashMap::new();
        for page in pages.unwrap_or_default() {
            let known = newest.entry(page.fingerprint).or_insert(page.at);
            *known = page.at.max(*known);
        }
        newest
    }

    fn claim(
        &self,
        place: usize,
        part: &Part,
        seen: &[Seen],
        paged: &HashMap<String, DateTime<Utc>>,
        answers: &Answers,
    ) {
        for (at, kind) in part.kinds.iter().take(novelty::MOST_KINDS).enumerate() {
            let paged = paged.get(&kind.fingerprint).copied();
            let (name, count) = (&kind.name, kind.count);
            let claim = novelty::claim(name, count, part.window, seen.get(at), paged, self.now);
            if let Some(claim) = claim {
                answers.add(|all| drop(all.novelty.insert((place, at), claim)));
            }
        }
    }

    /// Other lines of the same time and place, whatever they say.
    async fn others(&self, part: &Part, budget: &Budget) -> Option<Vec<Line>> {
        let query = Query::newest(&part.sources.first()?.log_group, "", part.window);
        let query = Query { most: Some(OTHERS), ..query };
        let page = budget.once(self.background.events(&query, None)).await?;
        Some(page.items)
    }
}

/// Whether an alarm's metrics are AWS's own, of services that write no log.
fn has_no_lines(alarm: &Alarm) -> bool {
    let mut metrics = alarm.metrics.iter();
    !alarm.metrics.is_empty()
        && metrics.all(|it| it.namespace.starts_with("AWS/") && guesses(it).is_empty())
}
