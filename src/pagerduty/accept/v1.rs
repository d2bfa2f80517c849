//! Events API v1: one flat object, and error sentences in the style of Ruby on Rails.

use serde_json::{Map, Value};

use super::rules::{action, both, is_longer, is_text_or_missing, object, text};
use super::{Endpoint, Posted, Refusal};
use crate::pagerduty::routing_key::{ROUTING_KEY_LENGTH, RoutingKey};
use crate::pagerduty::{Action, DEDUP_KEY_LIMIT, SUMMARY_LIMIT};

/// Checks a request body of `/generic/2010-04-15/create_event.json`. `details` can be any value: it
/// is documented as an object, but clients send texts too.
///
/// # Errors
/// All broken rules together, in PagerDuty's words.
pub fn v1(raw: &[u8]) -> Result<(RoutingKey, Posted), Refusal> {
    let mut body = object(raw).map_err(|refusal| match refusal {
        Refusal::Unrecognized => Refusal::UnrecognizedByV1,
        other => other,
    })?;
    let key = service_key(&body);
    body.remove("service_key");
    both(key, event(body))
}

fn service_key(body: &Map<String, Value>) -> Result<RoutingKey, Vec<String>> {
    let Some(key) = text(body, "service_key") else {
        return Err(vec!["Service key can't be blank".to_owned()]);
    };
    key.parse().map_err(|_: Vec<String>| {
        vec![if key.chars().count() == ROUTING_KEY_LENGTH {
            "Service key is invalid".to_owned()
        } else {
            format!("Service key is the wrong length (should be {ROUTING_KEY_LENGTH} characters)")
        }]
    })
}

