//! How alarms page: what both stages that compose events are told.

use crate::alarm::State;
use crate::pagerduty::{Action, Severity};
use crate::redact::Redactor;

/// What is told to whoever composes events.
#[derive(Debug, Clone)]
pub struct Paging {
    /// What `INSUFFICIENT_DATA` does: nothing, or this.
    pub insufficient_data: Option<Action>,
    /// Where neither tag nor convention says how bad it is.
    pub severity: Severity,
    /// What people call this account.
    pub account_name: Option<String>,
    pub redactor: Redactor,
    /// What is wrong with the user's own redaction patterns. Alarms then page without
    /// evidence: neither is the page lost, nor leaves what should have been removed.
    pub withheld: Option<String>,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            insufficient_data: None,
            severity: Severity::Error,
            account_name: None,
            redactor: Redactor::default(),
            withheld: None,
        }
    }
}

impl Paging {
    /// What a state change calls for, if anything.
    #[must_use]
    pub fn action(&self, state: State) -> Option<Action> {
        match state {
            State::Alarm => Some(Action::Trigger),
            State::Ok => Some(Action::Resolve),
            State::InsufficientData => self.insufficient_data,
        }
    }
}
