//! Lines of Lambda functions are followed by their place between START and REPORT.

use super::stored::{Stored, first_trail, found};
use super::*;

const GROUP: &str = "/aws/lambda/checkout";
const STREAM: &str = "2026/11/14/[$LATEST]0f9c";
const OTHER: &str = "9b2fdc07-2182-454f-963f-5f0f9a621d00";

fn start(id: &str) -> String {
    format!("START RequestId: {id} Version: $LATEST\n")
}

fn end(id: &str) -> String {
    format!("END RequestId: {id}\n")
}

fn report(id: &str) -> String {
    format!(
        "REPORT RequestId: {id}\tDuration: 112.45 ms\tBilled Duration: 113 ms\tMemory Size: 256 MB\t\
         Max Memory Used: 88 MB\t\n"
    )
}

/// An invocation that writes these lines, between two that succeed.
fn invoked(stream: &str, lines: &[&str]) -> (Stored, Vec<String>) {
    let mut logs = Stored::filtered(GROUP, "failed");
    for (at, id) in [(1_000, OTHER), (3_000, "9b2fdc07-2182-454f-963f-5f0f9a621d01")] {
        logs.lines(stream, &[(at, &start(id)), (at + 10, "ready"), (at + 20, &end(id))]);
        logs.line(stream, at + 21, &report(id));
    }
    let mut own = vec![start(ID)];
    own.extend(lines.iter().map(|line| (*line).to_owned()));
    own.extend([end(ID), report(ID)]);
    for (line, at) in own.iter().zip(2_000..) {
        logs.line(stream, at, line);
    }
    (logs, own)
}

