//! The alarm: what CloudWatch told us, in one type whatever the form it came in.

mod arn;
mod datapoints;
pub mod sns;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use arn::{Origin, Partition};
pub use datapoints::{Datapoint, breaching};

use crate::event::{DedupKey, sha256_hex};

/// A state change of one CloudWatch alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    pub name: String,
    pub description: Option<String>,
    pub arn: Option<String>,
    pub origin: Origin,
    pub state: State,
    /// Why the state changed, in CloudWatch's words or those given to `set-alarm-state`.
    pub reason: String,
    pub changed_at: Option<DateTime<Utc>>,
    /// The metrics the alarm watches; empty for a composite alarm.
    pub metrics: Vec<Metric>,
    pub evaluation: Evaluation,
    /// Which contributor of a Metrics Insights, PromQL or log alarm changed, where
    /// the alarm notifies for each of them.
    pub contributor: Option<String>,
    /// Distinguishes this state change from the alarm's others, the same in every
    /// delivery of the same notification.
    change: String,
}

/// The state an alarm went into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Alarm,
    Ok,
    InsufficientData,
}

impl State {
    /// The state CloudWatch calls by this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ALARM" => Some(Self::Alarm),
            "OK" => Some(Self::Ok),
            "INSUFFICIENT_DATA" => Some(Self::InsufficientData),
            _ => None,
        }
    }

    /// CloudWatch's name of the state.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alarm => "ALARM",
            Self::Ok => "OK",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// A metric that an alarm watches, itself or as an input of metric math.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
}

/// How CloudWatch evaluates the alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The longest period of the alarm's metrics.
    pub period: Duration,
    pub periods: u32,
    /// CloudWatch's name, such as `GreaterThanThreshold`; absent on composite alarms.
    pub comparison: Option<String>,
}

impl Alarm {
    /// The alarm's ARN, plus the contributor where there is one; without an ARN its
    /// account, Region and name. The same for ALARM and OK, so that a resolve finds
    /// its trigger.
    #[must_use]
    pub fn dedup_key(&self) -> DedupKey {
        DedupKey::new(&self.identity())
    }

    /// The same for every delivery of the same state change, and for no other.
    #[must_use]
    pub fn deduplication_id(&self) -> String {
        sha256_hex(&[&self.identity(), self.state.name(), &self.change])
    }

    fn identity(&self) -> String {
        let alarm = match &self.arn {
            Some(arn) => arn.clone(),
            None => format!("{}/{}/{}", self.origin.account, self.origin.region, self.name),
        };
        match &self.contributor {
            Some(contributor) => format!("{alarm}#{contributor}"),
            None => alarm,
        }
    }

    /// Whether the metric's value proves that a matching log line exists: a breaching
    /// datapoint above zero that did not breach by being too low.
    #[must_use]
    pub fn proves_a_line(&self) -> bool {
        let too_low = self.evaluation.comparison.as_deref().is_some_and(|it| it.contains("Less"));
        !too_low && breaching(&self.reason).iter().any(|datapoint| datapoint.value > 0.0)
    }
}
