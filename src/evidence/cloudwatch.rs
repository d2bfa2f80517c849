//! CloudWatch Logs as a log source.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Builder;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use chrono::{DateTime, TimeZone, Utc};

use super::logs::{LogError, LogSource, Order, Page, Query};
use super::{LINE_LIMIT, Line, Source};
use crate::alarm::Metric;

/// One call may hang; the next may not, and there is time for both.
const ATTEMPT: Duration = Duration::from_secs(8);

/// `FilterLogEvents` takes `startFromHead=false` for start times from here on.
const NEWEST_FIRST_SINCE: i64 = 1_704_067_200_000;

/// The longest pattern `FilterLogEvents` takes, in characters (API reference).
const PATTERN_LIMIT: usize = 1024;

/// The logs of this account, in whatever Region an alarm lives.
pub struct CloudWatchLogs {
    config: SdkConfig,
    // The standard library's lock: nothing awaits while it is held.
    clients: Mutex<HashMap<String, Client>>,
}

impl CloudWatchLogs {
    /// Takes credentials, HTTP client and endpoints from the configuration. Connects lazily.
    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        Self { config, clients: Mutex::new(HashMap::new()) }
    }

    /// The logs of one Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> RegionalLogs {
        let mut clients = self.clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let config = Builder::from(&self.config)
                .region(Region::new(region.to_owned()))
                // Retries are paced together with all other calls, under the deadline.
                .retry_config(RetryConfig::disabled())
                .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
                .build();
            Client::from_conf(config)
        });
        RegionalLogs { client: client.clone() }
    }
}

/// The logs of one Region.
pub struct RegionalLogs {
    client: Client,
}

impl LogSource for RegionalLogs {
    async fn metric_filters(
        &self,
        metric: &Metric,
        token: Option<&str>,
    ) -> Result<Page<Source>, LogError> {
        let answer = self
            .client
            .describe_metric_filters()
            .metric_name(&metric.name)
            .metric_namespace(&metric.namespace)
            .set_next_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|error| log_error(&error))?;
        let items = answer.metric_filters.unwrap_or_default().into_iter().filter_map(|filter| {
            Some(Source {
                log_group: filter.log_group_name?,
                pattern: filter.filter_pattern.unwrap_or_default(),
            })
        });
        Ok(Page { items: items.collect(), next: answer.next_token })
    }

    async fn events(&self, query: &Query, token: Option<&str>) -> Result<Page<Line>, LogError> {
        let start = query.start.timestamp_millis();
        let newest_first = query.order == Order::NewestFirst && start >= NEWEST_FIRST_SINCE;
        if query.pattern.chars().count() > PATTERN_LIMIT {
            return Err(LogError::Refused("the filter pattern is too long".into()));
        }
        let answer = self
            .client
            .filter_log_events()
            .log_group_name(&query.log_group)
            .set_log_stream_names(query.stream.clone().map(|stream| vec![stream]))
            .set_filter_pattern(Some(query.pattern.clone()).filter(|it| !it.is_empty()))
            .start_time(start)
            .end_time(query.end.timestamp_millis())
            .set_start_from_head(newest_first.then_some(false))
            .set_next_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|error| log_error(&error))?;
        Ok(page(answer, &query.log_group))
    }
}

fn page(answer: FilterLogEventsOutput, log_group: &str) -> Page<Line> {
    let items = answer.events.unwrap_or_default().into_iter().map(|event| Line {
        at: time(event.timestamp.unwrap_or_default()),
        log_group: log_group.to_owned(),
        stream: event.log_stream_name.unwrap_or_default(),
        text: keep(event.message.unwrap_or_default()),
    });
    Page { items: items.collect(), next: answer.next_token }
}

fn time(millis: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(millis).single().unwrap_or_default()
}

fn keep(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LINE_LIMIT));
    text.truncate(text.trim_end().len());
    text.shrink_to_fit();
    text
}

fn log_error<E>(error: &SdkError<E>) -> LogError
where
    E: ProvideErrorMetadata,
{
    let SdkError::ServiceError(refusal) = error else {
        let why = match error {
            SdkError::TimeoutError(_) => "no answer in time",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ResponseError(_) => "an answer that could not be read",
            _ => "the request could not be made",
        };
        return LogError::Unavailable(why.to_owned());
    };
    let code = refusal.err().code().unwrap_or_default();
    let status = refusal.raw().status().as_u16();
    let words = refusal.err().message().unwrap_or_default();
    match code {
        "ResourceNotFoundException" => LogError::NotFound,
        _ if code.contains("AccessDenied") || code == "NotAuthorized" => LogError::AccessDenied,
        _ if code.contains("Throttl") || code.contains("TooManyRequests") || status == 429 => {
            LogError::Throttled
        }
        _ if !(400..500).contains(&status) || code == "ServiceUnavailableException" => {
            LogError::Unavailable(format!("HTTP {status}"))
        }
        _ => LogError::Refused(crate::text::cut(&format!("{code} {words}"), 300)),
    }
}
