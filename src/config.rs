//! Configuration from the environment: read once at start, all faults reported together.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use url::{Host, Url};

use crate::delivery::pace::Pace;
use crate::event::{Action, Severity};
use crate::evidence::Limits;
use crate::paging::Paging;
use crate::redact::{Category, Pattern, Redactor, Settings};

/// Where PagerDuty's Events API v2 is, for accounts in its US service Region.
pub const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// SQS requires the name of every FIFO queue to end so.
const FIFO: &str = ".fifo";

/// What the `enrich` stage needs.
#[derive(Debug, Clone)]
pub struct EnrichConfig {
    pub events_queue_url: String,
    pub evidence_deadline: Duration,
    pub limits: Limits,
    pub paging: Paging,
    /// Further log groups in which a trace is searched; `*` at the end for a beginning.
    pub trace_log_groups: Vec<String>,
}

/// What the `deliver` stage needs.
#[derive(Debug, Clone)]
pub struct DeliverConfig {
    pub events_queue_url: String,
    pub rejected_queue_url: String,
    pub pagerduty_url: Url,
    pub routing_key_secret: String,
    pub pace: Pace,
    /// The subscription between the topic and enrich, which the canary looks at.
    pub subscription: Option<String>,
    /// For the events of alarms that enrich could not handle.
    pub paging: Paging,
}

/// Everything that is wrong with the configuration, one fault a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "wrong configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

impl EnrichConfig {
    /// Reads the variables through `get`, which is the environment but in tests.
    ///
    /// # Errors
    /// All faults, each naming the variable and what it should look like.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(get);
        let config = Self {
            events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
            evidence_deadline: Duration::from_secs(reader.number(
                "PAGETRAIL_EVIDENCE_DEADLINE_SECONDS",
                20,
                1..=45,
            )),
            limits: Limits {
                lines: reader.count("PAGETRAIL_MAX_LINES", 50, 1..=500),
                trails: reader.count("PAGETRAIL_MAX_TRAILS", 3, 0..=10),
                trail_lines: reader.count("PAGETRAIL_MAX_TRAIL_LINES", 100, 10..=500),
            },
            paging: reader.paging(),
            trace_log_groups: reader.words("PAGETRAIL_TRACE_LOG_GROUPS"),
        };
        reader.finish(config)
    }
}

impl DeliverConfig {
    /// Reads the variables through `get`, which is the environment but in tests.
    ///
    /// # Errors
    /// All faults, each naming the variable and what it should look like.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(get);
        let config = Self {
            events_queue_url: reader.queue_url("PAGETRAIL_EVENTS_QUEUE_URL"),
            rejected_queue_url: reader.queue_url("PAGETRAIL_REJECTED_QUEUE_URL"),
            pagerduty_url: reader.pagerduty_url("PAGETRAIL_PAGERDUTY_URL"),
            routing_key_secret: reader.required(
                "PAGETRAIL_ROUTING_KEY_SECRET_ARN",
                "the ARN or name of the Secrets Manager secret that holds the routing key",
                |secret| !secret.is_empty(),
            ),
            pace: reader.pace(),
            subscription: reader.value("PAGETRAIL_SUBSCRIPTION_ARN"),
            paging: reader.paging(),
        };
        reader.finish(config)
    }
}

