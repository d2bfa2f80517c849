//! The routing keys of a server: checked at start, read again when they change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use crate::delivery::{Canary, KeyError, Keys, Outcome, PagerDuty};
use crate::event::routing_key::RoutingKey;

/// How often the files are looked at: a change is in use within this.
const LOOK: Duration = Duration::from_secs(2);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("PagerDuty takes none of the routing keys: {0}; put valid ones in their place")]
    NoUsableKey(String),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// Checks each key by a resolve for an alert that never was. A key that PagerDuty does not
/// take is told and set aside; what cannot be checked now is used.
///
/// # Errors
/// When PagerDuty takes none of the keys, or they cannot be read.
pub(super) async fn verify(keys: &Keys, pagerduty: &PagerDuty) -> Result<(), StartError> {
    let all = keys.all().await?;
    let checks = all.iter().map(async |key| (key, Canary::check(pagerduty, key).await));
    let mut refused: Vec<(&RoutingKey, String)> = Vec::new();
    for (key, outcome) in join_all(checks).await {
        match outcome {
            Outcome::Delivered => info!(%key, "PagerDuty takes the routing key"),
            Outcome::RefusedKey { reason } | Outcome::RefusedEvent { reason, .. } => {
                let why = reason.whole();
                error!(%key, why, "PagerDuty does not take the routing key: it is set aside");
                keys.set_aside(key);
                refused.push((key, why));
            }
            Outcome::Later { reason, .. } => {
                warn!(%key, why = reason.what, "the routing key could not be checked now");
            }
        }
    }
    if !all.is_empty() && refused.len() == all.len() {
        let list: Vec<String> = refused.iter().map(|(key, why)| format!("{key} ({why})")).collect();
        return Err(StartError::NoUsableKey(list.join(", ")));
    }
    Ok(())
}

/// Files that are read again when they change, and what is done then.
pub(super) struct Reload {
    pub(super) keys: Arc<Keys>,
    pub(super) files: Vec<PathBuf>,
    /// Whatever else is read again.
    pub(super) others: Box<dyn Fn() + Send + Sync>,
}

impl Reload {
    /// Reads the keys again at every SIGHUP and at every change of a file, forever.
    pub(super) async fn run(self) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        let mut seen = self.stamps();
        let mut clock = interval(LOOK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = self.next(&mut hangup, &mut clock).await;
            let stamps = self.stamps();
            if asked || stamps != seen {
                seen = stamps;
                match self.keys.reload().await {
                    Ok(pools) => {
                        info!(keys = pools.keys().len(), "the routing keys were read again");
                    }
                    Err(problem) => error!(%problem, "the routing keys in memory stay in use"),
                }
                (self.others)();
            }
        }
    }

    /// True at a SIGHUP, false when it is time to look.
    async fn next(&self, hangup: &mut Signal, clock: &mut tokio::time::Interval) -> bool {
        if self.files.is_empty() {
            hangup.recv().await;
            return true;
        }
        tokio::select! {
            _ = hangup.recv() => true,
            _ = clock.tick() => false,
        }
    }

    /// What changes when a file is written or replaced.
    fn stamps(&self) -> BTreeMap<&PathBuf, Option<(u64, i64, i64, u64)>> {
        let stamp = |path: &PathBuf| {
            let data = fs::metadata(path).ok()?;
            Some((data.ino(), data.mtime(), data.mtime_nsec(), data.len()))
        };
        self.files.iter().map(|path| (path, stamp(path))).collect()
    }
}
