//! Pagetrail turns a CloudWatch alarm into a PagerDuty incident that already
//! carries the evidence. Data flows one way:
//!
//! intake → evidence → event → queue → delivery
//!
//! - [`alarm`]: what CloudWatch told us, in one type whatever the form it came in.
//! - [`evidence`]: an alarm's log lines and trails: where to look, when, and what was found.
//! - [`enrich`]: an alarm on its way from intake through evidence and event to the queue.
//! - [`event`]: the PagerDuty event: its types, composed from alarm and evidence, fitted to the limits.
//! - [`redact`]: what must not leave, and the marks put in its place.
//! - [`queue`]: the ordered, durable road between the stages.
//! - [`delivery`]: getting an event accepted by PagerDuty.
//! - [`gateway`]: PagerDuty's Events API over HTTP, for senders that are no alarm.
//! - [`sns`]: notifications over HTTPS, verified, on their way to [`enrich`].
//! - [`stage`]: the Lambda handlers, which only wire the parts above together.
//! - [`server`]: the gateway, the queue and delivery in one process.
//! - [`sandbox`]: a local stand-in for PagerDuty with a page to look at.
//! - `body`: reading a request within bounds, for gateway and sns.
//! - `page`: what the pages of sandbox and gateway have in common.
//! - [`cli`]: the `pagetrail` command, one file per subcommand.
//! - [`config`], [`paging`], [`telemetry`], [`aws`]: what every stage is told and needs to start.
//! - [`tls`]: the TLS client configurations, one stack for everything that connects.
//! - [`secret`], [`text`]: values that must not be seen, and text on its way to a person.

pub mod alarm;
pub mod aws;
mod body;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod enrich;
pub mod event;
pub mod evidence;
pub mod gateway;
mod page;
pub mod paging;
pub mod queue;
pub mod redact;
pub mod sandbox;
pub mod secret;
pub mod server;
pub mod sns;
pub mod stage;
pub mod telemetry;
pub mod text;
pub mod tls;
