//! `pagetrail coverage`: which alarms of a topic would page with evidence, and which bare.

use std::time::Duration;

use chrono::Utc;
use serde::Serialize;
use tokio::time::Instant;

use super::CommandError;
use super::session::{self, SessionArgs};
use crate::alarm::Alarm;
use crate::aws::Origin;
use crate::evidence::aws::{Account, RegionalAlarms, RegionalLogs};
use crate::evidence::ports::LookupError;
use crate::evidence::{Collector, Limits, Why};
use crate::text::{cut, one_line};

/// Time for one alarm; the calls are paced, and there may be many alarms.
const PER_ALARM: Duration = Duration::from_secs(20);

/// Show for each alarm that notifies a topic where its logs would come from.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// ARN of the SNS topic
    #[arg(long, value_name = "ARN")]
    topic: String,
    /// Print JSON: one object for each alarm
    #[arg(long)]
    json: bool,
    /// Exit with 1 when some alarm would page bare
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
    /// Why it would page bare, or what is missing.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LogGroup {
    name: String,
    pattern: String,
    /// `tag`, `metric filter` or `metric`.
    by: &'static str,
}

/// Prints the table.
///
/// # Errors
/// Without credentials or permission, and with `--strict` when an alarm would page bare.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = runtime.block_on(rows(args))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print!("{}", table(&rows));
    }
    let bare = rows.iter().filter(|row| row.log_groups.is_empty()).count();
    if args.strict && bare > 0 {
        return Err(format!("{bare} of {} alarms would page bare", rows.len()).into());
    }
    Ok(())
}

async fn rows(args: &Args) -> Result<Vec<Row>, CommandError> {
    let Some(topic) = Origin::from_arn(&args.topic) else {
        return Err(
            "--topic must be the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME".into()
        );
    };
    let sdk = session::open(&args.session, None).await?;
    let region = args.session.region.clone().unwrap_or(topic.region);
    let (logs, alarms) = Account::new(sdk).in_region(&region);
    let all = alarms.all().await.map_err(|error| match error {
        LookupError::AccessDenied => {
            "access denied: you need cloudwatch:DescribeAlarms for this".to_owned()
        }
        error => format!("cloudwatch:DescribeAlarms failed: {error}"),
    })?;
    let mut rows = Vec::new();
    for (alarm, actions) in all {
        if actions.contains(&args.topic) {
            rows.push(row(&alarm, &logs, &alarms).await);
        }
    }
    if rows.is_empty() {
        eprintln!("no alarm in Region {region} notifies {}", args.topic);
    }
    rows.sort_by(|a, b| a.alarm.cmp(&b.alarm));
    Ok(rows)
}

async fn row(alarm: &Alarm, logs: &RegionalLogs, alarms: &RegionalAlarms) -> Row {
    let collector = Collector {
        logs,
        alarms,
        limits: Limits { lines: 0, trails: 0, trail_lines: 0 },
        trace_log_groups: &[],
        now: Utc::now(),
        deadline: Instant::now() + PER_ALARM,
    };
    let evidence = collector.places(alarm).await;
    let sources = evidence.parts.into_iter().flat_map(|part| part.sources);
    let log_groups = sources.map(|source| LogGroup {
        name: source.log_group,
        pattern: source.pattern,
        by: match source.why {
            Why::Tag => "tag",
            Why::MetricFilter => "metric filter",
            Why::Table => "metric",
        },
    });
    Row { alarm: alarm.name.clone(), log_groups: log_groups.collect(), notes: evidence.notes }
}

/// One line for each log group, and one for each note.
fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.alarm.chars().count()).max().unwrap_or(0).min(48);
    let mut lines = Vec::new();
    for row in rows {
        let name = cut(&one_line(&row.alarm), width);
        let pad = " ".repeat(width - name.chars().count());
        let mut cells: Vec<String> = row
            .log_groups
            .iter()
            .map(|group| {
                let pattern = if group.pattern.is_empty() { "every line" } else { &group.pattern };
                format!("{} · {} (by {})", group.name, cut(&one_line(pattern), 60), group.by)
            })
            .collect();
        if cells.is_empty() {
            cells.push("BARE".to_owned());
        }
        cells.extend(row.notes.iter().map(|note| format!("! {}", one_line(note))));
        for (number, cell) in cells.iter().enumerate() {
            let first = if number == 0 { format!("{name}{pad}") } else { " ".repeat(width) };
            lines.push(format!("{first}  {cell}\n"));
        }
    }
    let bare = rows.iter().filter(|row| row.log_groups.is_empty()).count();
    lines.push(format!("\n{} alarms, {bare} would page bare\n", rows.len()));
    lines.concat()
}
