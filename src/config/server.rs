//! Settings of `pagetrail serve`, from `pagetrail.toml` and the environment. The environment wins.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::reader::Reader;
use super::shared::is_fifo_url;
use super::toml::{ConfigFile, Layered};
use super::{ConfigError, Lookup};
use crate::gateway::LocalClients;
use crate::http::tls;
use crate::pagerduty::routing_key::RoutingKey;
use crate::routing::pools::Pools;
use crate::secret::Secret;
use crate::server::{KeysChoice, QueueChoice, Settings, TlsChoice, TokenChoice};
use crate::sns::TopicArn;

/// Every setting, with its name in the file.
pub const SETTINGS: [&str; 38] = [
    "listen",
    "listen_https",
    "tls_certificate_file",
    "tls_key_file",
    "tls_names",
    "data_dir",
    "queue",
    "rejected_queue_url",
    "queue_max_megabytes",
    "queue_max_days",
    "queue_free_megabytes",
    "pagerduty_url",
    "routing_keys",
    "routing_keys_file",
    "routing_key_secret_arn",
    "allowed_keys",
    "verify_keys",
    "token",
    "token_file",
    "trust_local_clients",
    "rate_per_minute",
    "workers",
    "sns_topics",
    "evidence_deadline_seconds",
    "max_lines",
    "max_trails",
    "max_trail_lines",
    "trace_log_groups",
    "metrics",
    "changes",
    "insufficient_data",
    "severity",
    "account_name",
    "time_zone",
    "redact_also",
    "redact_not",
    "redact_patterns",
    "log_level",
];

const ADDRESS: &str = "an address and a port, such as 127.0.0.1:8080 or [::]:8443";

const LOG_LEVELS: [(&str, &str); 4] =
    [("error", "error"), ("warn", "warn"), ("info", "info"), ("debug", "debug")];

/// Settings of `pagetrail serve`, from the file and the environment. The environment wins.
///
/// # Errors
/// All faults, each with its line or variable and the expected value.
pub fn read_server(
    file: ConfigFile,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Settings, ConfigError> {
    let mut lookup = file.under(environment);
    let faults = lookup.take_faults();
    let mut reader = Reader { lookup, faults };
    let settings = read(&mut reader);
    reader.finish(settings)
}

fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<Layered<E>>) -> Settings {
    let data_dir = data_dir(reader);
    let config = Settings {
        listen: reader.addresses("PAGETRAIL_LISTEN", &["127.0.0.1:8080"]),
        listen_https: reader.addresses("PAGETRAIL_LISTEN_HTTPS", &[]),
        tls: tls_files(reader),
        queue: queue(reader, &data_dir),
        data_dir,
        pagerduty_url: reader.pagerduty_url("PAGETRAIL_PAGERDUTY_URL"),
        keys: keys(reader),
        allowed_keys: allowed_keys(reader),
        verify_keys: reader.flag("PAGETRAIL_VERIFY_KEYS", true),
        token: token(reader),
        local_clients: reader.choice(
            "PAGETRAIL_TRUST_LOCAL_CLIENTS",
            LocalClients::Trusted,
            &[("true", LocalClients::Trusted), ("false", LocalClients::LikeOthers)],
        ),
        pace: reader.pace(1),
        sns_topics: topics(reader),
        enrich: reader.enrich(),
        log_level: reader.choice("PAGETRAIL_LOG_LEVEL", "info", &LOG_LEVELS),
    };
    if config.listen.is_empty() && config.listen_https.is_empty() {
        reader.fault("PAGETRAIL_LISTEN", &format!("{ADDRESS}, or set listen_https"));
    }
    let no_keys = matches!(config.keys, KeysChoice::Nothing);
    if config.is_reachable() && no_keys && config.allowed_keys.is_empty() {
        reader.faults.push(
            "routing_keys_file is not set: clients on other machines need a routing key \
             that is known here. Set it, or routing_keys, or allowed_keys, or listen on \
             127.0.0.1 only"
                .to_owned(),
        );
    }
    if !config.sns_topics.is_empty() && no_keys {
        reader.faults.push(
            "routing_keys_file is not set: alarms from sns_topics bring no routing key. Set it, \
             or routing_keys"
                .to_owned(),
        );
    }
    if matches!(config.queue, QueueChoice::Sqs { .. }) && no_keys {
        reader.faults.push(
            "routing_keys_file is not set: a queue on SQS never holds a routing key, so every \
             event goes through the pools. Set it, or routing_keys, or routing_key_secret_arn"
                .to_owned(),
        );
    }
    config
}

