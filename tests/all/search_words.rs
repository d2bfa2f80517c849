//! The search words of each service find what its programs write, and only that.

use pagetrail::evidence::words::{
    ALL, BUILD, DATABASE, ERRORS, GATEWAY, GRAPHQL, LAMBDA_ERRORS, STATES, TRANSFER,
};

use crate::support::pattern;

/// The longest filter pattern that CloudWatch Logs accepts.
const LONGEST: usize = 1024;

/// The lines that a pattern does not find.
fn missed<'a>(words: &str, lines: &[&'a str]) -> Vec<&'a str> {
    let pattern = pattern::parse(words).unwrap();
    lines.iter().copied().filter(|line| !pattern.matches(line)).collect()
}

/// Each term of a pattern that has only optional terms.
fn terms(words: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for character in words.chars() {
        match character {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => quoted = !quoted,
            ' ' if !quoted => {
                terms.push(String::new());
                continue;
            }
            _ => escaped = false,
        }
        if character != '\\' {
            escaped = false;
        }
        terms.last_mut().unwrap().push(character);
    }
    terms
}

#[test]
fn patterns_are_within_the_limit_and_have_optional_terms_only() {
    for (name, words) in ALL {
        assert!(words.chars().count() <= LONGEST, "{name}: {}", words.chars().count());
        for term in terms(words) {
            assert!(term.starts_with('?'), "{name}: {term}");
        }
    }
}

const ERROR_LINES: [&str; 72] = [
    "2026-02-02 12:05:31 ERROR shop: no stock",
    "TypeError: x is not a function",
    "FATAL: no pg_hba.conf entry",
    "CRITICAL:root:disk is full",
    "SEVERE: servlet failed",
    "EMERG: no workers left",
    "java.lang.IllegalStateException: closed",
    "Traceback (most recent call last):",
    "panic: assignment to entry in nil map",
    "thread 'main' panicked at src/main.rs:4:9:",
    "PHP Fatal error:  Uncaught",
    "fatal error: all goroutines are asleep",
    "fatal: not a git repository",
    "Unhandled rejection in worker",
    "Uncaught (in promise)",
    "exec /app/start: exec format error",
    "error: cannot find module",
    "worker[7]: segfault at 0 ip",
    "ld: out of memory",
    "reason: OOMKilled",
    "write: no space left on device",
    r#"{"level":"error","msg":"a"}"#,
    r#"{"level": "error", "event": "a"}"#,
    r#"{"severity":"error"}"#,
    r#"{"log":"{\"level\":\"error\",\"msg\":\"a\"}"}"#,
    r#"{"log":"{\"level\": \"error\", \"msg\": \"a\"}"}"#,
    r#"{"level":"fatal"}"#,
    r#"{"level": "fatal"}"#,
    r#"{"log":"{\"level\":\"fatal\"}"}"#,
    r#"{"level":"critical"}"#,
    r#"{"level": "critical"}"#,
    r#"{"log":"{\"level\":\"critical\"}"}"#,
    r#"{"level":50,"msg":"a"}"#,
    r#"{"level": 50, "msg": "a"}"#,
    r#"{"level":"50","msg":"a"}"#,
    r#"{"log":"{\"level\":50,\"msg\":\"a\"}"}"#,
    r#"{"level":60}"#,
    r#"{"level": 60}"#,
    r#"{"level":"60"}"#,
    r#"{"log":"{\"level\":60}"}"#,
    "ts=1 level=error msg=a",
    "ts=1 level=fatal msg=a",
    "lvl=error msg=a",
    "lvl=eror msg=a",
    "level=critical msg=a",
    "2026/02/02 12:05:31 [error] 7#7: no upstream",
    "2026-02-02T12:05:31Z [error    ] a",
    "[\u{1b}[31merror    \u{1b}[0m] coloured and padded",
    "[crit] 7#7: open() failed",
    "[critical ] a",
    "[alert] 7#7: worker exited",
    "[emerg] bind() failed",
    "crit: Shop.Orders[3]",
    "fail: Shop.Orders[3]",
    "[Mon Feb 02 12:05:31 2026] [proxy:error] [pid 7] AH1: no",
    "[Mon Feb 02 12:05:31 2026] [core:crit] [pid 7] AH2: no",
    "2026-02-02 12:05:31 [ERR] no",
    "12:05PM ERR no",
    "2026-02-02 12:05:31 [FTL] no",
    r#"{"t":{"$date":"x"},"s":"E","c":"NETWORK"}"#,
    r#"{"t":{"$date":"x"},"s":"F","c":"CONTROL"}"#,
    r#"{"version":"1.1","level":3,"short_message":"a"}"#,
    r#"{"level":"err"}"#,
    r#"{"level":"emerg"}"#,
    "severity=error a",
    "an unhandled rejection",
    "uncaught exception in worker",
    "sh: line 1: 7 Segmentation fault (core dumped)",
    r#"192.0.2.7 - - [02/Feb/2026:12:05:31 +0000] "GET /a HTTP/1.1" 500 12"#,
    r#"192.0.2.7 - - [02/Feb/2026:12:05:31 +0000] "GET /a HTTP/1.1" 502 12"#,
    r#"192.0.2.7 - - [02/Feb/2026:12:05:31 +0000] "GET /a HTTP/1.1" 503 12"#,
    r#"192.0.2.7 - - [02/Feb/2026:12:05:31 +0000] "GET /a HTTP/1.1" 504 12"#,
];

