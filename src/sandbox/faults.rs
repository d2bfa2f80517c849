//! The faults that the sandbox shows on request: one for each request to the Events API, in the
//! order in which they were added.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most faults that can wait.
pub const KEPT: usize = 1_000;
/// The longest hang, in seconds.
const LONGEST_HANG: u64 = 3_600;

/// One fault, shown `count` times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    #[serde(flatten)]
    pub kind: FaultKind,
    #[serde(default = "once")]
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum FaultKind {
    /// An answer with this status; the event is ignored.
    Status {
        status: u16,
        /// The `Retry-After` header: seconds as a number, or any text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<Value>,
        /// JSON, or a text that is sent unchanged; the default depends on the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// No answer for this time, then the normal one. If the client hangs up before, its event is
    /// ignored.
    Hang { seconds: u64 },
    /// The connection is reset after the request was read.
    Reset,
    /// Half of an answer, then the connection is closed. The event is not ingested.
    Half,
    /// Bytes that are not HTTP, then the connection is closed.
    Garbage,
}

fn once() -> u64 {
    1
}

impl Fault {
    /// # Errors
    /// Why the fault is not possible, as a text for the caller.
    pub fn check(&self) -> Result<(), String> {
        match &self.kind {
            FaultKind::Status { status, retry_after, .. } => {
                if !(200..=599).contains(status) {
                    return Err("status must be from 200 to 599".to_owned());
                }
                match retry_after {
                    None | Some(Value::Number(_)) => {}
                    Some(Value::String(text)) if text.is_ascii() && !text.contains('\n') => {}
                    Some(_) => return Err("retry_after must be seconds or a text".to_owned()),
                }
            }
            FaultKind::Hang { seconds } if *seconds > LONGEST_HANG => {
                return Err(format!("seconds must be at most {LONGEST_HANG}"));
            }
            _ => {}
        }
        if self.count == 0 { Err("count must be at least 1".to_owned()) } else { Ok(()) }
    }
}

/// The format on the command line: `status:503`, `hang:60`, `reset`, `half`, `garbage`.
impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, number) = text.split_once(':').unwrap_or((text, ""));
        let kind = match (kind, number) {
            ("status", status) => Self::Status {
                status: status.parse().map_err(|_| "write status:503, for example".to_owned())?,
                retry_after: None,
                body: None,
            },
            ("hang", seconds) => Self::Hang {
                seconds: seconds.parse().map_err(|_| "write hang:60, for example".to_owned())?,
            },
            ("reset", "") => Self::Reset,
            ("half", "") => Self::Half,
            ("garbage", "") => Self::Garbage,
            _ => return Err("known are status:CODE, hang:SECONDS, reset, half, garbage".to_owned()),
        };
        Fault { kind: kind.clone(), count: 1 }.check()?;
        Ok(kind)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, .. } => write!(formatter, "status {status}"),
            Self::Hang { seconds } => write!(formatter, "hang {seconds} s"),
            Self::Reset => formatter.write_str("reset"),
            Self::Half => formatter.write_str("half"),
            Self::Garbage => formatter.write_str("garbage"),
        }
    }
}

/// The faults that wait, first in, first out.
#[derive(Debug, Default)]
pub struct Faults {
    waiting: VecDeque<Fault>,
}

impl Faults {
    /// Returns false if too many are waiting already.
    pub fn add(&mut self, fault: Fault) -> bool {
        let room = self.waiting.len() < KEPT;
        if room {
            self.waiting.push_back(fault);
        }
        room
    }

    /// Takes the fault for the next request.
    pub fn take(&mut self) -> Option<FaultKind> {
        let fault = self.waiting.front_mut()?;
        fault.count = fault.count.saturating_sub(1);
        let kind = fault.kind.clone();
        if fault.count == 0 {
            self.waiting.pop_front();
        }
        Some(kind)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.waiting.iter()
    }

    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}
