//! Settings that Lambda and a server share.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::Lookup;
use super::reader::Reader;
use crate::compose::Paging;
use crate::enrich;
use crate::evidence::Limits;
use crate::http::url::is_safe;
use crate::pagerduty::{Action, PAGERDUTY_URL, Severity};
use crate::redact::{self, Category, Pattern, Redactor};
use crate::routing::pace::Pace;
use crate::zone::Zone;

/// SQS requires this suffix in the name of every FIFO queue.
const FIFO: &str = ".fifo";
/// The fewest lines of a trail that are kept until the page is composed.
const LEAST_READ: usize = 100;
/// By default: ten lines before the error, the error, and five behind it.
const TRAIL_LINES: u64 = 16;

impl<L: Lookup> Reader<L> {
    pub(super) fn enrich(&mut self) -> enrich::Settings {
        let paging = self.paging();
        enrich::Settings {
            evidence_deadline: Duration::from_secs(self.number(
                "PAGETRAIL_EVIDENCE_DEADLINE_SECONDS",
                20,
                1..=45,
            )),
            limits: Limits {
                lines: self.count("PAGETRAIL_MAX_LINES", 50, 1..=500),
                trails: self.count("PAGETRAIL_MAX_TRAILS", 3, 0..=10),
                // More than is shown is read: the line that names the error can be far away.
                trail_lines: paging.trail_lines.max(LEAST_READ),
            },
            paging,
            trace_log_groups: self.words("PAGETRAIL_TRACE_LOG_GROUPS"),
            changes: self.flag("PAGETRAIL_CHANGES", false),
            metrics: self.flag("PAGETRAIL_METRICS", true),
        }
    }

    pub(super) fn paging(&mut self) -> Paging {
        let (redactor, withheld) = self.redactor();
        let (zone, zone_fault) = self.zone();
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
            trail_lines: self.count("PAGETRAIL_MAX_TRAIL_LINES", TRAIL_LINES, 10..=500),
            zone,
            zone_fault,
            redactor,
            withheld,
        }
    }

    /// The time zone, or UTC and what is wrong: the template cannot check a zone's name.
    fn zone(&self) -> (Zone, Option<String>) {
        let name = "PAGETRAIL_TIME_ZONE";
        let Some(zone) = self.value(name) else { return (Zone::UTC, None) };
        if let Ok(zone) = zone.parse() {
            return (zone, None);
        }
        let place = self.lookup.place(name);
        let fault = "is not valid: it must be an IANA time zone such as Europe/Berlin";
        (Zone::UTC, Some(format!("{place} {fault}")))
    }

    /// By default everything except IP addresses is removed. A fault in the user's own patterns is
    /// returned together with a redactor without these patterns.
    pub(super) fn redactor(&mut self) -> (Redactor, Option<String>) {
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

    pub(super) fn queue_url(&mut self, name: &str) -> String {
        self.required(name, "the URL of an SQS FIFO queue, https://…/….fifo", is_fifo_url)
    }

    pub(super) fn pagerduty_url(&mut self, name: &str) -> Url {
        let value = self.value(name).unwrap_or_else(|| PAGERDUTY_URL.to_owned());
        match Url::parse(&value) {
            Ok(mut url)
                if is_safe(&url) && url.username().is_empty() && url.password().is_none() =>
            {
                // Only the host was given, as other clients want it.
                if url.path() == "/" {
                    url.set_path("/v2/enqueue");
                }
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

    /// PagerDuty's documented limit for one key, divided among the concurrent workers.
    pub(super) fn pace(&mut self, workers: u64) -> Pace {
        let per_minute = self.number("PAGETRAIL_RATE_PER_MINUTE", 120, 1..=60_000);
        let workers = self.number("PAGETRAIL_WORKERS", workers, 1..=1_000);
        let within = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Pace::share(within(per_minute), within(workers))
    }
}

pub(super) fn is_fifo_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|parsed| is_safe(&parsed) && parsed.path().ends_with(FIFO))
}
