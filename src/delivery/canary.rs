//! The canary: a daily look whether a page would still get through.

use aws_config::{Region, SdkConfig};
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::ProvideErrorMetadata as _;
use tracing::info;

use crate::aws::Arn;
use crate::pagerduty::PagerDuty;
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Action, DedupKey, Endpoint, Event};
use crate::pagerduty::{Outcome, outcome};
use crate::routing::Keys;
use crate::telemetry::Signal;

/// A dedup key that never has an alert: PagerDuty answers its resolve and does nothing.
pub(crate) const NEVER: &str = "pagetrail/canary/no-such-alert";

/// Checks every routing key, and the topic's subscription where its ARN is known.
pub struct Canary {
    sns: Option<(Client, String)>,
}

impl Canary {
    /// Takes the ARN of the subscription between the topic and enrich. Connects lazily.
    #[must_use]
    pub fn new(config: &SdkConfig, subscription: Option<String>) -> Self {
        let sns = subscription.map(|arn| {
            // The topic may be in another Region.
            let region = Arn::parse(&arn).map(|arn| arn.region).unwrap_or_default().to_owned();
            let config = Builder::from(config).region(Region::new(region)).build();
            (Client::from_conf(config), arn)
        });
        Self { sns }
    }

    /// A look at the keys alone.
    #[must_use]
    pub fn without_topic() -> Self {
        Self { sns: None }
    }

    /// Checks one key by a resolve for an alert that never was, which PagerDuty answers and
    /// otherwise ignores.
    pub async fn check(pagerduty: &PagerDuty, key: &RoutingKey) -> Outcome {
        outcome(Endpoint::V2, &pagerduty.post(&resolve(), key).await)
    }

    /// Looks, and tells what is amiss.
    pub async fn look(&self, keys: &Keys, pagerduty: &PagerDuty) {
        match keys.all().await {
            Ok(keys) => {
                for key in keys {
                    match Self::check(pagerduty, &key).await {
                        Outcome::Delivered => info!(%key, "the canary found the key in order"),
                        Outcome::RefusedKey { reason } | Outcome::RefusedEvent { reason, .. } => {
                            Signal::KeyRefused { key: &key.to_string(), why: &reason.what }.tell();
                        }
                        Outcome::Later { reason, .. } => {
                            let what =
                                format!("PagerDuty did not answer as it should: {}", reason.what);
                            Signal::Amiss { what: &what }.tell();
                        }
                    }
                }
            }
            Err(error) => Signal::Amiss { what: &error.to_string() }.tell(),
        }
        if let Some(what) = self.subscription().await {
            Signal::Amiss { what }.tell();
        }
    }

    /// What is wrong with the subscription, if anything.
    async fn subscription(&self) -> Option<&'static str> {
        let (sns, arn) = self.sns.as_ref()?;
        let answer = sns.get_subscription_attributes().subscription_arn(arn).send().await;
        match answer {
            Ok(_) => None,
            Err(error) => match error.code() {
                Some("NotFound" | "NotFoundException") => {
                    Some("the topic no longer notifies Pagetrail: its subscription is gone")
                }
                // What cannot be looked at is not amiss: the topic may be another account's.
                code => {
                    info!(code, "the topic's subscription could not be checked");
                    None
                }
            },
        }
    }
}

fn resolve() -> Event {
    Event {
        event_action: Action::Resolve,
        dedup_key: DedupKey::new(NEVER),
        payload: None,
        links: Vec::new(),
        client: None,
        client_url: None,
    }
}
