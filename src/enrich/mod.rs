//! Turns a notification into queued events. Reads logs; has no routing key.
//!
//! `plan` decides what to do for each notice. For a trigger, the evidence is collected, and the
//! event is composed and queued. `order` keeps the events of one alarm in the order of its changes.
//! [`unenriched`] pages without log lines if enriching failed permanently.

mod order;
mod plan;
mod settings;
pub mod unenriched;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_config::SdkConfig;
use chrono::Utc;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::alarm::Alarm;
use crate::alarm::intake::{self, Message, Notice};
use crate::alarm::tags::{self, Tags};
use crate::aws::home;
use crate::compose::{Composer, dedup_key, resolve};
use crate::context::memory::{Pages, Remembered};
use crate::context::{self, Answers, Asker, Context};
use crate::evidence::aws::Account;
use crate::evidence::ports::LookupError;
use crate::evidence::{self, Collector, Evidence, Redacted};
use crate::hash::sha256_hex;
use crate::pagerduty::{Event, SENDABLE_LIMIT};
use crate::queue::{Outbox, QueueError, Queued};
use crate::routing::Target;
use crate::telemetry::Signal;
use order::{Change, Order, Standing, Turn};
pub use plan::{Plan, plan};
pub use settings::Settings;

/// For a queue that accepts less than PagerDuty: SQS's limit until August 2025, with room for the
/// envelope around the event.
const SMALL_EVENT: usize = 250_000;
/// Time reserved for composing and queueing the event after the evidence.
pub const RESERVE: Duration = Duration::from_secs(10);

/// Turns notifications into queued events.
pub struct Enrich<Q> {
    config: Settings,
    account: Account,
    queue: Q,
    /// The Region this runs in.
    region: String,
    order: Order,
    /// What was paged before.
    pages: Pages,
}

