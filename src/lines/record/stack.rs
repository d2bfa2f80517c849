//! Stack traces: which line names the error.

use super::Exception;

/// The error in a text with a stack trace: Python's last line, Java's innermost cause, otherwise
/// the line before the first frame. `None` if there is no trace.
pub(super) fn exception(text: &str) -> Option<Exception> {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    if let Some(traceback) = lines().position(|line| line.contains("Traceback (most recent")) {
        let after = lines().skip(traceback + 1).filter(|line| !line.starts_with([' ', '\t']));
        // Lambda's runtime puts the error before its traceback.
        return after.last().and_then(named).or_else(|| lines().find_map(named));
    }
    if !lines().any(is_frame) {
        return None;
    }
    let cause = text.lines().rev().find_map(|line| line.trim_start().strip_prefix("Caused by: "));
    if let Some(found) = cause.and_then(named) {
        return Some(found);
    }
    let before = lines().take_while(|line| !is_frame(line));
    before.collect::<Vec<_>>().into_iter().rev().find_map(named)
}

/// The message of error `name`, as the trace has it.
pub(super) fn words_of(text: &str, name: &str) -> Option<String> {
    let said = |line: &str| {
        let (_, said) = line.split_once(name)?;
        said.strip_prefix(": ").map(str::to_owned)
    };
    let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
    said(last).or_else(|| text.lines().find_map(said))
}

/// One frame of a trace: Java, JavaScript and .NET (`at …`), Python (`File "…"`).
fn is_frame(line: &str) -> bool {
    let bare = line.trim_start();
    line.starts_with([' ', '\t'])
        && (bare.starts_with("at ") || bare.starts_with("File \"") || bare.starts_with("... "))
}

/// `Name: words` anywhere in the line, if the name is an error's.
fn named(line: &str) -> Option<Exception> {
    let line = line.trim();
    let mut at = 0;
    for word in line.split_inclusive([' ', '\t']) {
        let name = word.trim_end().trim_end_matches(':').trim_start_matches("Uncaught:");
        if is_error_name(name) {
            let rest = line[at + word.trim_end().len()..].trim();
            let ended = word.trim_end().ends_with(':') || rest.is_empty();
            if ended {
                let message = (!rest.is_empty()).then(|| rest.to_owned());
                return Some(Exception { name: name.to_owned(), message });
            }
        }
        at += word.len();
        if at > 300 {
            break;
        }
    }
    // "panic: words", "SomethingOdd: words" at the start of a trace's line.
    let (name, said) = line.split_once(": ")?;
    let known = !name.contains(' ') && !name.contains('[') && is_type_name(name);
    known.then(|| Exception { name: name.to_owned(), message: Some(said.to_owned()) })
}

fn is_error_name(name: &str) -> bool {
    let ends = ["Error", "Exception", "Fault", "Throwable", "Interrupt", "Exit", "Warning"];
    is_type_name(name) && ends.iter().any(|end| name.ends_with(end))
}

/// A type's name: parts of letters and digits, the last one starting with a capital.
fn is_type_name(name: &str) -> bool {
    let last = name.rsplit(['.', '$', ':']).next().unwrap_or(name);
    last.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b':'))
}
