//! Settings of the Lambda stages, from the variables that the template sets.

use super::reader::Reader;
use super::{ConfigError, Lookup};
use crate::{enrich, stage};

/// How alarms are enriched, in Lambda or elsewhere. `lookup` is the environment except in tests.
///
/// # Errors
/// All faults, each with the variable and the expected value.
pub fn read_enrich(lookup: impl Lookup) -> Result<enrich::Settings, ConfigError> {
    let mut reader = Reader::new(lookup);
    let settings = reader.enrich();
    reader.finish(settings)
}

/// Settings of the `enrich` stage.
///
/// # Errors
/// All faults, each with the variable and the expected value.
pub fn read_enrich_stage(lookup: impl Lookup) -> Result<stage::enrich::Settings, ConfigError> {
    let mut reader = Reader::new(lookup);
    let settings = stage::enrich::Settings {
        events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
        // Lambda sets it (Lambda developer guide, "Defined runtime environment variables").
        own_log_group: reader.value("AWS_LAMBDA_LOG_GROUP_NAME"),
        enrich: reader.enrich(),
    };
    reader.finish(settings)
}

/// Settings of the `deliver` stage.
///
/// # Errors
/// All faults, each with the variable and the expected value.
pub fn read_deliver_stage(lookup: impl Lookup) -> Result<stage::deliver::Settings, ConfigError> {
    let mut reader = Reader::new(lookup);
    let settings = stage::deliver::Settings {
        events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
        rejected_queue_url: reader.queue_url("PAGETRAIL_REJECTED_QUEUE_URL"),
        pagerduty_url: reader.pagerduty_url("PAGETRAIL_PAGERDUTY_URL"),
        routing_key_secret: routing_key_secret(&mut reader),
        pace: reader.pace(2),
        subscription: reader.value("PAGETRAIL_SUBSCRIPTION_ARN"),
        paging: reader.paging(),
    };
    reader.finish(settings)
}

/// Settings of the `gateway` stage.
///
/// # Errors
/// All faults, each with the variable and the expected value.
pub fn read_gateway_stage(lookup: impl Lookup) -> Result<stage::gateway::Settings, ConfigError> {
    let mut reader = Reader::new(lookup);
    let settings = stage::gateway::Settings {
        events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
        routing_key_secret: routing_key_secret(&mut reader),
        token_secret: reader.required(
            "PAGETRAIL_TOKEN_SECRET_ARN",
            "the ARN or name of the Secrets Manager secret that holds the bearer token",
            |secret| !secret.is_empty(),
        ),
    };
    reader.finish(settings)
}

fn routing_key_secret(reader: &mut Reader<impl Lookup>) -> String {
    reader.required(
        "PAGETRAIL_ROUTING_KEY_SECRET_ARN",
        "the ARN or name of the Secrets Manager secret that holds the routing key",
        |secret| !secret.is_empty(),
    )
}
