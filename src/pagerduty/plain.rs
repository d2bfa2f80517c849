//! The plainer event that is tried after PagerDuty refused the full one.

use serde_json::{Map, Value};

use super::{Action, Event, Payload};
use crate::text::{cut, one_line};

/// How much of the title is kept, in characters: far below PagerDuty's limit.
const SUMMARY: usize = 250;

impl Event {
    /// The same page in its simplest form, with a note that says why. `None` if it has no simpler
    /// form.
    #[must_use]
    pub fn plainer(&self, why: &str) -> Option<Self> {
        let payload = self.payload.as_ref().filter(|_| self.event_action == Action::Trigger)?;
        let note = format!(
            "PagerDuty refused the full event ({}). It is in Pagetrail's rejected queue.",
            cut(&one_line(why), 300)
        );
        let mut details = Map::new();
        details.insert("0 note".to_owned(), Value::from(vec![note]));
        Some(Self {
            event_action: Action::Trigger,
            dedup_key: self.dedup_key.clone(),
            payload: Some(Payload {
                summary: cut(&one_line(&payload.summary), SUMMARY),
                source: cut(&one_line(&payload.source), SUMMARY),
                severity: payload.severity,
                timestamp: None,
                component: None,
                group: None,
                class: None,
                custom_details: details,
            }),
            links: Vec::new(),
            client: None,
            client_url: None,
        })
    }
}
