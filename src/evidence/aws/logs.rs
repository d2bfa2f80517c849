//! CloudWatch Logs as a log source.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use chrono::{DateTime, TimeZone, Utc};

use super::lookup_error;
use super::pace::Pace;
use crate::alarm::Metric;
use crate::evidence::ports::{LogSource, LookupError, MetricFilter, Order, Page, Query};
use crate::lines::{Line, kept};

/// `FilterLogEvents` accepts `startFromHead=false` only for start times from this one on.
const NEWEST_FIRST_SINCE: i64 = 1_704_067_200_000;

/// The most pages of fifty log groups that are read to find a name.
const MOST_GROUP_PAGES: usize = 10;

/// The longest pattern `FilterLogEvents` accepts, in characters (API reference).
const PATTERN_LIMIT: usize = 1024;

/// The logs of one Region. Clones share one limit on the rate of calls.
#[derive(Clone)]
pub struct RegionalLogs {
    client: Client,
    pace: Arc<Pace>,
    /// Turns that are left to more important calls.
    spare: u32,
}

impl RegionalLogs {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config), pace: Arc::new(Pace::new()), spare: 0 }
    }

    /// The same for less important calls: they wait until this many turns would be left to others.
    #[must_use]
    pub fn leaving(&self, spare: u32) -> Self {
        Self { spare, ..self.clone() }
    }
}

impl LogSource for RegionalLogs {
    async fn metric_filters(
        &self,
        metric: &Metric,
        token: Option<&str>,
    ) -> Result<Page<MetricFilter>, LookupError> {
        self.pace.turn(self.spare).await;
        let answer = self
            .client
            .describe_metric_filters()
            .metric_name(&metric.name)
            .metric_namespace(&metric.namespace)
            .set_next_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let items = answer.metric_filters.unwrap_or_default().into_iter().filter_map(|filter| {
            // A filter that adds a constant 0 only fills gaps: its lines are counted nowhere.
            let mut values = filter
                .metric_transformations
                .iter()
                .flatten()
                .filter(|it| it.metric_name == metric.name)
                .filter(|it| it.metric_namespace == metric.namespace)
                .map(|it| it.metric_value.trim().parse::<f64>() == Ok(0.0))
                .peekable();
            if values.peek().is_some() && values.all(|is_zero| is_zero) {
                return None;
            }
            Some(MetricFilter {
                log_group: filter.log_group_name?,
                pattern: filter.filter_pattern.unwrap_or_default(),
            })
        });
        Ok(Page { items: items.collect(), next: answer.next_token })
    }

    async fn events(&self, query: &Query, token: Option<&str>) -> Result<Page<Line>, LookupError> {
        let start = query.start.timestamp_millis();
        let newest_first = query.order == Order::NewestFirst && start >= NEWEST_FIRST_SINCE;
        if query.pattern.chars().count() > PATTERN_LIMIT {
            return Err(LookupError::Refused("the filter pattern is too long".into()));
        }
        self.pace.turn(self.spare).await;
        // A log group of another account is given by its ARN, in a separate parameter.
        let is_arn = query.log_group.starts_with("arn:");
        let answer = self
            .client
            .filter_log_events()
            .set_log_group_name((!is_arn).then(|| query.log_group.clone()))
            .set_log_group_identifier(is_arn.then(|| query.log_group.clone()))
            .set_log_stream_names(query.stream.clone().map(|stream| vec![stream]))
            .set_filter_pattern(Some(query.pattern.clone()).filter(|it| !it.is_empty()))
            .start_time(start)
            .end_time(query.end.timestamp_millis())
            .set_start_from_head(newest_first.then_some(false))
            .set_limit(query.most.and_then(|most| i32::try_from(most).ok()))
            .set_next_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        Ok(page(answer, &query.log_group))
    }

    async fn log_groups(&self, prefix: &str) -> Result<Vec<String>, LookupError> {
        self.pace.turn(self.spare).await;
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MOST_GROUP_PAGES {
            let answer = self
                .client
                .describe_log_groups()
                .log_group_name_prefix(prefix)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| lookup_error(&error))?;
            let groups = answer.log_groups.unwrap_or_default().into_iter();
            names.extend(groups.filter_map(|group| group.log_group_name));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(names)
    }
}

fn page(answer: FilterLogEventsOutput, log_group: &str) -> Page<Line> {
    let items = answer.events.unwrap_or_default().into_iter().map(|event| Line {
        at: time(event.timestamp.unwrap_or_default()),
        log_group: log_group.to_owned(),
        stream: event.log_stream_name.unwrap_or_default(),
        text: kept(event.message.unwrap_or_default()),
    });
    Page { items: items.collect(), next: answer.next_token }
}

fn time(millis: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(millis).single().unwrap_or_default()
}
