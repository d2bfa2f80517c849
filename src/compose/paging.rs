//! How alarms page: the settings of both stages that compose events.

use crate::alarm::State;
use crate::pagerduty::{Action, Severity};
use crate::redact::Redactor;
use crate::zone::Zone;

/// The settings for composing events.
#[derive(Debug, Clone)]
pub struct Paging {
    /// The action for `INSUFFICIENT_DATA`, if any.
    pub insufficient_data: Option<Action>,
    /// The severity if neither a tag nor a naming convention gives one.
    pub severity: Severity,
    /// The account's name for people.
    pub account_name: Option<String>,
    /// The most lines of a trail that are shown: the error, and two thirds of the rest before it.
    pub trail_lines: usize,
    /// The time zone of what people read.
    pub zone: Zone,
    /// What is wrong with the user's time zone. Times are then in UTC: no page is lost for it.
    pub zone_fault: Option<String>,
    pub redactor: Redactor,
    /// What is wrong with the user's own redaction patterns. Alarms then page without evidence: the
    /// page is not lost, and nothing is sent that should have been removed.
    pub withheld: Option<String>,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            insufficient_data: None,
            severity: Severity::Error,
            account_name: None,
            trail_lines: 16,
            zone: Zone::UTC,
            zone_fault: None,
            redactor: Redactor::default(),
            withheld: None,
        }
    }
}

impl Paging {
    /// The action for a state change, if any.
    #[must_use]
    pub fn action(&self, state: State) -> Option<Action> {
        match state {
            State::Alarm => Some(Action::Trigger),
            State::Ok => Some(Action::Resolve),
            State::InsufficientData => self.insufficient_data,
        }
    }
}