/// What to do for one notice.
enum Task<'a> {
    Page(Message),
    Trigger(Box<Alarm>, Turn<'a>),
    Resolve(Box<Alarm>, Turn<'a>),
    Nothing,
}

impl<Q: Outbox> Enrich<Q> {
    /// Reads the logs of the account in `sdk`, and sends the events to `queue`.
    #[must_use]
    pub fn new(config: Settings, sdk: &SdkConfig, queue: Q, pages: Pages) -> Self {
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let account = Account::new(sdk.clone());
        Self { config, account, queue, region, order: Order::default(), pages }
    }

    /// Handles every notice of a notification separately. Evidence is collected until the
    /// configured deadline, but only as long as enough time is left before `end`. `account` is
    /// used for notices that do not name an account.
    ///
    /// The events of one alarm are queued in the order in which its notices arrived.
    ///
    /// # Errors
    /// If an event could not be queued. The notification can then be handled again: the queue
    /// drops the events that it already has.
    pub async fn handle(
        &self,
        payload: &Value,
        account: &str,
        end: Instant,
    ) -> Result<(), EnrichError> {
        let home = home(&self.region, account);
        let now = Instant::now();
        let last = end.checked_sub(RESERVE).unwrap_or(now).max(now);
        let deadline = (now + self.config.evidence_deadline).min(last);
        let notices = intake::read(payload, &home).into_iter();
        // All get their turns before the first of them waits.
        let tasks: Vec<Task<'_>> = notices.map(|notice| self.task(notice)).collect();
        let handled = tasks.into_iter().map(|task| self.guarded(task, account, deadline));
        let errors: Vec<QueueError> =
            join_all(handled).await.into_iter().filter_map(Result::err).collect();
        if errors.is_empty() { Ok(()) } else { Err(EnrichError(errors)) }
    }

    fn task(&self, notice: Notice) -> Task<'_> {
        match plan(notice, &self.config.paging) {
            Plan::Page(message) => Task::Page(message),
            Plan::Trigger(alarm) => {
                let turn = self.turn(&alarm, true);
                Task::Trigger(alarm, turn)
            }
            Plan::Resolve(alarm) => {
                let turn = self.turn(&alarm, false);
                Task::Resolve(alarm, turn)
            }
            Plan::Nothing(alarm) => {
                let (dedup_key, state) = (dedup_key(&alarm), alarm.state.name());
                info!(%dedup_key, state, "nothing to do for this state");
                Task::Nothing
            }
        }
    }

    fn turn(&self, alarm: &Alarm, opens: bool) -> Turn<'_> {
        let change = Change { opens, at: alarm.changed_at };
        self.order.turn(dedup_key(alarm).as_str(), change)
    }

    /// A crash while handling one notice does not affect the others; the notice is handled again.
    async fn guarded(
        &self,
        task: Task<'_>,
        account: &str,
        deadline: Instant,
    ) -> Result<(), QueueError> {
        let done = AssertUnwindSafe(self.carry_out(task, account, deadline)).catch_unwind().await;
        done.unwrap_or_else(|_| Err(QueueError::Failed("Pagetrail crashed".into())))
    }

    async fn carry_out(
        &self,
        task: Task<'_>,
        account: &str,
        deadline: Instant,
    ) -> Result<(), QueueError> {
        match task {
            Task::Page(message) => self.message(&message).await,
            Task::Trigger(alarm, turn) => self.trigger(*alarm, turn, account, deadline).await,
            Task::Resolve(alarm, turn) => self.resolve(&alarm, turn, deadline).await,
            Task::Nothing => Ok(()),
        }
    }

    async fn trigger(
        &self,
        mut alarm: Alarm,
        mut turn: Turn<'_>,
        account: &str,
        deadline: Instant,
    ) -> Result<(), QueueError> {
        let (mut evidence, context) = self.evidence(&mut alarm, account, deadline).await;
        let alarm = &alarm;
        let standing = turn.come().await?;
        let queued = self.queue_trigger(alarm, &evidence, &context);
        let queued = AssertUnwindSafe(queued).catch_unwind().await;
        if let Ok(queued) = queued {
            queued?;
        } else {
            evidence = crashed(alarm);
            self.queue_trigger(alarm, &evidence, &Context::default()).await?;
        }
        if standing == Standing::Overtaken {
            // The page is still sent. But the alarm is over, and no other OK will come.
            let id = sha256_hex(&["overtaken", &alarm.deduplication_id()]);
            self.queue_resolve(alarm, Some(target(&alarm.tags)), &id).await?;
        }
        turn.pass();
        let kinds = evidence.parts.iter().flat_map(|part| &part.kinds);
        let fingerprints: Vec<String> = kinds.map(|kind| kind.fingerprint.clone()).collect();
        let id = alarm.deduplication_id();
        self.pages.remember(&id, &fingerprints, Utc::now());
        Signal::Triggered {
            dedup_key: dedup_key(alarm).as_str(),
            id: &id,
            lines: evidence.parts.iter().map(|part| part.matched.seen).sum(),
            fingerprints: &fingerprints,
            notes: evidence.notes.len(),
        }
        .tell();
        Ok(())
    }

    async fn queue_trigger(
        &self,
        alarm: &Alarm,
        evidence: &Evidence,
        context: &Context,
    ) -> Result<(), QueueError> {
        let now = Utc::now();
        self.queue(&target(&alarm.tags), alarm.deduplication_id(), |limit| {
            self.composer(limit).trigger(alarm, evidence, context, now)
        })
        .await
    }

    /// A resolve goes to the targets its trigger can have gone to: the tagged target, and the
    /// default one, which is used if the tags cannot be read. If no alert is open, PagerDuty
    /// drops the resolve.
    async fn resolve(
        &self,
        alarm: &Alarm,
        mut turn: Turn<'_>,
        deadline: Instant,
    ) -> Result<(), QueueError> {
        let (_, alarms) = self.account.in_region(&alarm.origin.region);
        let tags = evidence::tags::look_up(alarm, &alarms, deadline).await;
        if turn.come().await? == Standing::Overtaken {
            info!(dedup_key = %dedup_key(alarm), "ignored an old OK: the alarm has fired again since");
            turn.pass();
            return Ok(());
        }
        let tagged = tags.as_ref().ok().map(target);
        self.queue_resolve(alarm, tagged, &alarm.deduplication_id()).await?;
        Signal::Resolved { dedup_key: dedup_key(alarm).as_str() }.tell();
        match tags {
            // It is handled again, and the queue drops what it already has.
            Err(error) if error.is_transient() || error == LookupError::Deadline => {
                Err(QueueError::Failed(format!("the alarm's tags could not be read: {error}")))
            }
            _ => {
                turn.pass();
                Ok(())
            }
        }
    }

    async fn queue_resolve(
        &self,
        alarm: &Alarm,
        tagged: Option<Target>,
        deduplication_id: &str,
    ) -> Result<(), QueueError> {
        let mut targets = vec![Target::default_pool()];
        targets.extend(tagged.filter(|it| *it != targets[0]));
        for target in targets {
            self.queue(&target, deduplication_id.to_owned(), |_| resolve(alarm)).await?;
        }
        Ok(())
    }

    async fn message(&self, message: &Message) -> Result<(), QueueError> {
        warn!(why = message.why, "paging a message unchanged");
        let compose = |limit| self.composer(limit).message(message);
        self.queue(&Target::default_pool(), message.deduplication_id(), compose).await
    }

    /// If the code that reads log lines crashes, the evidence is lost, but never the page.
    /// The context never delays it by more than a moment.
    async fn evidence(
        &self,
        alarm: &mut Alarm,
        account: &str,
        deadline: Instant,
    ) -> (Evidence, Context) {
        if let Some(fault) = &self.config.paging.withheld {
            error!(fault, "the evidence is withheld: a redaction pattern cannot be used");
            let note =
                format!("the log lines are withheld until redactPatterns is corrected: {fault}");
            let evidence = Evidence { notes: vec![note], ..Evidence::default() };
            return (evidence, Context::default());
        }
        let (logs, alarms) = self.account.in_region(&alarm.origin.region);
        let redactor = &self.config.paging.redactor;
        let [important, background] = context::LEAVING.map(|spare| logs.leaving(spare));
        let (important, background) =
            (Redacted { logs: &important, redactor }, Redacted { logs: &background, redactor });
        let (own, _) = self.account.in_region(&self.region);
        let id = alarm.deduplication_id();
        let memory = Remembered { pages: &self.pages, logs: &own, own: &id };
        let logs = Redacted { logs: &logs, redactor };
        let asker = Asker {
            important: &important,
            background: &background,
            facts: &alarms,
            memory: &memory,
            account,
            metrics: self.config.metrics,
            changes: self.config.changes,
            zone: self.config.paging.zone,
            now: Utc::now(),
            deadline,
        };
        let collector = self.collector(&logs, &alarms, deadline);
        let (tell, found) = unbounded_channel();
        let (as_notified, answers) = (alarm.clone(), Answers::default());
        let questions = asker.ask(&as_notified, found, &answers).boxed();
        let questions = AssertUnwindSafe(questions).catch_unwind().map(drop);
        // Boxed: the compiler's limit on nested types is not far.
        let collected = collector.collect_and_tell(alarm, Some(tell)).boxed();
        let collected = AssertUnwindSafe(collected).catch_unwind();
        let collected = context::beside(collected, questions).await;
        let mut evidence = collected.unwrap_or_else(|_| crashed(alarm));
        if let Some(fault) = &self.config.paging.zone_fault {
            evidence.notes.push(format!("times are in UTC until timeZone is corrected: {fault}."));
        }
        (evidence.with_redacted_patterns(redactor), answers.into_context().redacted(redactor))
    }

    fn collector<'a, L, A>(
        &'a self,
        logs: &'a L,
        alarms: &'a A,
        deadline: Instant,
    ) -> Collector<'a, L, A> {
        Collector {
            logs,
            alarms,
            limits: self.config.limits,
            trace_log_groups: &self.config.trace_log_groups,
            zone: self.config.paging.zone,
            now: Utc::now(),
            deadline,
        }
    }

    fn composer(&self, limit: usize) -> Composer<'_> {
        Composer { limit, ..Composer::of(&self.config.paging) }
    }

    /// Queues an event, or a smaller one if the queue refuses its size.
    async fn queue(
        &self,
        target: &Target,
        deduplication_id: String,
        compose: impl Fn(usize) -> Event,
    ) -> Result<(), QueueError> {
        let event = compose(SENDABLE_LIMIT);
        match self.send(target, event, deduplication_id.clone()).await {
            Err(QueueError::TooLarge) => {
                self.send(target, compose(SMALL_EVENT), deduplication_id).await
            }
            sent => sent,
        }
    }

    async fn send(
        &self,
        target: &Target,
        event: Event,
        deduplication_id: String,
    ) -> Result<(), QueueError> {
        let outgoing = Queued::composed(target.clone(), &event, deduplication_id)?;
        let sent = self.queue.send(outgoing).await;
        if let Err(error) = &sent {
            error!(dedup_key = %event.dedup_key, %error, "not queued");
        }
        sent
    }
}

/// The routing target that an alarm's tags name.
fn target(tags: &Tags) -> Target {
    Target::named(tags::target(tags))
}

/// What replaces the evidence if collecting or composing it crashed.
fn crashed(alarm: &Alarm) -> Evidence {
    error!(dedup_key = %dedup_key(alarm), "Pagetrail crashed over the evidence");
    let note = "no log lines: Pagetrail itself failed while it read them. Its own log says where; \
                please report it.";
    Evidence { notes: vec![note.to_owned()], ..Evidence::default() }
}

/// Events that could not be queued.
#[derive(Debug)]
pub struct EnrichError(Vec<QueueError>);

impl fmt::Display for EnrichError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(formatter, "{} event(s) could not be queued: {}", errors.len(), errors.join("; "))
    }
}

impl std::error::Error for EnrichError {}
