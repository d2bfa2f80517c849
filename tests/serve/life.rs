//! A server's life: HTTP and HTTPS, an orderly end, one process to a queue.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

use crate::harness::{Setup, client, post, resolve, trigger, until};
use crate::support::pagerduty::{PagerDuty, taken};

#[tokio::test]
async fn what_is_posted_arrives_in_order() {
    let pagerduty = PagerDuty::start().await;
    let server = Setup::new(&pagerduty.url()).start().await;
    let client = client();
    let (status, answer) = server.post(&client, &trigger("k")).await;
    assert_eq!(status, 202, "{answer} {}", server.log());
    assert_eq!(
        answer,
        json!({"status": "success", "message": "Event processed", "dedup_key": "k"})
    );
    assert_eq!(server.post(&client, &resolve("k")).await.0, 202);
    let actions = || {
        let events = pagerduty.accepted().into_iter().filter(|event| event["dedup_key"] == "k");
        events.map(|event| event["event_action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    until("both arrived", || actions().len() == 2).await;
    assert_eq!(actions(), ["trigger", "resolve"]);
}

#[tokio::test]
async fn at_sigterm_it_finishes_what_is_under_way() {
    let pagerduty = PagerDuty::start().await;
    pagerduty.always_where(
        |event| event["dedup_key"] == "slow",
        taken(&json!({})).after(Duration::from_secs(2)),
    );
    let setup = Setup::new(&pagerduty.url());
    let mut server = setup.start().await;
    assert_eq!(server.post(&client(), &trigger("slow")).await.0, 202);
    until("it is under way", || {
        pagerduty.events().iter().any(|event| event["dedup_key"] == "slow")
    })
    .await;
    server.signal("-TERM");
    assert_eq!(server.ended().await.code(), Some(0));
    let delivered =
        |count: usize| pagerduty.dedup_keys().iter().filter(|key| *key == "slow").count() == count;
    assert!(delivered(1));
    // Nothing of it is left to be delivered again.
    let server = setup.start().await;
    assert_eq!(server.post(&client(), &trigger("next")).await.0, 202);
    until("the next one arrived", || pagerduty.dedup_keys().contains(&"next".to_owned())).await;
    assert!(delivered(1));
}

#[tokio::test]
async fn at_sigterm_no_attempt_begins_and_none_is_made_twice() {
    let pagerduty = PagerDuty::start().await;
    pagerduty.always_where(
        |event| event["dedup_key"] == "slow",
        taken(&json!({})).after(Duration::from_secs(3)),
    );
    let setup = Setup::new(&pagerduty.url());
    let mut server = setup.start().await;
    for number in 0..9 {
        let mut event = trigger("slow");
        event["payload"]["summary"] = format!("no. {number}").into();
        assert_eq!(server.post(&client(), &event).await.0, 202);
    }
    let summaries = || {
        let events = pagerduty.events().into_iter().filter(|event| event["dedup_key"] == "slow");
        events.map(|event| event["payload"]["summary"].clone()).collect::<Vec<_>>()
    };
    until("the second is under way", || summaries().len() == 2).await;
    server.signal("-TERM");
    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(summaries(), ["no. 0", "no. 1"]);
    pagerduty.recover();
    let _server = setup.start().await;
    until("the rest arrived", || summaries().len() == 9).await;
    assert_eq!(summaries()[2..4], ["no. 2", "no. 3"]);
}

#[tokio::test]
async fn a_second_process_on_the_same_queue_is_refused() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url());
    let server = setup.start().await;
    let (code, said) = setup.run().await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("queue.db"), "{said}");
    assert_eq!(server.post(&client(), &trigger("k")).await.0, 202, "the first goes on");
}

#[tokio::test]
async fn an_address_in_use_is_told_with_the_fix() {
    let pagerduty = PagerDuty::start().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let setup = Setup::new(&pagerduty.url()).variable("PAGETRAIL_LISTEN", &address);
    let (code, said) = setup.run().await;
    assert_eq!(code, 1);
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(said.contains("choose another address with listen"), "{said}");
}

#[tokio::test]
async fn https_with_a_certificate_of_its_own_making() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url())
        .variable("PAGETRAIL_LISTEN", "none")
        .variable("PAGETRAIL_LISTEN_HTTPS", "127.0.0.1:0");
    let server = setup.start().await;
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let made = fs::read(setup.path("data/certificate.pem")).unwrap();
    let client = trusting(&made);
    assert_eq!(post(&client, &server.url, &trigger("k")).await.unwrap().0, 202);
    drop(server);
    let server = setup.start().await;
    assert_eq!(fs::read(setup.path("data/certificate.pem")).unwrap(), made, "it is kept");
    assert_eq!(post(&client, &server.url, &trigger("k")).await.unwrap().0, 202);
}

#[tokio::test]
async fn a_certificate_that_was_replaced_is_used_without_a_restart() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url());
    let write = || {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        fs::write(setup.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        fs::write(setup.path("cert.pem"), made.cert.pem()).unwrap();
        trusting(made.cert.pem().as_bytes())
    };
    let first = write();
    let (certificate, key) = (setup.path("cert.pem"), setup.path("key.pem"));
    let running = setup
        .variable("PAGETRAIL_LISTEN", "none")
        .variable("PAGETRAIL_LISTEN_HTTPS", "127.0.0.1:0")
        .variable("PAGETRAIL_TLS_CERTIFICATE_FILE", &certificate)
        .variable("PAGETRAIL_TLS_KEY_FILE", &key);
    let server = running.start().await;
    assert_eq!(post(&first, &server.url, &trigger("k")).await.unwrap().0, 202);
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::write(&certificate, made.cert.pem()).unwrap();
    server.signal("-HUP");
    until("it was read again", || server.log().contains("certificate was read again")).await;
    let second = trusting(made.cert.pem().as_bytes());
    assert_eq!(post(&second, &server.url, &trigger("k")).await.unwrap().0, 202);
}

#[tokio::test]
async fn ipv6_is_listened_on_too() {
    let pagerduty = PagerDuty::start().await;
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("this machine has no IPv6");
        return;
    }
    let setup = Setup::new(&pagerduty.url()).variable("PAGETRAIL_LISTEN", "[::1]:0");
    let server = setup.start().await;
    assert!(server.url.starts_with("http://[::1]:"), "{}", server.url);
    assert_eq!(server.post(&client(), &trigger("k")).await.0, 202);
}

fn trusting(pem: &[u8]) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}
