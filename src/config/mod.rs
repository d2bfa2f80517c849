//! Configuration: read once at start, all faults reported together.

mod lambda;
mod server;
mod toml;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use url::Url;

pub use lambda::{DeliverConfig, EnrichConfig, EnrichStage, GatewayStage};
pub use server::{Keys, QueueChoice, SETTINGS, ServerConfig, Tls, Token, read_token};
pub use toml::ConfigFile;

use crate::compose::Paging;
use crate::http::url::is_safe;
use crate::pagerduty::{Action, Severity};
use crate::redact::{self, Category, Pattern, Redactor};
use crate::routing::pace::Pace;

/// Where PagerDuty's Events API v2 is, for accounts in its US service Region.
pub const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// SQS requires the name of every FIFO queue to end so.
const FIFO: &str = ".fifo";

/// Where settings are looked up, by the names of their environment variables.
pub trait Settings {
    /// The setting's text, where it is set.
    fn get(&self, name: &str) -> Option<String>;

    /// How a person finds the setting.
    fn place(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl<G: Fn(&str) -> Option<String>> Settings for G {
    fn get(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Everything that is wrong with the configuration, one fault a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// The faults, each a sentence.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "wrong configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

/// Reads variables and collects their faults. A fault never shows the value: it may
/// hold a key that was put into the wrong variable.
struct Reader<S> {
    settings: S,
    faults: Vec<String>,
}

impl<S: Settings> Reader<S> {
    fn new(settings: S) -> Self {
        Self { settings, faults: Vec::new() }
    }

    fn value(&self, name: &str) -> Option<String> {
        self.settings
            .get(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn fault(&mut self, name: &str, expected: &str) {
        let state = if self.value(name).is_some() { "is not valid" } else { "is not set" };
        let place = self.settings.place(name);
        self.faults.push(format!("{place} {state}: it must be {expected}"));
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
        let mut settings = redact::Settings::default();
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
        self.required(name, "the URL of an SQS FIFO queue, https://…/….fifo", is_fifo_url)
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
    fn pace(&mut self, workers: u64) -> Pace {
        let per_minute = self.number("PAGETRAIL_RATE_PER_MINUTE", 120, 1..=60_000);
        let workers = self.number("PAGETRAIL_WORKERS", workers, 1..=1_000);
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

fn is_fifo_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|parsed| is_safe(&parsed) && parsed.path().ends_with(FIFO))
}

#[cfg(test)]
mod tests;
