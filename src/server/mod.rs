//! `pagetrail serve`: the gateway, the queue and delivery in one process.
//!
//! - `listen`, `certificate`: HTTP and HTTPS.
//! - `keys`: the routing keys, checked at start and read again when they change.
//! - `settings`: the server's settings.
//! - `pages`: what was paged before.
//! - `pump`: receives batches from the queue and has them delivered.

mod certificate;
mod keys;
mod listen;
mod pages;
mod pump;
mod settings;

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::context::memory::Pages;
use crate::delivery::{HealthCheck, Worker};
use crate::enrich::Enrich;
use crate::gateway::{Access, Gateway, LocalClients, RunsIn, UnknownKeys};
use crate::http::url::is_own_address;
use crate::http::{client, tls};
use crate::pagerduty::PagerDuty;
use crate::queue::sqlite::{Bounds, SqliteQueue};
use crate::queue::sqs::{SqsInbox, SqsOutbox, SqsQueue};
use crate::queue::{Inbox, Outbox};
use crate::routing::{KeySource, Keys};
use crate::sns::SnsEndpoint;
use crate::telemetry::{self, Metrics, Tally};
use crate::{aws, gateway, sns};
pub use settings::{KeysChoice, QueueChoice, Settings, TlsChoice, TokenChoice, TokenError};

/// Why the server did not start; the text names the setting and the fix.
pub type ServerError = Box<dyn std::error::Error>;

/// Time between two health checks, which ask whether PagerDuty still accepts the keys.
const HEALTH_CHECK: Duration = Duration::from_hours(24);
/// At shutdown, requests get this time to finish.
const GRACE: Duration = Duration::from_secs(12);
/// At shutdown, deliveries get this time to finish: one attempt and its turn.
const LAST_DELIVERIES: Duration = Duration::from_secs(15);

/// Serves until SIGTERM or SIGINT, then finishes the work in progress.
///
/// # Errors
/// When it cannot start.
pub fn run(config: Settings) -> Result<(), ServerError> {
    let tally = Arc::new(Tally::default());
    telemetry::start(Some(config.log_level), Metrics::Counted(Arc::clone(&tally)));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(start(config, tally));
    // Connections that hang must not delay the shutdown.
    runtime.shutdown_background();
    served
}

async fn start(config: Settings, tally: Arc<Tally>) -> Result<(), ServerError> {
    // A SIGHUP during the start must not end the process.
    let hangup = signal(SignalKind::hangup())?;
    let sdk = if needs_aws(&config) { Some(aws::user_config(None).await) } else { None };
    DirBuilder::new().recursive(true).mode(0o700).create(&config.data_dir).map_err(|error| {
        format!("data_dir: {} cannot be made: {error}", config.data_dir.display())
    })?;
    let keys = Keys::new(key_source(&config.keys, sdk.as_ref()), config.pace);
    for key in &config.allowed_keys {
        keys.allow(key.clone());
    }
    let serving = Serving { config, keys: Arc::new(keys), tally, sdk };
    match serving.config.queue.clone() {
        QueueChoice::Sqlite { path, bytes, age, free } => {
            let queue = Arc::new(SqliteQueue::open(&path, Bounds { bytes, age, free })?);
            for key in queue.keys() {
                serving.keys.learn(key);
            }
            let served = serving
                .serve(Arc::clone(&queue), Arc::clone(&queue), UnknownKeys::Held, hangup)
                .await;
            queue.close().await;
            served
        }
        QueueChoice::Sqs { events, rejected } => {
            let sdk = serving.sdk.as_ref().ok_or("SQS needs AWS's configuration")?;
            let (events, rejected) = (SqsQueue::new(sdk, events), SqsQueue::new(sdk, rejected));
            let inbox = SqsInbox::new(events.clone(), rejected);
            serving.serve(SqsOutbox::new(events), inbox, UnknownKeys::Refused, hangup).await
        }
    }
}

