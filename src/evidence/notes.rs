//! Notes: what is missing from the evidence and what to do about it, in plain words.

use chrono::{DateTime, Utc};

use super::Window;
use super::ports::LookupError;
use super::sources::Source;
use crate::alarm::Alarm;
use crate::alarm::tags::LOG_GROUP;
use crate::aws::Origin;

/// A call that was made, as far as a person needs to know it to remove its failure.
pub(super) struct Asked {
    action: &'static str,
    resource: String,
}

impl Asked {
    pub(super) fn filters(at: &Origin) -> Self {
        Self::of_group("logs:DescribeMetricFilters", at, "*")
    }

    pub(super) fn groups(at: &Origin) -> Self {
        Self::of_group("logs:DescribeLogGroups", at, "*")
    }

    pub(super) fn events(at: &Origin, log_group: &str) -> Self {
        let group = log_group.rsplit(":log-group:").next().unwrap_or(log_group);
        Self::of_group("logs:FilterLogEvents", at, &format!("{group}:*"))
    }

    pub(super) fn tags(alarm: &str) -> Self {
        Self { action: "cloudwatch:ListTagsForResource", resource: alarm.to_owned() }
    }

    pub(super) fn alarms(at: &Origin) -> Self {
        let (partition, region, account) = (at.partition.name(), &at.region, &at.account);
        Self {
            action: "cloudwatch:DescribeAlarms",
            resource: format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:*"),
        }
    }

    pub(super) fn function(at: &Origin, name: &str) -> Self {
        let (partition, region, account) = (at.partition.name(), &at.region, &at.account);
        Self {
            action: "lambda:GetFunctionConfiguration",
            resource: format!("arn:{partition}:lambda:{region}:{account}:function:{name}"),
        }
    }

    pub(super) fn rule(at: &Origin, name: &str) -> Self {
        let (partition, region, account) = (at.partition.name(), &at.region, &at.account);
        Self {
            action: "events:ListTargetsByRule",
            resource: format!("arn:{partition}:events:{region}:{account}:rule/{name}"),
        }
    }

    fn of_group(action: &'static str, at: &Origin, log_group: &str) -> Self {
        let (partition, region, account) = (at.partition.name(), &at.region, &at.account);
        Self {
            action,
            resource: format!("arn:{partition}:logs:{region}:{account}:log-group:{log_group}"),
        }
    }
}

/// Why a call failed and what to do about it.
pub(super) fn explain(what: &str, error: &LookupError, asked: &Asked) -> String {
    let Asked { action, resource } = asked;
    match error {
        LookupError::AccessDenied => format!(
            "{what}: access denied. Allow {action} on {resource} in the role of Pagetrail's \
             enrich function."
        ),
        LookupError::NotFound => format!("{what}: {resource} does not exist."),
        LookupError::Throttled => format!(
            "{what}: AWS throttled {action} until the evidence deadline. Other readers use up \
             the account's rate in this Region; ask AWS to raise it."
        ),
        LookupError::LogClass => format!(
            "{what}: the log group is of the Infrequent Access class, which can only be read by \
             Logs Insights. Use the Logs Insights link, or move the logs to the Standard class."
        ),
        LookupError::Unavailable(why) => {
            format!("{what}: {action} failed, also when tried again ({why}).")
        }
        LookupError::Refused(why) => format!("{what}: AWS refused {action}: {why}"),
        LookupError::Deadline => format!(
            "{what}: the evidence deadline passed first. The page did not wait; raise \
             evidenceDeadlineSeconds if this happens often."
        ),
    }
}

/// Nothing says where the alarm's logs are.
pub(super) fn no_source(alarm: &Alarm) -> String {
    let metrics: Vec<String> = alarm
        .metrics
        .iter()
        .map(|metric| format!("{}/{}", metric.namespace, metric.name))
        .collect();
    let remedy = format!("Tag the alarm with {LOG_GROUP} to say where to look.");
    if metrics.is_empty() {
        return format!("no log lines: {} names no metric of its own. {remedy}", alarm.name);
    }
    format!(
        "no log lines: no metric filter in account {} and Region {} feeds {}, and it is no AWS \
         metric whose log group is known. {remedy}",
        alarm.origin.account,
        alarm.origin.region,
        metrics.join(", ")
    )
}

/// Nothing matched in the alarm's own time, but something did before it.
pub(super) fn looked_back(own: Window, wider: Window) -> String {
    let time = |time: DateTime<Utc>| time.format("%H:%M:%S").to_string();
    format!(
        "The lines may be about something else: nothing matched in the alarm's own time, {} to {} \
         UTC, so they are from {} on.",
        time(own.start),
        time(own.end),
        time(wider.start),
    )
}

/// The log groups were read, and nothing matched.
pub(super) fn no_line(sources: &[Source], window: Window, must_exist: bool) -> String {
    let groups: Vec<&str> = sources.iter().map(|source| source.log_group.as_str()).collect();
    let why = if must_exist {
        "The metric counted at least one: it may have become searchable too late, or been deleted."
    } else {
        "The alarm's datapoints do not say that one must exist."
    };
    format!(
        "no log lines: nothing in {} matched between {} and {} UTC. {why}",
        groups.join(", "),
        window.start.format("%Y-%m-%d %H:%M:%S"),
        window.end.format("%Y-%m-%d %H:%M:%S"),
    )
}
