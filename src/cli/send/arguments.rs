//! The arguments of `pagetrail send`: those of both `pd-send` programs, and more.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;

use crate::pagerduty::routing_key::RoutingKey;
use crate::secret::Secret;

const AFTER: &str = "\
Environment:
  PAGETRAIL_ROUTING_KEY    the routing key, if -k is not given
  PDSEND_EVENTS_BASE_URL   where to send, if --url is not given
  PDSEND_SKIP_CERT_VERIFY  true: accept any certificate, also self-signed ones
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY
  SSL_CERT_FILE, SSL_CERT_DIR  certificates to trust instead of the system's

Exit codes: 0 the server accepted the event; 2 wrong arguments, nothing was sent;
1 anything else.";

/// Send one event from the shell, with the options of pd-send.
///
/// Prints the server's answer. Tries once. Called by the name `pd-send`, it accepts the
/// same options.
#[derive(clap::Args, Debug)]
#[command(infer_long_args = true, args_override_self = true, after_help = AFTER)]
pub struct Args {
    /// Routing key; better in `PAGETRAIL_ROUTING_KEY`, which no process list shows
    #[arg(short = 'k', long, alias = "service-key", value_name = "KEY", value_parser = secret)]
    pub(super) routing_key: Option<Secret<String>>,

    /// What the event does; `change` does not alert: it reports what was deployed or changed
    #[arg(short = 't', long, alias = "event-action", value_name = "TYPE", required_unless_present_any = ["json", "verify_key"])]
    pub(super) event_type: Option<EventType>,

    /// What is wrong, on one line (trigger, change)
    #[arg(short = 'd', long, alias = "summary", value_name = "TEXT", allow_hyphen_values = true, value_parser = text)]
    pub(super) description: Option<String>,

    /// Key that joins the events of one alert; if a trigger has none, the server makes one
    #[arg(short = 'i', long, alias = "dedup-key", value_name = "KEY", allow_hyphen_values = true, value_parser = text)]
    pub(super) incident_key: Option<String>,

    /// critical, error, warning or info [default: critical]
    #[arg(short = 's', long, hide_possible_values = true, value_parser = PossibleValuesParser::new(["critical", "error", "warning", "info"]))]
    pub(super) severity: Option<String>,

    /// What is affected, such as a host [default: this machine's name]
    #[arg(short = 'o', long, value_name = "TEXT", allow_hyphen_values = true, value_parser = text)]
    pub(super) source: Option<String>,

    /// Component of the source
    #[arg(short = 'm', long, value_name = "TEXT", allow_hyphen_values = true, value_parser = text)]
    pub(super) component: Option<String>,

    /// Group of components
    #[arg(short = 'g', long, value_name = "TEXT", allow_hyphen_values = true, value_parser = text)]
    pub(super) group: Option<String>,

    /// Class of the event
    #[arg(short = 'l', long, value_name = "TEXT", allow_hyphen_values = true, value_parser = text)]
    pub(super) class: Option<String>,

    /// Name of the monitoring client
    #[arg(short = 'c', long, value_name = "TEXT", allow_hyphen_values = true, value_parser = text)]
    pub(super) client: Option<String>,

    /// URL of the monitoring client
    #[arg(short = 'u', long, value_name = "URL")]
    pub(super) client_url: Option<String>,

    /// A detail of the event (repeatable)
    #[arg(short = 'f', long = "field", value_name = "KEY=VALUE", allow_hyphen_values = true, value_parser = field)]
    pub(super) fields: Vec<(String, String)>,

    /// A link, its text after a space: `https://wiki/disk Runbook` (repeatable)
    #[arg(long = "link", value_name = "HREF[ TEXT]")]
    pub(super) links: Vec<String>,

    /// An image (https), then where it leads and what it shows (repeatable)
    #[arg(long = "image", value_name = "SRC[ HREF][ TEXT]")]
    pub(super) images: Vec<String>,

    /// When it happened, as in 2026-11-14T03:06:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) timestamp: Option<String>,

