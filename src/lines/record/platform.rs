//! What Lambda's platform says of an invocation, as text and as JSON, in one short sentence.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Record;

/// An invocation or a start of the runtime, as the platform reports it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Platform {
    /// The invocation; `None` for the start of the runtime.
    pub request: Option<String>,
    /// How long it took, in milliseconds, if the line says so.
    pub milliseconds: Option<f64>,
    /// Whether it is said to have failed.
    pub failed: bool,
    /// Where in an invocation the line stands.
    pub mark: Mark,
}

/// Where a platform's line stands in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    InitStart,
    InitReport,
    Start,
    End,
    Report,
    #[default]
    Other,
}

impl Mark {
    /// By the first word of a text line, or the type of an event.
    fn of(name: &str) -> Self {
        match name {
            "INIT_START" | "initStart" | "RESTORE_START" | "restoreStart" => Self::InitStart,
            "INIT_REPORT" | "initReport" | "RESTORE_REPORT" | "restoreReport" => Self::InitReport,
            "START" | "start" => Self::Start,
            "END" | "end" => Self::End,
            "REPORT" | "report" => Self::Report,
            _ => Self::Other,
        }
    }
}

impl Record {
    /// `REPORT RequestId: …`, `INIT_REPORT …`, `RequestId: … Error: …`, `START`, `END`,
    /// `EXTENSION`.
    pub(super) fn of_platform_text(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once([' ', '\t'])?;
        let mut record = Self::of_first_word(line, word, rest)?;
        if let Some(platform) = &mut record.platform {
            platform.mark = Mark::of(word);
        }
        Some(record)
    }

    fn of_first_word(line: &str, word: &str, rest: &str) -> Option<Self> {
        match word {
            "INIT_START" if rest.starts_with("Runtime Version") => {
                Some(said(line, line.to_owned(), None, false))
            }
            "REPORT" | "INIT_REPORT" | "RESTORE_REPORT" => Some(report(line)),
            "RequestId:" => ended(line, rest),
            "START" | "END" if rest.starts_with("RequestId: ") => {
                Some(said(line, word.to_owned(), request_in(rest), false))
            }
            "LAMBDA_WARNING:" => Some(said(line, rest.trim().to_owned(), None, true)),
            "EXTENSION" => {
                let error = column(line, "Error Type:");
                let name = column(line, "Name:").unwrap_or_default();
                let told = error.map(|error| format!("{error}: extension {name}"));
                Some(said(line, told.clone()?, None, told.is_some()))
            }
            _ => None,
        }
    }

    /// `{"type": "platform.report", "record": {…}}`.
    pub(super) fn of_platform_json(map: &Map<String, Value>) -> Option<Self> {
        let kind = map.get("type")?.as_str()?.strip_prefix("platform.")?;
        let record = match map.get("record")? {
            Value::Object(record) => record,
            Value::String(text) => {
                return Self::of_platform_text(text)
                    .or_else(|| Some(said(text, text.clone(), None, kind == "fault")));
            }
            _ => return None,
        };
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let metric = |name: &str| record.get("metrics")?.get(name)?.as_f64();
        let told = Told {
            start: kind.to_ascii_lowercase().contains("init"),
            phase: text("phase").map(str::to_owned),
            status: text("status").map(str::to_owned),
            error: text("errorType").map(str::to_owned),
            milliseconds: metric("durationMs"),
            used: metric("maxMemoryUsedMB"),
            size: metric("memorySizeMB"),
        };
        let failed = told.failed();
        let sentence = if failed { told.sentence() } else { kind.to_uppercase() };
        let mut line = format!("{} {sentence}", kind.to_uppercase());
        if !failed {
            line = told.milliseconds.map_or(kind.to_uppercase(), |taken| {
                format!("{} {}", kind.to_uppercase(), span(taken))
            });
        }
        let mut record = said(&line, sentence, text("requestId").map(str::to_owned), failed);
        if let Some(platform) = &mut record.platform {
            platform.milliseconds = told.milliseconds;
            platform.mark = Mark::of(kind);
        }
        Some(record)
    }
}

fn said(line: &str, quote: String, request: Option<String>, failed: bool) -> Record {
    Record {
        level: failed.then(|| "ERROR".to_owned()),
        message: line.trim_end().to_owned(),
        quote: Some(quote),
        plain: true,
        platform: Some(Platform { request, failed, ..Platform::default() }),
        ..Record::default()
    }
}

