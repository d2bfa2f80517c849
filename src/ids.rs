//! The names under which logs carry the ids of a request, a run or a trace.
//!
//! One table for every module that recognises ids by name: `lines` follows a line by them and
//! leaves out those that every line has; `redact` does not mask them.

/// What an id with a given name connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The lines of one invocation of a Lambda function.
    Invocation,
    /// In Lambda's log streams the lines of one invocation; elsewhere the lines of a request.
    Request,
    /// The lines of a trace.
    Trace,
    /// The lines of a trace if the value looks like a trace id; otherwise the name is an ordinary
    /// word.
    TraceOrWord,
    /// The lines of any other unit of work.
    Work,
    /// Not used to follow lines because it connects too few or too many: a span, an event, a type
    /// of event.
    Ignored,
}

/// Names in lower-case letters and digits, and what their ids connect.
pub const NAMES: &[(&str, Scope)] = &[
    // Powertools for Python, TypeScript, Java and .NET; OpenTelemetry and Java's ECS layout;
    // Lambda's own Java layout.
    ("functionrequestid", Scope::Invocation),
    ("faasinvocationid", Scope::Invocation),
    ("faasexecution", Scope::Invocation),
    ("awsrequestid", Scope::Invocation),
    ("requestid", Scope::Request),
    ("traceid", Scope::Trace),
    ("xraytraceid", Scope::Trace),
    ("awsxraytraceid", Scope::Trace),
    ("oteltraceid", Scope::Trace),
    ("traceparent", Scope::Trace),
    // `X-Amzn-Trace-Id: Root=…;Parent=…`.
    ("xamzntraceid", Scope::Trace),
    // Datadog writes decimal trace ids.
    ("ddtraceid", Scope::Trace),
    // Zipkin, Jaeger, Google, Elastic, and a header that proxies add.
    ("ubertraceid", Scope::Trace),
    ("logginggoogleapiscomtrace", Scope::TraceOrWord),
    ("xcloudtracecontext", Scope::Trace),
    ("elasticapmtraceid", Scope::Trace),
    ("xtraceid", Scope::Trace),
    ("root", Scope::TraceOrWord),
    ("parent", Scope::TraceOrWord),
    ("trace", Scope::TraceOrWord),
    ("correlationid", Scope::Work),
    ("xcorrelationid", Scope::Work),
    ("reqid", Scope::Work),
    ("xrequestid", Scope::Work),
    ("xamznrequestid", Scope::Work),
    ("xamzrequestid", Scope::Work),
    ("transactionid", Scope::Work),
    ("operationid", Scope::Work),
    ("invocationid", Scope::Work),
    ("executionid", Scope::Work),
    ("executionarn", Scope::Work),
    ("jobid", Scope::Work),
    ("jobrunid", Scope::Work),
    // Sidekiq, ASP.NET, CloudFront.
    ("jid", Scope::Work),
    ("traceidentifier", Scope::Work),
    ("requestidentifier", Scope::Work),
    ("activityid", Scope::Work),
    ("xedgerequestid", Scope::Work),
    ("xamzcfid", Scope::Work),
    ("httprequestid", Scope::Request),
    ("extendedrequestid", Scope::Work),
    ("messageid", Scope::Work),
    ("elasticapmtransactionid", Scope::Work),
    ("workflowid", Scope::Work),
    ("cfray", Scope::Work),
    ("spanid", Scope::Ignored),
    ("ddspanid", Scope::Ignored),
    ("parentid", Scope::Ignored),
    ("eventid", Scope::Ignored),
];

/// What ids with this name connect. Spelling makes no difference: `X-Request-ID` and `x_request_id`
/// are the same name.
#[must_use]
pub fn scope(name: &str) -> Option<Scope> {
    let plain = || name.bytes().filter(u8::is_ascii_alphanumeric);
    let is = |known: &str| plain().map(|byte| byte.to_ascii_lowercase()).eq(known.bytes());
    NAMES.iter().find(|(known, _)| is(known)).map(|(_, scope)| *scope)
}
