//! `pagetrail coverage`: which alarms would page with log lines, which would not, and why.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use chrono::Utc;
use serde::Serialize;
use tokio::time::Instant;

use super::CommandError;
use super::named::no_alarms;
use super::progress::Progress;
use super::session::{self, SessionArgs};
use crate::alarm::Alarm;
use crate::aws::{Arn, Origin};
use crate::evidence::aws::{Account, RegionalAlarms, RegionalLogs};
use crate::evidence::{Collector, Limits, Why};
use crate::text::{alike, cut, did_you_mean, one_line};

/// Time for one alarm; the rate of calls is limited, and there can be many alarms.
const PER_ALARM: Duration = Duration::from_secs(20);
/// Characters of the first column.
const WIDTH: usize = 48;

/// Show for each alarm where its log lines would come from.
///
/// Checks the alarms that notify a topic, or all alarms of a Region.
#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("alarms").required(true)))]
pub struct Args {
    /// ARN of the SNS topic that the alarms notify
    #[arg(long, value_name = "ARN", group = "alarms")]
    topic: Option<String>,
    /// All alarms of the Region, also those that notify nothing
    #[arg(long, group = "alarms")]
    all: bool,
    /// Print JSON: one object for each alarm
    #[arg(long)]
    json: bool,
    /// Exit with 1 when an alarm would page without log lines, and when there is no alarm
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    session: SessionArgs,
}

/// What one alarm would page with.
#[derive(Debug, Serialize)]
struct Row {
    alarm: String,
    /// The log groups that would be searched.
    log_groups: Vec<LogGroup>,
    /// Why it would page without log lines, or what is missing.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LogGroup {
    name: String,
    pattern: String,
    /// `tag`, `metric filter`, `metric` or `log alarm`.
    by: &'static str,
}

/// Prints the table.
///
/// # Errors
/// Without credentials or permission, and with `--strict` when an alarm would page without log
/// lines or there is no alarm.
pub fn run(args: &Args) -> Result<(), CommandError> {
    super::block_on(coverage(args))?
}

async fn coverage(args: &Args) -> Result<(), CommandError> {
    let topic = args.topic.as_deref().map(region_of_topic).transpose()?;
    let sdk = session::open(&args.session, topic.as_deref()).await?;
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    let (logs, regional) = Account::new(sdk).in_region(&region);
    let progress = Progress::new();
    progress.show(&format!("reading the alarms of {region} …"));
    let all = regional.all().await;
    progress.clear();
    let all = all.map_err(no_alarms)?;
    let alarms = chosen(&all, args.topic.as_deref());

    let mut output = Output::new(args.json, &alarms);
    let mut without = 0;
    for (number, alarm) in alarms.iter().enumerate() {
        progress.show(&format!("{} of {} alarms …", number + 1, alarms.len()));
        let row = row((*alarm).clone(), &logs, &regional).await;
        progress.clear();
        without += usize::from(row.log_groups.is_empty());
        output.row(&row)?;
        if output.closed && !args.strict {
            return Ok(());
        }
    }
    output.end(&region, without)?;

    let fault = if alarms.is_empty() {
        nothing(&all, args.topic.as_deref(), &region)
    } else if without > 0 {
        format!("{without} of {} would page without log lines", counted(alarms.len()))
    } else {
        return Ok(());
    };
    if args.strict {
        return Err(fault.into());
    }
    if alarms.is_empty() {
        eprintln!("pagetrail: {fault}");
    }
    Ok(())
}

/// The Region of a topic's ARN.
fn region_of_topic(topic: &str) -> Result<String, CommandError> {
    let is_topic = Arn::parse(topic).is_some_and(|arn| {
        arn.service == "sns" && !arn.resource.is_empty() && !arn.resource.contains(':')
    });
    let origin = Origin::from_arn(topic).filter(|_| is_topic);
    let wrong = "--topic must be the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME";
    Ok(origin.ok_or_else(|| CommandError::wrong(wrong))?.region)
}

/// The alarms to look at, by name; each with the ARNs it notifies.
fn chosen<'a>(all: &'a [(Alarm, Vec<String>)], topic: Option<&str>) -> Vec<&'a Alarm> {
    let notifies =
        |actions: &[String]| topic.is_none_or(|topic| actions.iter().any(|action| action == topic));
    let mut alarms: Vec<&Alarm> =
        all.iter().filter(|(_, actions)| notifies(actions)).map(|(alarm, _)| alarm).collect();
    alarms.sort_by(|a, b| a.name.cmp(&b.name));
    alarms
}

