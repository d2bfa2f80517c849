//! Amazon SNS's part: signs messages, and answers at its own host.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{SecondsFormat, TimeDelta, Utc};
use pagetrail::sns::fetch::{Fetch, FetchError};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use crate::support::alarms::topic;
use crate::support::lambda::REGION;

const KEY: &str = include_str!("../../fixtures/sns/test-only-key.pem");
pub(crate) const HOST: &str = "https://sns.ap-northeast-1.amazonaws.com";
/// The certificate that messages name unless a test says otherwise.
pub(crate) const CERTIFICATE: &str = "https://sns.ap-northeast-1.amazonaws.com/\
     SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";

static SIGNER: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    let key: String = KEY.lines().filter(|line| !line.starts_with('-')).collect();
    RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(key).unwrap()).unwrap()
});

/// SNS's host; clones share one.
#[derive(Clone, Default)]
pub(crate) struct Amazon(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pages: HashMap<String, Result<Vec<u8>, FetchError>>,
    asked: Vec<String>,
    gate: Option<Arc<Semaphore>>,
}

impl Amazon {
    /// What the host has at an address.
    pub(crate) fn has(&self, url: &str, page: Result<Vec<u8>, FetchError>) {
        self.0.lock().unwrap().pages.insert(url.to_owned(), page);
    }

    /// All addresses that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    /// Answers nothing until the gate has permits.
    pub(crate) fn wait_for(&self, gate: &Arc<Semaphore>) {
        self.0.lock().unwrap().gate = Some(Arc::clone(gate));
    }
}

impl Fetch for Amazon {
    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let (page, gate) = {
            let mut state = self.0.lock().unwrap();
            state.asked.push(url.to_string());
            let page = match state.pages.get(url.as_str()) {
                Some(page) => page.clone(),
                None if url.as_str() == CERTIFICATE => Ok(Issued::default().pem()),
                None => Err(FetchError::Status(404)),
            };
            (page, state.gate.clone())
        };
        if let Some(gate) = gate {
            drop(gate.acquire().await.unwrap());
        }
        page
    }
}

/// A certificate to be made.
pub(crate) struct Issued {
    pub(crate) name: &'static str,
    /// Days from now.
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) rsa: bool,
}

impl Default for Issued {
    fn default() -> Self {
        Self { name: "sns.amazonaws.com", from: -30, until: 300, rsa: true }
    }
}

impl Issued {
    pub(crate) fn pem(&self) -> Vec<u8> {
        let mut params = CertificateParams::new(vec![self.name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, self.name);
        let day =
            |days: i64| (std::time::SystemTime::from(Utc::now() + TimeDelta::days(days))).into();
        (params.not_before, params.not_after) = (day(self.from), day(self.until));
        let key = if self.rsa {
            KeyPair::from_pem_and_sign_algo(KEY, &PKCS_RSA_SHA256)
        } else {
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        };
        params.self_signed(&key.unwrap()).unwrap().pem().into_bytes()
    }
}

/// A notification with this message, signed.
pub(crate) fn notification(message: &str) -> Value {
    signed(json!({
        "Type": "Notification",
        "MessageId": format!("7ad5ecb2-0d6c-5f3d-9a1d-{:012}", fastrand::u32(..)),
        "TopicArn": topic(REGION),
        "Subject": "ALARM: \"shop\" in Asia Pacific (Tokyo)",
        "Message": message,
        "Timestamp": now(),
        "UnsubscribeURL": format!("{HOST}/?Action=Unsubscribe&SubscriptionArn={}:1", topic(REGION)),
    }))
}

/// A confirmation of this type, signed.
pub(crate) fn confirmation(kind: &str) -> Value {
    signed(json!({
        "Type": kind,
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": topic(REGION),
        "Token": "2336412f37fb",
        "Message": "You have chosen to subscribe to the topic.\nTo confirm, visit the URL.",
        "SubscribeURL": subscribe_url(),
        "Timestamp": now(),
    }))
}

pub(crate) fn subscribe_url() -> String {
    let topic = topic(REGION);
    format!("{HOST}/?Action=ConfirmSubscription&TopicArn={topic}&Token=2336412f37fb")
}

/// The message with a signature of version 2 and the certificate's address, where it names
/// no other.
pub(crate) fn signed(mut message: Value) -> Value {
    let names: &[&str] = match message["Type"].as_str() {
        Some("Notification") => {
            &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        }
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let line = |name: &&str| Some(format!("{name}\n{}\n", message[*name].as_str()?));
    let text: String = names.iter().filter_map(line).collect();
    let mut signature = vec![0; rsa_length()];
    SIGNER
        .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .expect("the key signs");
    message["SignatureVersion"] = "2".into();
    message["Signature"] = BASE64_STANDARD.encode(signature).into();
    if message.get("SigningCertURL").is_none() {
        message["SigningCertURL"] = CERTIFICATE.into();
    }
    message
}

fn rsa_length() -> usize {
    let key: &rsa::PublicKey = SIGNER.public();
    key.modulus_len()
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}
