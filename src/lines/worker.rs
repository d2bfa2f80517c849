//! The worker that wrote a line: the thread, the process or the task that many loggers name in the
//! head. Lines of another worker belong to another request.

use serde_json::{Map, Value};

use super::record;
use crate::text::clean;

/// Longest name of a worker.
const LONGEST: usize = 60;
/// How many objects and lines inside one another are searched.
const DEPTH: usize = 4;
/// Names of fields that hold it, the more precise first.
const FIELDS: [&str; 16] = [
    "thread",
    "thread_name",
    "threadName",
    "thread_id",
    "threadId",
    "ThreadId",
    "tid",
    "process.thread.name",
    "process.thread.id",
    "ManagedThreadId",
    "goroutine",
    "worker",
    "pid",
    "process_id",
    "processId",
    "process",
];
/// Objects around such a field.
const AROUND: [&str; 9] = [
    "process",
    "thread",
    "Properties",
    "properties",
    "fields",
    "extra",
    "record",
    "context",
    "attributes",
];
/// Fields in which a collector keeps the program's own line.
const CARRIERS: [&str; 4] = ["log", "message", "MESSAGE", "@message"];

/// The names in the line's head that have a number in them: `[exec-3]`, `(executor-thread-3)`,
/// `[7]`, `ERROR/ForkPoolWorker-2]`, `tid=x7`, `#7]`; or the thread's field. `None` if there is no
/// such name.
pub(crate) fn of(line: &str) -> Option<String> {
    of_line(&clean(line), DEPTH)
}

fn of_line(line: &str, depth: usize) -> Option<String> {
    let text = line.trim();
    if text.starts_with('{') {
        let Ok(Value::Object(map)) = serde_json::from_str(text) else { return None };
        return of_object(&map, depth);
    }
    // `E1125 03:05:05.123456       7 controller.go:12]`: klog's process.
    let text = text.lines().next()?;
    let mut words = text.split_whitespace();
    if let (Some(first), Some(_), Some(pid), Some(at)) =
        (words.next(), words.next(), words.next(), words.next())
        && is_klog(first)
        && at.ends_with(']')
        && is_number(pid)
    {
        return Some(pid.to_owned());
    }
    let head = record::head(text);
    let head = if head.is_empty() { logged(text) } else { head };
    let mut found = String::new();
    let mut before = "";
    let mut words = head.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        let inside = worker(word, before, next);
        before = word;
        let Some(inside) = inside else { continue };
        let is_code = !is_number(inside) && !inside.bytes().any(|it| it.is_ascii_lowercase());
        let named = inside.len() <= LONGEST
            && !is_code
            && (inside.bytes().any(|byte| byte.is_ascii_digit()) || is_main(inside))
            && !inside.contains('.')
            && !is_long_id(inside);
        if named {
            found.push_str(inside);
            found.push(' ');
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The worker that one word of a head names.
fn worker<'a>(word: &'a str, before: &str, next: &str) -> Option<&'a str> {
    // PostgreSQL on RDS: `UTC:192.0.2.7(5432):app@shop:[700]:ERROR:`.
    if let Some((_, pid)) = word.split_once(":[")
        && let Some((pid, _)) = pid.split_once("]:")
    {
        return Some(pid);
    }
    // MySQL: `2026-02-02T12:05:31.100Z 45 [ERROR]`.
    if is_number(word) && before.ends_with('Z') && before.contains('T') && next.starts_with('[') {
        return Some(word);
    }
    // Apache: `[pid 7:tid 140]`.
    if before == "[pid" {
        return Some(word.trim_end_matches([']', ',']));
    }
    let word = word.trim_end_matches([':', ',']);
    let inside = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
        .or_else(|| word.strip_prefix('(')?.strip_suffix(')'))
        .or_else(|| word.strip_prefix("tid="))
        .or_else(|| word.strip_prefix("thread="))
        .or_else(|| word.strip_prefix('#')?.strip_suffix(']'))
        .or_else(|| word.strip_suffix(']')?.split_once('/').map(|(_, worker)| worker))?;
    (!inside.contains(':')).then_some(inside)
}

