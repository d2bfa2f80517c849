//! `POST /sns` in process: signed by a key of the tests' own, with a stand-in for AWS.

mod amazon;
mod certificates;
mod fetch;
mod keeper;
mod notifications;
mod order;
mod refusals;
mod subscriptions;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use pagetrail::config::read_enrich;
use pagetrail::context::memory::Pages;
use pagetrail::enrich::Enrich;
use pagetrail::sns::{SnsEndpoint, router};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::PATIENCE;
use crate::support::alarms::{METRIC, NAMESPACE, topic};
use crate::support::aws::{Aws, EVENTS_QUEUE};
use crate::support::lambda::REGION;
use amazon::Amazon;
use keeper::Keeper;

/// The endpoint and all that it talks to.
struct Served {
    amazon: Amazon,
    aws: Aws,
    queue: Keeper,
    router: Router,
}

/// An answer, read whole.
#[derive(Debug)]
struct Answered {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

impl Served {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these variables in `enrich`'s configuration.
    async fn with(variables: &[(&str, &str)]) -> Self {
        let aws = Aws::start().await;
        aws.logs(|logs| logs.filter("/shop/errors", "ERROR", NAMESPACE, METRIC));
        let (amazon, queue) = (Amazon::default(), Keeper::default());
        let variable = |name: &str| match name {
            "PAGETRAIL_EVENTS_QUEUE_URL" => Some(EVENTS_QUEUE.to_owned()),
            _ => variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned()),
        };
        let config = read_enrich(variable).unwrap();
        let enrich = Enrich::new(config, &sdk(&aws).await, queue.clone(), Pages::None);
        let topics = vec![topic(REGION).parse().unwrap()];
        let endpoint = Arc::new(SnsEndpoint::with_fetch(enrich, topics, amazon.clone()));
        Self { amazon, aws, queue, router: router(endpoint) }
    }

    /// Posts as SNS does.
    fn post(&self, message: &Value) -> impl Future<Output = Answered> + Send + use<> {
        self.send(Request::post("/sns").body(Body::from(message.to_string())).unwrap())
    }

    fn send(&self, mut request: Request<Body>) -> impl Future<Output = Answered> + Send + use<> {
        let router = self.router.clone();
        let content_type = "text/plain; charset=UTF-8".parse().unwrap();
        request.headers_mut().insert("content-type", content_type);
        async move {
            let response = router.oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let retry_after = response.headers().get("retry-after");
            let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
            let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            Answered { status, retry_after, body }
        }
    }
}

/// The SDK with this stand-in for AWS, and nothing of the machine's own.
async fn sdk(aws: &Aws) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "example", None, None, "tests"))
        .region(Region::new(REGION))
        .endpoint_url(aws.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .load()
        .await
}

/// Waits until something is so.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it becomes so");
}
