//! What was deployed before the first of the failing lines, as CloudFormation, ECS and CodeDeploy say it.

use chrono::{DateTime, Utc};

use super::ports::{Deployer, Deployment, Known};
use super::recorded::newest_before;
use crate::alarm::Alarm;
use crate::text::{cut, one_line, passed};
use crate::zone::Zone;

const LONGEST: usize = 160;
/// Shorter names are part of too many others.
const SHORTEST_NAME: usize = 4;

/// Whom to ask about an alarm whose resources have these names.
pub(super) fn deployers(alarm: &Alarm, names: &[String], log_group: Option<&str>) -> Vec<Deployer> {
    let value = |name: &str| alarm.metrics.iter().find_map(|it| it.dimension(name));
    let service = value("ClusterName").zip(value("ServiceName"));
    // CloudFormation knows a service by its ARN, most others by their names.
    let arn = service
        .map(|(cluster, service)| alarm.origin.arn("ecs", &format!("service/{cluster}/{service}")));
    let resources = arn.or_else(|| names.first().cloned()).into_iter();
    let resources = resources.chain(log_group.map(str::to_owned));
    let mut found: Vec<Deployer> =
        resources.map(|resource| Deployer::StackOf { resource }).collect();
    found.extend(service.map(|(cluster, service)| Deployer::Service {
        cluster: cluster.to_owned(),
        service: service.to_owned(),
    }));
    found.push(Deployer::CodeDeploy { names: names.to_vec() });
    found
}

/// `update of stack shop-prod (Api, ApiTask) began at 03:02 UTC, 4 min before the first of these lines, now
/// UPDATE_COMPLETE; 2 more in the 24 h before`. None if nothing was deployed before.
pub(super) fn sentence(
    known: &Known<Deployment>,
    first: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Option<String> {
    let (newest, older) = newest_before(known.items.iter(), |it| it.at, first)?;
    let more = match (older, known.complete) {
        (0, true) => String::new(),
        (0, false) => "; older ones were not read".to_owned(),
        (more, true) => format!("; {more} more in the 24 h before"),
        (more, false) => format!("; at least {more} more in the 24 h before"),
    };
    Some(format!(
        "{} began at {}, {} before the first of these lines, now {}{more}",
        cut(&one_line(&newest.what), LONGEST),
        zone.moment(newest.at, now),
        passed((first - newest.at).to_std().unwrap_or_default()),
        cut(&one_line(&newest.state), LONGEST),
    ))
}

/// Whether a deployment to `target`, the name of an application or of a group of it, is about one of the resources:
/// the one name contains the other.
pub(super) fn is_about(target: &str, names: &[String]) -> bool {
    let target = target.to_ascii_lowercase();
    names.iter().map(|name| without_suffix(name).to_ascii_lowercase()).any(|name| {
        let (shorter, longer) =
            if name.len() < target.len() { (&name, &target) } else { (&target, &name) };
        shorter.len() >= SHORTEST_NAME && longer.contains(shorter.as_str())
    })
}

/// A name without what CloudFormation adds to make it unique: `shop-Checkout-1QO9Z8EKVB2Y`.
fn without_suffix(name: &str) -> &str {
    let is_random = |it: &str| {
        it.len() >= 8
            && it.bytes().any(|it| it.is_ascii_digit())
            && it.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    match name.rsplit_once('-') {
        Some((name, suffix)) if is_random(suffix) => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes_ago: i64) -> DateTime<Utc> {
        "2026-11-14T03:06:00Z".parse::<DateTime<Utc>>().unwrap() - TimeDelta::minutes(minutes_ago)
    }

    #[test]
    fn situations() {
        let said = "deployment of api began at 03:01 UTC, 4 min before the first of these lines, now FAILED";
        for (ago, complete, expected) in [
            (&[][..], true, None),
            (&[5], true, Some(said.to_owned())),
            (&[5], false, Some(format!("{said}; older ones were not read"))),
            (&[90, 5, 30], true, Some(format!("{said}; 2 more in the 24 h before"))),
            (&[90, 5], false, Some(format!("{said}; at least 1 more in the 24 h before"))),
            // Behind the first line, or too long ago.
            (&[0], true, None),
            (&[25 * 60], true, None),
            (&[25 * 60, 5, 0], true, Some(said.to_owned())),
        ] {
            let deployment = |ago: &i64| Deployment {
                at: at(*ago),
                what: "deployment of api".to_owned(),
                state: "FAILED".to_owned(),
            };
            let known = Known { items: ago.iter().map(deployment).collect(), complete };
            assert_eq!(sentence(&known, at(1), at(0), Zone::UTC), expected, "{ago:?}");
        }
    }

    #[test]
    fn deployments_to_what_the_alarm_is_about() {
        for (target, name, expected) in [
            ("shop-api", "shop-api", true),
            ("Shop-API-prod", "shop-api", true),
            ("shop", "shop-api", true),
            ("shop-CheckoutDeploymentGroup-X1Y2Z3A4", "shop-Checkout-1QO9Z8EKVB2Y", true),
            ("billing", "shop-api", false),
            // Too short to say anything.
            ("api", "shop-api", false),
            ("", "shop-api", false),
        ] {
            assert_eq!(is_about(target, &[name.to_owned()]), expected, "{target} {name}");
        }
    }
}
