//! What a person would quote of a line, whatever logger wrote it.

use pagetrail::lines::record::{Record, Severity, message};

/// The headline and how bad it is.
fn read(line: &str) -> (String, Option<Severity>) {
    let record = Record::read(line);
    (record.headline(), record.severity())
}

fn error(headline: &str) -> (String, Option<Severity>) {
    (headline.to_owned(), Some(Severity::Error))
}

#[test]
fn structured_lines_by_logger() {
    let lines = [
        // Powertools for Java (log4j2 layout), for .NET.
        (
            r#"{"level":"ERROR","message":"charge failed","error":{"message":"card declined","name":"com.example.CardException","stack":"com.example.CardException: card declined\n\tat a.B.c(B.java:3)"},"function_request_id":"r"}"#,
            "com.example.CardException: card declined",
        ),
        (
            r#"{"level":"Error","message":"charge failed","service":"s","exception":{"type":"System.InvalidOperationException","message":"Sequence contains no elements","source":"x","stack_trace":"   at X.Y()"}}"#,
            "System.InvalidOperationException: Sequence contains no elements",
        ),
        // Lambda's own JSON: what was logged as an object is nested.
        (
            r#"{"timestamp":"t","level":"ERROR","requestId":"r","message":{"errorType":"TypeError","errorMessage":"x is null","stackTrace":["TypeError: x is null"]}}"#,
            "TypeError: x is null",
        ),
        // pino, bunyan
        (
            r#"{"level":50,"time":1770000000000,"pid":7,"hostname":"h","err":{"type":"TypeError","message":"x is null","stack":"TypeError: x is null\n    at a (/b.js:1:2)"},"msg":"unhandled"}"#,
            "TypeError: x is null",
        ),
        // winston
        (
            r#"{"level":"error","message":"unhandled","stack":"RangeError: Invalid array length\n    at handler (/var/task/i.js:3:4)"}"#,
            "RangeError: Invalid array length",
        ),
        // zap, slog: the error is a text of its own.
        (
            r#"{"level":"error","ts":1770000000.5,"caller":"a/b.go:3","msg":"fetch failed","error":"connection refused","stacktrace":"main.main\n\t/x.go:3"}"#,
            "fetch failed: connection refused",
        ),
        // logback: the innermost cause.
        (
            r#"{"@timestamp":"t","@version":"1","message":"Unhandled","logger_name":"c.e.X","thread_name":"main","level":"ERROR","level_value":40000,"stack_trace":"org.springframework.web.util.NestedServletException: Request processing failed\n\tat a.b(C.java:3)\nCaused by: java.lang.IllegalStateException: cart already paid\n\tat x.y(Z.java:4)\n\t... 20 more\n"}"#,
            "java.lang.IllegalStateException: cart already paid",
        ),
        // log4j2
        (
            r#"{"instant":{"epochSecond":1},"thread":"main","level":"ERROR","loggerName":"c.e.X","message":"Unhandled","thrown":{"name":"java.io.IOException","message":"broken pipe","extendedStackTrace":"x"}}"#,
            "java.io.IOException: broken pipe",
        ),
        // serilog: rendered, with an error, with the template only.
        (
            r#"{"@t":"t","@mt":"Order {Id} rejected","@m":"Order 7 rejected","@l":"Error"}"#,
            "Order 7 rejected",
        ),
        (
            r#"{"@t":"t","@mt":"Order {Id} rejected","@l":"Error","@x":"System.TimeoutException: too slow\r\n   at Foo.Bar() in /src/x.cs:line 3"}"#,
            "System.TimeoutException: too slow",
        ),
        // OpenTelemetry: attributes as a list and as an object.
        (
            r#"{"severityText":"ERROR","body":{"stringValue":"charge failed"},"attributes":[{"key":"exception.type","value":{"stringValue":"StripeError"}},{"key":"exception.message","value":{"stringValue":"card declined"}}]}"#,
            "StripeError: card declined",
        ),
        (
            r#"{"severity_text":"ERROR","body":"charge failed","attributes":{"exception.type":"StripeError","exception.message":"card declined"}}"#,
            "StripeError: card declined",
        ),
        // structlog
        (
            r#"{"event":"unhandled","level":"error","exception":"Traceback (most recent call last):\n  File \"a.py\", line 3, in x\nValueError: bad amount"}"#,
            "ValueError: bad amount",
        ),
        // logfmt
        (
            r#"time=2026-02-02T12:05:31Z level=error msg="request \"a\" failed" err="timeout after 30s""#,
            r#"request "a" failed: timeout after 30s"#,
        ),
        // Node on Lambda, text: an error object behind the message, an object as message.
        (
            "2026-02-02T12:05:31.120Z\t52fdfc07-2182\tERROR\tInvoke Error \t{\"errorType\":\"TypeError\",\"errorMessage\":\"x is null\",\"stack\":[\"TypeError: x is null\"]}",
            "TypeError: x is null",
        ),
        (
            "2026-02-02T12:05:31.120Z\t52fdfc07-2182\tERROR\t{\"level\":\"error\",\"message\":\"no stock\"}",
            "no stock",
        ),
    ];
    for (line, headline) in lines {
        assert_eq!(read(line), error(headline), "{line}");
    }
}

