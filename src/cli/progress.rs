//! A progress line on a terminal; without a terminal, nothing is shown.

use std::io::{IsTerminal as _, Write as _};

/// Goes back to the start of the line and clears it.
const CLEAR: &str = "\r\u{1b}[K";

/// Written to standard error, so that the output contains only results.
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    /// Replaces the line with these words.
    pub(super) fn show(&self, words: &str) {
        self.write(&format!("{CLEAR}{words}"));
    }

    /// Removes the line, before something else is printed.
    pub(super) fn clear(&self) {
        self.write(CLEAR);
    }

    fn write(&self, text: &str) {
        if self.shown {
            let mut error = std::io::stderr().lock();
            let _ = error.write_all(text.as_bytes()).and_then(|()| error.flush());
        }
    }
}
