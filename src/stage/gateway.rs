//! The `gateway` stage: events over HTTP, by a function URL, to `events.fifo`. Knows the routing
//! keys to refuse others; sends nothing to PagerDuty.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use lambda_runtime::tower::ServiceExt as _;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::time::timeout_at;
use tracing::{error, warn};

use super::end_of;
use super::function_url::{Answer, Event};
use crate::gateway::{Access, Gateway, LocalClients, Place, Token, UnknownKeys, late, router};
use crate::queue::sqs::{SqsOutbox, SqsQueue};
use crate::routing::pace::Pace;
use crate::routing::{KeySource, Keys};

/// What is left of an invocation to say that there was too little.
const RESERVE: Duration = Duration::from_secs(1);

/// What the `gateway` stage needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub events_queue_url: String,
    /// Whose keys may be posted with.
    pub routing_key_secret: String,
    /// The secret whose text is the bearer token.
    pub token_secret: String,
}

/// Answers invocations until Lambda ends the process.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn run(sdk: &SdkConfig, config: Settings) -> Result<(), Error> {
    let events = SqsQueue::new(sdk, config.events_queue_url);
    let source = KeySource::secret(sdk, config.routing_key_secret);
    // Nothing is sent from here, so there is no pace to keep.
    let keys = Arc::new(Keys::new(source, Pace::share(1, 1)));
    let gateway = Gateway {
        queue: SqsOutbox::new(events),
        keys: Arc::clone(&keys),
        access: Access {
            // Nobody is on the function's own machine, whatever a header says.
            local: LocalClients::LikeOthers,
            token: Token::in_secret(sdk, config.token_secret),
            unknown_keys: UnknownKeys::Refused,
        },
        tally: Arc::default(),
        place: Place::Function,
    };
    let router = router(Arc::new(gateway));
    let (router, keys) = (&router, &keys);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| {
        let end = end_of(&event.context) - RESERVE;
        let request = event.payload.into_request()?;
        let answered = timeout_at(end, async {
            // Otherwise a key that was taken out of the secret would be taken for as long as
            // this process lives.
            if let Err(error) = keys.renew().await {
                warn!(%error, "the keys in memory stay in use");
            }
            router.clone().oneshot(request).await
        });
        let response = answered.await.unwrap_or_else(|_| {
            error!("no time was left; the sender is answered 503");
            Ok(late())
        });
        Answer::of(response.unwrap_or_else(|never| match never {})).await
    }))
    .await
}
