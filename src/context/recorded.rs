//! What CloudTrail and the deployers recorded: asked beside the search, said when the failing lines are known.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join, join_all};

use super::answers::Answers;
use super::budget::Budget;
use super::ports::{ApiCall, Deployer, Deployment, Facts, Known};
use super::{calls, deployments};
use crate::alarm::Alarm;
use crate::aws::log_group_name;
use crate::evidence::Part;
use crate::zone::Zone;

/// How far back is looked.
const SINCE: TimeDelta = TimeDelta::hours(24);

/// The records of what changed before.
#[derive(Default)]
pub(super) struct Recorded {
    /// Each with the resource's name.
    calls: Vec<(String, Known<ApiCall>)>,
    deployments: Vec<(Deployer, Known<Deployment>)>,
}

impl Recorded {
    /// Asks all at the same time.
    pub(super) async fn read<F: Facts>(
        facts: &F,
        (alarm, part): (&Alarm, &Part),
        now: DateTime<Utc>,
        budget: &Budget,
    ) -> Self {
        let names = calls::names(alarm, part);
        let group = part.sources.first().map(|source| log_group_name(&source.log_group));
        let deployers = deployments::deployers(alarm, &names, group);
        let since = part.window.start - SINCE;
        let calls = names.into_iter().map(|name| async move {
            let known = budget.once(facts.api_calls(&name, since, now)).await?;
            Some((name, known))
        });
        let deployments = deployers.into_iter().map(|deployer| async move {
            let known = budget.once(facts.deployments(&deployer, since, now)).await?;
            Some((deployer, known))
        });
        let (calls, deployments) = join(join_all(calls), join_all(deployments)).await;
        Self {
            calls: calls.into_iter().flatten().collect(),
            deployments: deployments.into_iter().flatten().collect(),
        }
    }

    /// Says what was before the first of the part's lines.
    pub(super) fn say(&self, part: &Part, now: DateTime<Utc>, zone: Zone, answers: &Answers) {
        // Of more lines than were read, nobody knows which was the first.
        let first = part.kinds.iter().map(|kind| kind.first).min();
        let Some(first) = first.filter(|_| !part.matched.at_least) else { return };
        let calls = self.calls.iter();
        let calls =
            calls.filter_map(|(name, known)| calls::sentence(name, known, first, now, zone));
        let calls: Vec<String> = calls.collect();
        let mut deployed: Vec<(String, &'static str)> = Vec::new();
        for (deployer, known) in &self.deployments {
            let said = deployments::sentence(known, first, now, zone);
            let said = said.map(|said| (said, deployer.name()));
            // Two resources can be in one stack.
            deployed.extend(said.filter(|said| !deployed.contains(said)));
        }
        answers.add(|all| (all.calls, all.deployments) = (calls, deployed));
    }
}

/// The newest of the records in the 24 hours before a time, and how many older ones there are.
pub(super) fn newest_before<'r, R>(
    records: impl Iterator<Item = &'r R>,
    at: impl Fn(&R) -> DateTime<Utc>,
    first: DateTime<Utc>,
) -> Option<(&'r R, usize)> {
    let within = |record: &&R| at(record) <= first && at(record) >= first - SINCE;
    let before: Vec<&R> = records.filter(within).collect();
    let newest = before.iter().copied().max_by_key(|record| at(record))?;
    Some((newest, before.len() - 1))
}
