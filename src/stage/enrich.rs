//! The `enrich` stage: alarms from SNS to `events.fifo`. Reads logs, holds no key.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_config::SdkConfig;
use chrono::Utc;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::end_of;
use crate::alarm::intake::{self, Message, Notice};
use crate::alarm::{Alarm, home};
use crate::config::EnrichConfig;
use crate::event::compose::{Composer, resolve};
use crate::event::{Action, Event, sendable_limit, sha256_hex};
use crate::evidence::aws::Account;
use crate::evidence::{Collector, Evidence, Redacted};
use crate::queue::sqs::{QueueError, SqsQueue};
use crate::queue::{DEFAULT_TARGET, Queued, target};
use crate::telemetry::Signal;

/// Where a queue takes less than PagerDuty: SQS's limit until August 2025, with room
/// for what is around the event.
const SMALL_EVENT: usize = 250_000;
/// Time kept for composing and queueing the event after the evidence.
const RESERVE: Duration = Duration::from_secs(10);

/// What the stage needs to answer an invocation.
pub struct Enrich {
    config: EnrichConfig,
    account: Account,
    events: SqsQueue,
    /// The Region this function runs in.
    region: String,
}

/// Answers invocations until Lambda ends the process.
///
/// # Errors
/// When the configuration is faulty or the Runtime API cannot be reached.
pub async fn run(sdk: &SdkConfig) -> Result<(), Error> {
    let config = EnrichConfig::read(|name| std::env::var(name).ok())?;
    let enrich = Enrich {
        account: Account::new(sdk.clone()),
        events: SqsQueue::new(sdk, config.events_queue_url.clone()),
        region: sdk.region().map(ToString::to_string).unwrap_or_default(),
        config,
    };
    let enrich = &enrich;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        enrich.invocation(&event.payload, &event.context).await
    }))
    .await
}

impl Enrich {
    /// Handles every record, each on its own.
    ///
    /// # Errors
    /// When an event could not be queued: Lambda then invokes again, and the FIFO
    /// queue drops what it has already.
    async fn invocation(&self, payload: &Value, context: &Context) -> Result<(), Error> {
        let account = context.invoked_function_arn.split(':').nth(4).unwrap_or_default();
        let home = home(&self.region, account);
        let now = Instant::now();
        let last = end_of(context).checked_sub(RESERVE).unwrap_or(now).max(now);
        let deadline = (now + self.config.evidence_deadline).min(last);
        let handled = intake::read(payload, &home).into_iter().map(async |notice| {
            let notice = notice.redacted(&self.config.paging.redactor);
            let handled = AssertUnwindSafe(self.notice(&notice, deadline)).catch_unwind();
            // A crash over one notice leaves the others alone; Lambda invokes again for it.
            handled.await.unwrap_or_else(|_| Err(QueueError::Failed("Pagetrail crashed".into())))
        });
        let errors: Vec<String> = join_all(handled)
            .await
            .into_iter()
            .filter_map(|queued| queued.err().map(|error| error.to_string()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(format!("{} event(s) could not be queued: {}", errors.len(), errors.join("; "))
                .into())
        }
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
        let mut targets = vec![DEFAULT_TARGET.to_owned()];
        targets.extend(tags.as_ref().ok().map(target).filter(|it| it != DEFAULT_TARGET));
        for target in targets {
            let deduplication_id = alarm.deduplication_id();
            self.queue(&target, deduplication_id, |_| resolve(alarm)).await?;
        }
        Signal::Resolved { dedup_key: alarm.dedup_key().as_str() }.tell();
        match tags {
            // Lambda invokes again, and the FIFO queue drops what it has already.
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
        self.queue(DEFAULT_TARGET, deduplication_id, compose).await
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
        target: &str,
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
        target: &str,
        event: Event,
        deduplication_id: String,
    ) -> Result<(), QueueError> {
        let queued = Queued { target: target.to_owned(), event };
        let sent = self.events.send_event(&queued, deduplication_id).await;
        if let Err(error) = &sent {
            error!(dedup_key = %queued.event.dedup_key, %error, "not queued");
        }
        sent
    }
}
