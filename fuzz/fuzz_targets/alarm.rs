//! Reads any bytes as a payload, and as the message in an SNS record. It must not panic, and every
//! dedup key must keep PagerDuty's limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pagetrail::aws::Origin;
use pagetrail::alarm::intake::{Notice, read};
use serde_json::{Value, json};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Some(home) = Origin::from_arn("arn:aws:lambda:eu-west-1:123456789012:function:enrich")
    else {
        return;
    };
    let mut payloads = vec![json!({"Records": [{"EventSource": "aws:sns", "Sns": {
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:errors",
        "MessageId": "52fdfc07-2182-454f-963f-5f0f9a621d72",
        "Message": text,
    }}]})];
    payloads.extend(serde_json::from_slice::<Value>(bytes));
    for notice in payloads.iter().flat_map(|payload| read(payload, &home)) {
        if let Notice::Alarm(alarm) = notice {
            let key = pagetrail::compose::dedup_key(&alarm);
            assert!(!key.as_str().is_empty() && key.as_str().chars().count() <= 255);
        }
    }
});
