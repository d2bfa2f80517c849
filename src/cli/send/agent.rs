//! `pd-nagios`, `pd-zabbix` and `pd-sensu`: the commands of PagerDuty's agent for monitoring tools, with their
//! options and their output. Each makes an event of Events API v1 and sends it as `pd-send` does.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::arguments::{field, secret};
use super::body::Outgoing;
use super::{Failure, deliver, finish, parsed, refused};
use crate::pagerduty::accept::{self, Object, nagios_action, nagios_event};
use crate::pagerduty::{Action, BODY_LIMIT, Endpoint, SUMMARY_LIMIT};
use crate::secret::Secret;
use crate::text::cut;

pub(super) const NAMES: [&str; 3] = ["pd-nagios", "pd-zabbix", "pd-sensu"];

const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends one notification of Nagios or Icinga to PagerDuty.
#[derive(clap::Args)]
struct Nagios {
    /// Routing key of the service's integration
    #[arg(short = 'k', long, required = true, value_parser = secret)]
    service_key: Secret<String>,
    /// Nagios' notification type
    #[arg(short = 't', long, required = true, value_parser = ["PROBLEM", "ACKNOWLEDGEMENT", "RECOVERY"])]
    event_type: String,
    /// Joins the events of one alert; by default made from host and service
    #[arg(short = 'i', long)]
    incident_key: Option<String>,
    /// A macro of the notification, `KEY=VALUE`; repeatable
    #[arg(short = 'f', long = "field", value_parser = field, allow_hyphen_values = true)]
    fields: Vec<(String, String)>,
    /// What the notification is about
    #[arg(short = 'n', long, required = true, value_parser = ["service", "host"])]
    notification_type: String,
}

/// Sends one message of Zabbix to PagerDuty.
#[derive(clap::Args)]
struct Zabbix {
    /// Routing key of the service's integration
    #[arg(value_parser = secret)]
    service_key: Secret<String>,
    /// `trigger` or `resolve`
    message_type: String,
    /// Lines `name:…`, `id:…`, `status:…`, `hostname:…` and more
    #[arg(allow_hyphen_values = true)]
    message: String,
}

/// Sends one event of Sensu, which is read from standard input, to PagerDuty.
#[derive(clap::Args)]
struct Sensu {
    /// Routing key of the service's integration
    #[arg(short = 'k', long, required = true, value_parser = secret)]
    integration_key: Secret<String>,
    /// Joins the events of one alert; by default made from client and check
    #[arg(short = 'i', long)]
    incident_key: Option<String>,
}

/// Does the work of the command with this name.
pub(super) fn run(name: &'static str, arguments: &[OsString]) -> ExitCode {
    let given = || arguments.iter().cloned();
    let made = match name {
        "pd-nagios" => parsed::<Nagios>(name, given()).map(|args| nagios(&args)),
        "pd-zabbix" => parsed::<Zabbix>(name, given()).map(|args| zabbix(&args)),
        _ => parsed::<Sensu>(name, given()).map(|args| sensu(&args)),
    };
    let event = match made {
        Ok(event) => event,
        Err(error) => return refused(&error, &format!("{name}: ")),
    };
    finish(name, event.and_then(|event| send(name, event)))
}

fn send(name: &str, event: Map<String, Value>) -> Result<(), Failure> {
    let incident_key = event.get("incident_key").and_then(Value::as_str).unwrap_or_default();
    let incident_key = incident_key.to_owned();
    let body = Value::Object(event).to_string().into_bytes();
    let checked = accept::v1(&body).map_err(|refusal| Failure::Argument(refusal.to_string()))?;
    let outgoing =
        Outgoing { endpoint: Endpoint::V1, routing_key: checked.0, body, notes: Vec::new() };
    deliver(&outgoing, TIMEOUT)?;
    // Only this one of the three prints something.
    if name == "pd-nagios" {
        println!("Event processed. Incident Key: {incident_key}");
    }
    Ok(())
}

fn nagios(args: &Nagios) -> Result<Map<String, Value>, Failure> {
    let object = if args.notification_type == "host" { Object::Host } else { Object::Service };
    let fields: Map<String, Value> =
        args.fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    if !object.required().iter().all(|name| fields.contains_key(*name)) {
        let needed: Vec<String> =
            object.required().iter().map(|name| format!("-f {name}=…")).collect();
        let what = format!("-n {} needs {}", object.name(), needed.join(", "));
        return Err(Failure::Argument(what));
    }
    let action = nagios_action(&args.event_type).unwrap_or(Action::Trigger);
    let mut event = nagios_event(object, action, args.incident_key.clone(), fields);
    event.insert("service_key".to_owned(), args.service_key.expose().as_str().into());
    Ok(event)
}

fn zabbix(args: &Zabbix) -> Result<Map<String, Value>, Failure> {
    let lines = args.message.trim().lines().filter_map(|line| line.trim().split_once(':'));
    let details: HashMap<&str, &str> = lines.collect();
    let text = |name: &str| {
        let missing = || Failure::Argument(format!("the message has no line {name}:…"));
        details.get(name).copied().ok_or_else(missing)
    };
    let (id, host) = (text("id")?, text("hostname")?);
    let description = format!("{} : {} for {host}", text("name")?, text("status")?);
    Ok(event(
        &args.service_key,
        &args.message_type,
        format!("{id}-{host}"),
        &description,
        json!(details),
    ))
}

fn sensu(args: &Sensu) -> Result<Map<String, Value>, Failure> {
    let mut raw = Vec::new();
    let read = std::io::stdin().lock().take(BODY_LIMIT as u64).read_to_end(&mut raw);
    read.map_err(|error| Failure::Argument(format!("standard input: {error}")))?;
    let details: Value = serde_json::from_slice(&raw)
        .map_err(|error| Failure::Argument(format!("standard input is not JSON: {error}")))?;
    let text = |path: &str| details.pointer(path).and_then(Value::as_str);
    let action = match text("/action") {
        Some("resolve") => "resolve",
        _ => "trigger",
    };
    // Sensu Go calls the client entity, and keeps the names among the metadata.
    let client = text("/client/name").or(text("/entity/metadata/name"));
    let check = text("/check/name").or(text("/check/metadata/name"));
    let made = client.zip(check).map(|(client, check)| format!("{client}/{check}"));
    let incident_key = args.incident_key.clone().or(made).or(text("/id").map(str::to_owned));
    let incident_key = incident_key.ok_or_else(|| {
        let what = "the event has neither client and check nor an id: give -i/--incident-key";
        Failure::Argument(what.to_owned())
    })?;
    let description = format!("{incident_key} : {}", text("/check/output").unwrap_or_default());
    Ok(event(&args.integration_key, action, incident_key, &description, details))
}

fn event(
    key: &Secret<String>,
    action: &str,
    incident_key: String,
    description: &str,
    details: Value,
) -> Map<String, Value> {
    Map::from_iter([
        ("service_key".to_owned(), key.expose().as_str().into()),
        ("event_type".to_owned(), action.into()),
        ("incident_key".to_owned(), incident_key.into()),
        ("description".to_owned(), cut(description.trim(), SUMMARY_LIMIT).into()),
        ("details".to_owned(), details),
    ])
}
