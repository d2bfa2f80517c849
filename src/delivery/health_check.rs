//! The health check: tests once a day whether a page would still arrive.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use futures_util::future::{join, join_all};
use tokio::time::timeout;
use tracing::info;

use crate::aws::Arn;
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Action, DedupKey, Endpoint, Event, Outcome, PagerDuty, outcome};
use crate::routing::Keys;
use crate::telemetry::Signal;
use crate::text::{cut, one_line};

/// A dedup key that never has an alert: PagerDuty answers its resolve, and nothing happens.
pub(crate) const NEVER: &str = "pagetrail/health-check/no-such-alert";

/// The function has 30 s. A check that the function's timeout stops would report nothing.
const LONGEST: Duration = Duration::from_secs(27);
/// For one call to SNS.
const ATTEMPT: Duration = Duration::from_secs(4);

/// Checks every routing key, and the topic's subscription if its ARN is known.
pub struct HealthCheck {
    subscription: Option<Subscription>,
}

/// The subscription between the topic and enrich.
struct Subscription {
    sns: Client,
    arn: String,
}

/// Checks one key with a resolve for an alert that never existed. PagerDuty answers it, and
/// nothing else happens.
pub async fn check_key(pagerduty: &PagerDuty, key: &RoutingKey) -> Outcome {
    outcome(Endpoint::V2, &pagerduty.post(&resolve(), key).await)
}

impl HealthCheck {
    /// Takes the ARN of the subscription between the topic and enrich. Connects lazily.
    #[must_use]
    pub fn new(config: &SdkConfig, subscription: Option<String>) -> Self {
        Self { subscription: subscription.map(|arn| Subscription::new(config, arn)) }
    }

    /// A check of the keys alone.
    #[must_use]
    pub fn of_keys() -> Self {
        Self { subscription: None }
    }

    /// Runs the check, and reports once how it ended. A separate alarm fires if no report comes.
    /// `account` is the account that this function runs in.
    pub async fn run(&self, keys: &Keys, pagerduty: &PagerDuty, account: &str) {
        let subscription = async {
            match &self.subscription {
                Some(subscription) => subscription.fault(account).await,
                None => None,
            }
        };
        // Boxed, because the compiler cannot handle a future that is nested this deep.
        let checks = Box::pin(join(key_faults(keys, pagerduty), subscription));
        let faults = match timeout(LONGEST, checks).await {
            Ok((mut faults, fault)) => {
                faults.extend(fault);
                faults
            }
            Err(_) => vec![format!("the check did not end within {} s", LONGEST.as_secs())],
        };
        if faults.is_empty() {
            Signal::HealthCheckPassed.tell();
        } else {
            Signal::HealthCheckFailed { why: &faults.join("; ") }.tell();
        }
    }
}

/// What is wrong with the routing keys.
async fn key_faults(keys: &Keys, pagerduty: &PagerDuty) -> Vec<String> {
    let keys = match keys.all().await {
        Ok(keys) => keys,
        Err(error) => return vec![error.to_string()],
    };
    let faults = keys.iter().map(async |key| {
        let outcome = check_key(pagerduty, key).await;
        let Some(reason) = outcome.reason() else {
            info!(%key, "PagerDuty accepts the routing key");
            return None;
        };
        let why = &reason.what;
        if outcome.is_refusal() {
            Signal::KeyRefused { key: &key.to_string(), why }.tell();
            return Some(format!("PagerDuty refused the routing key {key}: {why}"));
        }
        Some(format!("PagerDuty did not answer as expected for the routing key {key}: {why}"))
    });
    join_all(faults).await.into_iter().flatten().collect()
}

impl Subscription {
    fn new(config: &SdkConfig, arn: String) -> Self {
        // The topic can be in another Region.
        let region = Arn::parse(&arn).map(|arn| arn.region).unwrap_or_default().to_owned();
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let config = Builder::from(config).region(Region::new(region)).timeout_config(timeouts);
        Self { sns: Client::from_conf(config.build()), arn }
    }

    /// What is wrong with the subscription, if anything.
    async fn fault(&self, account: &str) -> Option<String> {
        let request = self.sns.get_subscription_attributes().subscription_arn(&self.arn);
        let error = request.send().await.err()?;
        let topic = self.arn.rsplit_once(':').map_or("", |(topic, _)| topic);
        let why = match error.code() {
            Some("NotFound" | "NotFoundException") => {
                return Some(
                    "the topic no longer notifies Pagetrail: its subscription is gone".to_owned(),
                );
            }
            Some("AuthorizationError" | "AccessDenied" | "AccessDeniedException") => {
                // A topic's policy cannot allow another account to make this call. It is not
                // documented whether SNS allows it to the account that subscribed.
                if Arn::parse(topic).is_some_and(|topic| topic.account != account) {
                    info!(
                        topic,
                        "the topic is in another account, so its subscription cannot be checked"
                    );
                    return None;
                }
                format!("access denied: allow sns:GetSubscriptionAttributes on {topic}")
            }
            Some(code) => code.to_owned(),
            None => cut(&one_line(&DisplayErrorContext(&error).to_string()), 300),
        };
        Some(format!("the topic's subscription could not be checked: {why}"))
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
