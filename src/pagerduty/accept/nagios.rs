//! What Nagios and Icinga notify of, as an event of Events API v1: what PagerDuty's script for Nagios posts
//! as a form, and what its agent's command takes as options.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::pagerduty::{Action, SUMMARY_LIMIT};
use crate::text::cut;

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    Host,
    Service,
}

impl Object {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Service => "service",
        }
    }

    /// The macros that a notification must have.
    #[must_use]
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Self::Host => &["HOSTNAME", "HOSTSTATE"],
            Self::Service => &["SERVICEDESC", "SERVICESTATE", "HOSTNAME"],
        }
    }
}

/// The body of an event of v1 out of a form with Nagios' macros (`HOSTNAME`, `NOTIFICATIONTYPE`, …), as
/// `pagerduty_nagios.pl` posts it; `CONTACTPAGER` is the routing key. `None` if the body is none.
#[must_use]
pub fn nagios_form(raw: &[u8]) -> Option<Vec<u8>> {
    let fields: Map<String, Value> = form_urlencoded::parse(raw)
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let object = match text("pd_nagios_object") {
        Some("host") => Object::Host,
        Some(_) => Object::Service,
        None if text("SERVICEDESC").is_some() => Object::Service,
        None => Object::Host,
    };
    text("HOSTNAME")?;
    let state = match object {
        Object::Host => text("HOSTSTATE"),
        Object::Service => text("SERVICESTATE"),
    };
    // Other types (FLAPPINGSTART, DOWNTIMESTART, CUSTOM) say by their state whether something is wrong.
    let by_state = match state {
        Some("OK" | "UP") => Action::Resolve,
        _ => Action::Trigger,
    };
    let action = text("NOTIFICATIONTYPE").and_then(nagios_action).unwrap_or(by_state);
    let key = text("service_key").or(text("CONTACTPAGER")).unwrap_or_default().to_owned();
    let incident_key = text("incident_key").map(str::to_owned);
    let mut body = nagios_event(object, action, incident_key, fields);
    // The key must not stand among the details.
    if let Some(Value::Object(details)) = body.get_mut("details") {
        for secret in ["CONTACTPAGER", "service_key"] {
            details.remove(secret);
        }
    }
    body.insert("service_key".to_owned(), key.into());
    Some(Value::Object(body).to_string().into_bytes())
}

/// The action of a notification type; `None` if it is none of the three that PagerDuty's agent knows.
#[must_use]
pub fn nagios_action(notification_type: &str) -> Option<Action> {
    match notification_type {
        "PROBLEM" => Some(Action::Trigger),
        "ACKNOWLEDGEMENT" => Some(Action::Acknowledge),
        "RECOVERY" => Some(Action::Resolve),
        _ => None,
    }
}

/// The event, with the incident key and the description that PagerDuty's agent writes. `fields` are Nagios'
/// macros.
#[must_use]
pub fn nagios_event(
    object: Object,
    action: Action,
    incident_key: Option<String>,
    mut fields: Map<String, Value>,
) -> Map<String, Value> {
    fields.insert("pd_nagios_object".to_owned(), object.name().into());
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let incident_key = incident_key.unwrap_or_else(|| match object {
        Object::Host => format!("event_source=host;host_name={}", text("HOSTNAME")),
        Object::Service => format!(
            "event_source=service;host_name={};service_desc={}",
            text("HOSTNAME"),
            text("SERVICEDESC")
        ),
    });
    let named = object.required().iter().map(|name| format!("{name}={}", text(name)));
    let description = cut(&named.collect::<Vec<_>>().join("; "), SUMMARY_LIMIT);
    let event = json!({
        "event_type": action,
        "incident_key": incident_key,
        "description": description,
        "details": fields,
    });
    let Value::Object(event) = event else { return Map::new() };
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(form: &str) -> Value {
        serde_json::from_slice(&nagios_form(form.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_notification_of_a_service() {
        let form = "CONTACTPAGER=0123456789abcdef0123456789abcdef&NOTIFICATIONTYPE=PROBLEM&\
            HOSTNAME=web-1&SERVICEDESC=HTTP+check&SERVICESTATE=CRITICAL&\
            SERVICEOUTPUT=Connection%20refused&pd_nagios_object=service&pd_version=1.0";
        assert_eq!(
            event(form),
            json!({
                "service_key": "0123456789abcdef0123456789abcdef",
                "event_type": "trigger",
                "incident_key": "event_source=service;host_name=web-1;service_desc=HTTP check",
                "description": "SERVICEDESC=HTTP check; SERVICESTATE=CRITICAL; HOSTNAME=web-1",
                "details": {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web-1",
                    "SERVICEDESC": "HTTP check", "SERVICESTATE": "CRITICAL",
                    "SERVICEOUTPUT": "Connection refused", "pd_nagios_object": "service",
                    "pd_version": "1.0"},
            })
        );
    }

    #[test]
    fn types_and_states_become_actions() {
        for (fields, action, key) in [
            ("NOTIFICATIONTYPE=RECOVERY&HOSTSTATE=UP", "resolve", "event_source=host;host_name=a"),
            ("NOTIFICATIONTYPE=ACKNOWLEDGEMENT&incident_key=k", "acknowledge", "k"),
            (
                "NOTIFICATIONTYPE=FLAPPINGSTOP&SERVICEDESC=b&SERVICESTATE=OK",
                "resolve",
                "event_source=service;host_name=a;service_desc=b",
            ),
            ("NOTIFICATIONTYPE=CUSTOM&HOSTSTATE=DOWN", "trigger", "event_source=host;host_name=a"),
        ] {
            let event = event(&format!("HOSTNAME=a&{fields}"));
            assert_eq!(
                (&event["event_type"], &event["incident_key"]),
                (&json!(action), &json!(key))
            );
        }
        assert_eq!(nagios_form(b"{\"event_type\": \"trigger\"}"), None);
    }
}
