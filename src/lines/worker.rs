//! The worker that wrote a line: the thread, the process or the task that many loggers name in the
//! head. Lines of another worker belong to another request.

use serde_json::Value;

use super::record;

/// Longest name of a worker.
const LONGEST: usize = 60;
/// Names of fields that hold it.
const FIELDS: [&str; 10] = [
    "thread",
    "thread_name",
    "threadName",
    "thread_id",
    "threadId",
    "ThreadId",
    "tid",
    "process.thread.name",
    "ManagedThreadId",
    "goroutine",
];

/// The names in brackets in the line's head that have a number in them: `[exec-3]`,
/// `(executor-thread-3)`, `[7]`, `ERROR/ForkPoolWorker-2]`, `tid=x7`; or the thread's field.
/// `None` if there is no such name.
pub(crate) fn of(line: &str) -> Option<String> {
    let text = line.trim();
    if text.starts_with('{') {
        let Ok(Value::Object(map)) = serde_json::from_str(text) else { return None };
        return FIELDS.iter().find_map(|name| match map.get(*name)? {
            Value::String(thread) => Some(thread.clone()),
            Value::Number(thread) => Some(thread.to_string()),
            _ => None,
        });
    }
    let head = record::head(text);
    let mut found = String::new();
    for word in head.split_whitespace() {
        let word = word.trim_end_matches([':', ',']);
        let inside = word
            .strip_prefix('[')
            .and_then(|word| word.strip_suffix(']'))
            .or_else(|| word.strip_prefix('(')?.strip_suffix(')'))
            .or_else(|| word.strip_prefix("tid="))
            .or_else(|| word.strip_suffix(']')?.split_once('/').map(|(_, worker)| worker));
        let Some(inside) = inside else { continue };
        let named = inside.len() <= LONGEST
            && inside.bytes().any(|byte| byte.is_ascii_digit())
            && !inside.contains(':')
            && !inside.contains('.')
            && !is_long_id(inside);
        if named {
            found.push_str(inside);
            found.push(' ');
        }
    }
    (!found.is_empty()).then_some(found)
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
        ] {
            assert_eq!(of(line).as_deref(), Some(expected), "{line}");
        }
        for line in ["ERROR failed for [7]", "failed", "{}", "[1] x"] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
