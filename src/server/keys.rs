//! The routing keys of a server: checked at start, read again when they change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::signal::unix::Signal;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use crate::delivery::check_key;
use crate::files;
use crate::pagerduty::PagerDuty;
use crate::pagerduty::routing_key::RoutingKey;
use crate::routing::{KeyError, Keys};

/// Time between two checks of the files, so a change is in use within this time.
const LOOK: Duration = Duration::from_secs(2);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("PagerDuty accepts none of the routing keys: {0}; replace them with valid keys")]
    NoUsableKey(String),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// Checks each key by sending a resolve for an alert that never existed. A key that PagerDuty does
/// not accept is reported and set aside; a key that cannot be checked now is used.
///
/// # Errors
/// When PagerDuty accepts none of the keys, or they cannot be read.
pub(super) async fn verify(keys: &Keys, pagerduty: &PagerDuty) -> Result<(), StartError> {
    let all = keys.all().await?;
    let checks = all.iter().map(async |key| (key, check_key(pagerduty, key).await));
    let mut refused: Vec<(&RoutingKey, String)> = Vec::new();
    for (key, outcome) in join_all(checks).await {
        let Some(reason) = outcome.reason() else {
            info!(%key, "PagerDuty accepts the routing key");
            continue;
        };
        if outcome.is_refusal() {
            let why = reason.whole();
            error!(%key, why, "PagerDuty does not accept the routing key: it is set aside");
            keys.set_aside(key);
            refused.push((key, why));
        } else {
            warn!(%key, why = reason.what, "the routing key could not be checked now");
        }
    }
    if !all.is_empty() && refused.len() == all.len() {
        let list: Vec<String> = refused.iter().map(|(key, why)| format!("{key} ({why})")).collect();
        return Err(StartError::NoUsableKey(list.join(", ")));
    }
    Ok(())
}

/// For each file a value that changes when the file is written or replaced; none if it cannot be looked at.
pub(super) type Stamps = BTreeMap<PathBuf, Option<(u64, i64, i64, u64)>>;

/// The settings that are read again when they change.
pub(super) struct Reload {
    /// `None` if the keys are part of the configuration, which is read only at start.
    pub(super) keys: Option<Arc<Keys>>,
    /// The keys are in a secret, which does not report changes: they are read again when they reach
    /// their longest age.
    pub(super) renew: bool,
    pub(super) files: Vec<PathBuf>,
    /// Everything else that is read again.
    pub(super) others: Arc<dyn Fn() + Send + Sync>,
}

impl Reload {
    /// Reads again at every SIGHUP and every change of a file, forever. `seen` are the stamps from before
    /// the files were read.
    pub(super) async fn run(self, mut hangup: Signal, seen: Stamps) {
        let mut seen = seen;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = hangup.recv() => true,
                _ = look.tick(), if self.renew || !self.files.is_empty() => false,
            };
            let stamps = self.stamps().await;
            if asked || stamps != seen {
                seen = stamps;
                self.read_keys(asked).await;
                let others = Arc::clone(&self.others);
                let read = files::within(move || {
                    others();
                    Ok(())
                })
                .await;
                if let Err(problem) = read {
                    error!(%problem, "the certificate in memory stays in use");
                }
            } else if self.renew
                && let Some(keys) = &self.keys
                && let Err(problem) = keys.renew().await
            {
                stay_in_use(&problem);
            }
        }
    }

    async fn read_keys(&self, asked: bool) {
        match &self.keys {
            Some(keys) => match keys.all().await {
                Ok(all) => info!(keys = all.len(), "the routing keys were read again"),
                Err(problem) => stay_in_use(&problem),
            },
            None if asked => {
                info!("the routing keys are part of the configuration: a restart reads them again");
            }
            None => {}
        }
    }

    /// The files as they are now. Those of a file system that hangs count as gone, so that they are read,
    /// and the failure is told, until they can be looked at again.
    pub(super) async fn stamps(&self) -> Stamps {
        let files = self.files.clone();
        let looked = files::within(move || {
            let stamp = |path: &PathBuf| {
                let data = fs::metadata(path).ok()?;
                Some((data.ino(), data.mtime(), data.mtime_nsec(), data.len()))
            };
            Ok(files.iter().map(|path| (path.clone(), stamp(path))).collect())
        });
        looked.await.unwrap_or_default()
    }
}

fn stay_in_use(problem: &KeyError) {
    error!(%problem, "the routing keys in memory stay in use");
}
