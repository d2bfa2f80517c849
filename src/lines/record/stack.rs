//! Stack traces: which line names the error, and which lines only lead to it.

use super::Exception;

/// The error in a text with a stack trace: the line behind Python's last traceback, Java's
/// innermost cause, otherwise the line before the first frame. `None` if there is no trace.
pub(super) fn exception(text: &str) -> Option<Exception> {
    if !text.contains('\n') {
        return on_one_line(text);
    }
    if let Some(found) = php(text) {
        return Some(found);
    }
    let lines = || text.lines().map(unboxed).filter(|line| !line.trim().is_empty());
    if let Some(traceback) =
        lines().enumerate().filter(|(_, line)| is_traceback(line)).map(|(at, _)| at).last()
    {
        let mut after = lines().skip(traceback + 1).filter(|line| !line.starts_with([' ', '\t']));
        // Lambda's runtime puts the error before its traceback.
        return after.find_map(|line| named(head_off(line))).or_else(|| lines().find_map(named));
    }
    if let Some(found) = panicked(text).or_else(|| terminated(text)) {
        return Some(found);
    }
    if let Some(found) = lines().find_map(|line| line.trim_start().strip_prefix("** (")) {
        // Elixir: `** (RuntimeError) words`.
        let (name, said) = found.split_once(')')?;
        return Some(Exception { name: name.to_owned(), message: Some(said.trim().to_owned()) });
    }
    if !lines().any(is_frame) {
        // A message and its error, without a trace.
        return lines().skip(1).take(3).find(|line| starts_with_error(line.trim())).and_then(named);
    }
    let cause = text.lines().rev().find_map(|line| line.trim_start().strip_prefix("Caused by: "));
    if let Some(found) = cause.and_then(named) {
        return Some(found);
    }
    let mut before: Vec<&str> = lines().take_while(|line| !is_frame(line)).collect();
    let inner = before.iter().rposition(|line| line.trim_start().starts_with("---> "));
    if let Some(inner) = inner {
        // .NET: the errors inside come first in the text, each behind an arrow.
        let outer = before.iter().find_map(|line| named(line));
        let inside = named(before[inner].trim_start().trim_start_matches("---> "));
        let generic = outer.as_ref().is_none_or(is_generic);
        return if generic { inside.or(outer) } else { outer.or(inside) };
    }
    before.reverse();
    before.iter().find_map(|line| named(line)).or_else(|| before.iter().find_map(|it| ruby(it)))
}

/// .NET's console writes a trace without line feeds: `Name: words    at A.B() in /a.cs:line 1`.
fn on_one_line(text: &str) -> Option<Exception> {
    let (before, frames) = text.split_once("   at ")?;
    if !frames.contains('(') {
        return None;
    }
    let outer = named(before.split(" ---> ").next()?);
    match outer {
        Some(outer) if is_generic(&outer) => text
            .rsplit(" ---> ")
            .next()
            .and_then(|inner| named(inner.split("   at ").next()?))
            .or(Some(outer)),
        outer => outer,
    }
}

