//! The metrics, in Prometheus' text format 0.0.4.

use std::fmt::Write as _;

use super::status::{Process, Status, Waiting};
use crate::routing::KeyHealth;

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn text(status: &Status) -> String {
    let mut text = Text::default();
    text.family("build_info", "gauge", "The version of Pagetrail.");
    text.sample("build_info", &[("version", status.version)], 1);
    text.family("ready", "gauge", "Whether an event could be queued durably now.");
    text.sample("ready", &[], u8::from(status.ready));
    if let Some(queue) = &status.queue {
        text.queue(queue);
    }
    if let Some(process) = &status.process {
        text.process(process);
    }
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn queue(&mut self, queue: &Waiting) {
        self.gauge("queue_events", "Events that wait for delivery.", queue.events);
        self.family("queue_target_events", "gauge", "Events that wait, by routing target.");
        for depth in &queue.targets {
            let target = [("target", depth.target.as_str())];
            self.sample("queue_target_events", &target, depth.events);
        }
        let help = "Events that wait for the targets that are not listed.";
        self.gauge("queue_other_targets_events", help, queue.others);
        if let Some(oldest) = queue.oldest_seconds {
            let help = "How long the oldest event has waited.";
            self.gauge("queue_oldest_age_seconds", help, oldest);
        }
        if let Some(rejected) = queue.rejected {
            self.gauge("queue_rejected_events", "Events put aside for good.", rejected);
        }
    }

    fn process(&mut self, process: &Process) {
        for (row, counter, sum) in &process.counters {
            self.family(counter.prometheus, "counter", row.help);
            self.sample(counter.prometheus, &[], sum);
        }
        self.family("key_state", "gauge", "1 for the state that a routing key is in.");
        for key in &process.keys {
            for state in [KeyHealth::Healthy, KeyHealth::Paced, KeyHealth::Refused] {
                let labels = [("key", key.key.as_str()), ("state", state.name())];
                self.sample("key_state", &labels, u8::from(key.state == state));
            }
        }
        // A name that all processes share: Prometheus' own dashboards look for it.
        let started = process.started.timestamp_millis();
        let _ = write!(
            self.0,
            "# HELP process_start_time_seconds Start of the process, in seconds since 1970.\n\
             # TYPE process_start_time_seconds gauge\n\
             process_start_time_seconds {}.{:03}\n",
            started.div_euclid(1_000),
            started.rem_euclid(1_000),
        );
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP pagetrail_{name} {help}\n# TYPE pagetrail_{name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let _ = write!(self.0, "pagetrail_{name}");
        for (index, (label, value)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(value));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }
}

/// A label's value as it stands between quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();
        text.sample("a", &[("l", "x\"y\\z\nw"), ("m", "…cdef")], 1);
        assert_eq!(text.0, "pagetrail_a{l=\"x\\\"y\\\\z\\nw\",m=\"…cdef\"} 1\n");
    }
}
