//! Incidents: what they hold, how they are read from `tests/oncall`, and the alarm that reports one.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use pagetrail::lines::Line;
use serde::Deserialize;
use serde_json::{Value, json};

/// How far the repetitions of a failure are apart.
const APART: TimeDelta = TimeDelta::seconds(6);

/// One incident; `tests/oncall/README.md` explains the fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    pub id: String,
    pub format: String,
    #[serde(default = "by_filter")]
    pub service: String,
    #[serde(default)]
    pub filter: String,
    pub title: Vec<String>,
    #[serde(default)]
    pub not: Vec<String>,
    #[serde(default)]
    pub kinds: Vec<(String, usize)>,
    #[serde(default)]
    pub secrets: Vec<String>,
    #[serde(default)]
    pub keep: Vec<String>,
    #[serde(default = "three")]
    pub repeat: usize,
    lines: String,
}

fn by_filter() -> String {
    "filter".to_owned()
}

fn three() -> usize {
    3
}

#[derive(Deserialize)]
struct File {
    incident: Vec<Incident>,
}

/// One event, and whether it belongs to the newest failing request.
pub struct Logged {
    pub line: Line,
    pub own: bool,
}

/// All incidents, by file and place in it.
pub fn incidents() -> Vec<Incident> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oncall");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    files.sort();
    let read = |path| toml::from_str::<File>(&std::fs::read_to_string(path).unwrap());
    files
        .iter()
        .flat_map(|path| {
            read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).incident
        })
        .collect()
}

fn breach() -> DateTime<Utc> {
    "2026-02-02T12:05:00Z".parse().unwrap()
}

/// When the alarm is read.
pub fn now() -> DateTime<Utc> {
    breach() + TimeDelta::seconds(80)
}

impl Incident {
    /// Whether it stands in one of the files of harder incidents.
    pub fn is_hard(&self) -> bool {
        self.id.starts_with("more-")
    }

    pub fn log_group(&self) -> &'static str {
        match self.service.as_str() {
            "lambda" => "/aws/lambda/shop",
            "ecs" => "/ecs/shop",
            "eks" => "/aws/containerinsights/shop/application",
            _ => "/app/shop",
        }
    }

    fn stream(&self) -> &'static str {
        if self.log_group() == "/aws/lambda/shop" || self.filter.starts_with("lambda ") {
            "2026/02/02/[$LATEST]0123456789abcdef0123456789abcdef"
        } else {
            "app/shop/0123456789abcdef0123456789abcdef"
        }
    }

    /// The metric filter's pattern; none if the service's search words are used.
    pub fn pattern(&self) -> Option<&str> {
        (self.service == "filter")
            .then(|| self.filter.strip_prefix("lambda ").unwrap_or(&self.filter))
    }

    /// All events, oldest first. A line is `SECONDS MARK TEXT`; `~` marks a line of another stream.
    pub fn logged(&self) -> Vec<Logged> {
        let mut logged = Vec::new();
        for turn in 0..self.repeat {
            let begin = breach() + TimeDelta::seconds(5) + APART * i32::try_from(turn).unwrap();
            for line in self.lines.lines().filter(|line| !line.trim().is_empty()) {
                let (seconds, rest) = line.split_once(' ').unwrap();
                let (mark, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let at = begin + milliseconds(seconds);
                let other = if mark == "~" { "-other" } else { "" };
                let line = Line {
                    at,
                    log_group: self.log_group().to_owned(),
                    stream: format!("{}{other}", self.stream()),
                    text: filled(text, at, turn),
                };
                logged.push(Logged { line, own: mark == "+" && turn + 1 == self.repeat });
            }
        }
        logged.sort_by_key(|logged| logged.line.at);
        logged
    }

    /// The alarm that fires in the minute of the failures.
    pub fn notification(&self) -> Value {
        let (namespace, metric, dimension) = match self.service.as_str() {
            "lambda" => {
                ("AWS/Lambda", "Errors", json!([{"name": "FunctionName", "value": "shop"}]))
            }
            "ecs" => {
                ("AWS/ECS", "CPUUtilization", json!([{"name": "ServiceName", "value": "shop"}]))
            }
            "eks" => (
                "ContainerInsights",
                "pod_cpu_utilization",
                json!([{"name": "ClusterName", "value": "shop"}]),
            ),
            _ => ("Shop", "Errors", json!([])),
        };
        json!({
            "AlarmName": self.id,
            "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{}", self.id),
            "NewStateValue": "ALARM",
            "NewStateReason": "Threshold Crossed: 1 datapoint [3.0 (02/02/26 12:05:00)] was greater \
                               than or equal to the threshold (1.0).",
            "StateChangeTime": "2026-02-02T12:06:10.000+0000",
            "Trigger": {
                "Namespace": namespace, "MetricName": metric, "Dimensions": dimension,
                "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            },
        })
    }
}

/// `-0.05` seconds, to the millisecond.
fn milliseconds(seconds: &str) -> TimeDelta {
    let (sign, digits) = seconds.strip_prefix('-').map_or((1, seconds), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let millis: i64 = format!("{part:0<3}").parse().unwrap();
    TimeDelta::milliseconds(sign * (whole.parse::<i64>().unwrap() * 1_000 + millis))
}

/// The text with its places filled: times, ids, the number of the repetition.
fn filled(text: &str, at: DateTime<Utc>, turn: usize) -> String {
    let uuid = |kind: u32| format!("5ab{kind}f0{turn:02}-1c2d-4e3f-8a4b-0c1d2e3f4a5b");
    text.replace("{iso}", &at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .replace("{nanos}", &at.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string())
        .replace("{time}", &at.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
        .replace("{comma}", &at.format("%Y-%m-%d %H:%M:%S,%3f").to_string())
        .replace("{clock}", &at.format("%H:%M:%S%.3f").to_string())
        .replace("{slash}", &at.format("%Y/%m/%d %H:%M:%S").to_string())
        .replace("{syslog}", &at.format("%b %e %H:%M:%S").to_string())
        .replace("{apache}", &at.format("%d/%b/%Y:%H:%M:%S +0000").to_string())
        .replace("{epoch}", &at.timestamp_millis().to_string())
        .replace("{id}", &uuid(0))
        .replace("{other}", &uuid(1))
        .replace("{trace}", &format!("67a1f2{turn:02}abcdef012345678912345678"))
        .replace("{othertrace}", &format!("67a1f2{turn:02}abcdef012345678912345699"))
        .replace("{n}", &(turn + 4).to_string())
        .replace("{long}", &"x".repeat(40_000))
        .replace('⏎', "\n")
        .replace('⇥', "\t")
        .replace('␛', "\u{1b}")
}