/// A report's columns: `Duration: 3000.00 ms⇥Memory Size: 128 MB⇥Status: timeout`.
fn report(line: &str) -> Record {
    let number = |name: &str| column(line, name)?.split(' ').next()?.parse().ok();
    let start = !line.starts_with("REPORT");
    let told = Told {
        start,
        phase: column(line, "Phase:"),
        status: column(line, "Status:"),
        error: column(line, "Error Type:"),
        milliseconds: number(if start { "Init Duration:" } else { "Duration:" }),
        used: number("Max Memory Used:"),
        size: number("Memory Size:"),
    };
    let quote = if told.failed() {
        told.sentence()
    } else {
        told.milliseconds.map_or("REPORT".to_owned(), |it| format!("REPORT {}", span(it)))
    };
    let mut record = said(line, quote, request_in(line), told.failed());
    if let Some(platform) = &mut record.platform {
        platform.milliseconds = told.milliseconds;
    }
    record
}

/// `RequestId: … Error: Runtime exited with error: signal: killed⏎Runtime.ExitError`.
fn ended(line: &str, rest: &str) -> Option<Record> {
    let (id, said_by) = rest.trim_start().split_once(' ')?;
    let mut lines = said_by.lines();
    let first = lines.next()?.trim();
    let words = first.strip_prefix("Error: ").unwrap_or(first);
    let quote = match lines.map(str::trim).find(|line| !line.is_empty() && !line.contains(' ')) {
        Some(name) => format!("{name}: {words}"),
        None => words.to_owned(),
    };
    Some(said(line, quote, Some(id.to_owned()), true))
}

/// What a report tells.
struct Told {
    start: bool,
    phase: Option<String>,
    status: Option<String>,
    error: Option<String>,
    milliseconds: Option<f64>,
    used: Option<f64>,
    size: Option<f64>,
}

impl Told {
    fn failed(&self) -> bool {
        self.error.is_some() || self.status.as_deref().is_some_and(|status| status != "success")
    }

    fn sentence(&self) -> String {
        let taken = self.milliseconds.map(span).unwrap_or_default();
        let memory = match (self.used, self.size) {
            (Some(used), Some(size)) => format!("{used:.0} of {size:.0} MB used"),
            _ => String::new(),
        };
        let full = matches!((self.used, self.size), (Some(used), Some(size)) if used >= size);
        let mut sentence = match (self.error.as_deref(), self.status.as_deref()) {
            (Some(error), _) => error.to_owned(),
            (None, Some("timeout")) => match self.milliseconds {
                Some(_) => format!("timed out after {taken}"),
                None => "timed out".to_owned(),
            },
            (None, status) => format!("failed with status {}", status.unwrap_or("error")),
        };
        if self.start {
            let phase = self.phase.as_deref().unwrap_or("init");
            let _ = write!(sentence, " in the {phase} phase");
        }
        let timed_out = sentence.starts_with("timed out");
        if full || self.error.as_deref() == Some("Runtime.OutOfMemory") {
            if !memory.is_empty() {
                sentence.push_str(if timed_out { ", " } else { ": " });
                sentence.push_str(&memory);
            }
        } else if !timed_out && !taken.is_empty() {
            let _ = write!(sentence, " after {taken}");
        }
        sentence
    }
}

/// `3 s`, `2.5 s`, `350 ms`.
fn span(milliseconds: f64) -> String {
    if milliseconds < 1_000.0 {
        return format!("{milliseconds:.0} ms");
    }
    let seconds = format!("{:.2}", milliseconds / 1_000.0);
    format!("{} s", seconds.trim_end_matches('0').trim_end_matches('.'))
}

/// The value of a column that begins with its name.
fn column(line: &str, name: &str) -> Option<String> {
    let found = line.split('\t').map(str::trim).find_map(|column| column.strip_prefix(name));
    // Some collectors turn the tabs into spaces.
    let found = found.or_else(|| {
        let at = line.find(&format!(" {name}"))?;
        line.get(at + 1 + name.len()..)
    })?;
    let value = found.trim_start();
    let value = match value.split_once(char::is_whitespace) {
        Some((number, rest))
            if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            let unit = rest.split_whitespace().next().unwrap_or_default();
            return Some(format!("{number} {unit}"));
        }
        Some((first, _)) => first,
        None => value,
    };
    (!value.is_empty()).then(|| value.to_owned())
}

fn request_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("RequestId: ")?;
    Some(rest.split_whitespace().next()?.to_owned())
}
