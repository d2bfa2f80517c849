//! The `gateway` stage: queues events that came over HTTP, through a function URL, in
//! `events.fifo`. Reads the routing keys only to refuse unknown ones; sends nothing to PagerDuty.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use lambda_runtime::tower::ServiceExt as _;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::time::timeout_at;
use tracing::{error, warn};

use super::end_of;
use super::function_url::{Event, UrlResponse};
use crate::gateway::{Access, Gateway, LocalClients, RunsIn, Token, UnknownKeys, late, router};
use crate::queue::sqs::{SqsOutbox, SqsQueue};
use crate::routing::pace::Pace;
use crate::routing::{KeySource, Keys};

/// Time at the end of an invocation that is kept for the time-out answer.
const RESERVE: Duration = Duration::from_secs(1);

/// What the `gateway` stage needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub events_queue_url: String,
    /// The secret with the routing keys that senders can post with.
    pub routing_key_secret: String,
    /// The secret whose text is the bearer token.
    pub token_secret: String,
}

/// Handles invocations until Lambda ends the process.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn run(sdk: &SdkConfig, config: Settings) -> Result<(), Error> {
    let events = SqsQueue::new(sdk, config.events_queue_url);
    let source = KeySource::secret(sdk, config.routing_key_secret);
    // Nothing is sent from here, so no pace is needed.
    let keys = Arc::new(Keys::new(source, Pace::share(1, 1)));
    let gateway = Gateway {
        queue: SqsOutbox::new(events),
        keys: Arc::clone(&keys),
        access: Access {
            ports: Vec::new(),
            // No client runs on the function's machine, whatever a header says.
            local: LocalClients::LikeOthers,
            token: Token::in_secret(sdk, config.token_secret),
            unknown_keys: UnknownKeys::Refused,
        },
        tally: Arc::default(),
        runs_in: RunsIn::Function,
    };
    let router = router(Arc::new(gateway));
    let (router, keys) = (&router, &keys);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| {
        let end = end_of(&event.context) - RESERVE;
        let request = event.payload.into_request()?;
        let answered = timeout_at(end, async {
            // Otherwise a key that was removed from the secret would be accepted until this process
            // ends.
            if let Err(error) = keys.renew().await {
                warn!(%error, "the keys in memory stay in use");
            }
            router.clone().oneshot(request).await
        });
        let response = answered.await.unwrap_or_else(|_| {
            error!("the time ran out; the sender gets a 503");
            Ok(late())
        });
        UrlResponse::of(response.unwrap_or_else(|never| match never {})).await
    }))
    .await
}
