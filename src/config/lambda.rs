//! What the Lambda stages need, from the variables that the template sets.

use std::time::Duration;

use url::Url;

use super::{ConfigError, Reader, Settings};
use crate::compose::Paging;
use crate::evidence::Limits;
use crate::routing::pace::Pace;

/// How alarms are enriched, in whatever place.
#[derive(Debug, Clone)]
pub struct EnrichConfig {
    pub evidence_deadline: Duration,
    pub limits: Limits,
    pub paging: Paging,
    /// Further log groups in which a trace is searched; `*` at the end for a beginning.
    pub trace_log_groups: Vec<String>,
}

/// What the `enrich` stage needs.
#[derive(Debug, Clone)]
pub struct EnrichStage {
    pub events_queue_url: String,
    pub enrich: EnrichConfig,
}

/// What the `deliver` stage needs.
#[derive(Debug, Clone)]
pub struct DeliverConfig {
    pub events_queue_url: String,
    pub rejected_queue_url: String,
    pub pagerduty_url: Url,
    pub routing_key_secret: String,
    pub pace: Pace,
    /// The subscription between the topic and enrich, which the canary looks at.
    pub subscription: Option<String>,
    /// For the events of alarms that enrich could not handle.
    pub paging: Paging,
}

/// What the `gateway` stage needs.
#[derive(Debug, Clone)]
pub struct GatewayStage {
    pub events_queue_url: String,
    /// Whose keys may be posted with.
    pub routing_key_secret: String,
    /// The secret whose text is the bearer token.
    pub token_secret: String,
}

impl EnrichConfig {
    /// Reads the settings, which are the environment's but in tests.
    ///
    /// # Errors
    /// All faults, each naming the variable and what it should look like.
    pub fn read(settings: impl Settings) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(settings);
        let config = Self::of(&mut reader);
        reader.finish(config)
    }

    pub(super) fn of(reader: &mut Reader<impl Settings>) -> Self {
        Self {
            evidence_deadline: Duration::from_secs(reader.number(
                "PAGETRAIL_EVIDENCE_DEADLINE_SECONDS",
                20,
                1..=45,
            )),
            limits: Limits {
                lines: reader.count("PAGETRAIL_MAX_LINES", 50, 1..=500),
                trails: reader.count("PAGETRAIL_MAX_TRAILS", 3, 0..=10),
                trail_lines: reader.count("PAGETRAIL_MAX_TRAIL_LINES", 100, 10..=500),
            },
            paging: reader.paging(),
            trace_log_groups: reader.words("PAGETRAIL_TRACE_LOG_GROUPS"),
        }
    }
}

impl EnrichStage {
    /// Reads the settings, which are the environment's but in tests.
    ///
    /// # Errors
    /// All faults, each naming the variable and what it should look like.
    pub fn read(settings: impl Settings) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(settings);
        let config = Self {
            events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
            enrich: EnrichConfig::of(&mut reader),
        };
        reader.finish(config)
    }
}

impl DeliverConfig {
    /// Reads the settings, which are the environment's but in tests.
    ///
    /// # Errors
    /// All faults, each naming the variable and what it should look like.
    pub fn read(settings: impl Settings) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(settings);
        let config = Self {
            events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
            rejected_queue_url: reader.queue_url("PAGETRAIL_REJECTED_QUEUE_URL"),
            pagerduty_url: reader.pagerduty_url("PAGETRAIL_PAGERDUTY_URL"),
            routing_key_secret: routing_key_secret(&mut reader),
            pace: reader.pace(2),
            subscription: reader.value("PAGETRAIL_SUBSCRIPTION_ARN"),
            paging: reader.paging(),
        };
        reader.finish(config)
    }
}

impl GatewayStage {
    /// Reads the settings, which are the environment's but in tests.
    ///
    /// # Errors
    /// All faults, each naming the variable and what it should look like.
    pub fn read(settings: impl Settings) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(settings);
        let config = Self {
            events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
            routing_key_secret: routing_key_secret(&mut reader),
            token_secret: reader.required(
                "PAGETRAIL_TOKEN_SECRET_ARN",
                "the ARN or name of the Secrets Manager secret that holds the bearer token",
                |secret| !secret.is_empty(),
            ),
        };
        reader.finish(config)
    }
}

fn routing_key_secret(reader: &mut Reader<impl Settings>) -> String {
    reader.required(
        "PAGETRAIL_ROUTING_KEY_SECRET_ARN",
        "the ARN or name of the Secrets Manager secret that holds the routing key",
        |secret| !secret.is_empty(),
    )
}