fn needs_aws(config: &Settings) -> bool {
    matches!(config.queue, QueueChoice::Sqs { .. })
        || matches!(config.keys, KeysChoice::Secret(_))
        || !config.sns_topics.is_empty()
}

fn key_source(choice: &KeysChoice, sdk: Option<&SdkConfig>) -> KeySource {
    match (choice, sdk) {
        (KeysChoice::Secret(name), Some(sdk)) => KeySource::secret(sdk, name.clone()),
        (KeysChoice::Text(text), _) => KeySource::Text(text.clone()),
        (KeysChoice::File(path), _) => KeySource::File(path.clone()),
        (KeysChoice::Secret(_) | KeysChoice::Nothing, _) => KeySource::Nothing,
    }
}

/// Everything that serving needs, except the queue.
struct Serving {
    config: Settings,
    keys: Arc<Keys>,
    tally: Arc<Tally>,
    sdk: Option<SdkConfig>,
}

impl Serving {
    async fn serve(
        &self,
        outbox: impl Outbox + Clone,
        inbox: impl Inbox,
        unknown_keys: UnknownKeys,
        hangup: Signal,
    ) -> Result<(), ServerError> {
        let config = &self.config;
        let http =
            config.listen.iter().map(|it| listen::bind(*it)).collect::<Result<Vec<_>, _>>()?;
        let https = config
            .listen_https
            .iter()
            .map(|it| listen::bind(*it))
            .collect::<Result<Vec<_>, _>>()?;
        let tls = if config.listen_https.is_empty() {
            None
        } else {
            Some(Certificate::load(&config.tls, &config.data_dir)?)
        };
        let reload = self.reload(tls.as_ref());
        // Before the keys are read, so that no change is missed.
        let seen = reload.stamps().await;
        let pagerduty = PagerDuty::new(config.pagerduty_url.clone(), tls::system_config())?;
        if config.verify_keys {
            keys::verify(&self.keys, &pagerduty).await?;
        }

        let bound = http.iter().chain(&https).map(|it| it.local_addr().map(|it| it.port()));
        let router = self.router(outbox, unknown_keys, bound.collect::<io::Result<_>>()?)?;
        let (stop, stopped) = watch::channel(false);
        let worker = Worker {
            pagerduty: pagerduty.clone(),
            keys: Arc::clone(&self.keys),
            queue: inbox,
            stop: stopped,
        };
        let delivery = pump::start(worker)?;

        let handle = Handle::new();
        let mut listeners = JoinSet::new();
        for listener in http {
            say(&format!("listening on http://{}", listener.local_addr()?));
            listeners.spawn(listen::answer(listener, router.clone(), None, handle.clone()));
        }
        for listener in https {
            say(&format!("listening on https://{}", listener.local_addr()?));
            let rustls = tls.as_ref().map(|tls| tls.rustls.clone());
            listeners.spawn(listen::answer(listener, router.clone(), rustls, handle.clone()));
        }
        self.warn_of_what_is_open();
        let mut background = JoinSet::new();
        background.spawn(reload.run(hangup, seen));
        background.spawn(check_daily(Arc::clone(&self.keys), pagerduty));

        let ended = tokio::select! {
            signal = asked_to_end() => signal,
            // A listener that ends by itself is broken.
            Some(broken) = listeners.join_next() => broken.map_err(io::Error::other).flatten(),
        };
        info!("shutting down: work in progress is finished first");
        background.abort_all();
        handle.graceful_shutdown(Some(GRACE));
        let _ = stop.send(true);
        while listeners.join_next().await.is_some() {}
        let delivered = tokio::task::spawn_blocking(move || delivery.join());
        if timeout(LAST_DELIVERIES, delivered).await.is_err() {
            warn!("a delivery did not end in time; its event is sent again after the next start");
        }
        Ok(ended?)
    }

