//! Pagetrail turns a CloudWatch alarm into a PagerDuty incident that already
//! carries the evidence. Data flows one way:
//!
//! alarm → lines → evidence → context → compose → enrich → queue → delivery
//!
//! Each line imports only from the lines above it (`tests/all/imports.rs` holds this):
//!
//! - [`hash`], [`ids`], [`secret`], [`text`], [`numbers`], [`zone`], [`lock`], [`files`]: hashes,
//!   names of ids, secret values, text, numbers and times for people, locks, small files.
//! - [`http`]: shared by all HTTP.
//! - [`aws`]: the AWS SDK's configuration, signed calls, secrets, ARNs and partitions.
//! - [`redact`]: replaces sensitive content with marks.
//! - [`pagerduty`]: PagerDuty's events, routing keys, endpoints, answers, and the client.
//! - [`routing`]: routing targets, pools of routing keys, their pace; values that are read again.
//! - [`telemetry`]: what every stage logs and counts.
//! - [`alarm`]: what CloudWatch reported, in one type for all input formats.
//! - [`lines`]: one log line: its message, its ids, its kind. Pure text.
//! - [`evidence`]: an alarm's log lines and trails: where and when to look, and the results.
//! - [`context`]: the next questions: new or known, what changed, how often, what else.
//! - [`compose`]: composes the event from alarm, evidence and context, within PagerDuty's limits.
//! - [`queue`]: the ordered, durable queue between the stages.
//! - [`enrich`]: takes an alarm from intake through evidence and event to the queue.
//! - [`delivery`]: getting an event accepted by PagerDuty.
//! - [`gateway`]: PagerDuty's Events API over HTTP, for senders other than alarms.
//! - [`sns`]: SNS notifications over HTTPS, verified and passed to [`enrich`].
//! - [`sandbox`]: a local stand-in for PagerDuty with a page that shows incidents.
//! - [`stage`], [`server`]: the Lambda handlers; the gateway, the queue and delivery in one process.
//! - [`config`]: all settings, read once at start; each module defines its own.
//! - [`cli`]: the `pagetrail` command, one file per subcommand.

pub mod alarm;
pub mod aws;
pub mod cli;
pub mod compose;
pub mod config;
pub mod context;
pub mod delivery;
pub mod enrich;
pub mod evidence;
pub mod files;
pub mod gateway;
pub mod hash;
pub mod http;
pub mod ids;
pub mod lines;
pub mod lock;
pub mod numbers;
pub mod pagerduty;
pub mod queue;
pub mod redact;
pub mod routing;
pub mod sandbox;
pub mod secret;
pub mod server;
pub mod sns;
pub mod stage;
pub mod telemetry;
pub mod text;
pub mod zone;
