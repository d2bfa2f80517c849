//! `pagetrail preview`: the event that would be sent for an alarm, before installing.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;

use super::CommandError;
use super::named::AlarmName;
use super::session::{self, SessionArgs};
use super::timed::{Call, Calls, Timed};
use crate::alarm::intake::{self, Notice};
use crate::alarm::{Alarm, State};
use crate::aws::home;
use crate::compose::{Composer, resolve};
use crate::config::read_enrich;
use crate::context::memory::{Pages, Remembered};
use crate::context::{Answers, Asker, LEAVING};
use crate::enrich::{self, Plan, plan};
use crate::evidence::aws::Account;
use crate::evidence::{Collector, Redacted};
use crate::http::tls;
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Endpoint, Event};
use crate::pagerduty::{PAGERDUTY_URL, PagerDuty, outcome};
use crate::text;

/// Show the event an alarm would become, with your own AWS credentials.
///
/// Reads the same logs as the enrich function, and shows what was searched and how long
/// each call took. Sends nothing without --send.
#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("notice").required(true)))]
pub struct Args {
    /// Name or ARN of an alarm; it is treated as if it fired now, or at --at
    #[arg(long, value_name = "NAME|ARN", group = "notice")]
    alarm: Option<AlarmName>,
    /// File with a notification as it was received: an SNS message, or an SNS, SQS or
    /// EventBridge event; - for standard input
    #[arg(long, value_name = "FILE", group = "notice")]
    event: Option<PathBuf>,
    /// Time at which the alarm fired, such as 2026-11-14T03:06:00Z; default: now
    #[arg(long, value_name = "TIME", requires = "alarm", value_parser = time)]
    at: Option<DateTime<Utc>>,
    /// Seconds for collecting evidence
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    deadline: u64,
    /// Print the event as JSON and nothing else
    #[arg(long)]
    json: bool,
    /// Send the event to PagerDuty; the routing key is read from the environment
    /// variable `PAGETRAIL_ROUTING_KEY`
    #[arg(long)]
    send: bool,
    /// Where to send it
    #[arg(long, value_name = "URL", default_value = PAGERDUTY_URL, requires = "send")]
    url: url::Url,
    #[command(flatten)]
    session: SessionArgs,
}

/// Prints the preview, and sends it with `--send`.
///
/// # Errors
/// Without credentials, alarm or permission, and if PagerDuty does not accept the event.
pub fn run(args: &Args) -> Result<(), CommandError> {
    super::block_on(preview(args))?
}

async fn preview(args: &Args) -> Result<(), CommandError> {
    // The same names and defaults as the function's, so that a preview shows its pages.
    let config = read_enrich(|name: &str| std::env::var(name).ok());
    let config = config.map_err(CommandError::wrong)?;
    if let Some(fault) = &config.paging.withheld {
        return Err(CommandError::wrong(format!("a redaction pattern cannot be used: {fault}")));
    }
    if let Some(fault) = &config.paging.zone_fault {
        return Err(CommandError::wrong(fault));
    }
    let key = routing_key(args)?;
    // Before any call to AWS: the error for an unreadable file must not need credentials.
    let event = args.event.as_ref().map(read).transpose()?;
    let sdk = session::open(&args.session, region_of_alarm(args)?).await?;
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    let account = Account::new(sdk);
    let mut notices = event.map_or(Vec::new(), |event| intake::read(&event, &home(&region, "")));
    if let Some(name) = &args.alarm {
        let alarm = name.find(&account.in_region(&region).1, &region).await?;
        notices.push(Notice::Alarm(Box::new(fired(alarm, args.at))));
    }
    for notice in notices {
        let (event, calls) = event_of(notice, &config, &account, args).await;
        let Some(event) = event else {
            println!(
                "Nothing would be sent: the configuration ignores INSUFFICIENT_DATA, or each \
                 contributor of the alarm reports the change by itself."
            );
            continue;
        };
        if args.json {
            println!("{}", serde_json::to_string_pretty(&event)?);
        } else {
            print!("{}", shown(&event, &calls));
        }
        if let Some(key) = &key {
            send(&event, key, args).await?;
        }
    }
    Ok(())
}

/// The Region of the alarm's ARN, which must not contradict `--region`.
fn region_of_alarm(args: &Args) -> Result<Option<&str>, CommandError> {
    let region = args.alarm.as_ref().and_then(AlarmName::region);
    match (region, &args.session.region) {
        (Some(alarms), Some(given)) if alarms != given => Err(CommandError::wrong(format!(
            "--region is {given}, but the alarm's ARN is in {alarms}: leave --region out"
        ))),
        _ => Ok(region),
    }
}

/// The alarm as a notification would report it: in ALARM, now or at the given time.
fn fired(mut alarm: Alarm, at: Option<DateTime<Utc>>) -> Alarm {
    if at.is_some() || alarm.state != State::Alarm {
        alarm.fires_at(at.unwrap_or_else(Utc::now));
    }
    alarm
}

fn time(given: &str) -> Result<DateTime<Utc>, &'static str> {
    given.parse().map_err(|_| "write a time such as 2026-11-14T03:06:00Z")
}

fn read(file: &PathBuf) -> Result<Value, CommandError> {
    let name = file.display();
    let content = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    let wrong = |why: String| CommandError::wrong(format!("--event {name}: {why}"));
    let content = content.map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&content).map_err(|error| wrong(format!("not JSON: {error}")))
}