/// Whether an error only wraps another and says nothing itself.
pub(super) fn is_generic(error: &Exception) -> bool {
    const WRAPPERS: [&str; 19] = [
        "AggregateException",
        "AggregateError",
        "TargetInvocationException",
        "TypeInitializationException",
        "InvocationTargetException",
        "UndeclaredThrowableException",
        "ExecutionException",
        "CompletionException",
        "ServletException",
        "NestedServletException",
        "DbUpdateException",
        "ExceptionGroup",
        "BaseExceptionGroup",
        "UncheckedIOException",
        "UnhandledPromiseRejection",
        "Runtime.UnhandledPromiseRejection",
        "NonFatalError",
        "WrappedException",
        "BatchProcessingError",
    ];
    let last = error.name.rsplit(['.', '$', ':', '\\']).next().unwrap_or(&error.name);
    WRAPPERS.contains(&last)
        || WRAPPERS.contains(&error.name.as_str())
        || error.message.as_deref().is_some_and(|said| {
            let said = said.trim();
            // Java's default words are the cause's own name and words.
            said.split_once(": ").is_some_and(|(name, _)| {
                last == "RuntimeException" && is_error_name(name) && name.contains('.')
            }) || ["See the inner exception", "One or more errors occurred"]
                .iter()
                .any(|words| said.contains(words))
        })
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

pub(super) fn has_frames(text: &str) -> bool {
    text.lines().any(is_frame)
}

fn is_traceback(line: &str) -> bool {
    line.contains("Traceback (most recent")
}

/// A line without the box that Python draws around the errors of a group.
fn unboxed(line: &str) -> &str {
    let bare = line.trim_start();
    if !bare.starts_with(['|', '+']) {
        return line;
    }
    let inside = bare.trim_start_matches(['|', '+', '-']);
    inside.strip_prefix(' ').unwrap_or(inside)
}

fn head_off(line: &str) -> &str {
    if line.starts_with(|first: char| first.is_ascii_digit()) {
        super::head::split(line).1
    } else {
        line
    }
}

/// One frame of a trace, whether or not it is indented: Java, JavaScript and .NET (`at …`),
/// Python (`File "…"`), Ruby and PHP, Go, Elixir.
pub(super) fn is_frame(line: &str) -> bool {
    let indented = line.starts_with([' ', '\t']);
    let bare = line.trim_start();
    if let Some(place) = bare.strip_prefix("at ") {
        return indented || place.contains(['(', ':']) && !place.trim_end().contains(": ");
    }
    if let Some(place) = bare.strip_prefix("File \"") {
        return place.contains(", line ");
    }
    if bare.starts_with("... ") {
        return indented && (bare.ends_with(" more") || bare.contains("common frames"));
    }
    // PHP's `#0 /app/a.php(12): f()`.
    if let Some(numbered) = bare.strip_prefix('#') {
        let mut words = numbered.splitn(2, ' ');
        let number = words.next().unwrap_or_default();
        return !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && words.next().is_some_and(|place| place.contains('(') || place.starts_with('{'));
    }
    // Ruby's `from /app/a.rb:12:in 'f'`, Elixir's `(app 0.1.0) lib/a.ex:12: A.b/1`.
    let place = bare.strip_prefix("from ").unwrap_or(bare);
    if numbered(place).is_some_and(|behind| behind.starts_with("in ") && !behind.contains("': ")) {
        return true;
    }
    if indented && bare.starts_with('(') && bare.contains(".ex") {
        return true;
    }
    // Go's `\t/app/main.go:12 +0x1d`.
    indented && bare.contains(".go:") && (bare.contains(" +0x") || numbered(bare).is_some())
}

/// What stands behind `path:12:` at the start of a line, or behind `path:12`.
fn numbered(place: &str) -> Option<&str> {
    let path = place.split([' ', ':']).next()?;
    if !(path.contains('/') || path.contains('.')) {
        return None;
    }
    let number = place[path.len()..].strip_prefix(':')?;
    let end = number.find(|next: char| !next.is_ascii_digit()).unwrap_or(number.len());
    (end > 0).then(|| number[end..].trim_start_matches(':'))
}

/// Rust's and Go's panics.
fn panicked(text: &str) -> Option<Exception> {
    let at = text.find("panicked at ")?;
    let behind = &text[at + "panicked at ".len()..];
    let (place, rest) = behind.split_once('\n')?;
    let said = match place.strip_prefix('\'') {
        // Before Rust 1.73 the words stood in quotes before the place.
        Some(words) => words.rsplit_once("', ").map_or(words, |(words, _)| words),
        None => rest.lines().find(|line| !line.trim().is_empty())?.trim(),
    };
    Some(Exception { name: "panic".to_owned(), message: Some(said.to_owned()) })
}

/// C++: `terminate called after throwing an instance of 'NAME'`, and `what():  words` below.
fn terminated(text: &str) -> Option<Exception> {
    let (_, behind) = text.split_once("terminate called after throwing an instance of '")?;
    let (name, rest) = behind.split_once('\'')?;
    let said = rest.lines().find_map(|line| line.trim_start().strip_prefix("what():"));
    Some(Exception { name: name.to_owned(), message: said.map(|said| said.trim().to_owned()) })
}

/// The last error that a trace names, if the trace goes on behind the one that only wraps it.
pub(super) fn inside(stack: &str, outer: &Exception) -> Option<Exception> {
    let last = stack.lines().rev().find(|line| starts_with_error(line)).and_then(named)?;
    (last.name != outer.name
        && !outer.name.ends_with(last.name.as_str())
        && !last.name.ends_with(outer.name.as_str())
        && !is_generic(&last))
    .then_some(last)
}

/// Ruby's `words (Name)` and Rails's `Name (words):`.
fn ruby(line: &str) -> Option<Exception> {
    let line = line.trim().trim_end_matches(':');
    let (before, inside) = line
        .strip_suffix(')')?
        .rsplit_once(" (")
        .or_else(|| line.strip_suffix(')')?.split_once(" ("))?;
    if is_type_name(inside) && is_error_name(inside) {
        let words = numbered(before)
            .map_or(before, |behind| behind.split_once(": ").map_or(behind, |(_, words)| words));
        return Some(Exception { name: inside.to_owned(), message: Some(words.trim().to_owned()) });
    }
    let (name, words) = line.strip_suffix(')')?.split_once(" (")?;
    is_error_name(name)
        .then(|| Exception { name: name.to_owned(), message: Some(words.to_owned()) })
}

/// PHP's `Uncaught Name: words in /app/a.php:1`.
pub(super) fn php(text: &str) -> Option<Exception> {
    let (before, behind) = text.lines().next()?.split_once("Uncaught ")?;
    if !before.contains("Fatal error") {
        return None;
    }
    let mut found = named(behind)?;
    if let Some(message) = &mut found.message
        && let Some((words, _)) = message.rsplit_once(" in /")
    {
        *message = words.to_owned();
    }
    Some(found)
}

/// Monolog's `[object] (PDOException(code: 2002): Connection refused at /app/a.php:12)`.
pub(super) fn php_object(text: &str) -> Option<Exception> {
    let inside = text.split_once("[object] (")?.1;
    let (name, rest) = inside.split_once("(code: ")?;
    let (_, said) = rest.split_once("): ")?;
    let said = said.split(" at /").next().unwrap_or(said);
    is_type_name(name)
        .then(|| Exception { name: name.to_owned(), message: Some(said.trim().to_owned()) })
}

/// Whether a line begins with an error's name: `Name: words`, `Uncaught Name: words`, `panic: …`.
pub(super) fn starts_with_error(line: &str) -> bool {
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    let line = line
        .strip_prefix("Exception in thread ")
        .map_or(line, |rest| rest.split_once("\" ").map_or(rest, |(_, rest)| rest));
    if line.starts_with("panic: ") || line.starts_with("** (") {
        return true;
    }
    let name = line.split([' ', '\t']).next().unwrap_or(line);
    let name_only = name.trim_end_matches(':');
    is_error_name(name_only) && (name.ends_with(':') || line.len() == name.len())
}

/// `Name: words` anywhere in the line, if the name is an error's.
pub(super) fn named(line: &str) -> Option<Exception> {
    let line = line.trim();
    let mut at = 0;
    for word in line.split_inclusive([' ', '\t']) {
        let name = word.trim_end().trim_end_matches(':').trim_start_matches("Uncaught:");
        if is_error_name(name) {
            let rest = line[at + word.trim_end().len()..].trim();
            // .NET: `Name (0x80004005): words`.
            if let Some((code, words)) =
                rest.strip_prefix("(0x").and_then(|it| it.split_once("): "))
            {
                let name = format!("{name} (0x{code})");
                return Some(Exception { name, message: Some(words.to_owned()) });
            }
            // Lambda for Java: `words: Name`.
            let before = line[..at].trim_end();
            let leads = ["Caused by:", "Suppressed:", "Error:", "Exception:", "Uncaught:"];
            if rest.is_empty() && before.ends_with(':') && !leads.contains(&before) {
                let message = Some(before.trim_end_matches(':').to_owned());
                return Some(Exception { name: name.to_owned(), message });
            }
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

pub(super) fn is_error_name(name: &str) -> bool {
    let ends = [
        "Error",
        "Exception",
        "Fault",
        "Throwable",
        "Interrupt",
        "Exit",
        "Warning",
        "Failure",
        "Timeout",
        "ExceptionGroup",
    ];
    is_type_name(name) && ends.iter().any(|end| name.ends_with(end))
}

/// A type's name: parts of letters and digits, the last one starting with a capital.
pub(super) fn is_type_name(name: &str) -> bool {
    let last = name.rsplit(['.', '$', ':', '\\']).next().unwrap_or(name);
    last.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b':' | b'\\')
        })
}
