//! Where published conventions write level, message, error and stack: one table of field names.
//!
//! Names are compared by their letters and digits, without case: `log.level`, `log_level`, `LogLevel`
//! and `@level` are one name. The order is the order of trust.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// Levels. Powertools, pino, bunyan, winston, zap, slog and logrus (`level`), Stackdriver and
/// lograge (`severity`), OpenTelemetry (`severityText`), ECS (`log.level`), Serilog (`@l`),
/// Python (`levelname`), Monolog (`level_name`), Microsoft (`LogLevel`), klog and Falco
/// (`priority`), Datadog (`status`), zerolog (`lvl`).
const LEVELS: [&str; 11] = [
    "levelname",
    "level",
    "loglevel",
    "severity",
    "severitytext",
    "l",
    "lvl",
    "priority",
    "severitynumber",
    "status",
    "type",
];

/// Messages. The rendered message comes before its template, and the logger's message before the
/// error's. GELF (`short_message`), journald (`MESSAGE`), structlog (`event`), Falco (`output`),
/// Stackdriver (`textPayload`), New Relic (`logmessage`), klog and zap (`msg`).
const MESSAGES: [&str; 21] = [
    "message",
    "msg",
    "shortmessage",
    "m",
    "renderedmessage",
    "formattedmessage",
    "textpayload",
    "mt",
    "messagetemplate",
    "body",
    "event",
    "log",
    "logmessage",
    "output",
    "fullmessage",
    "errormessage",
    "text",
    "title",
    "description",
    "summary",
    "line",
];

/// Objects that hold the record itself: Rust's tracing (`fields`), loguru (`record`), Stackdriver
/// (`jsonPayload`), OpenTelemetry's typed value (`body.kvlistValue`), Docker (`attrs`).
const INNER: [&str; 5] = ["fields", "record", "jsonpayload", "logevent", "payload"];

/// Objects and texts that are an error by their name.
const ERRORS: [&str; 17] = [
    "error",
    "err",
    "exception",
    "thrown",
    "throwable",
    "exc",
    "ex",
    "e",
    "cause",
    "reason",
    "excinfo",
    "stacktrace",
    "x",
    "exceptionobject",
    "exceptioninfo",
    "failure",
    "errordetail",
];

/// An error's type, in the error's own object.
const TYPES: [&str; 13] = [
    "errortype",
    "exceptiontype",
    "errorclass",
    "exceptionclass",
    "exctype",
    "errorname",
    "name",
    "type",
    "kind",
    "classname",
    "class",
    "error",
    "code",
];

/// An error's words, in the error's own object.
const WORDS: [&str; 13] = [
    "errormessage",
    "exceptionmessage",
    "excvalue",
    "message",
    "value",
    "msg",
    "description",
    "detail",
    "details",
    "reason",
    "cause",
    "title",
    "text",
];

/// Stack traces.
const STACKS: [&str; 16] = [
    "stack",
    "stacktrace",
    "extendedstacktrace",
    "exceptionstacktrace",
    "errorstacktrace",
    "errorstack",
    "stacktracestring",
    "excinfo",
    "exctext",
    "traceback",
    "backtrace",
    "exceptionbacktrace",
    "exception",
    "errorverbose",
    "frames",
    "x",
];

/// The error inside an error. JavaScript (`cause`), .NET (`InnerException`), Quarkus (`causedBy`),
/// PHP (`previous`), Java's log4j2 (`cause`).
const CAUSES: [&str; 10] = [
    "cause",
    "causedby",
    "innerexception",
    "inner",
    "previous",
    "innererror",
    "originalerror",
    "rootcause",
    "innerexceptions",
    "errors",
];

/// An error's type and words as separate fields of the record: Lambda (`errorType`), OpenTelemetry
/// (`exception.type`), ECS, Datadog and New Relic (`error.type`, `error.kind`, `error.class`).
const FLAT_TYPES: [&str; 9] = [
    "exceptionname",
    "errortype",
    "exceptiontype",
    "exctype",
    "errorkind",
    "errorclass",
    "exceptionclass",
    "errorname",
    "exceptionclassname",
];
const FLAT_WORDS: [&str; 5] =
    ["exceptionmessage", "errormessage", "excmessage", "errormsg", "excvalue"];