/// Why there is no alarm to look at.
fn nothing(all: &[(Alarm, Vec<String>)], topic: Option<&str>, region: &str) -> String {
    let Some(topic) = topic.filter(|_| !all.is_empty()) else {
        return format!(
            "there are no alarms in Region {region} of this account; are --region and --profile \
             right?"
        );
    };
    let actions = all.iter().flat_map(|(_, actions)| actions);
    let topics: BTreeSet<&str> =
        actions.map(String::as_str).filter(|action| region_of_topic(action).is_ok()).collect();
    // ARNs of one account differ only in the name, so the names are compared.
    let near = alike(name(topic), topics.iter().map(|topic| name(topic)), 3);
    let near: Vec<&str> = topics.into_iter().filter(|topic| near.contains(&name(topic))).collect();
    format!("no alarm in Region {region} notifies {topic}{}", did_you_mean(&near))
}

/// The last part of an ARN.
fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

async fn row(mut alarm: Alarm, logs: &RegionalLogs, alarms: &RegionalAlarms) -> Row {
    let collector = Collector {
        logs,
        alarms,
        limits: Limits { lines: 0, trails: 0, trail_lines: 0 },
        trace_log_groups: &[],
        zone: crate::zone::Zone::UTC,
        now: Utc::now(),
        deadline: Instant::now() + PER_ALARM,
    };
    let evidence = collector.places(&mut alarm).await;
    let sources = evidence.parts.into_iter().flat_map(|part| part.sources);
    let log_groups = sources.map(|source| LogGroup {
        name: source.log_group,
        pattern: source.pattern,
        by: match source.why {
            Why::Tag => "tag",
            Why::MetricFilter => "metric filter",
            Why::Table => "metric",
            Why::LogAlarm => "log alarm",
        },
    });
    Row { alarm: alarm.name, log_groups: log_groups.collect(), notes: evidence.notes }
}

/// Prints each row when it is known.
struct Output {
    json: bool,
    /// Of the names' column.
    width: usize,
    rows: usize,
    /// The reader has closed its end, as in `pagetrail coverage … | head`.
    closed: bool,
}

impl Output {
    fn new(json: bool, alarms: &[&Alarm]) -> Self {
        let width = alarms.iter().map(|alarm| alarm.name.chars().count()).max().unwrap_or(0);
        Self { json, width: width.min(WIDTH), rows: 0, closed: false }
    }

    fn row(&mut self, row: &Row) -> Result<(), CommandError> {
        let text = if self.json {
            let before = if self.rows == 0 { "[\n  " } else { ",\n  " };
            // JSON writes a line feed inside a text as \n, so that only the layout has some.
            format!("{before}{}", serde_json::to_string_pretty(row)?.replace('\n', "\n  "))
        } else {
            lines(row, self.width)
        };
        self.rows += 1;
        self.write(&text)
    }

    fn end(&mut self, region: &str, without: usize) -> Result<(), CommandError> {
        let text = match (self.json, self.rows) {
            (true, 0) => "[]\n".to_owned(),
            (true, _) => "\n]\n".to_owned(),
            (false, 0) => return Ok(()),
            (false, rows) => {
                format!("\n{} in {region}; {without} would page without log lines\n", counted(rows))
            }
        };
        self.write(&text)
    }

    fn write(&mut self, text: &str) -> Result<(), CommandError> {
        if self.closed {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            written => Ok(written?),
        }
    }
}

/// One line for each log group, and one for each note.
fn lines(row: &Row, width: usize) -> String {
    let name = cut(&one_line(&row.alarm), width);
    let mut cells: Vec<String> = row
        .log_groups
        .iter()
        .map(|group| {
            let pattern = if group.pattern.is_empty() { "every line" } else { &group.pattern };
            format!("{} · {} (by {})", group.name, cut(&one_line(pattern), 60), group.by)
        })
        .collect();
    if cells.is_empty() {
        cells.push("NO LOG LINES".to_owned());
    }
    cells.extend(row.notes.iter().map(|note| format!("! {}", one_line(note))));
    let mut lines = String::new();
    for (number, cell) in cells.iter().enumerate() {
        let first = if number == 0 { name.as_str() } else { "" };
        let _ = writeln!(lines, "{first:<width$}  {cell}");
    }
    lines
}

fn counted(alarms: usize) -> String {
    if alarms == 1 { "1 alarm".to_owned() } else { format!("{alarms} alarms") }
}
