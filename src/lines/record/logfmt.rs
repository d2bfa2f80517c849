//! `key=value` lines: `level=error msg="no such user" err=…`.

/// What such a line says.
pub(super) struct Said {
    pub(super) level: Option<String>,
    pub(super) message: String,
    pub(super) error: Option<String>,
}

/// Reads the level, message and error. `None` if the line has no message among its keys.
pub(super) fn read(line: &str) -> Option<Said> {
    // auditd's `msg=audit(…): ` is its time, not its message.
    if line.contains(" msg=audit(") {
        return None;
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| value(line, key));
    let filled = |text: &String| !text.trim().is_empty();
    let error = first(&["error", "err", "error_message", "exception", "reason", "errorMessage"]);
    let error = error.filter(filled);
    let level = first(&["level", "lvl", "severity", "levelname", "log_level", "loglevel"]);
    let level = level.map(|it| it.to_uppercase());
    // In a sentence, `message=true` is a value like any other.
    let message = first(&["msg", "message"]).filter(filled);
    let message =
        message.filter(|_| is_keys(line) || line.contains("msg=\"") || line.contains("message=\""));
    let (message, error) = match (message, error) {
        (Some(message), Some(error)) if message.contains(&error) => (message, None),
        (Some(message), error) => (message, error),
        // Without a message, a line of nothing but keys is quoted by its error or its event.
        (None, error) if is_keys(line) => (error.or_else(|| first(&["event", "detail"]))?, None),
        _ => return None,
    };
    Some(Said { level, message, error })
}

/// Whether the line, or what stands behind its head, begins with two keys and their values.
fn is_keys(line: &str) -> bool {
    let key = |word: &str| {
        word.split_once('=').is_some_and(|(key, _)| {
            !key.is_empty()
                && key.bytes().all(|it| it.is_ascii_alphanumeric() || b"_.-@".contains(&it))
        })
    };
    let mut words = line.split_whitespace();
    if !words.clone().next().is_some_and(key) {
        words = super::head::split(line.lines().next().unwrap_or(line)).1.split_whitespace();
    }
    words.next().is_some_and(key) && words.next().is_some_and(key)
}

/// The value of a key, without its quotes.
fn value(line: &str, key: &str) -> Option<String> {
    let mut from = 0;
    while let Some(found) = line[from..].find(key) {
        let begin = from + found;
        from = begin + key.len();
        let free = begin == 0 || line[..begin].ends_with([' ', '\t']);
        let Some(rest) = line[from..].strip_prefix('=').filter(|_| free) else { continue };
        let Some(quoted) = rest.strip_prefix('"') else {
            return Some(rest.split([' ', '\t']).next().unwrap_or("").to_owned());
        };
        let mut text = String::new();
        let mut escaped = false;
        for character in quoted.chars() {
            match character {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => break,
                _ => {
                    text.push(character);
                    escaped = false;
                }
            }
        }
        return Some(text);
    }
    None
}
