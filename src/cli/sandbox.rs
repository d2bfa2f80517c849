//! `pagetrail sandbox`: runs the local stand-in for PagerDuty.

use std::io::{ErrorKind, Write as _};

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::CommandError;
use crate::pagerduty::routing_key::RoutingKey;
use crate::sandbox::faults::{Fault, FaultKind};
use crate::sandbox::{Sandbox, Settings, serve};

/// Run a local stand-in for PagerDuty's Events API, with a page that shows the incidents.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Port to listen on; 0 = any free one.
    #[arg(long, default_value_t = 8081)]
    port: u16,

    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,

    /// Events a minute for each routing key before it answers 429; 0 = unlimited.
    #[arg(long, default_value_t = 120, value_name = "EVENTS")]
    rate: u32,

    /// Seconds in the Retry-After header of those 429; without this, the header is not sent.
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,

    /// A routing key to accept (repeatable); without this, every well-formed key is accepted.
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,

    /// Fail the first requests: status:503, hang:60, reset, half or garbage.
    #[arg(long, value_name = "FAULT")]
    fail: Option<FaultKind>,

    /// How many requests fail.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "fail")]
    fail_count: u64,
}

/// Serves until interrupted.
///
/// # Errors
/// If an argument is impossible or the port is in use.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let mut settings =
        Settings { rate: args.rate, retry_after: args.retry_after, ..Settings::default() };
    for (position, key) in args.keys.iter().enumerate() {
        // The key itself stays out of the message.
        let key: RoutingKey = key.parse().map_err(|errors: Vec<String>| {
            CommandError::wrong(format!("--key no. {}: {}", position + 1, errors.join("; ")))
        })?;
        settings.keys.insert(key);
    }
    if let Some(kind) = &args.fail {
        let fault = Fault { kind: kind.clone(), count: args.fail_count };
        fault.check().map_err(|message| CommandError::wrong(format!("--fail-count: {message}")))?;
        settings.faults.push(fault);
    }
    super::block_on(listen(&args.host, args.port, Sandbox::new(settings)))?
}

async fn listen(host: &str, port: u16, sandbox: Sandbox) -> Result<(), CommandError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind((host, port)).await.map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => "; choose another --port (0 = any free one)",
            _ => "",
        };
        format!("cannot listen on {host}, port {port}: {error}{remedy}")
    })?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        eprintln!(
            "pagetrail sandbox: warning: {address} can be reached from other machines, \
             and anyone who reaches it sees all events"
        );
    }
    // If the reader closed its end of the pipe, the sandbox still runs.
    let _ = writeln!(std::io::stdout(), "pagetrail sandbox: listening on http://{address}");
    tokio::select! {
        result = serve(listener, sandbox) => Ok(result?),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}
