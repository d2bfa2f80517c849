//! The alarm: what CloudWatch reported, in one type for all forms of notification.
//!
//! - [`intake`]: a payload → its notices, recognised by marker fields.
//! - `notification`, `event_bridge`: the two forms in which CloudWatch writes a state change.
//! - [`rule`], [`query`], [`log_query`], [`datapoints`], [`tags`]: read a composite alarm's rule,
//!   a Metrics Insights query, a log alarm's query, a reason, and the alarm's tags.

pub mod datapoints;
mod event_bridge;
mod fields;
mod insights;
pub mod intake;
pub mod log_query;
mod notification;
pub mod query;
pub mod rule;
pub mod tags;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use datapoints::Datapoint;
pub(crate) use fields::time;
pub use log_query::LogQuery;

use self::tags::Tags;
use crate::aws::Origin;
use crate::hash::sha256_hex;

/// The period if an alarm does not name one: the console's default.
pub(crate) const DEFAULT_PERIOD: Duration = Duration::from_mins(5);

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
    /// What a log alarm counts.
    pub log_query: Option<LogQuery>,
    /// What the threshold is compared with, if it is an expression: its label, or the expression.
    pub label: Option<String>,
    /// The alarm is evaluated for several contributors, and this change only says that at least one
    /// of them changed: each is reported by a notification of its own.
    pub sums_up: bool,
    pub evaluation: Evaluation,
    /// The datapoints that led to the state, if known.
    pub datapoints: Vec<Datapoint>,
    /// Which contributor of a Metrics Insights, PromQL or log alarm changed, if the alarm
    /// notifies for each of them.
    pub contributor: Option<Contributor>,
    /// What a composite alarm consists of; None for any other alarm.
    pub composite: Option<Composite>,
    /// The log lines in a log alarm's notification.
    pub carried: Vec<CarriedLine>,
    /// The alarm's tags, if known: those in the notification, else those read from CloudWatch.
    pub tags: Tags,
    /// What suppresses or mutes the alarm's actions. EventBridge reports such changes too.
    pub suppressed_by: Option<String>,
    /// Distinguishes this state change from others of the alarm. The same in every delivery of
    /// the same notification.
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
    /// The state with this name in CloudWatch.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ALARM" => Some(Self::Alarm),
            "OK" => Some(Self::Ok),
            "INSUFFICIENT_DATA" => Some(Self::InsufficientData),
            _ => None,
        }
    }

    /// CloudWatch's name for the state.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alarm => "ALARM",
            Self::Ok => "OK",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// A metric that an alarm watches, directly or as an input of metric math.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
    /// The metric's account, if the alarm says that it is another one.
    pub account: Option<String>,
}

impl Metric {
    /// The value of a dimension.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions.get(name).map(String::as_str)
    }
}

/// How CloudWatch evaluates the alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The longest period of the alarm's metrics, or the time that one run of a log alarm's
    /// query covers.
    pub period: Duration,
    pub periods: u32,
    /// CloudWatch's name, such as `GreaterThanThreshold`; absent on composite alarms.
    pub comparison: Option<String>,
    /// Absent on composite and anomaly detection alarms.
    pub threshold: Option<f64>,
}

/// One of the many series that an alarm over a query watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contributor {
    pub id: String,
    pub attributes: BTreeMap<String, String>,
}

/// What a composite alarm consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Composite {
    pub rule: Option<String>,
    /// The ARNs or names of the children that caused the state change, if known.
    pub triggering: Vec<String>,
}

/// A log line that came with the notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedLine {
    pub at: Option<DateTime<Utc>>,
    pub log_group: Option<String>,
    pub stream: Option<String>,
    pub text: String,
}

/// An alarm as `DescribeAlarms` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    pub name: String,
    pub description: Option<String>,
    pub arn: String,
    pub origin: Origin,
    pub state: State,
    pub reason: String,
    pub changed_at: Option<DateTime<Utc>>,
    pub metrics: Vec<Metric>,
    pub log_query: Option<LogQuery>,
    pub evaluation: Evaluation,
    pub composite: Option<Composite>,
}

impl Alarm {
    /// An alarm in its current state, as if a notification had just reported it.
    #[must_use]
    pub fn described(it: Described) -> Self {
        Self {
            name: it.name,
            description: it.description.filter(|text| !text.trim().is_empty()),
            arn: Some(it.arn),
            origin: it.origin,
            state: it.state,
            datapoints: datapoints::breaching(&it.reason),
            change: it.changed_at.map_or_else(String::new, |at| at.timestamp_millis().to_string()),
            reason: it.reason,
            changed_at: it.changed_at,
            metrics: it.metrics,
            log_query: it.log_query,
            label: None,
            sums_up: false,
            evaluation: it.evaluation,
            contributor: None,
            composite: it.composite,
            carried: Vec::new(),
            tags: Tags::new(),
            suppressed_by: None,
        }
    }

    /// Changes the alarm as if it fired at this time.
    pub fn fires_at(&mut self, at: DateTime<Utc>) {
        self.state = State::Alarm;
        self.changed_at = Some(at);
        self.datapoints.clear();
        self.change = at.timestamp_millis().to_string();
    }

    /// The same for every delivery of the same state change, and for no other.
    #[must_use]
    pub fn deduplication_id(&self) -> String {
        sha256_hex(&[&self.identity(), self.state.name(), &self.change])
    }

    /// The alarm's ARN, plus the contributor if there is one. Without an ARN, the account,
    /// Region and name. The same for ALARM and OK.
    #[must_use]
    pub fn identity(&self) -> String {
        let alarm = match &self.arn {
            Some(arn) => arn.clone(),
            None => format!("{}/{}/{}", self.origin.account, self.origin.region, self.name),
        };
        match &self.contributor {
            Some(contributor) => format!("{alarm}#{}", contributor.id),
            None => alarm,
        }
    }

    /// How many periods crossed the threshold. A reason names at most five datapoints, and says how
    /// many there were: `6 datapoints were`, `6 out of the last 6 datapoints`.
    #[must_use]
    pub fn breaching_periods(&self, reason: &str) -> u32 {
        let named = u32::try_from(self.datapoints.len()).unwrap_or(1);
        let (before, _) = reason.split_once(" datapoint").unwrap_or_default();
        let before = before.split_once(" out of the last").map_or(before, |(count, _)| count);
        let told = before.rsplit([' ', ':']).next().and_then(|count| count.parse().ok());
        // More than an alarm evaluates is not believed.
        told.filter(|told| *told <= 10_080).unwrap_or(named).max(named)
    }

    /// Whether the metric's value proves that a matching log line exists: a breaching
    /// datapoint above zero that did not breach by being too low.
    #[must_use]
    pub fn proves_a_line(&self) -> bool {
        let too_low = self.evaluation.comparison.as_deref().is_some_and(|it| it.contains("Less"));
        !too_low && self.datapoints.iter().any(|datapoint| datapoint.value > 0.0)
    }
}
