//! What a notice calls for: decided here alone, for enrich, for what enrich failed on, and for
//! previews.

use crate::alarm::Alarm;
use crate::alarm::intake::{Message, Notice};
use crate::compose::Paging;
use crate::pagerduty::Action;

/// What a notice calls for. Nothing in it must not leave: it is redacted.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// A message that is no alarm pages as itself.
    Page(Message),
    /// The alarm opens its alert.
    Trigger(Box<Alarm>),
    /// The alarm's alert is resolved.
    Resolve(Box<Alarm>),
    /// This state of the alarm calls for nothing.
    Nothing(Box<Alarm>),
}

/// Decides by the form of the notice, the state of the alarm and the settings.
#[must_use]
pub fn plan(notice: Notice, paging: &Paging) -> Plan {
    match notice.redacted(&paging.redactor) {
        Notice::Message(message) => Plan::Page(message),
        Notice::Alarm(alarm) => match paging.action(alarm.state) {
            Some(Action::Trigger) => Plan::Trigger(alarm),
            Some(_) => Plan::Resolve(alarm),
            None => Plan::Nothing(alarm),
        },
    }
}