#[test]
fn errors_of_any_program() {
    assert_eq!(missed(ERRORS, &ERROR_LINES), [""; 0]);
    let quiet = [
        "INFO 200 OK in 7 ms",
        r#"{"level":"info","error":null}"#,
        r#"{"level":30,"msg":"started"}"#,
        "level=info msg=ready",
        "0 warnings",
        "failover is ready",
        r#"192.0.2.7 - - [02/Feb/2026:12:05:31 +0000] "GET /a HTTP/1.1" 200 500"#,
        r#"{"level":30,"n":3}"#,
    ];
    assert_eq!(missed(ERRORS, &quiet).len(), quiet.len());
}

#[test]
fn errors_of_a_function_and_its_platform() {
    let lines = [
        "[ERROR] KeyError: 'id'",
        "2026-02-02T12:05:31.120Z 52fdfc07 Task timed out after 3.00 seconds",
        "RequestId: 52fdfc07 Process exited before completing request",
        "RequestId: 52fdfc07 Error: Runtime exited with error: signal: killed",
        "REPORT RequestId: 52fdfc07\tDuration: 9 ms\tStatus: timeout",
        "REPORT RequestId: 52fdfc07\tDuration: 9 ms\tStatus: error\tError Type: Runtime.OutOfMemory",
        r#"{"type":"platform.report","record":{"status":"error"}}"#,
        r#"{"type":"platform.report","record":{"status":"timeout"}}"#,
        r#"{"type": "platform.report", "record": {"status": "timeout"}}"#,
        r#"{"type":"platform.runtimeDone","record":{"status":"failure"}}"#,
        r#"{"level": "error", "event": "a"}"#,
        r#"{"level":"error"}"#,
        r#"{"message":"{\"level\":\"error\"}"}"#,
        r#"{"level":"fatal"}"#,
        r#"{"level":"critical"}"#,
        r#"{"level":50}"#,
        r#"{"level": 50}"#,
        r#"{"level":60}"#,
        "thread 'main' panicked at src/main.rs:4:9:",
        "fatal error: concurrent map writes",
        "PHP Fatal error:  Uncaught",
        "Unhandled exception. System.InvalidOperation",
        "level=error msg=a",
        "[error] a",
        "[error    ] a",
        "error: a",
        r#"2026/02/02 12:05:31 {"errorMessage":"closed","errorType":"errorString"}"#,
        r#"{"message":"{\"level\": \"error\"}"}"#,
        r#"{"message":"{\"level\":\"fatal\"}"}"#,
        r#"{"message":"{\"level\":\"critical\"}"}"#,
        r#"{"message":"{\"level\":50}"}"#,
        r#"{"message":"{\"level\":60}"}"#,
        r#"{"level":"60"}"#,
        r#"{"level":"err"}"#,
        "2026-02-02 12:05:31 [ERR] no",
        "lvl=error msg=a",
        "an unhandled rejection",
        "uncaught failure",
        "[critical ] a",
        "[crit] a",
        "fail: Shop.Function[0]",
        "crit: Shop.Function[0]",
        "/var/runtime/bootstrap: exec format error",
        "bootstrap: line 9: curl: command not found",
    ];
    assert_eq!(missed(LAMBDA_ERRORS, &lines), [""; 0]);
    let quiet = [
        "START RequestId: 52fdfc07 Version: $LATEST",
        "REPORT RequestId: 52fdfc07\tDuration: 9 ms\tMax Memory Used: 88 MB",
        r#"{"type":"platform.report","record":{"status":"success"}}"#,
        "[INFO] 200",
    ];
    assert_eq!(missed(LAMBDA_ERRORS, &quiet).len(), quiet.len());
}