/// The head of a line whose level stands last in it, as Ruby's logger writes:
/// `E, [2026-02-02T12:05:31.100 #7] ERROR -- : failed`.
fn logged(line: &str) -> &str {
    let starts = line.get(1..4) == Some(", [");
    line.find(" -- ").filter(|_| starts).map_or("", |at| &line[..at])
}

fn of_object(map: &Map<String, Value>, depth: usize) -> Option<String> {
    let field = FIELDS.iter().find_map(|name| match map.get(*name)? {
        Value::String(thread) if thread.len() <= LONGEST => Some(thread.clone()),
        Value::Number(thread) => Some(thread.to_string()),
        _ => None,
    });
    if field.is_some() || depth == 0 {
        return field;
    }
    let inner = AROUND.iter().find_map(|name| {
        let Some(Value::Object(inner)) = map.get(*name) else { return None };
        let named = || match inner.get("name").or_else(|| inner.get("id"))? {
            Value::String(thread) if thread.len() <= LONGEST => Some(thread.clone()),
            Value::Number(thread) => Some(thread.to_string()),
            _ => None,
        };
        let named = if *name == "thread" { named() } else { None };
        named.or_else(|| of_object(inner, depth - 1))
    });
    inner.or_else(|| {
        CARRIERS.iter().find_map(|name| match map.get(*name)? {
            Value::String(line) => of_line(line, depth - 1),
            _ => None,
        })
    })
}

fn is_klog(word: &str) -> bool {
    word.len() == 5 && word.starts_with(['I', 'W', 'E', 'F']) && is_number(&word[1..])
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.len() <= 7 && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_main(word: &str) -> bool {
    matches!(word, "main" | "MainThread")
}

/// A UUID or a trace id is no worker.
fn is_long_id(word: &str) -> bool {
    word.len() >= 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_and_processes_in_heads_and_fields() {
        for (line, expected) in [
            ("2026-02-02T12:05:31Z ERROR 1 --- [shop] [exec-3] c.a.Pay : refused", "exec-3 "),
            ("12:05:31.200 [worker-3] ERROR com.acme.Feed -- failed", "worker-3 "),
            (
                "2026-02-02 12:05:31,100 ERROR [a.b.C] (executor-thread-3) failed",
                "executor-thread-3 ",
            ),
            ("[2026-02-02 12:05:31 +0000] [7] [ERROR] failed", "7 "),
            ("[2026-02-02 12:05:31,1: ERROR/ForkPoolWorker-2] Task failed", "ForkPoolWorker-2 "),
            (r#"{"message":"x","thread_name":"exec-3"}"#, "exec-3"),
            (r#"{"message":"x","process":{"thread":{"name":"exec-3"}}}"#, "exec-3"),
            (r#"{"Message":"x","Properties":{"ThreadId":7}}"#, "7"),
            (
                r#"{"log":"2026-02-02T12:05:31Z INFO [exec-3] c.a.Pay - x","stream":"stdout"}"#,
                "exec-3 ",
            ),
            ("E, [2026-02-02T12:05:31.100123 #7] ERROR -- : failed", "7 "),
            ("E0202 12:05:31.100123       7 controller.go:12] failed", "7"),
            ("2026-02-02 12:05:31 UTC:192.0.2.7(41022):app@shop:[700]:ERROR:  no", "700 "),
            ("2026-02-02T12:05:31.100123Z 45 [ERROR] [MY-010584] [Repl] no", "45 "),
            ("2026-02-02 12:05:31,100 ERROR [main] c.a.Pay - failed", "main "),
        ] {
            assert_eq!(of(line).as_deref(), Some(expected), "{line}");
        }
        for line in ["ERROR failed for [7]", "failed", "{}", "[1] x"] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
