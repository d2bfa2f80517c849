//! Decides what to do for a notice: for enrich, for what enrich failed on, and for previews.

use crate::alarm::Alarm;
use crate::alarm::intake::{Message, Notice};
use crate::compose::Paging;
use crate::pagerduty::Action;

/// What to do for a notice, which is already redacted.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// A message that is not an alarm pages with its own text.
    Page(Message),
    /// The alarm opens its alert.
    Trigger(Box<Alarm>),
    /// The alarm's alert is resolved.
    Resolve(Box<Alarm>),
    /// Nothing is done for this state of the alarm, or for a change that each contributor reports
    /// by itself.
    Nothing(Box<Alarm>),
}

/// Decides by the form of the notice, the state of the alarm and the settings.
#[must_use]
pub fn plan(notice: Notice, paging: &Paging) -> Plan {
    match notice.redacted(&paging.redactor) {
        Notice::Message(message) => Plan::Page(message),
        Notice::Alarm(alarm) if alarm.sums_up => Plan::Nothing(alarm),
        Notice::Alarm(alarm) => match paging.action(alarm.state) {
            Some(Action::Trigger) => Plan::Trigger(alarm),
            Some(_) => Plan::Resolve(alarm),
            None => Plan::Nothing(alarm),
        },
    }
}