#[test]
fn errors_of_other_services() {
    for (words, lines) in [
        (
            STATES,
            &[
                r#"{"type":"ExecutionFailed"}"#,
                r#"{"type":"ExecutionTimedOut"}"#,
                r#"{"type":"ExecutionAborted"}"#,
                r#"{"type":"TaskFailed"}"#,
                r#"{"type":"TaskTimedOut"}"#,
                r#"{"type":"LambdaFunctionFailed"}"#,
                r#"{"type":"LambdaFunctionTimedOut"}"#,
                r#"{"type":"ActivityFailed"}"#,
                r#"{"type":"ActivityTimedOut"}"#,
                r#"{"type":"MapRunFailed"}"#,
            ][..],
        ),
        (
            DATABASE,
            &[
                "shop@orders:[7]:ERROR:  deadlock detected",
                "shop@orders:[7]:FATAL:  too many connections",
                "PANIC:  could not write",
                "7 [ERROR] [MY-1] [InnoDB] Assertion",
                "7 [Warning] Aborted connection",
                "Error: 18456, Severity: 14, State: 8.",
                "server process was terminated by signal 9: Killed",
                "InnoDB: Out of memory",
                "could not fork: out of memory",
            ][..],
        ),
        (
            GATEWAY,
            &[
                "(52fdfc07) Method completed with status: 502",
                "(52fdfc07) Execution failed due to configuration error",
                "(52fdfc07) Lambda execution failed with status 200",
                "Internal server error",
                r#"Endpoint response body before transformations: {"errorMessage":"a"}"#,
            ][..],
        ),
        (
            BUILD,
            &[
                "[ERROR] Failed to compile",
                "Error: no such file",
                "COMMAND_EXECUTION_ERROR FAILED",
                "error: could not compile",
                "fatal: repository not found",
                "Reason: exit status 1",
                "Phase context status code: COMMAND_EXECUTION_ERROR",
            ][..],
        ),
        (
            GRAPHQL,
            &[
                r#"{"errors":["a"]}"#,
                r#"{"fieldInError":true}"#,
                "GraphQL ERROR",
                "MappingTemplate Error",
            ][..],
        ),
        (TRANSFER, &["u.1 ERROR no such key", "Error a", "AUTH_FAILURE Method=publickey"][..]),
    ] {
        assert_eq!(missed(words, lines), [""; 0], "{words}");
    }
}

#[test]
fn each_term_finds_a_line_of_its_own_kind() {
    // A term that finds none of the lines above is not needed, or has no test.
    let lines: Vec<&str> = ERROR_LINES.to_vec();
    for term in terms(ERRORS) {
        let pattern = pattern::parse(&term).unwrap();
        assert!(lines.iter().any(|line| pattern.matches(line)), "{term}");
    }
}