/// Reads variables and collects their faults. A fault never shows the value: it may
/// hold a key that was put into the wrong variable.
struct Reader<G> {
    get: G,
    faults: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn new(get: G) -> Self {
        Self { get, faults: Vec::new() }
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn fault(&mut self, name: &str, expected: &str) {
        let state = if self.value(name).is_some() { "is not valid" } else { "is not set" };
        self.faults.push(format!("{name} {state}: it must be {expected}"));
    }

    fn required(&mut self, name: &str, expected: &str, valid: impl Fn(&str) -> bool) -> String {
        if let Some(value) = self.value(name).filter(|value| valid(value)) {
            return value;
        }
        self.fault(name, expected);
        String::new()
    }

    /// Words separated by spaces or commas.
    fn words(&self, name: &str) -> Vec<String> {
        let value = self.value(name).unwrap_or_default();
        let words = value.split([' ', ',', '\n', '\t']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }

    fn paging(&mut self) -> Paging {
        let (redactor, withheld) = self.redactor();
        Paging {
            insufficient_data: self.choice(
                "PAGETRAIL_INSUFFICIENT_DATA",
                None,
                &[
                    ("nothing", None),
                    ("resolve", Some(Action::Resolve)),
                    ("trigger", Some(Action::Trigger)),
                ],
            ),
            severity: self.choice(
                "PAGETRAIL_SEVERITY",
                Severity::Error,
                &[
                    ("critical", Severity::Critical),
                    ("error", Severity::Error),
                    ("warning", Severity::Warning),
                    ("info", Severity::Info),
                ],
            ),
            account_name: self.value("PAGETRAIL_ACCOUNT_NAME"),
            redactor,
            withheld,
        }
    }

    /// Everything but IP addresses is removed, unless said otherwise. A fault in the
    /// user's own patterns comes back beside a redactor without them.
    fn redactor(&mut self) -> (Redactor, Option<String>) {
        let mut settings = Settings::default();
        let categories: Vec<&str> = Category::ALL.iter().map(|it| it.name()).collect();
        for (name, on) in [("PAGETRAIL_REDACT_ALSO", true), ("PAGETRAIL_REDACT_NOT", false)] {
            for word in self.words(name) {
                match Category::named(&word) {
                    Some(category) if on => drop(settings.categories.insert(category)),
                    Some(category) => drop(settings.categories.remove(&category)),
                    None => {
                        self.fault(name, &format!("some of {}", categories.join(", ")));
                        break;
                    }
                }
            }
        }
        let name = "PAGETRAIL_REDACT_PATTERNS";
        let mut fault = None;
        if let Some(patterns) = self.value(name) {
            match serde_json::from_str::<BTreeMap<String, String>>(&patterns) {
                Ok(patterns) => settings
                    .patterns
                    .extend(patterns.into_iter().map(|(name, regex)| Pattern { name, regex })),
                Err(_) => {
                    fault = Some(format!(
                        "{name} must be a JSON object of names and regular expressions, such as \
                         {{\"customer\": \"C-[0-9]{{6}}\"}}"
                    ));
                }
            }
        }
        let redactor = Redactor::new(&settings).unwrap_or_else(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            fault = Some(format!("{name}: {}", errors.join("; ")));
            settings.patterns.clear();
            Redactor::new(&settings).unwrap_or_default()
        });
        (redactor, fault)
    }

    fn queue_url(&mut self, name: &str) -> String {
        self.required(name, "the URL of an SQS FIFO queue, https://…/….fifo", |url| {
            Url::parse(url).is_ok_and(|parsed| is_safe(&parsed) && parsed.path().ends_with(FIFO))
        })
    }

    fn pagerduty_url(&mut self, name: &str) -> Url {
        let value = self.value(name).unwrap_or_else(|| PAGERDUTY_URL.to_owned());
        match Url::parse(&value) {
            Ok(url) if is_safe(&url) && url.username().is_empty() && url.password().is_none() => {
                url
            }
            _ => {
                self.fault(
                    name,
                    "an https URL such as https://events.pagerduty.com/v2/enqueue \
                    (plain http only to a loopback address)",
                );
                Url::parse(PAGERDUTY_URL).unwrap_or_else(|_| unreachable!("a constant URL"))
            }
        }
    }

    fn number(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.value(name) else { return default };
        match value.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                self.fault(name, &expected);
                default
            }
        }
    }

    /// PagerDuty's documented limit for one key, divided among the concurrent workers.
    fn pace(&mut self) -> Pace {
        let per_minute = self.number("PAGETRAIL_RATE_PER_MINUTE", 120, 1..=60_000);
        let workers = self.number("PAGETRAIL_WORKERS", 2, 1..=1_000);
        let within = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Pace::share(within(per_minute), within(workers))
    }

    fn count(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> usize {
        usize::try_from(self.number(name, default, range)).unwrap_or(usize::MAX)
    }

    fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(value) = self.value(name) else { return default };
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == value) {
            return *chosen;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.fault(name, &format!("one of {}", words.join(", ")));
        default
    }

    fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(config) } else { Err(ConfigError(self.faults)) }
    }
}

/// https, or plain http that does not leave this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// The URL names this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enrich(pairs: &[(&str, &str)]) -> Result<EnrichConfig, String> {
        EnrichConfig::read(lookup(pairs)).map_err(|error| error.to_string())
    }

    fn deliver(pairs: &[(&str, &str)]) -> Result<DeliverConfig, String> {
        DeliverConfig::read(lookup(pairs)).map_err(|error| error.to_string())
    }

    fn lookup(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/1/events.fifo";

    #[test]
    fn defaults() {
        let config = enrich(&[("PAGETRAIL_EVENTS_QUEUE_URL", QUEUE)]).unwrap();
        assert_eq!(config.evidence_deadline, Duration::from_secs(20));
        assert_eq!(config.limits, Limits { lines: 50, trails: 3, trail_lines: 100 });
        assert_eq!(config.paging.insufficient_data, None);
        assert_eq!(config.paging.severity, Severity::Error);
    }

    #[test]
    fn all_faults_at_once_and_no_value_in_them() {
        let error = enrich(&[
            ("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "sixty"),
            ("PAGETRAIL_MAX_LINES", "0"),
            ("PAGETRAIL_SEVERITY", "0123456789abcdef0123456789abcdef"),
        ])
        .unwrap_err();
        for part in [
            "wrong configuration: ",
            "PAGETRAIL_EVENTS_QUEUE_URL is not set: it must be the URL of an SQS FIFO queue",
            "PAGETRAIL_EVIDENCE_DEADLINE_SECONDS is not valid: it must be a whole number from 1 to 45",
            "PAGETRAIL_MAX_LINES is not valid: it must be a whole number from 1 to 500",
            "PAGETRAIL_SEVERITY is not valid: it must be one of critical, error, warning, info",
        ] {
            assert!(error.contains(part), "{part} not in {error}");
        }
        assert!(!error.contains("0123456789abcdef"), "{error}");
    }

    #[test]
    fn plain_http_only_to_loopback() {
        let with = |url| {
            deliver(&[
                ("PAGETRAIL_EVENTS_QUEUE_URL", QUEUE),
                ("PAGETRAIL_REJECTED_QUEUE_URL", QUEUE),
                ("PAGETRAIL_ROUTING_KEY_SECRET_ARN", "arn:aws:secretsmanager:x:1:secret:k"),
                ("PAGETRAIL_PAGERDUTY_URL", url),
            ])
        };
        for url in [
            "",
            "https://events.eu.pagerduty.com/v2/enqueue",
            "http://127.0.0.1:9/v2/enqueue",
            "http://[::1]:9/",
            "http://localhost:8081/v2/enqueue",
        ] {
            assert!(with(url).is_ok(), "{url}");
        }
        for url in [
            "http://events.pagerduty.com/v2/enqueue",
            "ftp://127.0.0.1/",
            "events.pagerduty.com",
            "http://localhost.evil.example/",
            "https://user:key@events.pagerduty.com/",
        ] {
            let error = with(url).unwrap_err();
            assert!(error.contains("PAGETRAIL_PAGERDUTY_URL is not valid"), "{error}");
            assert!(!error.contains("evil") && !error.contains("user:key"), "{error}");
        }
    }
}
