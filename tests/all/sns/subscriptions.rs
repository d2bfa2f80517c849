//! Subscriptions: confirmed if they are ours; their end is reported.

use pagetrail::sns::fetch::FetchError;
use serde_json::Value;

use crate::sns::Served;
use crate::sns::amazon::{CERTIFICATE, HOST, confirmation, signed, subscribe_url};
use crate::support::alarms::topic;
use crate::support::lambda::REGION;

#[tokio::test]
async fn a_subscription_is_confirmed_by_one_visit() {
    let served = Served::start().await;
    served.amazon.has(&subscribe_url(), Ok(b"<ConfirmSubscriptionResponse/>".to_vec()));
    let answer = served.post(&confirmation("SubscriptionConfirmation")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(served.amazon.asked(), [CERTIFICATE.to_owned(), subscribe_url()]);
    assert!(served.queue.events().is_empty() && served.aws.operations().is_empty());
}

#[tokio::test]
async fn what_sns_does_not_confirm_is_asked_for_again() {
    for error in [FetchError::Status(500), FetchError::Time, FetchError::Redirected] {
        let served = Served::start().await;
        served.amazon.has(&subscribe_url(), Err(error));
        let answer = served.post(&confirmation("SubscriptionConfirmation")).await;
        assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("20")));
        assert_eq!(answer.body["field"], "SubscribeURL", "{answer:?}");
        assert!(answer.body["message"].as_str().unwrap().contains(&error.to_string()));
    }
}

#[tokio::test]
async fn only_the_topics_own_confirmation_is_visited() {
    let other = topic(REGION).replace("errors", "other");
    for url in [
        "https://evil.example/?Action=ConfirmSubscription".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        subscribe_url().replace(&topic(REGION), &other),
        subscribe_url().replace("ConfirmSubscription", "Unsubscribe"),
        subscribe_url().replace("2336412f37fb", "another"),
        format!("{HOST}/"),
    ] {
        let served = Served::start().await;
        let mut message = confirmation("SubscriptionConfirmation");
        message["SubscribeURL"] = Value::from(url.clone());
        let answer = served.post(&signed(message)).await;
        assert_eq!((answer.status, &answer.body["field"]), (403, &"SubscribeURL".into()), "{url}");
        assert_eq!(served.amazon.asked(), [CERTIFICATE], "{url}");
    }
}

#[tokio::test]
async fn the_end_of_a_subscription_is_taken_and_nothing_visited() {
    let served = Served::start().await;
    let answer = served.post(&confirmation("UnsubscribeConfirmation")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(served.amazon.asked(), [CERTIFICATE], "visiting would subscribe again");
    assert!(served.queue.events().is_empty());
}
