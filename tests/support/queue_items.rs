//! What waits in `events.fifo`, and the Lambda event with which SQS hands it over.

use serde_json::{Map, Value, json};

use super::lambda::{ACCOUNT, REGION};

/// The queue message of one trigger.
pub fn trigger(dedup_key: &str) -> Value {
    json!({
        "target": "default",
        "event": {
            "event_action": "trigger",
            "dedup_key": dedup_key,
            "payload": {
                "summary": format!("TypeError · 1× · {dedup_key}"),
                "source": "shop-errors (ap-northeast-1)",
                "severity": "error",
                "custom_details": {"1 error": "TypeError: no such customer-7731"},
            },
        },
    })
}

/// The queue message of one resolve.
pub fn resolve(dedup_key: &str) -> Value {
    json!({
        "target": "default",
        "event": {"event_action": "resolve", "dedup_key": dedup_key},
    })
}

/// One message on its first receipt, with the group given.
pub fn record(id: &str, group: &str, body: &str) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": format!("receipt-{id}"),
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1738497996000",
            "SequenceNumber": "18849496460467696128",
            "MessageGroupId": group,
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "MessageDeduplicationId": format!("dedup-{id}"),
            "ApproximateFirstReceiveTimestamp": "1738497996100",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:pagetrail-events.fifo"),
        "awsRegion": REGION,
    })
}

/// The same message, received this often.
pub fn received(mut record: Value, count: u32) -> Value {
    record["attributes"]["ApproximateReceiveCount"] = count.to_string().into();
    record
}

/// A batch of messages, named `m0`, `m1`, …, each in the group of its dedup key.
pub fn batch(messages: &[Value]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .enumerate()
        .map(|(number, message)| {
            let group = message["event"]["dedup_key"].as_str().unwrap_or("none");
            record(&format!("m{number}"), group, &message.to_string())
        })
        .collect();
    json!({"Records": records})
}

/// The ids that the function gave back to the queue.
pub fn failures(response: &Value) -> Vec<String> {
    let failures = response["batchItemFailures"].as_array().expect("a batch response");
    let id = |failure: &Value| failure["itemIdentifier"].as_str().expect("an id").to_owned();
    failures.iter().map(id).collect()
}

/// Fails unless each of an event's details is a list or a table whose rows are one line of text.
#[track_caller]
pub fn assert_rows(details: &Map<String, Value>) {
    for (key, value) in details {
        let mut rows: Box<dyn Iterator<Item = &Value>> = match value {
            Value::Array(list) => Box::new(list.iter()),
            Value::Object(table) => Box::new(table.values()),
            _ => panic!("each of the details is a list or a table: {key}"),
        };
        let fits = |row: &Value| row.as_str().is_some_and(|row| !row.contains('\n'));
        assert!(rows.all(fits), "each row is one line of text: {key}: {value}");
    }
}
