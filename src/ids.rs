//! The names under which logs carry the ids of a request, a run or a trace.
//!
//! One table for all who know such ids by their names: `lines` follows a line by them and leaves
//! those out that every line carries, and `redact` lets them stay.

/// What an id under a name ties together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The lines of an invocation of a Lambda function.
    Invocation,
    /// The same in Lambda's log streams; elsewhere the lines of a request.
    Request,
    /// The lines of a trace.
    Trace,
    /// The lines of a trace, if the value has a trace's form; else the name is an ordinary word.
    Word,
    /// The lines of any other piece of work.
    Work,
    /// Too little or too much to be followed: a step of a trace, an event, a kind of event.
    Part,
}

/// Names in small letters and digits, and what their ids tie together.
pub const NAMES: &[(&str, Kind)] = &[
    // Powertools for Python, TypeScript, Java and .NET; OpenTelemetry and Java's ECS layout;
    // Lambda's own Java layout.
    ("functionrequestid", Kind::Invocation),
    ("faasinvocationid", Kind::Invocation),
    ("faasexecution", Kind::Invocation),
    ("awsrequestid", Kind::Invocation),
    ("requestid", Kind::Request),
    ("traceid", Kind::Trace),
    ("xraytraceid", Kind::Trace),
    ("awsxraytraceid", Kind::Trace),
    ("oteltraceid", Kind::Trace),
    ("traceparent", Kind::Trace),
    // `X-Amzn-Trace-Id: Root=…;Parent=…`.
    ("xamzntraceid", Kind::Trace),
    ("root", Kind::Word),
    ("parent", Kind::Word),
    ("trace", Kind::Word),
    ("correlationid", Kind::Work),
    ("xcorrelationid", Kind::Work),
    ("reqid", Kind::Work),
    ("xrequestid", Kind::Work),
    ("xamznrequestid", Kind::Work),
    ("xamzrequestid", Kind::Work),
    ("transactionid", Kind::Work),
    ("operationid", Kind::Work),
    ("invocationid", Kind::Work),
    ("executionid", Kind::Work),
    ("executionarn", Kind::Work),
    ("jobid", Kind::Work),
    ("jobrunid", Kind::Work),
    ("messageid", Kind::Work),
    ("spanid", Kind::Part),
    ("parentid", Kind::Part),
    ("eventid", Kind::Part),
];

/// What ids under this name tie together, whatever its spelling: `X-Request-ID` and
/// `x_request_id` are one name.
#[must_use]
pub fn kind(name: &str) -> Option<Kind> {
    let plain = || name.bytes().filter(u8::is_ascii_alphanumeric);
    let is = |known: &str| plain().map(|byte| byte.to_ascii_lowercase()).eq(known.bytes());
    NAMES.iter().find(|(known, _)| is(known)).map(|(_, kind)| *kind)
}
