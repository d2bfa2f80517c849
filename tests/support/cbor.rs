//! CloudWatch's wire format (Smithy RPC v2 CBOR), read and written as JSON.

use ciborium::Value as Cbor;
use serde_json::{Map, Value};

use super::http::Answer;

/// The tag of a time in seconds since 1970 (RFC 8949).
const TIME: u64 = 1;

/// A body as JSON; `Null` where it is no CBOR.
pub fn read(body: &[u8]) -> Value {
    ciborium::from_reader::<Cbor, _>(body).map_or(Value::Null, json)
}

/// An answer in JSON as CloudWatch would give it; anything else as it is.
pub fn answer(answer: Answer) -> Answer {
    let Answer::Http { status, mut headers, body } = answer else { return answer };
    let body = match serde_json::from_slice::<Value>(&body) {
        Err(_) => body,
        Ok(value) => {
            let mut bytes = Vec::new();
            ciborium::into_writer(&cbor("", &value), &mut bytes).expect("a vector takes it all");
            headers.retain(|(name, _)| name != "content-type");
            headers.push(("content-type".to_owned(), "application/cbor".to_owned()));
            headers.push(("smithy-protocol".to_owned(), "rpc-v2-cbor".to_owned()));
            bytes
        }
    };
    Answer::Http { status, headers, body }
}

fn json(value: Cbor) -> Value {
    match value {
        Cbor::Bool(value) => value.into(),
        Cbor::Integer(value) => i64::try_from(value).expect("a number of this API").into(),
        Cbor::Float(value) => value.into(),
        Cbor::Text(text) => text.into(),
        Cbor::Tag(_, value) => json(*value),
        Cbor::Array(items) => items.into_iter().map(json).collect(),
        Cbor::Map(entries) => {
            let entry =
                |(key, value): (Cbor, Cbor)| (key.into_text().expect("a name"), json(value));
            Value::Object(entries.into_iter().map(entry).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

/// Numbers under names that end in `Timestamp` are times.
fn cbor(name: &str, value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(value) => Cbor::Bool(*value),
        Value::Number(number) => {
            let plain = match number.as_i64() {
                Some(number) => Cbor::Integer(number.into()),
                None => Cbor::Float(number.as_f64().expect("a number")),
            };
            let time = name.ends_with("Timestamp");
            if time { Cbor::Tag(TIME, Box::new(plain)) } else { plain }
        }
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| cbor("", item)).collect()),
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| (Cbor::Text(name.clone()), cbor(name, value));
            Cbor::Map(fields.iter().map(field).collect())
        }
    }
}
