//! Notes: what is missing from the evidence, and what to do about it.

use super::ports::LookupError;
use super::sources::{Source, Why};
use super::{Part, Window};
use crate::alarm::tags::{LOG_GROUP, PATTERN};
use crate::alarm::{Alarm, Metric};
use crate::aws::Origin;
use crate::zone::Zone;

/// A call that was made: what a person must know about it to repair a failure.
pub(super) struct Asked {
    action: &'static str,
    /// What a policy must name.
    resource: String,
    /// The account that owns the resource, if it is not the alarm's account.
    linked: Option<String>,
}

impl Asked {
    pub(super) fn filters(at: &Origin) -> Self {
        Self::of_group("logs:DescribeMetricFilters", at, "*")
    }

    /// The action takes no resource (service authorization reference).
    pub(super) fn groups() -> Self {
        Self::new("logs:DescribeLogGroups", "*")
    }

    /// `log_group` is a name or an ARN. The ARN can be in another account.
    pub(super) fn events(at: &Origin, log_group: &str) -> Self {
        const ACTION: &str = "logs:FilterLogEvents";
        let Some(Origin { account, .. }) = Origin::from_arn(log_group) else {
            return Self::of_group(ACTION, at, &format!("{log_group}:*"));
        };
        let asked = Self::new(ACTION, format!("{log_group}:*"));
        Self { linked: Some(account).filter(|account| *account != at.account), ..asked }
    }

    pub(super) fn tags(alarm: &str) -> Self {
        Self::new("cloudwatch:ListTagsForResource", alarm)
    }

    /// With a narrower resource, CloudWatch leaves out composite alarms (API reference).
    pub(super) fn alarms() -> Self {
        Self::new("cloudwatch:DescribeAlarms", "*")
    }

    pub(super) fn function(at: &Origin, name: &str) -> Self {
        let resource = at.arn("lambda", &format!("function:{name}"));
        Self::new("lambda:GetFunctionConfiguration", resource)
    }

    pub(super) fn rule(at: &Origin, name: &str) -> Self {
        Self::new("events:ListTargetsByRule", at.arn("events", &format!("rule/{name}")))
    }

    fn of_group(action: &'static str, at: &Origin, log_group: &str) -> Self {
        Self::new(action, at.arn("logs", &format!("log-group:{log_group}")))
    }

    fn new(action: &'static str, resource: impl Into<String>) -> Self {
        Self { action, resource: resource.into(), linked: None }
    }
}

/// Why a call failed and what to do about it.
pub(super) fn explain(what: &str, error: &LookupError, asked: &Asked) -> String {
    let Asked { action, resource, linked } = asked;
    match error {
        LookupError::AccessDenied => {
            let allow = format!(
                "{what}: access denied. Allow {action} on {resource} in the role of Pagetrail's \
                 enrich function"
            );
            match linked {
                None => format!("{allow}."),
                Some(account) => format!(
                    "{allow} (the stack parameter crossAccountLogs does this), and link account \
                     {account} to this account in CloudWatch."
                ),
            }
        }
        LookupError::NotFound if resource == "*" => format!("{what}: {action} found nothing."),
        LookupError::NotFound => format!("{what}: {resource} does not exist."),
        LookupError::Throttled => format!(
            "{what}: AWS throttled {action} until the evidence deadline. Other readers use up \
             the account's rate in this Region; ask AWS to raise it."
        ),
        LookupError::LogClass => format!(
            "{what}: the log group uses the Infrequent Access class, which only Logs Insights can \
             read. Use the Logs Insights link, or move the logs to the Standard class."
        ),
        LookupError::Unavailable(why) => {
            format!("{what}: {action} failed, and retries failed too ({why}).")
        }
        LookupError::Refused(why) => format!("{what}: AWS refused {action}: {why}"),
        LookupError::Deadline => format!(
            "{what}: the evidence deadline passed first, and the page did not wait. Raise \
             evidenceDeadlineSeconds if this happens often."
        ),
    }
}

/// The note if nothing says where the alarm's logs are.
pub(super) fn no_source(alarm: &Alarm) -> String {
    let metrics: Vec<String> = alarm
        .metrics
        .iter()
        .map(|metric| format!("{}/{}", metric.namespace, metric.name))
        .collect();
    let remedy = format!("Tag the alarm with {LOG_GROUP} to say where to look.");
    if metrics.is_empty() {
        return format!("no log lines: {} does not name a metric. {remedy}", alarm.name);
    }
    format!(
        "no log lines: no metric filter in account {} and Region {} feeds {}, and it is not \
         an AWS metric whose log group is known. {remedy}",
        alarm.origin.account,
        alarm.origin.region,
        metrics.join(", ")
    )
}

/// The note for a metric of another account, whose metric filters only that account can read.
pub(super) fn another_account(metric: &Metric) -> String {
    format!(
        "no log lines: {}/{} is a metric of account {}, whose metric filters are not read. Tag the \
         alarm with {LOG_GROUP} and the log group's ARN to say where to look.",
        metric.namespace,
        metric.name,
        metric.account.as_deref().unwrap_or_default(),
    )
}

/// The note if nothing matched in the alarm's own time, but something matched before it.
pub(super) fn looked_back(own: Window, wider: Window, zone: Zone) -> String {
    format!(
        "These log lines may be about something else: nothing matched in the alarm's own time ({} \
         to {} {}), so the search started earlier, at {}.",
        zone.second(own.start),
        zone.second(own.end),
        zone.name(own.end),
        zone.second(wider.start),
    )
}

/// What proves that there is a line to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    None,
    /// The metric filter counted lines that match.
    Filter,
    /// Lambda counted errors: the function wrote lines, in whatever words.
    Invocation,
}

impl Proof {
    pub(super) fn of(alarm: &Alarm, part: &Part) -> Self {
        if !alarm.proves_a_line() {
            return Self::None;
        }
        let filter = part.sources.iter().any(|source| source.why == Why::MetricFilter);
        let is_errors =
            |metric: &Metric| metric.namespace.starts_with("AWS/Lambda") && metric.name == "Errors";
        if filter {
            Self::Filter
        } else if alarm.metrics.iter().any(is_errors) {
            Self::Invocation
        } else {
            Self::None
        }
    }
}

/// The note if the log groups were read and nothing matched.
pub(super) fn no_line(sources: &[Source], window: Window, zone: Zone, proof: Proof) -> String {
    let groups: Vec<&str> = sources.iter().map(|source| source.log_group.as_str()).collect();
    let why = match proof {
        Proof::Filter => {
            "The metric counted at least one line: it became searchable too late, or it was deleted."
        }
        Proof::Invocation => {
            "Lambda counted at least one error: its lines became searchable too late, go to \
             another log group, or use other words."
        }
        Proof::None => "The alarm's datapoints do not prove that a matching line exists.",
    };
    let tagged = sources.iter().all(|source| matches!(source.why, Why::Table | Why::Tag));
    let remedy = if tagged && proof != Proof::Filter {
        format!(
            " If the errors are written in other words, tag the alarm with {PATTERN}, for example \
             \"any: refused declined\"."
        )
    } else {
        String::new()
    };
    format!(
        "no log lines: nothing in {} matched between {} and {} {}. {why}{remedy}",
        groups.join(", "),
        zone.date_and_second(window.start),
        zone.date_and_second(window.end),
        zone.name(window.end),
    )
}
