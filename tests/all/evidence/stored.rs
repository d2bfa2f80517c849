//! A log service that holds lines and answers searches as CloudWatch Logs does.

use super::*;
use crate::support::pattern;

/// The lines of one log group.
pub(super) struct Stored {
    group: String,
    filter: Option<String>,
    lines: Vec<Line>,
    pub(super) searched: Mutex<Vec<Query>>,
}

impl Stored {
    /// A log group whose lines are found by a metric filter.
    pub(super) fn filtered(group: &str, filter: &str) -> Self {
        Self { filter: Some(filter.to_owned()), ..Self::of(group) }
    }

    pub(super) fn of(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            filter: None,
            lines: Vec::new(),
            searched: Mutex::default(),
        }
    }

    /// Adds a line, at a time in milliseconds after 03:05:00.
    pub(super) fn line(&mut self, stream: &str, at: i64, text: &str) {
        self.lines.push(Line {
            at: line(0, "").at + TimeDelta::milliseconds(at),
            log_group: self.group.clone(),
            stream: stream.to_owned(),
            text: text.to_owned(),
        });
    }

    pub(super) fn lines(&mut self, stream: &str, lines: &[(i64, &str)]) {
        for (at, text) in lines {
            self.line(stream, *at, text);
        }
    }
}

impl LogSource for Stored {
    async fn metric_filters(
        &self,
        _metric: &Metric,
        _token: Option<&str>,
    ) -> Result<Page<MetricFilter>, LookupError> {
        let filter = |pattern: &String| MetricFilter {
            log_group: self.group.clone(),
            pattern: pattern.clone(),
        };
        Ok(Page { items: self.filter.iter().map(filter).collect(), next: None })
    }

    async fn events(&self, query: &Query, token: Option<&str>) -> Answer {
        self.searched.lock().unwrap().push(query.clone());
        if query.log_group != self.group {
            return Err(LookupError::NotFound);
        }
        let pattern = (!query.pattern.is_empty())
            .then(|| pattern::parse(&query.pattern).unwrap_or_else(|error| panic!("{error}")));
        let mut found: Vec<Line> = self
            .lines
            .iter()
            .filter(|line| query.stream.as_ref().is_none_or(|stream| *stream == line.stream))
            .filter(|line| query.start <= line.at && line.at <= query.end)
            .filter(|line| pattern.as_ref().is_none_or(|pattern| pattern.matches(&line.text)))
            .cloned()
            .collect();
        found.sort_by_key(|line| line.at);
        if query.order == Order::NewestFirst {
            found.reverse();
        }
        let from = token.map_or(0, |token| token.parse().expect("a place"));
        let to = query.most.map_or(found.len(), |most| found.len().min(from + most));
        let next = (to < found.len()).then(|| to.to_string());
        Ok(Page { items: found[from..to].to_vec(), next })
    }

    async fn log_groups(&self, prefix: &str) -> Result<Vec<String>, LookupError> {
        Ok(Some(self.group.clone()).filter(|group| group.starts_with(prefix)).into_iter().collect())
    }
}

impl AlarmSource for Stored {
    async fn tags(&self, _arn: &str) -> Result<Tags, LookupError> {
        Ok(Tags::new())
    }

    async fn alarms(&self, _names: &[String]) -> Result<Vec<Alarm>, LookupError> {
        Ok(Vec::new())
    }

    async fn function_log_group(&self, _function: &str) -> Result<String, LookupError> {
        Ok(self.group.clone())
    }

    async fn rule_functions(&self, _rule: &str) -> Result<Vec<String>, LookupError> {
        Ok(Vec::new())
    }
}

/// What is found about an alarm in these lines.
pub(super) async fn found(alarm: &Alarm, logs: &Stored) -> Evidence {
    let deadline = Instant::now() + Duration::from_secs(20);
    let collector = Collector {
        logs,
        alarms: logs,
        limits: LIMITS,
        trace_log_groups: &[],
        zone: pagetrail::zone::Zone::UTC,
        now: now(),
        deadline,
    };
    collector.collect(&mut alarm.clone()).await
}

/// The trail of the first kind: what it follows, and its lines.
pub(super) async fn first_trail(logs: &Stored) -> (String, Vec<String>) {
    let evidence = found(&alarm(), logs).await;
    let kind = part(&evidence).kinds.first().unwrap_or_else(|| panic!("{:?}", evidence.notes));
    let trail = kind.trail.as_ref().unwrap();
    let follows = trail.correlation.as_ref().map(ToString::to_string).unwrap_or_default();
    let text = |step: &Step| match step {
        Step::Line(line) => line.text.clone(),
        Step::LeftOut(count) => format!("({count})"),
    };
    (follows, trail.steps.iter().map(text).collect())
}
