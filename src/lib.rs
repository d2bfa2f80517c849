//! Pagetrail turns a CloudWatch alarm into a PagerDuty incident that already
//! carries the evidence. Data flows one way:
//!
//! alarm → lines → evidence → compose → enrich → queue → delivery
//!
//! Each line imports only from the lines above it (`tests/all/imports.rs` holds this):
//!
//! - [`hash`], [`ids`], [`secret`], [`text`], [`lock`]: digests, names of ids, values that must not
//!   be seen, text on its way to a person, locks.
//! - [`http`], [`aws`]: what all HTTP has in common; the AWS SDK's configuration, secrets, ARNs and
//!   partitions.
//! - [`redact`]: what must not leave, and the marks put in its place.
//! - [`pagerduty`]: PagerDuty's events, routing keys, endpoints, answers, and the client.
//! - [`routing`]: routing targets, pools of routing keys, their pace; values read again now and then.
//! - [`telemetry`]: what every stage logs and counts.
//! - [`alarm`]: what CloudWatch told us, in one type whatever the form it came in.
//! - [`lines`]: one log line: its message, its ids, its kind. Pure text.
//! - [`evidence`]: an alarm's log lines and trails: where to look, when, and what was found.
//! - [`compose`]: the event composed from alarm and evidence, fitted to PagerDuty's limits.
//! - [`queue`]: the ordered, durable road between the stages.
//! - [`enrich`]: an alarm on its way from intake through evidence and event to the queue.
//! - [`delivery`]: getting an event accepted by PagerDuty.
//! - [`gateway`]: PagerDuty's Events API over HTTP, for senders that are no alarm.
//! - [`sns`]: notifications over HTTPS, verified, on their way to [`enrich`].
//! - [`sandbox`]: a local stand-in for PagerDuty with a page to look at.
//! - [`stage`], [`server`]: the Lambda handlers; the gateway, the queue and delivery in one process.
//! - [`config`]: all settings, read once at start; what they are is defined by who uses them.
//! - [`cli`]: the `pagetrail` command, one file per subcommand.

pub mod alarm;
pub mod aws;
pub mod cli;
pub mod compose;
pub mod config;
pub mod delivery;
pub mod enrich;
pub mod evidence;
pub mod gateway;
pub mod hash;
pub mod http;
pub mod ids;
pub mod lines;
pub mod lock;
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
