//! Pages for notices that enrich failed on: Lambda's on-failure record becomes events without log
//! lines.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::plan::{Plan, plan};
use crate::alarm::intake::{self, Message, Notice};
use crate::aws::{Arn, Origin, home};
use crate::compose::{Composer, Paging, resolve};
use crate::context::Context;
use crate::evidence::Evidence;
use crate::pagerduty::{DedupKey, Event};
use crate::queue::{Outbox, QueueError, Queued};
use crate::routing::Target;
use crate::telemetry::Signal;
use crate::text::{cut, one_line};

/// Alerts whose events are queued at the same time; a message can hold many alarms.
const AT_ONCE: usize = 16;

/// An event without log lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Unenriched {
    event: Event,
    /// The same that enrich would have used, so that an event that enrich queued before it crashed
    /// is not queued twice.
    deduplication_id: String,
}

/// Reads a record as Lambda writes it to an on-failure destination (Lambda developer guide,
/// "Asynchronous invocation"); None for anything else.
#[must_use]
pub fn read(body: &str, paging: &Paging) -> Option<Vec<Unenriched>> {
    let record: Value = serde_json::from_str(body).ok()?;
    let context = record.get("requestContext")?;
    let payload = record.get("requestPayload")?;
    let function = context["functionArn"].as_str().unwrap_or_default();
    let (region, account) =
        Arn::parse(function).map(|arn| (arn.region, arn.account)).unwrap_or_default();
    let home = home(region, account);
    let note = note(&record);
    // What made enrich fail may make this fail too; then the page says only that.
    let notices = catch_unwind(|| intake::read(payload, &home));
    let notices = notices.unwrap_or_else(|_| vec![unreadable("a notification", &note, &home)]);
    let events = notices.into_iter().filter_map(|notice| {
        let what = match &notice {
            Notice::Alarm(alarm) => format!("a notification about {}", alarm.name),
            Notice::Message(message) => format!("the message {}", message.id),
        };
        let compose = |notice| catch_unwind(AssertUnwindSafe(|| unenriched(notice, &note, paging)));
        compose(notice).or_else(|_| compose(unreadable(&what, &note, &home))).unwrap_or_default()
    });
    Some(events.collect())
}

fn unenriched(notice: Notice, note: &str, paging: &Paging) -> Option<Unenriched> {
    let composer = Composer::of(paging);
    match plan(notice, paging) {
        Plan::Nothing(_) => None,
        Plan::Page(message) => Some(Unenriched {
            event: composer.message(&message),
            deduplication_id: message.deduplication_id(),
        }),
        Plan::Trigger(alarm) => {
            let evidence = Evidence { notes: vec![note.to_owned()], ..Evidence::default() };
            let now = alarm.changed_at.unwrap_or_default();
            let event = composer.trigger(&alarm, &evidence, &Context::default(), now);
            Some(Unenriched { event, deduplication_id: alarm.deduplication_id() })
        }
        Plan::Resolve(alarm) => {
            Some(Unenriched { event: resolve(&alarm), deduplication_id: alarm.deduplication_id() })
        }
    }
}

/// The page about something that cannot be read at all. It holds nothing of the content, which was
/// not redacted. Its body is its identity: it names what failed, and the request in the note.
fn unreadable(what: &str, note: &str, home: &Origin) -> Notice {
    let subject = format!("Pagetrail could not read {what}");
    Notice::Message(Message {
        id: String::new(),
        body: format!("{subject}. {note}"),
        subject: Some(subject),
        topic: None,
        origin: home.clone(),
        why: "Pagetrail failed on this notification".to_owned(),
    })
}

/// Queues the events in the same way as all others, those of one alert in their order. They go to
/// the default pool: the tags, which can name another pool, cannot be read here.
///
/// # Errors
/// If an event was not queued. The next time, the queue drops the others as duplicates.
pub async fn queue(events: &[Unenriched], outbox: &impl Outbox) -> Result<(), QueueError> {
    let mut alerts: BTreeMap<&DedupKey, Vec<&Unenriched>> = BTreeMap::new();
    for unenriched in events {
        alerts.entry(&unenriched.event.dedup_key).or_default().push(unenriched);
    }
    let alerts = stream::iter(alerts.into_values()).map(|alert| queue_alert(alert, outbox));
    let queued: Vec<_> = alerts.buffer_unordered(AT_ONCE).collect().await;
    queued.into_iter().collect()
}

