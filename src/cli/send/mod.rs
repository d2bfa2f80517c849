//! `pagetrail send`: one event from the shell; also `pd-send`, by that name, and `agent` has the other
//! commands of PagerDuty's agent.
//!
//! `arguments` reads the options of both commands, `body` makes the event and checks it as the server
//! would, `target` chooses the server, `post` sends the event and reads the answer. `insecure` is the
//! TLS check that is switched off on request.

mod agent;
mod arguments;
mod body;
mod insecure;
mod post;
mod target;

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

pub use arguments::Args;
pub(super) use arguments::spelled_out;
use arguments::without_keys;
use body::Outgoing;
use post::{Answered, Unanswered, Verdict, post};
use target::{BASE_URL, Certificates, SKIP_CERT_VERIFY, Target};

use super::error::WRONG_ARGUMENTS;
use crate::pagerduty::BODY_LIMIT;
use crate::secret::Secret;

const ROUTING_KEY: &str = "PAGETRAIL_ROUTING_KEY";
const PD_SEND: &str = "pd-send";

/// Why nothing was sent, or possibly nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("error: {0}")]
    Argument(String),
    #[error("{0}")]
    Send(String),
}

/// Does the work of `pd-send`, or of a command of PagerDuty's agent, if the program was called by that
/// name.
pub(super) fn by_name(arguments: &[OsString]) -> Option<ExitCode> {
    let called = Path::new(arguments.first()?).file_name()?;
    if let Some(name) = agent::NAMES.into_iter().find(|name| called == *name) {
        return Some(agent::run(name, arguments));
    }
    if called != PD_SEND {
        return None;
    }
    let parsed = parsed::<Args>(PD_SEND, spelled_out(arguments.iter().cloned()));
    Some(match parsed {
        Ok(args) => run(&args, PD_SEND),
        Err(error) => refused(&error, "pd-send: "),
    })
}

/// The arguments of a command that was called by its own name.
pub(super) fn parsed<A: clap::Args + clap::FromArgMatches>(
    name: &'static str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<A, clap::Error> {
    let command = A::augment_args(clap::Command::new(name)).version(env!("CARGO_PKG_VERSION"));
    let matches = command.bin_name(name).try_get_matches_from(arguments)?;
    A::from_arg_matches(&matches)
}

/// Says what is wrong with the arguments, without the key: it can have been typed where
/// it does not belong. Prints help if it was requested.
pub(super) fn refused(error: &clap::Error, prefix: &str) -> ExitCode {
    let text = error.render().to_string();
    let shown = without_keys(&text);
    // clap prints in colour if it can.
    if !error.use_stderr() || (prefix.is_empty() && shown == text) {
        error.exit();
    }
    eprint!("{prefix}{shown}");
    ExitCode::from(WRONG_ARGUMENTS)
}

/// Sends the event; messages begin with the program's name.
pub(super) fn run(args: &Args, program: &str) -> ExitCode {
    finish(program, send(args, program))
}

fn finish(program: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{program}: {failure}");
            match failure {
                Failure::Argument(_) => ExitCode::from(WRONG_ARGUMENTS),
                Failure::Send(_) => ExitCode::FAILURE,
            }
        }
    }
}

fn send(args: &Args, program: &str) -> Result<(), Failure> {
    let (target, certificates) = server(args.url.as_deref())?;
    let outgoing = outgoing(args)?;

    if !args.quiet {
        if target.is_readable_by_others() {
            let server = target.name();
            eprintln!("{program}: warning: the routing key travels unencrypted to {server}");
        }
        for note in &outgoing.notes {
            eprintln!("{program}: warning: {note}");
        }
    }
    let timeout = Duration::from_secs(args.timeout);
    let answered = super::block_on(post(&target, certificates, timeout, &outgoing))
        .map_err(|error| Failure::Send(format!("not sent: {error}")))?;
    if args.verify_key {
        verified(args, &target, &outgoing, answered)
    } else {
        sent(&outgoing, answered, |answer| print(args, answer))
    }
}

