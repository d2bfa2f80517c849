//! The ids that lines can be followed by.

use super::*;

const ID: &str = "52fdfc07-2182-454f-963f-5f0f9a621d72";
const XRAY: &str = "1-67891233-abcdef012345678912345678";
const W3C: &str = "67891233abcdef012345678912345678";

fn of(text: &str, stream: &str) -> Vec<String> {
    let line = Line {
        at: chrono::DateTime::UNIX_EPOCH,
        log_group: "g".into(),
        stream: stream.into(),
        text: text.into(),
    };
    correlations(&line).iter().map(ToString::to_string).collect()
}

fn lambda(text: &str) -> Option<String> {
    of(text, "2026/11/14/[$LATEST]a1").into_iter().next()
}

fn service(text: &str) -> Option<String> {
    of(text, "i-0123456789").into_iter().next()
}

#[test]
fn every_spelling_of_powertools_comes_first() {
    for name in ["function_request_id", "faas.execution", "functionRequestId", "FunctionRequestId"]
    {
        let line =
            format!(r#"{{"correlation_id":"abcdefgh","xray_trace_id":"{XRAY}","{name}":"{ID}"}}"#);
        assert_eq!(lambda(&line), Some(format!("request {ID}")), "{name}");
    }
}

#[test]
fn opentelemetrys_names_flat_and_nested() {
    for line in [
        format!(r#"{{"faas.execution":"{ID}","message":"x"}}"#),
        format!(r#"{{"faas.invocation_id":"{ID}","message":"x"}}"#),
        format!(r#"{{"faas":{{"name":"shop","execution":"{ID}"}},"message":"x"}}"#),
        format!(r#"{{"faas":{{"name":"shop","invocation_id":"{ID}"}},"message":"x"}}"#),
        format!(r#"{{"resource":{{"faas":{{"invocation_id":"{ID}"}}}}}}"#),
        format!("level=error faas.invocation_id={ID} msg=x"),
    ] {
        assert_eq!(service(&line), Some(format!("request {ID}")), "{line}");
    }
    // An id whose name only contains that name is not a function's.
    let other = format!(r#"{{"job":{{"invocation_id":"{ID}"}}}}"#);
    assert_eq!(service(&other), Some(format!("invocation_id {ID}")));
}

#[test]
fn ids_named_by_the_object_around_them() {
    for (line, expected) in [
        (format!(r#"{{"trace":{{"id":"{W3C}"}}}}"#), format!("trace {W3C}")),
        (format!(r#"{{"request":{{"id":"{ID}"}}}}"#), format!("request.id {ID}")),
        (format!(r#"{{"user":{{"id":"{ID}"}}}}"#), String::new()),
    ] {
        assert_eq!(service(&line).unwrap_or_default(), expected, "{line}");
    }
}

#[test]
fn lambda_in_json_platform_events_and_text() {
    for line in [
        format!(r#"{{"timestamp":"t","level":"ERROR","requestId":"{ID}","message":"x"}}"#),
        format!(
            r#"{{"type":"platform.report","record":{{"requestId":"{ID}","status":"timeout"}}}}"#
        ),
        format!(r#"{{"AWSRequestId":"{ID}","message":"java"}}"#),
        format!("2026-11-14T03:05:00.000Z\t{ID}\tERROR\tboom"),
        format!("[ERROR]\t2026-11-14T03:05:00.000Z\t{ID}\tboom"),
        format!("START RequestId: {ID} Version: $LATEST"),
        format!("2026-11-14T03:05:00.123Z {ID} Task timed out after 3.00 seconds"),
        format!(r#"{{"function_request_id":"{ID}","stack":"cut here"#),
    ] {
        assert_eq!(lambda(&line), Some(format!("request {ID}")), "{line}");
    }
    assert_eq!(service(&format!("RequestId: {ID}")), Some(format!("RequestId {ID}")));
}

#[test]
fn traces_in_every_format() {
    for line in [
        format!(r#"{{"xray_trace_id":"{XRAY}"}}"#),
        format!("X-Amzn-Trace-Id: Root={XRAY};Parent=53995c3f42cd8ad8;Sampled=1"),
        format!("level=error trace_id={XRAY} msg=x"),
    ] {
        assert_eq!(service(&line), Some(format!("trace {XRAY}")), "{line}");
    }
    for line in [
        format!(r#"{{"a":{{"b":{{"otelTraceID":"{W3C}"}}}}}}"#),
        format!("traceparent: 00-{W3C}-00f067aa0ba902b7-01"),
        format!("traceId={W3C}"),
    ] {
        assert_eq!(service(&line), Some(format!("trace {W3C}")), "{line}");
    }
    let both = format!("?\"{XRAY}\" ?\"{W3C}\"");
    assert_eq!(Correlation::Trace(Id::parse(XRAY).unwrap()).pattern(), both);
}

#[test]
fn other_ids_in_json_logfmt_and_text() {
    for (line, expected) in [
        (r#"{"http":{"headers":{"X-Request-ID":"req/12345678"}}}"#, "X-Request-ID req/12345678"),
        ("ts=1 level=error correlation_id=\"c-0001:7=x\" msg", "correlation_id c-0001:7=x"),
        ("ERROR x-amzn-requestid: abcdef-12345 failed", "x-amzn-requestid abcdef-12345"),
        ("日本requestId=abcdefgh12.", "requestId abcdefgh12"),
    ] {
        assert_eq!(service(line).as_deref(), Some(expected), "{line}");
    }
}

#[test]
fn pattern_syntax_is_not_an_id() {
    for evil in
        ["x\" || \"yyyy", "?ERROR ?WARN", "a*bcdefgh", "%regex%abc", "short", "日本語日本語日本"]
    {
        let line = serde_json::json!({"function_request_id": evil}).to_string();
        assert_eq!(lambda(&line), None, "{evil}");
        assert!(Id::parse(evil).is_none());
    }
}

#[test]
fn lines_without_any() {
    for line in
        ["ERROR boom", "{", "{}", r#"{"function_request_id":7}"#, "[1,2]", "", "a:", ":=", "=:=:"]
    {
        assert_eq!(lambda(line), None, "{line}");
    }
}

#[test]
fn ids_by_their_place_in_the_line() {
    let span = "00f067aa0ba902b7";
    for (line, expected) in [
        (format!("INFO [{W3C}-{span}] 1 --- [exec-7] c.a.O : x"), format!("trace {W3C}")),
        (format!("INFO [shop,{W3C},{span}] 1 --- x"), format!("trace {W3C}")),
        (format!("INFO [shop,{span},{span}] 1 --- x"), format!("trace {span}")),
        (format!("[{ID}] Started GET \"/\""), format!("request {ID}")),
        (format!("({ID}) Method completed with status: 500"), format!("request {ID}")),
        (format!("[2026-02-02 12:05:31,1: INFO/Main] Task a.b[{ID}] x"), format!("request {ID}")),
        (format!("2026-02-02 12:05:31,100 ERROR {ID} shop.views x"), format!("request {ID}")),
        (format!("2026-02-02 12:05:31 | ERROR | {ID} | x"), format!("request {ID}")),
        (format!("2026-02-02T12:05:31Z|ERROR|shop.views|{ID}|x"), format!("request {ID}")),
        (format!("ERROR the request ({ID}) failed"), format!("request {ID}")),
        (
            format!("[t] \"GET / HTTP/1.1\" 503 UF \"curl\" \"{ID}\" \"shop\""),
            format!("request {ID}"),
        ),
        (
            "Jx7aB3nD9-_kLmNoPqRsTuVw5w== START DistributionID: E1".into(),
            "request Jx7aB3nD9-_kLmNoPqRsTuVw5w==".into(),
        ),
        (
            format!(r#"{{"log":"[{ID}] Started GET","container_name":"c"}}"#),
            format!("request {ID}"),
        ),
    ] {
        assert_eq!(service(&line), Some(expected), "{line}");
    }
    for line in [
        format!("ERROR customer [{ID}] has no cart"),
        format!("ERROR no cart for {ID}"),
        format!("KeyError: '{ID}'"),
        format!("ERROR order ({W3C}) is gone"),
    ] {
        assert_eq!(service(&line), None, "{line}");
    }
}

#[test]
fn names_in_collectors_and_frameworks() {
    for (line, expected) in [
        (
            "dd.service=shop dd.trace_id=4611686018427387904 dd.span_id=7 x".to_owned(),
            "dd.trace_id 4611686018427387904".into(),
        ),
        (
            r#"{"dd":{"trace_id":"4611686018427387904"}}"#.into(),
            "trace_id 4611686018427387904".into(),
        ),
        (r#"{"dd.trace_id":4611686018427387904}"#.into(), "dd.trace_id 4611686018427387904".into()),
        (
            r#"{"transaction":{"id":"00f067aa0ba902b7"}}"#.into(),
            "transaction.id 00f067aa0ba902b7".into(),
        ),
        (format!(r#"{{"mdc.requestId":"{ID}"}}"#), format!("requestId {ID}")),
        (format!(r#"{{"http.request.id":"{ID}"}}"#), format!("http.request.id {ID}")),
        (format!("uber-trace-id: {W3C}:00f067aa0ba902b7:0:1"), format!("trace {W3C}")),
        (
            format!(r#"{{"logging.googleapis.com/trace":"projects/p/traces/{W3C}"}}"#),
            format!("trace {W3C}"),
        ),
        (
            format!(r#"{{"log":"{{\"requestId\":\"{ID}\",\"msg\":\"x\"}}"}}"#),
            format!("requestId {ID}"),
        ),
        (format!(r#"{{"log":"level=error request_id={ID} msg=x"}}"#), format!("request_id {ID}")),
        (format!("ERROR failed {{'request_id': '{ID}', 'user': 7}}"), format!("request_id {ID}")),
        (
            format!("\u{1b}[36mrequest_id\u{1b}[0m=\u{1b}[35m{ID}\u{1b}[0m"),
            format!("request_id {ID}"),
        ),
        (
            format!(
                r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"traceId":"{W3C}"}}]}}]}}]}}"#
            ),
            format!("trace {W3C}"),
        ),
    ] {
        assert_eq!(service(&line), Some(expected), "{line}");
    }
}

#[test]
fn the_requests_own_id_comes_before_those_of_data() {
    let call = "71b51f6b-4a3c-4c5e-9d6f-7a8b9c0d1e2f";
    for line in [
        format!(r#"{{"err":{{"$metadata":{{"requestId":"{call}"}}}},"requestId":"{ID}"}}"#),
        format!(r#"{{"event":{{"requestContext":{{"requestId":"{call}"}}}},"requestId":"{ID}"}}"#),
        format!("2026-11-14T03:05:00.000Z\t{ID}\tERROR\tno {{ requestId: '{call}' }}"),
    ] {
        assert_eq!(lambda(&line), Some(format!("request {ID}")), "{line}");
    }
    let event = format!(
        r#"{{"event":{{"requestContext":{{"requestId":"{call}"}}}},"req":{{"id":"{ID}"}}}}"#
    );
    assert_ne!(service(&event).as_deref(), Some("request {call}"));
    // An id of a call is no Lambda request.
    assert_eq!(
        lambda(&format!(r#"{{"err":{{"requestId":"{call}"}}}}"#)),
        Some(format!("requestId {call}"))
    );
}

#[test]
fn words_and_zeros_are_no_ids() {
    for value in [
        "undefined",
        "anonymous",
        "required_parameter",
        "00000000-0000-0000-0000-000000000000",
        "00000000000000000000000000000000",
        "--------",
    ] {
        for line in [
            format!(r#"{{"request_id":"{value}","traceId":"{value}"}}"#),
            format!("request_id={value} x"),
        ] {
            assert_eq!(service(&line), None, "{line}");
        }
    }
}

#[test]
fn lambdas_streams() {
    for stream in [
        "2026/11/14/[$LATEST]a1",
        "2026/11/14/[42]a1",
        "2026/11/14/shop[$LATEST]a1",
        "2026/11/14/shop[7][a1]",
    ] {
        assert!(is_lambda(stream), "{stream}");
    }
    for stream in ["shop/shop/7f0e", "2026/11/14/shop", "2026-11-14[7]", ""] {
        assert!(!is_lambda(stream), "{stream}");
    }
}

#[test]
fn short_ids_are_known_but_not_searched() {
    let line = |text: &str| Line {
        at: chrono::DateTime::UNIX_EPOCH,
        log_group: "g".into(),
        stream: "s".into(),
        text: text.into(),
    };
    for text in [r#"{"reqId":"req-7","msg":"x"}"#, r#"{"req_id":17,"msg":"x"}"#] {
        assert_eq!(correlations(&line(text)), [], "{text}");
        assert_eq!(own(&line(text)).len(), 1, "{text}");
    }
}