async fn event_of(
    notice: Notice,
    config: &enrich::Settings,
    account: &Account,
    args: &Args,
) -> (Option<Event>, Vec<Call>) {
    let composer = Composer::of(&config.paging);
    match plan(notice, &config.paging) {
        Plan::Page(message) => (Some(composer.message(&message)), Vec::new()),
        Plan::Trigger(alarm) => {
            let event = trigger(*alarm, &composer, config, account, args);
            let (event, calls) = Box::pin(event).await;
            (Some(event), calls)
        }
        Plan::Resolve(alarm) => (Some(resolve(&alarm)), Vec::new()),
        Plan::Nothing(_) => (None, Vec::new()),
    }
}

async fn trigger(
    alarm: Alarm,
    composer: &Composer<'_>,
    config: &enrich::Settings,
    account: &Account,
    args: &Args,
) -> (Event, Vec<Call>) {
    let (logs, alarms) = account.in_region(&alarm.origin.region);
    let redactor = &config.paging.redactor;
    let calls = Calls::default();
    let [important, background] =
        LEAVING.map(|spare| Timed::new(logs.leaving(spare), alarms.clone(), &calls));
    let timed = Timed::new(logs, alarms, &calls);
    let deadline = Instant::now() + Duration::from_secs(args.deadline);
    let logs = Redacted { logs: &timed, redactor };
    let asker = Asker {
        important: &Redacted { logs: &important, redactor },
        background: &Redacted { logs: &background, redactor },
        facts: &timed,
        memory: &Remembered { pages: &Pages::None, logs: &timed, own: "" },
        // An alarm that was named is one of the account that is asked.
        account: if args.alarm.is_some() { &alarm.origin.account } else { "" },
        metrics: config.metrics,
        changes: config.changes,
        zone: config.paging.zone,
        now: Utc::now(),
        deadline,
    };
    let collector = Collector {
        logs: &logs,
        alarms: &timed,
        limits: config.limits,
        trace_log_groups: &config.trace_log_groups,
        zone: config.paging.zone,
        now: Utc::now(),
        deadline,
    };
    let (tell, found) = unbounded_channel();
    // Nobody waits for this page, so all questions are answered.
    let mut followed = alarm.clone();
    let (evidence, answers) =
        (collector.collect_and_tell(&mut followed, Some(tell)), Answers::default());
    let (evidence, ()) = tokio::join!(evidence, asker.ask(&alarm, found, &answers));
    let evidence = evidence.with_redacted_patterns(redactor);
    let context = answers.into_context().redacted(redactor);
    (composer.trigger(&followed, &evidence, &context, Utc::now()), calls.list())
}

/// The event as it reads in PagerDuty, then the calls.
fn shown(event: &Event, calls: &[Call]) -> String {
    let mut page = String::new();
    let Some(payload) = &event.payload else {
        return format!("resolve of {}\n", event.dedup_key);
    };
    let _ = writeln!(page, "{}\n", payload.summary);
    let severity = serde_json::to_value(payload.severity).unwrap_or_default();
    let _ = writeln!(page, "severity   {}", severity.as_str().unwrap_or_default());
    let _ = writeln!(page, "dedup key  {}\n", event.dedup_key);
    for (key, value) in &payload.custom_details {
        let _ = writeln!(page, "{key}");
        for row in rows(value) {
            let _ = writeln!(page, "    {row}");
        }
    }
    for link in &event.links {
        let _ = write!(page, "\n{}:\n  {}", link.text, link.href);
    }
    let _ = writeln!(page, "\n\ncalls to AWS:");
    for Call { what, took, result } in calls {
        let result = match result {
            Ok(result) => result.clone(),
            Err(error) => error.to_string(),
        };
        let _ = writeln!(page, "{:>6} ms  {what} → {result}", took.as_millis());
    }
    page
}

/// The rows of a value as PagerDuty shows them.
fn rows(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(rows) => rows.iter().map(text).collect(),
        Value::Object(table) => {
            table.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect()
        }
        value => vec![text(value)],
    }
}

/// The key for sending. It is never an argument: shell histories keep arguments.
fn routing_key(args: &Args) -> Result<Option<RoutingKey>, CommandError> {
    if !args.send {
        return Ok(None);
    }
    let key = std::env::var("PAGETRAIL_ROUTING_KEY").unwrap_or_default();
    let key = key.trim().parse().map_err(|_| {
        CommandError::wrong(
            "--send: PAGETRAIL_ROUTING_KEY must hold the 32 characters of a PagerDuty \
             integration key",
        )
    })?;
    if !crate::http::url::is_safe(&args.url) {
        let what = "--url must be https (plain http only to a loopback address)";
        return Err(CommandError::wrong(what));
    }
    Ok(Some(key))
}

async fn send(event: &Event, key: &RoutingKey, args: &Args) -> Result<(), CommandError> {
    let pagerduty = PagerDuty::new(args.url.clone(), tls::bundled_config())?;
    let outcome = outcome(Endpoint::V2, &pagerduty.post(event, key).await);
    if let Some(reason) = outcome.reason() {
        let why = text::one_line(&reason.whole());
        return Err(format!("not sent: {why}").into());
    }
    eprintln!("sent: PagerDuty accepted the event");
    Ok(())
}
