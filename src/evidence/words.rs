//! The words that find errors in a service's logs, as filter patterns. Terms are case-sensitive
//! and found anywhere in a line; each is there for a spelling that the others miss.

/// Errors in the usual spellings, text and JSON.
pub const ERRORS: &str = concat!(
    // Levels in capitals, and names like `TypeError` and `KeyException`.
    "?ERROR ?Error ?FATAL ?CRIT ?SEVERE ?EMERG ?Exception ?Traceback",
    // Go, Rust and the kernel; PHP's and Node's words before an error; shells and the loader.
    r#" ?panic ?Fatal ?"fatal error" ?"fatal: " ?Unhandled ?Uncaught ?"exec format error""#,
    r#" ?"error: " ?unhandled ?uncaught ?segfault ?"Segmentation fault""#,
    r#" ?"ut of memory" ?OOMKilled ?"no space left on device""#,
    // Levels as a JSON value: without and with a space behind the colon, in a string in JSON.
    r#" ?":\"error\"" ?": \"error\"" ?":\\\"error\\\"" ?": \\\"error\\\"""#,
    r#" ?":\"fatal\"" ?": \"fatal\"" ?":\\\"fatal\\\"""#,
    r#" ?":\"crit" ?": \"crit" ?":\\\"crit""#,
    // pino and bunyan, as a number and as a text.
    r#" ?"\"level\":50" ?"\"level\": 50" ?"\"level\":\"50\"" ?"\\\"level\\\":50""#,
    r#" ?"\"level\":60" ?"\"level\": 60" ?"\"level\":\"60\"" ?"\\\"level\\\":60""#,
    // logfmt; columns of nginx, structlog and Elixir; Microsoft's console.
    r#" ?"level=error" ?"level=fatal" ?"lvl=error" ?"lvl=eror" ?"level=critical""#,
    r#" ?"[error]" ?"[error " ?"error   " ?"[crit]" ?"[critical" ?"[alert]" ?"[emerg]""#,
    r#" ?"fail: " ?"crit: ""#,
    // Apache's module and level; Serilog's and zerolog's three letters; MongoDB; GELF's number.
    r#" ?":error]" ?":crit]" ?"[ERR]" ?" ERR " ?"[FTL]" ?"\"s\":\"E\"" ?"\"s\":\"F\"" ?"\"level\":3,""#,
    // What syslog calls an error; key and value without a level.
    r#" ?":\"err\"" ?":\"emerg" ?"severity=error""#,
    // The status in an access line.
    r#" ?"\" 500 " ?"\" 502 " ?"\" 503 " ?"\" 504 ""#,
);

/// The same for a Lambda function: what its runtimes and the platform write.
pub const LAMBDA_ERRORS: &str = concat!(
    "?ERROR ?Error ?FATAL ?CRIT ?SEVERE ?Exception ?Traceback",
    // An error that Go's runtime returns has no such word but in its type.
    " ?errorMessage",
    r#" ?panic ?Fatal ?"fatal error" ?Unhandled ?Uncaught ?unhandled ?uncaught ?"error: " ?"exec format error" ?"command not found""#,
    // The platform: the text lines, and the status of its records.
    r#" ?"Task timed out" ?"Process exited" ?"Runtime exited" ?"Status: timeout" ?"Status: error""#,
    r#" ?":\"timeout\"" ?": \"timeout\"" ?":\"failure\"""#,
    // Levels as a JSON value, as above. A platform record's `"status":"error"` is found too.
    r#" ?":\"error\"" ?": \"error\"" ?":\\\"error\\\"" ?":\"fatal\"" ?": \"fatal\"""#,
    r#" ?": \\\"error\\\"" ?":\\\"fatal" ?":\"crit" ?": \"crit" ?":\\\"crit" ?":\"err\"" ?"[ERR]""#,
    r#" ?"\"level\":50" ?"\"level\": 50" ?"\"level\":60" ?"\"level\": 60" ?"\"level\":\"50\"""#,
    r#" ?"\"level\":\"60\"" ?"\\\"level\\\":50" ?"\\\"level\\\":60" ?"lvl=error""#,
    r#" ?"level=error" ?"level=fatal" ?"[error]" ?"[error " ?"[critical" ?"[crit]" ?"fail: " ?"crit: ""#,
);

/// Step Functions' events of failures.
pub const STATES: &str = concat!(
    "?ExecutionFailed ?ExecutionTimedOut ?ExecutionAborted ?TaskFailed ?TaskTimedOut",
    " ?LambdaFunctionFailed ?LambdaFunctionTimedOut ?ActivityFailed ?ActivityTimedOut ?MapRunFailed",
);

/// `PostgreSQL` and `MySQL`; SQL Server writes `Severity: 16`.
pub const DATABASE: &str = concat!(
    r#"?ERROR ?FATAL ?PANIC ?"[ERROR]" ?"[Warning]" ?Severity"#,
    r#" ?"terminated by signal" ?"Out of memory" ?"out of memory""#,
);

/// API Gateway's execution logs: the status that was answered, and why.
pub const GATEWAY: &str = concat!(
    r#"?"status: 5" ?"Execution failed" ?"execution failed" ?"Internal server error""#,
    r#" ?"Endpoint response body before transformations: {\"errorMessage\"""#,
);

/// `CodeBuild`.
pub const BUILD: &str =
    r#"?ERROR ?Error ?FAILED ?"error: " ?"fatal: " ?"exit status" ?"Phase context status code""#;

/// `AppSync`: a field's or a request's errors.
pub const GRAPHQL: &str = r#"?"\"errors\"" ?"\"fieldInError\":true" ?ERROR ?Error"#;

/// Transfer Family.
pub const TRANSFER: &str = "?ERROR ?Error ?FAILURE";

/// All lists, for the tests.
pub const ALL: [(&str, &str); 8] = [
    ("ERRORS", ERRORS),
    ("LAMBDA_ERRORS", LAMBDA_ERRORS),
    ("STATES", STATES),
    ("DATABASE", DATABASE),
    ("GATEWAY", GATEWAY),
    ("BUILD", BUILD),
    ("GRAPHQL", GRAPHQL),
    ("TRANSFER", TRANSFER),
];