    fn router<Q: Outbox + Clone>(
        &self,
        queue: Q,
        unknown_keys: UnknownKeys,
        ports: Vec<u16>,
    ) -> Result<Router, ServerError> {
        let config = &self.config;
        let access = Access {
            ports,
            local: config.local_clients,
            token: config.token.read()?.into(),
            unknown_keys,
        };
        let gateway = Gateway {
            queue: queue.clone(),
            keys: Arc::clone(&self.keys),
            access,
            tally: Arc::clone(&self.tally),
            runs_in: RunsIn::Server,
        };
        let mut router = gateway::router(Arc::new(gateway));
        if let (Some(sdk), false) = (&self.sdk, config.sns_topics.is_empty()) {
            let beside_queue = match &config.queue {
                QueueChoice::Sqlite { path, .. } => Some(path.with_extension("pages.db")),
                QueueChoice::Sqs { .. } => None,
            };
            let pages = Pages::Kept(pages::kept(beside_queue.as_deref()));
            let enrich = Enrich::new(config.enrich.clone(), sdk, queue, pages);
            let client = client::builder(tls::system_config()).build()?;
            let endpoint = SnsEndpoint::new(enrich, config.sns_topics.clone(), client);
            router = router.merge(sns::router(Arc::new(endpoint)));
        }
        Ok(router)
    }

    fn reload(&self, tls: Option<&Certificate>) -> keys::Reload {
        let mut files: Vec<PathBuf> = Vec::new();
        if let KeysChoice::File(path) = &self.config.keys {
            files.push(path.clone());
        }
        if let (Some(tls), TlsChoice::Files { .. }) = (tls, &self.config.tls) {
            files.extend([tls.chain.clone(), tls.key.clone()]);
        }
        let tls = tls.cloned();
        let others = Arc::new(move || {
            if let Some(tls) = &tls {
                tls.reload();
            }
        });
        let keys = match &self.config.keys {
            KeysChoice::File(_) | KeysChoice::Secret(_) => Some(Arc::clone(&self.keys)),
            KeysChoice::Text(_) | KeysChoice::Nothing => None,
        };
        let renew = matches!(self.config.keys, KeysChoice::Secret(_));
        keys::Reload { keys, renew, files, others }
    }

    fn warn_of_what_is_open(&self) {
        let plain = self.config.listen.iter().filter(|it| !is_own_address(it.ip()));
        for address in plain {
            warn!(
                %address,
                "other machines can reach this address, where routing keys travel unencrypted; \
                 listen_https encrypts"
            );
        }
        let own = [&self.config.listen[..], &self.config.listen_https[..]].concat();
        let others = listen::web_servers(&own);
        if self.config.local_clients == LocalClients::Trusted && !others.is_empty() {
            warn!(
                ports = ?others,
                "a web server runs on this machine: if it passes requests on to here, its clients count as \
                 local, may use any routing key and see the status page; then set \
                 trust_local_clients = false"
            );
        }
    }
}

/// The certificate in use, and its files.
#[derive(Clone)]
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    rustls: RustlsConfig,
}

impl Certificate {
    fn load(choice: &TlsChoice, data_dir: &Path) -> Result<Self, ServerError> {
        let (chain, key) = certificate::files(choice, data_dir)?;
        let rustls = RustlsConfig::from_config(tls::server_config(&chain, &key)?);
        if let TlsChoice::SelfSigned { .. } = choice {
            say(&format!("self-signed certificate: {}", chain.display()));
        }
        Ok(Self { chain, key, rustls })
    }

    fn reload(&self) {
        match tls::server_config(&self.chain, &self.key) {
            Ok(config) => {
                self.rustls.reload_from_config(config);
                info!("the certificate was read again");
            }
            Err(problem) => error!(%problem, "the certificate in memory stays in use"),
        }
    }
}

async fn check_daily(keys: Arc<Keys>, pagerduty: PagerDuty) {
    loop {
        tokio::time::sleep(HEALTH_CHECK).await;
        HealthCheck::of_keys().run(&keys, &pagerduty, "").await;
    }
}

async fn asked_to_end() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Tells a person who reads standard output where the server listens. A reader that closed the pipe
/// is not a reason to stop.
fn say(words: &str) {
    let _ = writeln!(io::stdout(), "pagetrail serve: {words}");
}
