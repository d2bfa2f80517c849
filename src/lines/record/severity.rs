//! The severity of a kind: by its level, otherwise by its words.

/// From the least to the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Debug,
    Info,
    /// No level, and no word that shows the severity.
    Unknown,
    Warning,
    Error,
    Fatal,
}

impl Severity {
    /// The severity for the name of a level, in any spelling that loggers use.
    #[must_use]
    pub fn of_level(level: &str) -> Option<Self> {
        let mut upper = [0u8; 12];
        let name = upper.get_mut(..level.len())?;
        name.copy_from_slice(level.as_bytes());
        name.make_ascii_uppercase();
        Some(match &*name {
            b"TRACE" | b"DEBUG" | b"VERBOSE" | b"FINE" | b"FINER" | b"FINEST" | b"TRCE"
            | b"DBUG" | b"DBG" | b"VRB" => Self::Debug,
            b"INFO" | b"INFORMATION" | b"NOTICE" | b"LOG" | b"CONFIG" | b"INF" => Self::Info,
            b"WARN" | b"WARNING" | b"WRN" => Self::Warning,
            b"ERROR" | b"ERR" | b"SEVERE" | b"FAILURE" | b"FAIL" => Self::Error,
            b"FATAL" | b"CRITICAL" | b"CRIT" | b"PANIC" | b"DPANIC" | b"EMERG" | b"EMERGENCY"
            | b"ALERT" | b"FTL" => Self::Fatal,
            _ => return None,
        })
    }

    /// The one-letter levels of Android and glog.
    pub(super) fn of_letter(letter: &str) -> Option<Self> {
        Some(match letter {
            "V" | "D" => Self::Debug,
            "I" => Self::Info,
            "W" => Self::Warning,
            "E" => Self::Error,
            "F" => Self::Fatal,
            _ => return None,
        })
    }

    /// The severity by the words of a message without a level.
    #[must_use]
    pub fn of_words(message: &str) -> Self {
        const FATAL: [&str; 4] = ["panic", "fatal", "out of memory", "segfault"];
        const ERROR: [&str; 10] = [
            "error",
            "exception",
            "fail",
            "traceback",
            "timed out",
            "timeout",
            "denied",
            "refused",
            "unable",
            "cannot",
        ];
        let mut begin = message.len().min(400);
        while !message.is_char_boundary(begin) {
            begin -= 1;
        }
        let lower = message[..begin].to_ascii_lowercase();
        if FATAL.iter().any(|word| lower.contains(word)) {
            Self::Fatal
        } else if ERROR.iter().any(|word| lower.contains(word)) {
            Self::Error
        } else if lower.contains("warn") {
            Self::Warning
        } else {
            Self::Unknown
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Unknown => "",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}
