//! The lines around a line without an id, in the formats of many loggers.

use super::stored::{Stored, first_trail};
use super::*;

const GROUP: &str = "/ecs/shop";
const STREAM: &str = "shop/shop/7f0e";

/// The trail of a failure, when these lines are written four times, five seconds apart; `{n}` is a
/// number that differs each time.
async fn repeated(lines: &[(i64, &str)]) -> (String, Vec<String>) {
    let mut logs =
        Stored::filtered(GROUP, "?ERROR ?\"Error: \" ?\"error\\\":\" ?panic ?\"[error]\"");
    for turn in 0..4 {
        let number = (turn + 3).to_string();
        for (at, text) in lines {
            logs.line(STREAM, turn * 5_000 + at, &text.replace("{n}", &number));
        }
    }
    first_trail(&logs).await
}

/// The lines whose own mark is `true` are the trail, and no others.
async fn check(lines: &[(i64, &str, bool)]) {
    let all: Vec<_> = lines.iter().map(|(at, text, _)| (*at, *text)).collect();
    let (follows, shown) = repeated(&all).await;
    let own = lines.iter().filter(|(.., own)| *own).map(|(_, text, _)| text.replace("{n}", "6"));
    assert_eq!(shown, own.collect::<Vec<_>>());
    assert_eq!(follows, "");
}

