//! What the CloudWatch Logs stand-in holds, and how it answers searches.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::aws::{Call, refusal};
use super::http::Answer;
use super::lambda::{ACCOUNT, REGION};
use super::pattern;

/// `startFromHead=false` is refused for searches that begin earlier (2024-01-01).
const FIRST_BACKWARD_START: i64 = 1_704_067_200_000;

/// Most bytes of messages in one page.
const PAGE_BYTES: usize = 1_000_000;

#[derive(Clone)]
struct Line {
    group: String,
    stream: String,
    at: i64,
    message: String,
    searchable_from: Option<Instant>,
}

struct Filter {
    name: String,
    group: String,
    pattern: String,
    namespace: String,
    metric: String,
    value: String,
}

struct Page {
    request: Value,
    offset: usize,
    empty_pages_left: usize,
}

/// The log groups of one Region.
pub struct Logs {
    pub region: String,
    /// Most events in one page, beside the call's own limit.
    pub page_size: usize,
    /// Pages without events, but with a token, before each page of a search.
    pub empty_pages: usize,
    /// Most metric filters in one page, beside the call's own limit.
    pub filter_page_size: usize,
    lines: Vec<Line>,
    filters: Vec<Filter>,
    empty_groups: Vec<String>,
    pages: HashMap<String, Page>,
    tokens: usize,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            region: REGION.to_owned(),
            page_size: 10_000,
            empty_pages: 0,
            filter_page_size: 50,
            lines: Vec::new(),
            filters: Vec::new(),
            empty_groups: Vec::new(),
            pages: HashMap::new(),
            tokens: 0,
        }
    }
}

impl Logs {
    /// A metric filter; its log group exists from now on.
    pub fn filter(&mut self, group: &str, pattern: &str, namespace: &str, metric: &str) {
        self.filter_with_value(group, pattern, namespace, metric, "1");
    }

    /// A metric filter that adds this value, or what this selector finds, for each line.
    pub fn filter_with_value(
        &mut self,
        group: &str,
        pattern: &str,
        namespace: &str,
        metric: &str,
        value: &str,
    ) {
        self.group(group);
        self.filters.push(Filter {
            name: format!("filter-{}", self.filters.len()),
            group: group.to_owned(),
            pattern: pattern.to_owned(),
            namespace: namespace.to_owned(),
            metric: metric.to_owned(),
            value: value.to_owned(),
        });
    }

    /// A log group, possibly without a line.
    pub fn group(&mut self, group: &str) {
        self.empty_groups.push(group.to_owned());
    }

    /// A line at a time in milliseconds since 1970.
    pub fn line(&mut self, group: &str, stream: &str, at: i64, message: &str) {
        self.push(group, stream, at, message, None);
    }

    /// A line that searches find only from a moment after now on.
    pub fn late_line(
        &mut self,
        group: &str,
        stream: &str,
        at: i64,
        message: &str,
        after: Duration,
    ) {
        self.push(group, stream, at, message, Some(Instant::now() + after));
    }

    fn push(
        &mut self,
        group: &str,
        stream: &str,
        at: i64,
        message: &str,
        searchable_from: Option<Instant>,
    ) {
        self.lines.push(Line {
            group: group.to_owned(),
            stream: stream.to_owned(),
            at,
            message: message.to_owned(),
            searchable_from,
        });
    }

    /// The answer to a call, which the Region of its signature may not hold.
    pub fn answer(&mut self, call: &Call) -> Answer {
        let answered = match call.operation.as_str() {
            "DescribeMetricFilters" => self.describe_metric_filters(call),
            "DescribeLogGroups" => self.describe_log_groups(call),
            "FilterLogEvents" => self.filter_log_events(call),
            other => Err(("UnknownOperationException", format!("no stand-in for {other}"))),
        };
        answered.unwrap_or_else(|(code, message)| refusal(code, &message))
    }

    fn describe_metric_filters(&self, call: &Call) -> Result<Answer, (&'static str, String)> {
        let namespace = call.body["metricNamespace"].as_str();
        let metric = call.body["metricName"].as_str();
        if namespace.is_some() != metric.is_some() {
            return Err(invalid("metricName and metricNamespace go together"));
        }
        let limit = limit(&call.body, 50)?;
        let found: Vec<Value> = self
            .filters
            .iter()
            .filter(|_| call.region == self.region)
            .filter(|filter| metric.is_none_or(|metric| filter.metric == metric))
            .filter(|filter| namespace.is_none_or(|namespace| filter.namespace == namespace))
            .map(|filter| {
                json!({
                    "filterName": filter.name,
                    "filterPattern": filter.pattern,
                    "logGroupName": filter.group,
                    "creationTime": 1_735_689_600_000_i64,
                    "metricTransformations": [{
                        "metricName": filter.metric,
                        "metricNamespace": filter.namespace,
                        "metricValue": filter.value,
                    }],
                })
            })
            .collect();
        let token = call.body["nextToken"].as_str();
        let from = token.map_or(0, |token| token.trim_start_matches("filters-").parse().unwrap());
        let to = found.len().min(from + self.filter_page_size.min(limit));
        let mut answer = json!({"metricFilters": found[from..to]});
        if to < found.len() {
            answer["nextToken"] = format!("filters-{to}").into();
        }
        Ok(Answer::json(200, &answer))
    }