#[tokio::test(start_paused = true)]
async fn a_line_without_an_id_belongs_between_start_and_report() {
    for stream in [STREAM, "2026/11/14/checkout[7]0f9c", "2026/11/14/[42]0f9c"] {
        for lines in [
            &["loading", "[ERROR] KeyError: 'sku' failed", "done"][..],
            &["2026/11/14 03:05:02 {\"errorMessage\":\"failed\",\"errorType\":\"errorString\"}"],
            &[
                "PHP Fatal error:  Uncaught RuntimeException: failed in /var/task/a.php:3",
                "#0 {main}",
            ],
        ] {
            let (logs, own) = invoked(stream, lines);
            assert_eq!(first_trail(&logs).await, (format!("request {ID}"), own), "{stream}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_printed_without_the_id_stands_between_the_lines_with_it() {
    let with_id = format!("2026-11-14T03:05:02.000Z\t{ID}\tERROR\tcharge failed");
    let ruby = format!("E, [2026-11-14T03:05:02.000123 #8] ERROR {ID} -- : charge failed");
    let rust = format!("ERROR Lambda runtime invoke{{requestId=\"{ID}\"}}: shop: charge failed");
    for line in [with_id, ruby, rust] {
        let (logs, own) = invoked(STREAM, &["printed", &line, "printed after"]);
        assert_eq!(first_trail(&logs).await, (format!("request {ID}"), own));
    }
}

#[tokio::test(start_paused = true)]
async fn platform_events_in_json_are_the_same_marks() {
    let mut logs = Stored::filtered(GROUP, "failed");
    let event = |kind: &str, id: &str| {
        json!({"time": "t", "type": format!("platform.{kind}"), "record": {"requestId": id}})
            .to_string()
    };
    let own = [event("start", ID), "printed failed".into(), "more".into(), event("report", ID)];
    logs.lines(STREAM, &[(0, &event("start", OTHER)), (1, "x"), (2, &event("report", OTHER))]);
    for (line, at) in own.iter().zip(100..) {
        logs.line(STREAM, at, line);
    }
    assert_eq!(first_trail(&logs).await, (format!("request {ID}"), own.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn an_id_of_a_call_or_of_an_event_is_not_the_invocation() {
    let call = "71b51f6b-4a3c-4c5e-9d6f-7a8b9c0d1e2f";
    let sdk = json!({"level": "ERROR", "message": {"errorMessage": "failed",
        "$metadata": {"requestId": call, "httpStatusCode": 403}}, "requestId": ID});
    let dumped = format!("failed for {{'requestContext': {{'requestId': '{call}'}}}}");
    let customer = format!("ERROR customer {call} failed");
    for line in [sdk.to_string(), dumped, customer] {
        let (logs, own) = invoked(STREAM, &["loading", &line]);
        assert_eq!(first_trail(&logs).await, (format!("request {ID}"), own), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_id_adds_lines_and_leaves_out_other_messages_of_the_invocation() {
    let line = |level: &str, id: &str, text: &str| {
        json!({"level": level, "correlationId": id, "msg": text}).to_string()
    };
    let (own, other) = ("order-4711-a", "order-4712-b");
    let (mut logs, _) = invoked(
        STREAM,
        &[
            "printed",
            &line("info", own, "a"),
            &line("info", other, "b"),
            &line("error", own, "failed"),
        ],
    );
    let (follows, lines) = first_trail(&logs).await;
    assert_eq!(follows, format!("request {ID}"));
    let expected = [
        &start(ID),
        "printed",
        &line("info", own, "a"),
        &line("error", own, "failed"),
        &end(ID),
        &report(ID),
    ];
    assert_eq!(lines, expected);

    // Elsewhere in the log group: the id is what all lines have in common.
    logs.line("2026/11/14/[$LATEST]beef", 1_500, &line("info", own, "queued"));
    let (follows, lines) = first_trail(&logs).await;
    assert_eq!(follows, format!("correlationId {own}"));
    assert_eq!(lines[0], line("info", own, "queued"));
    assert_eq!(lines.len(), expected.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_platforms_lines_the_ids_enclose_what_was_printed() {
    let mut logs = Stored::filtered(GROUP, "failed");
    let line = |id: &str, text: &str| json!({"requestId": id, "message": text}).to_string();
    let own = [line(ID, "loading"), "printed".into(), line(ID, "failed")];
    logs.lines(STREAM, &[(0, &line(OTHER, "a")), (1, "x"), (2, &line(OTHER, "b"))]);
    for (line, at) in own.iter().zip(100..) {
        logs.line(STREAM, at, line);
    }
    assert_eq!(first_trail(&logs).await, (format!("request {ID}"), own.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn invocations_that_share_a_stream_are_followed_only_by_id() {
    let mut logs = Stored::filtered(GROUP, "failed");
    let line = |id: &str, text: &str| format!("2026-11-14T03:05:02.000Z\t{id}\tINFO\t{text}");
    let own = [start(ID), line(ID, "loading"), line(ID, "failed"), end(ID), report(ID)];
    let other = [start(OTHER), line(OTHER, "a"), "printed".into(), end(OTHER), report(OTHER)];
    for ((at, own), other) in (0..).step_by(10).zip(&own).zip(&other) {
        logs.line(STREAM, at, own);
        logs.line(STREAM, at + 5, other);
    }
    assert_eq!(first_trail(&logs).await, (format!("request {ID}"), own.to_vec()));

    // A line without an id while two run is nobody's for certain.
    let mut logs = Stored::filtered(GROUP, "failed");
    logs.lines(STREAM, &[(0, &start(ID)), (5, &start(OTHER)), (10, "printed failed")]);
    logs.lines(STREAM, &[(15, &report(ID)), (20, &report(OTHER))]);
    let (follows, lines) = first_trail(&logs).await;
    assert_eq!(follows, "");
    assert!(lines.contains(&"printed failed".to_owned()) && lines.len() < 5, "{lines:?}");

    // While one runs, it is that one's.
    let mut logs = Stored::filtered(GROUP, "failed");
    logs.lines(STREAM, &[(0, &start(ID)), (5, "printed failed"), (10, &start(OTHER))]);
    logs.lines(STREAM, &[(12, "whose"), (15, &report(ID)), (20, &report(OTHER))]);
    let own = vec![start(ID), "printed failed".into(), report(ID)];
    assert_eq!(first_trail(&logs).await, (format!("request {ID}"), own));
}

#[tokio::test(start_paused = true)]
async fn an_error_at_the_start_of_the_runtime_belongs_to_the_start() {
    let mut logs = Stored::filtered(GROUP, "Unable");
    let init = "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn\n";
    let error = "[ERROR] Runtime.ImportModuleError: Unable to import module 'app'";
    let told =
        "INIT_REPORT Init Duration: 40 ms\tPhase: init\tStatus: error\tError Type: Runtime.X\n";
    logs.lines(STREAM, &[(0, &start(OTHER)), (5, &report(OTHER))]);
    logs.lines(STREAM, &[(100, init), (140, error), (150, told)]);
    assert_eq!(
        first_trail(&logs).await,
        (String::new(), vec![init.into(), error.into(), told.into()])
    );
}

#[tokio::test(start_paused = true)]
async fn two_kinds_in_one_request_have_one_trail() {
    let first = format!("2026-11-14T03:05:02.000Z\t{ID}\tERROR\tcharge failed");
    let second = format!("2026-11-14T03:05:02.001Z\t{ID}\tERROR\tno answer, failed");
    let (logs, own) = invoked(STREAM, &[&first, &second]);
    let evidence = found(&alarm(), &logs).await;
    let part = part(&evidence);
    assert_eq!(part.kinds.len(), 2);
    let trails: Vec<_> = part.kinds.iter().filter_map(|kind| kind.trail.as_ref()).collect();
    assert_eq!(trails.len(), 1);
    assert_eq!(trails[0].steps.len(), own.len());
    assert_eq!(part.lines_without_trail().count(), 0);
}