/// Where to send: the URL of the option or of the variable.
fn server(url: Option<&str>) -> Result<(Target, Certificates), Failure> {
    let target = Target::choose(url, variable(BASE_URL)?.as_deref()).map_err(Failure::Argument)?;
    let certificates =
        Certificates::read(variable(SKIP_CERT_VERIFY)?.as_deref()).map_err(Failure::Argument)?;
    Ok((target, certificates))
}

/// Sends the event to the server that the variable names, and prints nothing.
fn deliver(outgoing: &Outgoing, timeout: Duration) -> Result<(), Failure> {
    let (target, certificates) = server(None)?;
    let answered = super::block_on(post(&target, certificates, timeout, outgoing))
        .map_err(|error| Failure::Send(format!("not sent: {error}")))?;
    sent(outgoing, answered, |_| {})
}

fn sent(
    outgoing: &Outgoing,
    answered: Result<Answered, Unanswered>,
    print: impl Fn(&str),
) -> Result<(), Failure> {
    let answered = answered.map_err(|unanswered| {
        Failure::Send(match unanswered {
            Unanswered::NoConnection { .. } => format!("not sent: {unanswered}"),
            Unanswered::InDoubt { .. } => format!("not known to be sent: {unanswered}"),
        })
    })?;
    print(&answered.shown(&outgoing.routing_key));
    match answered.verdict(&outgoing.routing_key) {
        Verdict::Taken => Ok(()),
        Verdict::KeyRefused(why) | Verdict::NotTaken(why) => {
            Err(Failure::Send(format!("not sent: {why}")))
        }
    }
}

fn verified(
    args: &Args,
    target: &Target,
    outgoing: &Outgoing,
    answered: Result<Answered, Unanswered>,
) -> Result<(), Failure> {
    let key = &outgoing.routing_key;
    let unknown = |why| Failure::Send(format!("the key {key} could not be verified: {why}"));
    let answered = answered.map_err(|unanswered| unknown(unanswered.to_string()))?;
    match answered.verdict(key) {
        Verdict::Taken => {
            print(args, &format!("the key {key} is accepted by {}", target.name()));
            Ok(())
        }
        Verdict::KeyRefused(why) => Err(Failure::Send(format!("the key {key} is refused: {why}"))),
        Verdict::NotTaken(why) => Err(unknown(why)),
    }
}

fn outgoing(args: &Args) -> Result<Outgoing, Failure> {
    let option = args.routing_key.as_ref().map(|key| key.expose().as_str());
    let environment = variable(ROUTING_KEY)?.map(Secret::new);
    let environment = environment.as_ref().map(|key| key.expose().trim());
    if let Some(file) = &args.json {
        let raw = read(file)?;
        return body::of_json(&raw, args.event_type, option, environment)
            .map_err(Failure::Argument);
    }
    let Some(key) = option.or(environment) else {
        let what = format!("-k/--routing-key is needed, or the key in {ROUTING_KEY}");
        return Err(Failure::Argument(what));
    };
    let outgoing = if args.verify_key {
        body::of_verification(key)
    } else {
        body::of_options(args, key, &host_name())
    };
    outgoing.map_err(Failure::Argument)
}

/// Reads at most one byte more than can be sent, to detect events that are too large.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let limit = BODY_LIMIT as u64 + 1;
    let mut content = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut content)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut content))
    };
    match read {
        Ok(_) => Ok(content),
        Err(error) => Err(Failure::Argument(format!("--json {}: {error}", file.display()))),
    }
}

/// A variable's value; an empty one counts as not set.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        // Not the value: it can be a key.
        Err(_) => Err(Failure::Argument(format!("{name} is not UTF-8"))),
    }
}

fn host_name() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    if name.trim().is_empty() { "pagetrail".to_owned() } else { name.into_owned() }
}

/// A reader that closed its end of the pipe does not undo what was sent.
fn print(args: &Args, line: &str) {
    if !args.quiet && !line.is_empty() {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}
