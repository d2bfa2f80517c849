//! Enriching: from a notification to queued events. Reads logs, holds no key.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_config::SdkConfig;
use chrono::Utc;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::alarm::intake::{self, Message, Notice};
use crate::alarm::{Alarm, home};
use crate::config::EnrichConfig;
use crate::event::compose::{Composer, resolve};
use crate::event::{Action, Event, sendable_limit, sha256_hex};
use crate::evidence::aws::Account;
use crate::evidence::{Collector, Evidence, Redacted};
use crate::queue::{Deduplication, Queue, QueueError, Queued, Target, target};
use crate::telemetry::Signal;

/// Where a queue takes less than PagerDuty: SQS's limit until August 2025, with room
/// for what is around the event.
const SMALL_EVENT: usize = 250_000;
/// Time kept for composing and queueing the event after the evidence.
const RESERVE: Duration = Duration::from_secs(10);

/// Turns notifications into queued events.
pub struct Enrich<Q> {
    config: EnrichConfig,
    account: Account,
    queue: Q,
    /// The Region this runs in.
    region: String,
}

impl<Q: Queue> Enrich<Q> {
    /// With the account whose logs are read and the queue the events go to.
    #[must_use]
    pub fn new(config: EnrichConfig, sdk: &SdkConfig, queue: Q) -> Self {
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        Self { config, account: Account::new(sdk.clone()), queue, region }
    }

    /// Handles every notice of a notification, each on its own. Evidence is collected until
    /// the configured deadline, and so that enough time is left before `end`. `account` is
    /// that of notices that do not tell theirs.
    ///
    /// # Errors
    /// When an event could not be queued. What is handed over again is queued once: the
    /// queue drops what it has already.
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
        let handled = intake::read(payload, &home).into_iter().map(async |notice| {
            let notice = notice.redacted(&self.config.paging.redactor);
            let handled = AssertUnwindSafe(self.notice(&notice, deadline)).catch_unwind();
            // A crash over one notice leaves the others alone; it is handed over again.
            handled.await.unwrap_or_else(|_| Err(QueueError::Failed("Pagetrail crashed".into())))
        });
        let errors: Vec<QueueError> =
            join_all(handled).await.into_iter().filter_map(Result::err).collect();
        if errors.is_empty() { Ok(()) } else { Err(EnrichError(errors)) }
    }

    async fn notice(&self, notice: &Notice, deadline: Instant) -> Result<(), QueueError> {
        match notice {
            Notice::Message(message) => self.message(message).await,
            Notice::Alarm(alarm) => self.alarm(alarm, deadline).await,
        }
    }

    async fn alarm(&self, alarm: &Alarm, deadline: Instant) -> Result<(), QueueError> {
        let dedup_key = alarm.dedup_key();
        let deduplication_id = alarm.deduplication_id();
        match self.config.paging.action(alarm.state) {
            None => {
                info!(%dedup_key, state = alarm.state.name(), "nothing to do for this state");
                Ok(())
            }
            Some(Action::Trigger) => {
                let evidence = self.evidence(alarm, deadline).await;
                let now = Utc::now();
                let target = target(&evidence.tags);
                self.queue(&target, deduplication_id, |limit| {
                    self.composer(limit).trigger(alarm, &evidence, now)
                })
                .await?;
                Signal::Triggered {
                    dedup_key: dedup_key.as_str(),
                    lines: evidence.parts.iter().map(|part| part.matched.seen).sum(),
                    kinds: evidence.parts.iter().map(|part| part.kinds.len()).sum(),
                    notes: evidence.notes.len(),
                }
                .tell();
                Ok(())
            }
            Some(_) => self.resolve(alarm, deadline).await,
        }
    }

    /// A resolve goes where its trigger went: to the tagged target, and to the default
    /// one, where the trigger went if the tags could not be read then. Where no alert is
    /// open, PagerDuty drops it.
    async fn resolve(&self, alarm: &Alarm, deadline: Instant) -> Result<(), QueueError> {
        let (logs, alarms) = self.account.in_region(&alarm.origin.region);
        let tags = self.collector(&logs, &alarms, deadline).tags(alarm).await;
        let mut targets = vec![Target::default_pool()];
        targets.extend(tags.as_ref().ok().map(target).filter(|it| *it != targets[0]));
        for target in targets {
            let deduplication_id = alarm.deduplication_id();
            self.queue(&target, deduplication_id, |_| resolve(alarm)).await?;
        }
        Signal::Resolved { dedup_key: alarm.dedup_key().as_str() }.tell();
        match tags {
            // It is handed over again, and the queue drops what it has already.
            Err(error) if error.is_transient() => {
                Err(QueueError::Failed(format!("the alarm's tags could not be read: {error}")))
            }
            _ => Ok(()),
        }
    }

    async fn message(&self, message: &Message) -> Result<(), QueueError> {
        warn!(why = message.why, "paging a message as it came");
        let identity = if message.id.is_empty() { &message.body } else { &message.id };
        let deduplication_id = sha256_hex(&["message", identity]);
        let compose = |limit| self.composer(limit).message(message);
        self.queue(&Target::default_pool(), deduplication_id, compose).await
    }

    /// A crash of the code that reads log lines costs the evidence, never the page.
    async fn evidence(&self, alarm: &Alarm, deadline: Instant) -> Evidence {
        if let Some(fault) = &self.config.paging.withheld {
            error!(fault, "the evidence is withheld: a redaction pattern cannot be used");
            let note =
                format!("the log lines are withheld until redactPatterns is mended: {fault}");
            return Evidence { notes: vec![note], ..Evidence::default() };
        }
        let (logs, alarms) = self.account.in_region(&alarm.origin.region);
        let logs = Redacted { logs: &logs, redactor: &self.config.paging.redactor };
        let collector = self.collector(&logs, &alarms, deadline);
        AssertUnwindSafe(collector.collect(alarm)).catch_unwind().await.unwrap_or_else(|_| {
            error!(dedup_key = %alarm.dedup_key(), "collecting evidence crashed");
            Evidence {
                notes: vec![
                    "no log lines: Pagetrail itself failed while it collected them. Its enrich \
                     function's log says where; please report it."
                        .to_owned(),
                ],
                ..Evidence::default()
            }
        })
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
            now: Utc::now(),
            deadline,
        }
    }

    fn composer(&self, limit: usize) -> Composer<'_> {
        Composer { limit, ..Composer::of(&self.config.paging) }
    }

    /// Queues an event, a smaller one where the queue takes no more.
    async fn queue(
        &self,
        target: &Target,
        deduplication_id: String,
        compose: impl Fn(usize) -> Event,
    ) -> Result<(), QueueError> {
        let event = compose(sendable_limit());
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
        let queued = Queued::of(target.clone(), &event)?;
        let deduplication = Deduplication::Id(deduplication_id);
        let sent = self.queue.send(queued.outgoing(&queued.outline(), deduplication)?).await;
        if let Err(error) = &sent {
            error!(dedup_key = %event.dedup_key, %error, "not queued");
        }
        sent
    }
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
