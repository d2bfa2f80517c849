//! The implementation of the ports with CloudWatch Logs and the services around it.
//!
//! `logs` reads metric filters, log events and log groups; `alarms` reads tags, alarms, functions and
//! rules, and `described` turns the answers of `DescribeAlarms` into alarms. `pace` spaces the calls to
//! CloudWatch Logs, whose limit the whole account and Region share.

mod alarms;
mod described;
mod logs;
mod pace;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};

pub use alarms::RegionalAlarms;
pub(crate) use described::time;
pub use logs::RegionalLogs;

use super::ports::LookupError;
use crate::aws::no_answer;
use crate::lock::lock;

/// If one call hangs, there is time for another.
const ATTEMPT: Duration = Duration::from_secs(8);

/// This account, in the Region of each alarm. Connects lazily.
pub struct Account {
    config: SdkConfig,
    // The standard library's lock: nothing awaits while it is held.
    regions: Mutex<HashMap<String, (RegionalLogs, RegionalAlarms)>>,
}

impl Account {
    /// Takes credentials, HTTP client and endpoints from the configuration.
    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        Self { config, regions: Mutex::new(HashMap::new()) }
    }

    /// The logs and alarms of one Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> (RegionalLogs, RegionalAlarms) {
        let mut regions = lock(&self.regions);
        let clients = regions.entry(region.to_owned()).or_insert_with(|| {
            let config = self
                .config
                .to_builder()
                .region(Region::new(region.to_owned()))
                // `calls` retries, so that retries keep to the same rate and deadline as all calls.
                .retry_config(RetryConfig::disabled())
                .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
                .build();
            (RegionalLogs::new(&config), RegionalAlarms::new(&config))
        });
        clients.clone()
    }
}

/// What a failed call means to the caller.
pub(crate) fn lookup_error<E>(error: &SdkError<E>) -> LookupError
where
    E: ProvideErrorMetadata,
{
    let SdkError::ServiceError(refusal) = error else {
        return LookupError::Unavailable(no_answer(error).to_owned());
    };
    let (code, words) = (refusal.err().code(), refusal.err().message());
    let status = refusal.raw().status().as_u16();
    refused(status, code.unwrap_or_default(), words.unwrap_or_default())
}

/// What the service's refusal means.
pub(crate) fn refused(status: u16, code: &str, words: &str) -> LookupError {
    match code {
        "ResourceNotFoundException" | "ResourceNotFound" => LookupError::NotFound,
        _ if code.contains("AccessDenied") || code == "NotAuthorized" => LookupError::AccessDenied,
        _ if code.contains("Throttl") || code.contains("TooManyRequests") || status == 429 => {
            LookupError::Throttled
        }
        _ if !(400..500).contains(&status) || code == "ServiceUnavailableException" => {
            LookupError::Unavailable(format!("HTTP {status}"))
        }
        // "… is not supported for log groups with the INFREQUENT_ACCESS log class".
        _ if is_about_the_class(words) => LookupError::LogClass,
        _ => LookupError::Refused(crate::text::cut(&format!("{code} {words}"), 300)),
    }
}

fn is_about_the_class(words: &str) -> bool {
    let words = words.to_ascii_lowercase().replace(['_', ' '], "");
    words.contains("infrequentaccess")
        || words.contains("logclass")
        || words.contains("loggroupclass")
}