async fn queue_alert(events: Vec<&Unenriched>, outbox: &impl Outbox) -> Result<(), QueueError> {
    for Unenriched { event, deduplication_id } in events {
        let outgoing = Queued::composed(Target::default_pool(), event, deduplication_id.clone())?;
        outbox.send(outgoing).await?;
        Signal::Unenriched { dedup_key: event.dedup_key.as_str() }.tell();
    }
    Ok(())
}

/// What failed, and where to read about it.
fn note(record: &Value) -> String {
    let request = record["requestContext"]["requestId"].as_str().unwrap_or("unknown");
    let attempts = record["requestContext"]["approximateInvokeCount"].as_u64().unwrap_or(1);
    // Only the kind of error: its message can contain sensitive data.
    let kind = record["responsePayload"]["errorType"].as_str().unwrap_or("no answer");
    format!(
        "no log lines: Pagetrail's enrich function failed {attempts} times ({}). Look for request \
         {} in its log.",
        cut(&one_line(kind), 80),
        cut(&one_line(request), 80),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pagerduty::Action;

    fn record(state: &str) -> String {
        let message = json!({
            "AlarmName": "checkout-errors", "NewStateValue": state, "NewStateReason": "boom",
            "AlarmDescription": "owner: jo@example.com",
            "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors",
            "StateChangeTime": "2026-11-14T03:06:35.472+0000",
        });
        json!({
            "version": "1.0", "timestamp": "2026-11-14T03:10:00.000Z",
            "requestContext": {
                "requestId": "52fdfc07-2182-454f-963f-5f0f9a621d72",
                "functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:p-enrich:$LATEST",
                "condition": "RetriesExhausted", "approximateInvokeCount": 3,
            },
            "requestPayload": {"Records": [
                {"EventSource": "aws:sns", "Sns": {"MessageId": "m", "Message": message.to_string()}},
                {"EventSource": "aws:sns", "Sns": {"MessageId": "n", "Message": "hello"}},
            ]},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST",
                "functionError": "Unhandled"},
            "responsePayload": {"errorType": "Runtime.ExitError", "errorMessage": "secret"},
        })
        .to_string()
    }

    #[test]
    fn every_notice_pages_without_log_lines_and_says_why() {
        let events = read(&record("ALARM"), &Paging::default()).unwrap();
        assert_eq!(events.len(), 2);
        let text = serde_json::to_string(&events[0].event).unwrap();
        for part in ["52fdfc07-2182-454f-963f-5f0f9a621d72", "failed 3 times", "Runtime.ExitError"]
        {
            assert!(text.contains(part), "{part} not in {text}");
        }
        assert!(!text.contains("jo@example.com") && !text.contains("\"secret\""), "{text}");
        assert!(serde_json::to_string(&events[1].event).unwrap().contains("hello"));
    }

    #[test]
    fn an_ok_is_a_resolve_and_insufficient_data_nothing() {
        let events = read(&record("OK"), &Paging::default()).unwrap();
        assert_eq!(events[0].event.event_action, Action::Resolve);
        let events = read(&record("INSUFFICIENT_DATA"), &Paging::default()).unwrap();
        assert_eq!(events.len(), 1, "the message alone");
    }

    #[test]
    fn anything_else_is_no_such_record() {
        for body in ["", "{}", "[]", r#"{"requestContext":{}}"#, r#"{"target":"default"}"#] {
            assert!(read(body, &Paging::default()).is_none(), "{body}");
        }
    }

    #[test]
    fn a_notification_that_makes_composing_fail_still_pages() {
        let home = home("eu-west-1", "111122223333");
        let notice = unreadable("a notification about checkout-errors", "no log lines: …", &home);
        let page = unenriched(notice, "", &Paging::default()).unwrap();
        assert_eq!(page.event.event_action, Action::Trigger);
        let text = serde_json::to_string(&page.event).unwrap();
        assert!(text.contains("could not read a notification about checkout-errors"), "{text}");
        // A time at the end of what can be represented: every window around it would overflow.
        for year in ["-262143", "+262142", "9999"] {
            let record =
                record("ALARM").replace("2026-11-14T03:06:35", &format!("{year}-01-01T00:00:00"));
            assert_eq!(read(&record, &Paging::default()).unwrap().len(), 2, "{year}");
        }
    }
}