impl<L: Lookup> Reader<L> {
    /// Addresses separated by spaces; `none` for no address.
    fn addresses(&mut self, name: &str, default: &[&str]) -> Vec<SocketAddr> {
        let words = match self.value(name) {
            None => default.iter().map(|&word| word.to_owned()).collect(),
            Some(word) if word == "none" => Vec::new(),
            Some(_) => self.words(name),
        };
        let addresses: Result<Vec<SocketAddr>, _> = words.iter().map(|word| word.parse()).collect();
        addresses.unwrap_or_else(|_| {
            self.fault(name, ADDRESS);
            Vec::new()
        })
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }

    fn at_most_one(&mut self, names: &[&str]) {
        let set: Vec<&str> =
            names.iter().copied().filter(|name| self.value(name).is_some()).collect();
        if let [first, second, ..] = set[..] {
            let places = (self.lookup.place(first), self.lookup.place(second));
            self.faults.push(format!("{} and {} are both set: keep one", places.0, places.1));
        }
    }
}

/// The directory from systemd, otherwise the standard place for a user's state.
fn data_dir(reader: &Reader<impl Lookup>) -> PathBuf {
    data_directory(|name| reader.path(name))
}

/// The same, for commands that work on a server's queue and don't read its configuration.
pub(crate) fn data_directory(setting: impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    let variable = |name| setting(name).filter(|path| path.is_absolute());
    setting("PAGETRAIL_DATA_DIR")
        .or_else(|| variable("STATE_DIRECTORY"))
        .or_else(|| variable("XDG_STATE_HOME").map(|home| home.join("pagetrail")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/pagetrail")))
        .unwrap_or_else(|| PathBuf::from("/var/lib/pagetrail"))
}

fn tls_files(reader: &mut Reader<impl Lookup>) -> TlsChoice {
    let (certificate, key) = ("PAGETRAIL_TLS_CERTIFICATE_FILE", "PAGETRAIL_TLS_KEY_FILE");
    match (reader.path(certificate), reader.path(key)) {
        (Some(chain), Some(private)) => {
            if let Err(error) = tls::server_config(&chain, &private) {
                let place = reader.lookup.place(certificate);
                reader.faults.push(format!("{place}: {error}"));
            }
            TlsChoice::Files { certificate: chain, key: private }
        }
        (None, None) => {
            let mut names = reader.words("PAGETRAIL_TLS_NAMES");
            if names.is_empty() {
                names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
            }
            TlsChoice::SelfSigned { names }
        }
        (Some(_), None) => {
            reader.fault(key, "the file with the certificate's private key, as PEM");
            TlsChoice::SelfSigned { names: Vec::new() }
        }
        (None, Some(_)) => {
            reader.fault(certificate, "the file with the certificate and its chain, as PEM");
            TlsChoice::SelfSigned { names: Vec::new() }
        }
    }
}

fn queue(reader: &mut Reader<impl Lookup>, data_dir: &Path) -> QueueChoice {
    let name = "PAGETRAIL_QUEUE";
    let text = reader.value(name).unwrap_or_else(|| "sqlite".to_owned());
    if let Some(url) = text.strip_prefix("sqs:") {
        if !is_fifo_url(url) {
            reader.fault(name, "sqs: and the URL of an SQS FIFO queue, sqs:https://…/….fifo");
        }
        let rejected = reader.queue_url("PAGETRAIL_REJECTED_QUEUE_URL");
        return QueueChoice::Sqs { events: url.to_owned(), rejected };
    }
    let path = match text.strip_prefix("sqlite") {
        Some("" | ":") => data_dir.join("queue.db"),
        Some(path) if path.starts_with(':') => PathBuf::from(&path[1..]),
        _ => {
            reader.fault(name, "sqlite, sqlite:FILE, or sqs:URL of an SQS FIFO queue");
            PathBuf::new()
        }
    };
    let megabytes = |number: u64| number.saturating_mul(1 << 20);
    let days = reader.number("PAGETRAIL_QUEUE_MAX_DAYS", 14, 1..=365);
    QueueChoice::Sqlite {
        path,
        bytes: megabytes(reader.number("PAGETRAIL_QUEUE_MAX_MEGABYTES", 1_024, 16..=1_048_576)),
        age: Duration::from_hours(24 * days),
        free: megabytes(reader.number("PAGETRAIL_QUEUE_FREE_MEGABYTES", 64, 16..=1_048_576)),
    }
}

fn keys(reader: &mut Reader<impl Lookup>) -> KeysChoice {
    let (text, file, secret) = (
        "PAGETRAIL_ROUTING_KEYS",
        "PAGETRAIL_ROUTING_KEYS_FILE",
        "PAGETRAIL_ROUTING_KEY_SECRET_ARN",
    );
    reader.at_most_one(&[text, file, secret]);
    if let Some(keys) = reader.value(text) {
        if let Err(error) = Pools::parse(&keys) {
            let place = reader.lookup.place(text);
            reader.faults.push(format!("{place}: {error}"));
        }
        return KeysChoice::Text(Secret::new(keys));
    }
    if let Some(path) = reader.path(file) {
        let fault = match std::fs::read_to_string(&path) {
            Ok(keys) => Pools::parse(&keys).err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = fault {
            let place = reader.lookup.place(file);
            reader.faults.push(format!("{place}: {}: {fault}", path.display()));
        }
        return KeysChoice::File(path);
    }
    reader.value(secret).map_or(KeysChoice::Nothing, KeysChoice::Secret)
}

fn allowed_keys(reader: &mut Reader<impl Lookup>) -> Vec<RoutingKey> {
    let name = "PAGETRAIL_ALLOWED_KEYS";
    let keys: Result<Vec<RoutingKey>, _> =
        reader.words(name).iter().map(|word| word.parse()).collect();
    keys.unwrap_or_else(|_| {
        reader.fault(name, "routing keys of 32 letters and digits each");
        Vec::new()
    })
}

fn token(reader: &mut Reader<impl Lookup>) -> TokenChoice {
    let (text, file) = ("PAGETRAIL_TOKEN", "PAGETRAIL_TOKEN_FILE");
    reader.at_most_one(&[text, file]);
    if let Some(token) = reader.value(text) {
        if token.len() < TokenChoice::SHORTEST {
            reader.fault(text, &format!("at least {} characters", TokenChoice::SHORTEST));
        }
        return TokenChoice::Text(Secret::new(token));
    }
    let Some(path) = reader.path(file) else { return TokenChoice::Nothing };
    let choice = TokenChoice::File(path.clone());
    if let Err(error) = choice.read() {
        let place = reader.lookup.place(file);
        reader.faults.push(format!("{place}: {}: {error}", path.display()));
    }
    choice
}

fn topics(reader: &mut Reader<impl Lookup>) -> Vec<TopicArn> {
    let name = "PAGETRAIL_SNS_TOPICS";
    let topics: Result<Vec<TopicArn>, _> =
        reader.words(name).iter().map(|word| word.parse()).collect();
    topics.unwrap_or_else(|_| {
        let expected = "ARNs of standard SNS topics, such as \
                        arn:aws:sns:eu-west-1:123456789012:errors";
        reader.fault(name, expected);
        Vec::new()
    })
}

#[cfg(test)]
mod tests;