    fn describe_log_groups(&self, call: &Call) -> Result<Answer, (&'static str, String)> {
        let prefix = call.body["logGroupNamePrefix"].as_str().unwrap_or_default();
        let names = self.empty_groups.iter().chain(self.lines.iter().map(|line| &line.group));
        let mut names: Vec<&String> = names.filter(|name| name.starts_with(prefix)).collect();
        names.retain(|_| call.region == self.region);
        names.sort();
        names.dedup();
        names.truncate(limit(&call.body, 50)?);
        let group = |name: &&String| {
            json!({
                "logGroupName": name,
                "arn": format!("arn:aws:logs:{}:{ACCOUNT}:log-group:{name}:*", self.region),
            })
        };
        let groups: Vec<Value> = names.iter().map(group).collect();
        Ok(Answer::json(200, &json!({"logGroups": groups})))
    }

    fn filter_log_events(&mut self, call: &Call) -> Result<Answer, (&'static str, String)> {
        let mut request = call.body.clone();
        let token = request.as_object_mut().and_then(|body| body.remove("nextToken"));
        let mut page = match token.as_ref().and_then(Value::as_str) {
            None => Page { request, offset: 0, empty_pages_left: self.empty_pages },
            Some(token) => {
                let page = self.pages.remove(token).ok_or(invalid("unknown nextToken"))?;
                if page.request != request {
                    return Err(invalid("the other parameters differ from the token's search"));
                }
                page
            }
        };
        let found = self.search(&page.request, &call.region)?;
        let from = page.offset;
        let empty = page.empty_pages_left > 0;
        if empty {
            page.empty_pages_left -= 1;
        } else {
            page.offset = self.page_end(&found, from, limit(&page.request, 10_000)?);
            page.empty_pages_left = self.empty_pages;
        }
        let mut answer = json!({"events": found[from..page.offset], "searchedLogStreams": []});
        if empty || page.offset < found.len() {
            self.tokens += 1;
            let token = format!("token-{}", self.tokens);
            answer["nextToken"] = token.clone().into();
            self.pages.insert(token, page);
        }
        Ok(Answer::json(200, &answer))
    }

    /// Where a page that begins there ends: by count, or by its size in bytes.
    fn page_end(&self, found: &[Value], from: usize, limit: usize) -> usize {
        let mut bytes = 0;
        let fitting = found[from..].iter().take(limit.min(self.page_size)).take_while(|event| {
            bytes += event["message"].as_str().unwrap_or_default().len();
            bytes <= PAGE_BYTES
        });
        found.len().min(from + fitting.count().max(1))
    }

    fn search(&self, body: &Value, region: &str) -> Result<Vec<Value>, (&'static str, String)> {
        let named = (body["logGroupIdentifier"].as_str(), body["logGroupName"].as_str());
        let ((Some(group), None) | (None, Some(group))) = named else {
            return Err(invalid("one of logGroupName and logGroupIdentifier"));
        };
        let allowed = |sign: char| sign.is_ascii_alphanumeric() || "_#+=/:,.@-".contains(sign);
        if !group.chars().all(allowed)
            || (body.get("logGroupName").is_some() && group.contains(':'))
        {
            return Err(invalid("a log group's name or identifier has no such characters"));
        }
        let group = group.split(":log-group:").last().unwrap_or(group);
        let known = self.empty_groups.iter().any(|name| name == group)
            || self.lines.iter().any(|line| line.group == group);
        if !known || region != self.region {
            return Err((
                "ResourceNotFoundException",
                "The specified log group does not exist.".into(),
            ));
        }
        let (start, end) = (body["startTime"].as_i64(), body["endTime"].as_i64());
        let newest_first = body["startFromHead"] == false;
        if newest_first && start.is_none_or(|start| start < FIRST_BACKWARD_START) {
            return Err(invalid("startFromHead=false needs a startTime of 2024-01-01 or later"));
        }
        let streams = body["logStreamNames"].as_array();
        if streams.is_some_and(|streams| streams.is_empty() || streams.len() > 100) {
            return Err(invalid("logStreamNames takes 1 to 100 names"));
        }
        let pattern = pattern::parse(body["filterPattern"].as_str().unwrap_or_default())
            .map_err(|reason| invalid(&reason))?;
        let mut found: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| line.group == group)
            .filter(|line| start.is_none_or(|start| line.at >= start))
            .filter(|line| end.is_none_or(|end| line.at <= end))
            .filter(|line| streams.is_none_or(|names| names.contains(&line.stream.as_str().into())))
            .filter(|line| line.searchable_from.is_none_or(|from| from <= Instant::now()))
            .filter(|line| pattern.matches(&line.message))
            .collect();
        found.sort_by_key(|line| line.at);
        if newest_first {
            found.reverse();
        }
        let event = |(number, line): (usize, &&Line)| {
            json!({
                "eventId": format!("{}-{number}", line.at),
                "logStreamName": line.stream,
                "timestamp": line.at,
                "ingestionTime": line.at + 900,
                "message": line.message,
            })
        };
        Ok(found.iter().enumerate().map(event).collect())
    }
}

/// The call's own limit, which must not exceed the operation's.
fn limit(body: &Value, most: u64) -> Result<usize, (&'static str, String)> {
    let limit = body["limit"].as_u64().unwrap_or(most);
    let limit = Some(limit).filter(|limit| (1..=most).contains(limit));
    limit
        .and_then(|limit| usize::try_from(limit).ok())
        .ok_or_else(|| invalid(&format!("limit must be from 1 to {most}")))
}

fn invalid(reason: &str) -> (&'static str, String) {
    ("InvalidParameterException", reason.to_owned())
}
