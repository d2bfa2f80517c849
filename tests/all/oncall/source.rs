//! An incident's logs as CloudWatch Logs would answer for them.

use pagetrail::alarm::tags::Tags;
use pagetrail::alarm::{Alarm, Metric};
use pagetrail::evidence::ports::{
    AlarmSource, LogSource, LookupError, MetricFilter, Order, Page, Query,
};
use pagetrail::lines::{Line, kept};

use super::incident::Incident;
use crate::support::pattern;

pub struct Logs {
    lines: Vec<Line>,
    filters: Vec<MetricFilter>,
    group: &'static str,
}

impl Logs {
    pub fn of(incident: &Incident) -> Self {
        let group = incident.log_group();
        let filters = incident.pattern().map(|pattern| MetricFilter {
            log_group: group.to_owned(),
            pattern: pattern.to_owned(),
        });
        let lines = incident.logged().into_iter().map(|logged| logged.line).collect();
        Self { lines, filters: filters.into_iter().collect(), group }
    }
}

impl LogSource for Logs {
    async fn metric_filters(
        &self,
        _: &Metric,
        _: Option<&str>,
    ) -> Result<Page<MetricFilter>, LookupError> {
        Ok(Page { items: self.filters.clone(), next: None })
    }

    async fn events(&self, query: &Query, _: Option<&str>) -> Result<Page<Line>, LookupError> {
        let pattern = pattern::parse(&query.pattern).map_err(LookupError::Refused)?;
        let wanted = |line: &&Line| {
            line.log_group == query.log_group
                && query.stream.as_ref().is_none_or(|stream| *stream == line.stream)
                && (query.start..=query.end).contains(&line.at)
                && pattern.matches(&line.text)
        };
        let mut items: Vec<Line> = self.lines.iter().filter(wanted).cloned().collect();
        for line in &mut items {
            line.text = kept(std::mem::take(&mut line.text));
        }
        if query.order == Order::NewestFirst {
            items.reverse();
        }
        Ok(Page { items, next: None })
    }

    async fn log_groups(&self, prefix: &str) -> Result<Vec<String>, LookupError> {
        Ok([self.group].iter().filter(|it| it.starts_with(prefix)).map(|it| (*it).into()).collect())
    }
}

impl AlarmSource for Logs {
    async fn tags(&self, _: &str) -> Result<Tags, LookupError> {
        Ok(Tags::new())
    }

    async fn alarms(&self, _: &[String]) -> Result<Vec<Alarm>, LookupError> {
        Ok(Vec::new())
    }

    async fn function_log_group(&self, function: &str) -> Result<String, LookupError> {
        Ok(format!("/aws/lambda/{function}"))
    }

    async fn rule_functions(&self, _: &str) -> Result<Vec<String>, LookupError> {
        Ok(Vec::new())
    }
}
