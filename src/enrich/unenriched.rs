//! Pages for notices that enrich failed on: Lambda's on-failure record becomes events without log
//! lines.

use serde_json::Value;

use super::plan::{Plan, plan};
use crate::alarm::intake;
use crate::aws::{Arn, home};
use crate::compose::{Composer, Paging, resolve};
use crate::evidence::Evidence;
use crate::pagerduty::Event;
use crate::queue::{Deduplication, Outbox, Outline, QueueError, Queued};
use crate::routing::Target;
use crate::telemetry::Signal;
use crate::text::{cut, one_line};

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
    let composer = Composer::of(paging);
    let unenriched = |notice| match plan(notice, paging) {
        Plan::Nothing(_) => None,
        Plan::Page(message) => Some(Unenriched {
            event: composer.message(&message),
            deduplication_id: message.deduplication_id(),
        }),
        Plan::Trigger(alarm) => {
            let evidence = Evidence { notes: vec![note.clone()], ..Evidence::default() };
            let now = alarm.changed_at.unwrap_or_default();
            let event = composer.trigger(&alarm, &evidence, now);
            Some(Unenriched { event, deduplication_id: alarm.deduplication_id() })
        }
        Plan::Resolve(alarm) => {
            Some(Unenriched { event: resolve(&alarm), deduplication_id: alarm.deduplication_id() })
        }
    };
    Some(intake::read(payload, &home).into_iter().filter_map(unenriched).collect())
}

/// Queues the events in the same way as all others, so that they keep their order. They go to the
/// default pool: the tags, which can name another pool, cannot be read here.
///
/// # Errors
/// If an event was not queued. The next time, the queue drops those before it as duplicates.
pub async fn queue(events: &[Unenriched], outbox: &impl Outbox) -> Result<(), QueueError> {
    for Unenriched { event, deduplication_id } in events {
        let queued = Queued::of(Target::default_pool(), event)?;
        let deduplication = Deduplication::Id(deduplication_id.clone());
        outbox.send(queued.outgoing(&Outline::from(event), deduplication)?).await?;
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
    fn every_notice_pages_bare_and_says_why() {
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
}
