//! Certificates: fetched seldom, together, and only good ones.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use pagetrail::sns::fetch::FetchError;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::sns::amazon::{CERTIFICATE, HOST, Issued, confirmation, signed};
use crate::sns::{Served, until};

/// A message that needs nothing but the certificate.
fn message() -> Value {
    confirmation("UnsubscribeConfirmation")
}

fn made_up(number: usize) -> String {
    format!("{HOST}/SimpleNotificationService-{number}.pem")
}

fn naming(url: &str) -> Value {
    let mut message = message();
    message["SigningCertURL"] = url.into();
    message
}

#[tokio::test]
async fn many_at_once_share_one_fetch() {
    let served = Served::start().await;
    let gate = Arc::new(Semaphore::new(0));
    served.amazon.wait_for(&gate);
    let requests = (0..20).map(|_| tokio::spawn(served.post(&message())));
    let requests: Vec<_> = requests.collect();
    until(|| !served.amazon.asked().is_empty()).await;
    gate.add_permits(1);
    for request in join_all(requests).await {
        assert_eq!(request.unwrap().status, 200);
    }
    assert_eq!(served.amazon.asked(), [CERTIFICATE]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_failed_is_not_repeated_at_once() {
    let served = Served::start().await;
    served.amazon.has(CERTIFICATE, Err(FetchError::Connection));
    for _ in 0..3 {
        let answer = served.post(&message()).await;
        assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("20")));
        assert_eq!(answer.body["field"], "SigningCertURL");
    }
    assert_eq!(served.amazon.asked().len(), 1);
    served.amazon.has(CERTIFICATE, Ok(Issued::default().pem()));
    assert_eq!(served.post(&message()).await.status, 503);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(served.post(&message()).await.status, 200);
    assert_eq!(served.amazon.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn made_up_addresses_make_no_storm_and_do_not_hinder_a_known_certificate() {
    let served = Served::start().await;
    assert_eq!(served.post(&message()).await.status, 200);
    for number in 0..100 {
        assert_eq!(served.post(&naming(&made_up(number))).await.status, 503);
    }
    assert_eq!(served.amazon.asked().len(), 1 + 16);
    assert_eq!(served.post(&message()).await.status, 200);
}

#[tokio::test]
async fn what_is_no_certificate_of_sns_for_now_is_not_used() {
    let hundred_kilobytes = vec![b'A'; 100_000];
    for (file, word) in [
        (Issued { from: -9, until: -1, ..Issued::default() }.pem(), "expired"),
        (Issued { from: 1, until: 9, ..Issued::default() }.pem(), "clock"),
        (Issued { name: "sns.evil.example", ..Issued::default() }.pem(), "not for SNS"),
        (Issued { rsa: false, ..Issued::default() }.pem(), "RSA"),
        (b"<html>".to_vec(), "not a certificate"),
        (hundred_kilobytes, "not a certificate"),
    ] {
        let served = Served::start().await;
        served.amazon.has(CERTIFICATE, Ok(file));
        let answer = served.post(&message()).await;
        assert_eq!(answer.status, 503, "{word}");
        assert!(answer.body["message"].as_str().unwrap().contains(word), "{answer:?}");
    }
}

#[tokio::test]
async fn another_certificate_of_sns_is_fetched_when_a_message_names_it() {
    let served = Served::start().await;
    served.amazon.has(&made_up(7), Ok(Issued::default().pem()));
    for url in [CERTIFICATE, &made_up(7), CERTIFICATE, &made_up(7)] {
        assert_eq!(served.post(&signed(naming(url))).await.status, 200);
    }
    assert_eq!(served.amazon.asked(), [CERTIFICATE.to_owned(), made_up(7)]);
}