/// Fields that only a collector adds around a line: Fluent Bit, FireLens, Docker, Filebeat,
/// journald, OpenTelemetry's resource.
const WRAPPERS: [&str; 21] = [
    "kubernetes",
    "docker",
    "containerid",
    "containername",
    "containerimage",
    "ecscluster",
    "ecstaskarn",
    "ecstaskdefinition",
    "ec2instanceid",
    "source",
    "stream",
    "logtag",
    "tag",
    "partialmessage",
    "partialid",
    "partialordinal",
    "partiallast",
    "agent",
    "input",
    "host",
    "resource",
];

/// Fields that every line of a program has and that do not help the reader.
const BOILERPLATE: [&str; 60] = [
    // Powertools, Lambda
    "coldstart",
    "faascoldstart",
    "functionarn",
    "functionmemorysize",
    "functionname",
    "functionversion",
    "location",
    "samplingrate",
    "service",
    "xrayid",
    // any logger
    "logger",
    "loggername",
    "time",
    "timestamp",
    "thread",
    "threadname",
    "threadid",
    "name",
    "date",
    "datetime",
    "channel",
    "extra",
    "target",
    "category",
    "eventid",
    // pino, bunyan, zap, slog, klog
    "pid",
    "hostname",
    "v",
    "ts",
    "caller",
    // logback, log4j2, NLog, Quarkus
    "levelvalue",
    "loggerfqcn",
    "loggerclassname",
    "threadpriority",
    "instant",
    "endofbatch",
    "sequence",
    "sequencenumber",
    "nanoseconds",
    "processname",
    "processid",
    "ndc",
    // Serilog, Microsoft
    "t",
    "i",
    "messagetemplate",
    "state",
    "scopes",
    "renderings",
    // OpenTelemetry, ECS, Datadog
    "observedtimestamp",
    "timeunixnano",
    "observedtimeunixnano",
    "severitynumber",
    "instrumentationscope",
    "resource",
    "ecs",
    "ecsversion",
    "ddsource",
    "ddtags",
    "logorigin",
    "process",
];

/// What a field can be, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Level,
    Message,
    Inner,
    Error,
    Type,
    Words,
    Stack,
    Cause,
    FlatType,
    FlatWords,
    Wrapper,
    Boilerplate,
}

const TABLES: [(Role, &[&str]); 12] = [
    (Role::Level, &LEVELS),
    (Role::Message, &MESSAGES),
    (Role::Inner, &INNER),
    (Role::Error, &ERRORS),
    (Role::Type, &TYPES),
    (Role::Words, &WORDS),
    (Role::Stack, &STACKS),
    (Role::Cause, &CAUSES),
    (Role::FlatType, &FLAT_TYPES),
    (Role::FlatWords, &FLAT_WORDS),
    (Role::Wrapper, &WRAPPERS),
    (Role::Boilerplate, &BOILERPLATE),
];

type Table = HashMap<&'static str, Roles, BuildHasherDefault<Fnv>>;

/// FNV-1a: the tables are fixed and small, so nobody can make their names collide.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A name's place in each table; smaller is more trusted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roles([u8; TABLES.len()]);

const NONE: Roles = Roles([u8::MAX; TABLES.len()]);
/// Longer than any name in the tables.
const LONGEST: usize = 32;

impl Roles {
    /// What a field with this name can be.
    pub(super) fn of(name: &str) -> Self {
        static ROLES: LazyLock<Table> = LazyLock::new(|| {
            let mut roles = Table::default();
            for (role, names) in TABLES {
                for (rank, name) in (0..u8::MAX).zip(names) {
                    let of: &mut Roles = roles.entry(*name).or_insert(NONE);
                    of.0[role as usize] = rank;
                }
            }
            roles
        });
        let mut plain = [0; LONGEST];
        let mut length = 0;
        for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
            let Some(place) = plain.get_mut(length) else { return NONE };
            *place = byte.to_ascii_lowercase();
            length += 1;
        }
        let plain = std::str::from_utf8(&plain[..length]).unwrap_or_default();
        ROLES.get(plain).copied().unwrap_or(NONE)
    }

    /// The name's rank in a role; `None` if it does not have the role.
    pub(super) fn rank(self, role: Role) -> Option<u8> {
        Some(self.0[role as usize]).filter(|rank| *rank != u8::MAX)
    }

    pub(super) fn has(self, role: Role) -> bool {
        self.rank(role).is_some()
    }
}