#[test]
fn text_events_with_stack_traces() {
    let events = [
        (
            "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in <module>\n    main()\nKeyError: 'amount'\n",
            "KeyError: 'amount'",
        ),
        (
            "[ERROR] KeyError: 'amount'\rTraceback (most recent call last):\r  File \"/var/task/app.py\", line 9, in handler\r    x['amount']",
            "KeyError: 'amount'",
        ),
        (
            "2026-02-02 12:05:31.120 ERROR 1 --- [main] c.e.App : Unhandled\njava.lang.RuntimeException: outer\n\tat a.B.c(B.java:3)\nCaused by: java.sql.SQLException: Connection is closed\n\tat d.E.f(E.java:9)\n\t... 9 more",
            "java.sql.SQLException: Connection is closed",
        ),
        (
            "Exception in thread \"main\" java.lang.IllegalStateException: no order\n\tat a.B.main(B.java:3)",
            "java.lang.IllegalStateException: no order",
        ),
        (
            "/app/index.js:3\n    throw new Error(\"boom\")\n    ^\n\nError: boom\n    at Object.<anonymous> (/app/index.js:3:9)",
            "Error: boom",
        ),
    ];
    for (event, headline) in events {
        assert_eq!(Record::read(event).headline(), headline, "{event}");
    }
}

#[test]
fn the_head_of_a_text_line_is_left_out() {
    use Severity::{Error, Fatal, Info, Warning};
    let lines = [
        (
            "Feb  2 12:05:31 web-1 sshd[7]: Connection closed by 10.1.2.3",
            None,
            "Connection closed by 10.1.2.3",
        ),
        ("2026-02-02T12:05:31.120Z ERROR order 7 failed", Some(Error), "order 7 failed"),
        ("2026-02-02 12:05:31,120 - app.jobs - WARNING - slow", Some(Warning), "slow"),
        ("2026-02-02 12:05:31.120  INFO 1 --- [main] c.e.App : started", Some(Info), "started"),
        (
            "12:05:31.120 [pool-1-thread-2] ERROR c.e.Cart - cart is null",
            Some(Error),
            "cart is null",
        ),
        ("2026/02/02 12:05:31 [error] 7#7: *5 connect() failed", Some(Error), "connect() failed"),
        (
            "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok",
            Some(Info),
            "workerEnv.init() ok",
        ),
        ("02-17 16:13:38.811  1702  2395 E WindowManager: no surface", Some(Error), "no surface"),
        ("[CRITICAL] disk full", Some(Fatal), "disk full"),
        ("WARNING: disk nearly full", Some(Warning), "disk nearly full"),
        // What reads like a head but says something stays.
        ("2026-02-02 12:05:31 ValueError: bad amount", None, "ValueError: bad amount"),
        ("2026-02-02 12:05:31 connection refused: 10.1.2.3", None, "connection refused: 10.1.2.3"),
        ("ERROR IN CONTACTING RM.", None, "ERROR IN CONTACTING RM."),
        ("Error 7 while reading", None, "Error 7 while reading"),
        ("2026-02-02 12:05:31", None, "2026-02-02 12:05:31"),
        ("", None, ""),
    ];
    for (line, severity, said) in lines {
        let (found, text) = message(line);
        assert_eq!((found, text.as_ref()), (severity, said), "{line}");
        assert_eq!(Record::read(line).headline(), said, "{line}");
    }
}