#[tokio::test(start_paused = true)]
async fn another_thread_or_process_is_another_request() {
    for [own, failing, other] in [
        [
            "2026-02-02T12:05:31.100Z INFO 1 --- [exec-{n}] c.a.O : POST",
            "2026-02-02T12:05:31.100Z ERROR 1 --- [exec-{n}] c.a.O : no",
            "2026-02-02T12:05:31.100Z INFO 1 --- [exec-9] c.a.O : GET",
        ],
        [
            "I, [2026-02-02T12:05:31.100123 #7]  INFO -- : POST",
            "E, [2026-02-02T12:05:31.200123 #7] ERROR -- : no",
            "I, [2026-02-02T12:05:31.150123 #9]  INFO -- : GET",
        ],
        [
            "2026-02-02 12:05:31 UTC:192.0.2.7(41022):app@shop:[70{n}]:LOG:  begin",
            "2026-02-02 12:05:31 UTC:192.0.2.7(41022):app@shop:[70{n}]:ERROR:  no",
            "2026-02-02 12:05:31 UTC:192.0.2.8(41000):app@shop:[900]:LOG:  begin",
        ],
        [
            "2026-02-02T12:05:31.100123Z 4{n} [Note] [MY-010914] [Server] begin",
            "2026-02-02T12:05:31.200123Z 4{n} [ERROR] [MY-010584] [Repl] no",
            "2026-02-02T12:05:31.150123Z 99 [Note] [MY-010914] [Server] begin",
        ],
        [
            "I0202 12:05:31.100123       7 orders.go:11] begin",
            "E0202 12:05:31.200123       7 orders.go:12] ERROR no",
            "I0202 12:05:31.150123       9 orders.go:11] begin",
        ],
        [
            r#"{"message":"POST","process":{"thread":{"name":"exec-{n}"}}}"#,
            r#"{"level":"ERROR","message":"no","process":{"thread":{"name":"exec-{n}"}}}"#,
            r#"{"message":"GET","process":{"thread":{"name":"exec-9"}}}"#,
        ],
        [
            r#"{"log":"2026-02-02T12:05:31.100Z INFO [exec-{n}] c.a.O - POST","container_name":"shop"}"#,
            r#"{"log":"2026-02-02T12:05:31.100Z ERROR [exec-{n}] c.a.O - no","container_name":"shop"}"#,
            r#"{"log":"2026-02-02T12:05:31.100Z INFO [exec-9] c.a.O - GET","container_name":"shop"}"#,
        ],
    ] {
        check(&[(0, own, true), (50, other, false), (100, failing, true), (150, other, false)])
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_begins_with_its_line_and_ends_with_its_answer() {
    let (get, probe) = ("GET /carts/{n}", "GET /health");
    check(&[
        (0, get, true),
        (50, probe, false),
        (100, "TypeError: x is undefined", true),
        (101, "    at cart (/app/cart.js:3:1)", true),
        (300, probe, false),
        (900, "GET /orders", false),
        (950, "order loaded", false),
    ])
    .await;
    check(&[
        (0, "INFO listing orders", false),
        (10, "192.0.2.9 - - \"GET /orders HTTP/1.1\" 200 12", false),
        (20, "INFO loading cart {n}", true),
        (30, "ERROR cart {n} is locked", true),
        (40, "192.0.2.7 - - \"POST /carts HTTP/1.1\" 500 12", true),
        (50, "INFO listing orders", false),
    ])
    .await;
    // Some servers write the answer just before the error.
    check(&[
        (0, "INFO:     192.0.2.7:4000 - \"POST /orders HTTP/1.1\" 500 Internal Server Error", true),
        (1, "ERROR:    Exception in ASGI application", true),
        (2, "Traceback (most recent call last):", true),
        (3, "  File \"/app/m.py\", line 3, in post", true),
        (4, "KeyError: 'sku'", true),
        (400, "INFO:     192.0.2.9:4000 - \"GET /healthz HTTP/1.1\" 200 OK", false),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn lines_of_other_requests_and_of_the_failure_before_are_left_out() {
    check(&[
        (0, r#"{"level":"info","msg":"job begins"}"#, true),
        (50, r#"{"level":"info","msg":"GET","request_id":"req-0815-a{n}"}"#, false),
        (100, r#"{"level":"ERROR","msg":"no stock"}"#, true),
        (110, r#"{"level":"info","msg":"GET","request_id":"req-0816-a{n}"}"#, false),
        (120, r#"{"level":"info","msg":"job ends"}"#, true),
    ])
    .await;
    check(&[
        (0, "2026-02-02 12:05:31,100 INFO [main] message received", true),
        (100, "2026-02-02 12:05:31,100 ERROR [main] no stock", true),
        (150, "2026-02-02 12:05:31,100 INFO [main] message kept", true),
        (500, "2026-02-02 12:05:31,100 INFO [main] queue is empty", false),
        (1_500, "2026-02-02 12:05:31,100 INFO [main] queue is empty", false),
        (2_500, "2026-02-02 12:05:31,100 INFO [main] queue is empty", false),
        (3_500, "2026-02-02 12:05:31,100 INFO [main] queue is empty", false),
        (4_500, "2026-02-02 12:05:31,100 INFO [main] queue is empty", false),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn ids_too_short_to_search_for_tell_neighbours_apart() {
    check(&[
        (0, r#"{"reqId":"req-{n}","msg":"incoming request"}"#, true),
        (50, r#"{"reqId":"req-1{n}","msg":"incoming request"}"#, false),
        (100, r#"{"level":"ERROR","reqId":"req-{n}","msg":"no stock"}"#, true),
        (110, r#"{"reqId":"req-1{n}","msg":"request completed"}"#, false),
        (120, r#"{"reqId":"req-{n}","msg":"request completed"}"#, true),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_split_record_is_part_of_a_trail_by_id() {
    let trace = "67891233abcdef012345678912345678";
    let mut logs = Stored::filtered(GROUP, "?ERROR ?IllegalState");
    let head = |level: &str, text: &str| {
        format!(
            "2026-02-02T12:05:31.100Z {level} [{trace}-00f067aa0ba902b7] 1 --- [exec-3] c.a.O : {text}"
        )
    };
    let own = [
        (0, head("INFO", "POST")),
        (100, head("ERROR", "order failed")),
        (101, "java.lang.IllegalStateException: no stock".to_owned()),
        (102, "\tat c.a.O.post(O.java:3)".to_owned()),
        (200, head("INFO", "rolled back")),
    ];
    for (at, text) in &own {
        logs.line(STREAM, *at, text);
    }
    logs.line(STREAM, 110, "2026-02-02T12:05:31.110Z INFO 1 --- [exec-4] c.a.O : GET");
    let expected: Vec<_> = own.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(first_trail(&logs).await, (format!("trace {trace}"), expected.clone()));

    // Only the line without the id matches.
    let mut only = Stored::filtered(GROUP, "IllegalState");
    for (at, text) in &own {
        only.line(STREAM, *at, text);
    }
    assert_eq!(first_trail(&only).await, (format!("trace {trace}"), expected));
}

#[tokio::test(start_paused = true)]
async fn a_program_that_waited_too_long_began_to_wait_before() {
    let mut logs = Stored::filtered(GROUP, "ERROR");
    logs.lines(STREAM, &[(0, "INFO unrelated"), (10_000, "INFO asking the bank")]);
    logs.line(STREAM, 40_000, "ERROR the bank timed out after 30 s");
    let (_, shown) = first_trail(&logs).await;
    assert_eq!(shown, ["INFO asking the bank", "ERROR the bank timed out after 30 s"]);
}

#[tokio::test(start_paused = true)]
async fn the_nearest_lines_are_shown_not_the_edges() {
    let mut logs = Stored::filtered(GROUP, "ERROR");
    for at in 0..400 {
        let text = if at == 200 { "ERROR no stock".into() } else { format!("INFO step{at}") };
        logs.line(STREAM, 1_000 + at * 10, &text);
    }
    let (_, shown) = first_trail(&logs).await;
    assert_eq!(shown.len(), LIMITS.trail_lines);
    assert_eq!((shown[0].as_str(), shown[99].as_str()), ("INFO step150", "INFO step249"));
}