fn event(body: Map<String, Value>) -> Result<Posted, Vec<String>> {
    let mut errors = Vec::new();
    let action = text(&body, "event_type").map(action);
    match action {
        None => errors.push("Event type can't be blank".to_owned()),
        Some(None) => errors.push("Event type is not included in the list".to_owned()),
        Some(Some(_)) => {}
    }
    let action = action.flatten();
    let opens = action == Some(Action::Trigger);
    for (field, name, limit, required) in [
        ("incident_key", "Incident key", DEDUP_KEY_LIMIT, action.is_some() && !opens),
        ("description", "Description", SUMMARY_LIMIT, opens),
        ("client", "Client", usize::MAX, false),
        ("client_url", "Client url", usize::MAX, false),
    ] {
        match text(&body, field) {
            _ if !is_text_or_missing(&body, field) => {
                errors.push(format!("{name} is invalid (must be a string)"));
            }
            None if required => errors.push(format!("{name} can't be blank")),
            Some(text) if is_longer(text, limit) => {
                errors.push(format!("{name} is too long (maximum is {limit} characters)"));
            }
            _ => {}
        }
    }
    contexts(&body, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let dedup_key = text(&body, "incident_key").map(str::to_owned);
    Ok(Posted { endpoint: Endpoint::V1, action, dedup_key, severity: None, body })
}

/// Links and images are in one list; the `type` tells which is which.
fn contexts(body: &Map<String, Value>, errors: &mut Vec<String>) {
    let items = match body.get("contexts") {
        None | Some(Value::Null) => return,
        Some(Value::Array(items)) => items,
        Some(_) => {
            errors.push("Contexts is invalid (must be an array of objects)".to_owned());
            return;
        }
    };
    for (index, item) in items.iter().enumerate() {
        let Value::Object(item) = item else {
            errors.push(format!("Contexts[{index}] is invalid (must be an object)"));
            continue;
        };
        let required = match text(item, "type") {
            Some("link") => "href",
            Some("image") => "src",
            Some(_) => {
                errors.push(format!("Contexts[{index}] type is not included in the list"));
                continue;
            }
            None => {
                errors.push(format!("Contexts[{index}] type can't be blank"));
                continue;
            }
        };
        match text(item, required) {
            None => errors.push(format!("Contexts[{index}] {required} can't be blank")),
            Some(source) if required == "src" && !source.starts_with("https://") => {
                errors.push(format!("Contexts[{index}] src is invalid (must be an https URL)"));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "e93facc04764012d7bfb002500d5d1a6";

    /// PagerDuty's own example.
    fn trigger() -> Value {
        json!({
            "service_key": KEY, "incident_key": "srv01/HTTP", "event_type": "trigger",
            "description": "FAILURE for production/HTTP on machine srv01.acme.com",
            "client": "Sample Monitoring Service", "client_url": "https://monitoring.service.com",
            "details": {"ping time": "1500ms", "load avg": 0.75},
            "contexts": [
                {"type": "link", "href": "http://acme.pagerduty.com"},
                {"type": "link", "href": "http://acme.pagerduty.com", "text": "View the incident"},
                {"type": "image", "src": "https://chart.googleapis.com/chart?chs=600x400"},
            ],
        })
    }

    fn check(event: &Value) -> Result<(RoutingKey, Posted), Refusal> {
        v1(event.to_string().as_bytes())
    }

    fn errors(event: &Value) -> Vec<String> {
        check(event).map_or_else(|refusal| refusal.errors(), |_| vec![])
    }

    #[test]
    fn a_valid_event_keeps_everything_but_its_key() {
        let mut event = trigger();
        event["x_own"] = json!([1]);
        let (key, posted) = check(&event).unwrap();
        assert_eq!(key.expose(), KEY);
        assert_eq!(posted.endpoint, Endpoint::V1);
        assert_eq!(posted.action, Some(Action::Trigger));
        assert_eq!(posted.dedup_key.as_deref(), Some("srv01/HTTP"));
        event.as_object_mut().unwrap().remove("service_key");
        assert_eq!(Value::Object(posted.body), event);
    }

    #[test]
    fn details_may_be_a_text_as_old_clients_send_it() {
        let mut event = trigger();
        event["details"] = json!("a text");
        assert_eq!(errors(&event), [""; 0]);
    }

    #[test]
    fn what_each_type_requires() {
        for event_type in ["acknowledge", "resolve"] {
            let mut event = json!({"service_key": KEY, "event_type": event_type});
            assert_eq!(errors(&event), ["Incident key can't be blank"]);
            event["incident_key"] = json!("k");
            let (_, posted) = check(&event).unwrap();
            assert_eq!(posted.action.map(Action::name), Some(event_type));
            assert_eq!(posted.dedup_key.as_deref(), Some("k"));
        }
        let event = json!({"service_key": KEY, "event_type": "trigger", "description": " "});
        assert_eq!(errors(&event), ["Description can't be blank"]);
    }

    #[test]
    fn all_broken_rules_are_named_together() {
        assert_eq!(errors(&json!({})), ["Service key can't be blank", "Event type can't be blank"]);
        let event = json!({
            "service_key": "secret", "event_type": "open", "client": 1,
            "contexts": [{"type": "link"}, {"type": "image", "src": "http://x"}, {"type": "x"}, {}, 1],
        });
        assert_eq!(
            errors(&event),
            [
                "Service key is the wrong length (should be 32 characters)",
                "Event type is not included in the list",
                "Client is invalid (must be a string)",
                "Contexts[0] href can't be blank",
                "Contexts[1] src is invalid (must be an https URL)",
                "Contexts[2] type is not included in the list",
                "Contexts[3] type can't be blank",
                "Contexts[4] is invalid (must be an object)",
            ]
        );
        let event = json!({"service_key": "+".repeat(32), "event_type": "trigger",
            "description": {"a": 1}, "contexts": {}});
        assert_eq!(
            errors(&event),
            [
                "Service key is invalid",
                "Description is invalid (must be a string)",
                "Contexts is invalid (must be an array of objects)",
            ]
        );
    }

    #[test]
    fn limits_count_characters_and_hold_at_the_edge() {
        let mut event = trigger();
        event["description"] = json!("ä".repeat(SUMMARY_LIMIT));
        event["incident_key"] = json!("ä".repeat(DEDUP_KEY_LIMIT));
        assert_eq!(errors(&event), [""; 0]);
        event["description"] = json!("ä".repeat(SUMMARY_LIMIT + 1));
        event["incident_key"] = json!("ä".repeat(DEDUP_KEY_LIMIT + 1));
        assert_eq!(
            errors(&event),
            [
                "Incident key is too long (maximum is 255 characters)",
                "Description is too long (maximum is 1024 characters)",
            ]
        );
    }

    #[test]
    fn a_missing_incident_key_is_made_for_a_trigger_only() {
        let mut event = trigger();
        event["incident_key"] = json!("");
        let (_, mut posted) = check(&event).unwrap();
        let key = posted.ensure_dedup_key().unwrap().to_owned();
        assert_eq!(posted.body["incident_key"], key.as_str());
        assert!(!posted.body.contains_key("dedup_key"));
    }

    #[test]
    fn it_has_its_own_words_for_what_it_cannot_read() {
        let refusal = v1(b"[]").unwrap_err();
        assert_eq!(
            refusal.answer(),
            json!({
                "status": "unrecognized object",
                "message": "Event object format is unrecognized",
                "errors": ["JSON parse error"],
            })
        );
        assert_eq!(Endpoint::V1.unknown_key().errors(), ["Service key is invalid"]);
    }
}
