//! A log source that redacts its lines: code that uses it never sees the original text. And the
//! patterns that were searched, which are redacted once they have done their work.

use super::Evidence;
use super::ports::{LogSource, LookupError, MetricFilter, Page, Query};
use crate::alarm::Metric;
use crate::lines::Line;
use crate::redact::Redactor;

/// Redacts each line as it arrives.
pub struct Redacted<'a, L> {
    pub logs: &'a L,
    pub redactor: &'a Redactor,
}

impl<L: LogSource> LogSource for Redacted<'_, L> {
    async fn metric_filters(
        &self,
        metric: &Metric,
        token: Option<&str>,
    ) -> Result<Page<MetricFilter>, LookupError> {
        self.logs.metric_filters(metric, token).await
    }

    async fn events(&self, query: &Query, token: Option<&str>) -> Result<Page<Line>, LookupError> {
        let mut page = self.logs.events(query, token).await.map_err(|error| match error {
            // The service's message can quote the request.
            LookupError::Refused(words) => {
                LookupError::Refused(self.redactor.text(&words).into_owned())
            }
            other => other,
        })?;
        for line in &mut page.items {
            self.redactor.replace(&mut line.text);
        }
        Ok(page)
    }

    async fn log_groups(&self, prefix: &str) -> Result<Vec<String>, LookupError> {
        self.logs.log_groups(prefix).await
    }
}

impl Evidence {
    /// Redacts what was searched for: a metric filter or a log alarm's query can contain values.
    #[must_use]
    pub fn with_redacted_patterns(mut self, redactor: &Redactor) -> Self {
        let sources = self.parts.iter_mut().flat_map(|part| &mut part.sources);
        sources.for_each(|source| redactor.replace(&mut source.pattern));
        self
    }
}