    /// File with a whole event as JSON, - for standard input; -k and -t replace its
    /// `routing_key` and `event_action`
    #[arg(
        long, value_name = "FILE",
        conflicts_with_all = ["description", "incident_key", "severity", "source", "component",
            "group", "class", "client", "client_url", "fields", "links", "images", "timestamp"]
    )]
    pub(super) json: Option<PathBuf>,

    /// Only check that the server accepts the key: resolves an alert that never existed
    #[arg(long, conflicts_with_all = ["json", "event_type"])]
    pub(super) verify_key: bool,

    /// Where to send: PagerDuty, or a Pagetrail server such as `http://127.0.0.1:8080`
    /// [default: `https://events.pagerduty.com`]
    #[arg(long)]
    pub(super) url: Option<String>,

    /// Seconds to wait for the whole answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=30))]
    pub(super) timeout: u64,

    /// Print only errors
    #[arg(short = 'q', long)]
    pub(super) quiet: bool,

    // PagerDuty's pd-send chooses between two APIs by this; here it is always v2.
    #[arg(long = "api-version", alias = "apiVersion", hide = true, value_parser = PossibleValuesParser::new(["V1", "V2"]))]
    _api_version: Option<String>,
}

/// The types of event, by pd-send's names.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventType {
    Trigger,
    Acknowledge,
    Resolve,
    Change,
}

/// The arguments with PagerDuty's long options of one dash (`-src`) written with two,
/// and as UTF-8: a page with a replaced character is better than none.
pub(in crate::cli) fn spelled_out(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let spell = |argument: OsString| {
        let argument = argument.to_string_lossy();
        let (option, value) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (&*argument, None),
        };
        let Some((_, long)) = ONE_DASH.iter().find(|(short, _)| *short == option) else {
            return OsString::from(&*argument);
        };
        OsString::from(value.map_or((*long).to_owned(), |value| format!("{long}={value}")))
    };
    arguments.into_iter().map(spell).collect()
}

const ONE_DASH: [(&str, &str); 4] =
    [("-api", "--api-version"), ("-src", "--source"), ("-cmp", "--component"), ("-cls", "--class")];

/// The text without routing keys: they can have been typed where they don't belong.
pub(super) fn without_keys(text: &str) -> String {
    let mut shown = text.to_owned();
    for word in text.split(|character: char| !character.is_ascii_alphanumeric()) {
        if let Ok(key) = word.parse::<RoutingKey>() {
            shown = key.hide_in(&shown);
        }
    }
    shown
}

// clap wants a `Result`.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn secret(value: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(value.trim().to_owned()))
}

pub(super) fn field(value: &str) -> Result<(String, String), &'static str> {
    let (key, value) = value.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Text that can begin with a dash, but does not look like the next option.
fn text(value: &str) -> Result<String, &'static str> {
    let letters = |text: &str| text.chars().all(|it| it.is_ascii_lowercase() || it == '-');
    let short = value.len() == 2 && value.starts_with('-') && letters(&value[1..]);
    let long = value.strip_prefix("--").is_some_and(|name| {
        let name = name.split_once('=').map_or(name, |(name, _)| name);
        !name.is_empty() && letters(name)
    });
    if short || long {
        Err("it looks like an option; is a value missing?")
    } else {
        Ok(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn only_pagerdutys_four_options_are_spelled_out_and_bytes_become_text() {
        let given = ["-src", "-src=a=b", "-srcx", "-s", "-cls", "--class", "-api", "-cmp=", "x"];
        let expected = [
            "--source",
            "--source=a=b",
            "-srcx",
            "-s",
            "--class",
            "--class",
            "--api-version",
            "--component=",
            "x",
        ];
        assert_eq!(spelled_out(given.map(OsString::from)), expected);
        assert_eq!(spelled_out([OsString::from_vec(b"caf\xe9".to_vec())]), ["caf\u{fffd}"]);
    }

    #[test]
    fn keys_vanish_from_what_is_printed() {
        let key = "0123456789abcdef0123456789abcdef";
        let other = "R123456789ABCDEFGHIJKLMNOPQRSTUV";
        assert_eq!(
            without_keys(&format!("'{key}' --x={other} {key}, {key}0")),
            "'…cdef' --x=…STUV …cdef, …cdef0"
        );
        assert_eq!(
            without_keys("unexpected argument '-z' found"),
            "unexpected argument '-z' found"
        );
    }
}
