//! `pagetrail serve`: the gateway, the queue and delivery on the user's own machine.

use std::path::PathBuf;

use super::CommandError;
use crate::config::{ConfigFile, SETTINGS, read_server};
use crate::server;

/// Where the configuration is searched by default.
const FILES: [&str; 2] = ["pagetrail.toml", "/etc/pagetrail/pagetrail.toml"];

/// Accept events as PagerDuty does, store them safely, and deliver them.
///
/// Serves PagerDuty's Events API on 127.0.0.1:8080. Every event that it answers with 202 is on
/// disk and is delivered in order, even if PagerDuty is down for a long time.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Configuration file [default: pagetrail.toml here or in /etc/pagetrail, if it exists]
    #[arg(long, value_name = "FILE", env = "PAGETRAIL_CONFIG")]
    config: Option<PathBuf>,
    /// Check the configuration, report all its faults, and exit
    #[arg(long)]
    check_config: bool,
    /// Address and port for HTTP (repeatable); none = no HTTP
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Address and port for HTTPS (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    listen_https: Vec<String>,
    /// Where events wait: sqlite, sqlite:FILE, or sqs:URL
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// If the configuration has faults or the server cannot start.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let file = file(args)?;
    let environment = |name: &str| match name {
        "PAGETRAIL_LISTEN" if !args.listen.is_empty() => Some(args.listen.join(" ")),
        "PAGETRAIL_LISTEN_HTTPS" if !args.listen_https.is_empty() => {
            Some(args.listen_https.join(" "))
        }
        "PAGETRAIL_QUEUE" if args.queue.is_some() => args.queue.clone(),
        _ => std::env::var(name).ok(),
    };
    let config = read_server(file, environment).map_err(|error| {
        let (count, faults) = (counted(error.faults().len()), error.faults().join("\n  "));
        CommandError::wrong(format!("{count} in the configuration:\n  {faults}"))
    })?;
    if let Some(fault) = &config.enrich.paging.withheld {
        return Err(CommandError::wrong(format!("a redaction pattern cannot be used: {fault}")));
    }
    if let Some(fault) = &config.enrich.paging.zone_fault {
        return Err(CommandError::wrong(format!("1 fault in the configuration:\n  {fault}")));
    }
    if args.check_config {
        println!("pagetrail serve: the configuration is valid");
        return Ok(());
    }
    Ok(server::run(config)?)
}

fn counted(faults: usize) -> String {
    if faults == 1 { "a fault".to_owned() } else { format!("{faults} faults") }
}

fn file(args: &Args) -> Result<ConfigFile, CommandError> {
    let found = || FILES.iter().map(PathBuf::from).find(|path| path.exists());
    let Some(path) = args.config.clone().or_else(found) else { return Ok(ConfigFile::default()) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| CommandError::wrong(format!("{name}: {error}")))?;
    Ok(ConfigFile::parse(&name, &text, &SETTINGS))
}
