//! The routing keys: checked at start, read again without a gap.

use std::fs;

use serde_json::json;

use crate::harness::{KEY, Setup, client, resolve, trigger, until};
use crate::support::pagerduty::{PagerDuty, unknown_key};

const OTHER: &str = "fedcba9876543210fedcba9876543210";

async fn refusing(key: &'static str) -> PagerDuty {
    let pagerduty = PagerDuty::start().await;
    pagerduty.always_where(move |event| event["routing_key"] == key, unknown_key());
    pagerduty
}

#[tokio::test]
async fn without_a_usable_key_it_does_not_start_and_says_which() {
    let pagerduty = refusing(KEY).await;
    let (code, said) = Setup::new(&pagerduty.url()).run().await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("PagerDuty accepts none of the routing keys: …cdef"), "{said}");
    assert!(!said.contains(KEY), "{said}");
}

#[tokio::test]
async fn a_refused_key_is_told_and_set_aside() {
    let pagerduty = refusing(OTHER).await;
    let keys = json!({"default": [OTHER, KEY]}).to_string();
    let server =
        Setup::new(&pagerduty.url()).variable("PAGETRAIL_ROUTING_KEYS", &keys).start().await;
    assert!(server.log().contains("does not accept the routing key: it is set aside"));
    assert!(!server.log().contains(OTHER), "{}", server.log());
    let answer = client()
        .post(&server.url)
        .body(r#"{"event_action":"trigger","dedup_key":"k","payload":{"summary":"s","source":"h","severity":"info"}}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    until("it went through the key that is left", || {
        pagerduty.accepted().iter().any(|event| event["dedup_key"] == "k")
    })
    .await;
}

#[tokio::test]
async fn where_pagerduty_is_away_it_starts_and_delivers_later() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Setup::new(&format!("http://{closed}/v2/enqueue")).start().await;
    assert!(server.log().contains("could not be checked now"), "{}", server.log());
    assert_eq!(server.post(&client(), &trigger("k")).await.0, 202);
}

#[tokio::test]
async fn a_changed_file_and_a_sighup_are_taken_without_a_gap() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url()).variable("PAGETRAIL_ROUTING_KEYS", "");
    let file = setup.path("keys");
    fs::write(&file, KEY).unwrap();
    let setup = setup.variable("PAGETRAIL_ROUTING_KEYS_FILE", &file);
    let server = setup.start().await;
    let client = client();
    assert_eq!(server.post(&client, &trigger("before")).await.0, 202);
    // Not by loopback's privilege: as somebody from elsewhere.
    let elsewhere = async |key: &str| {
        let mut event = resolve("k");
        event["routing_key"] = json!(key);
        let request = client.post(format!("{}/v2/enqueue", server.url));
        let request = request.header("x-forwarded-for", "192.0.2.1").body(event.to_string());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(elsewhere(OTHER).await, 400);
    fs::write(&file, format!("{KEY}\n{OTHER}\n")).unwrap();
    until("the file's new content is in use", || {
        server.log().contains("the routing keys were read again")
    })
    .await;
    assert_eq!(elsewhere(OTHER).await, 202);
    assert_eq!(elsewhere(KEY).await, 202);

    fs::write(&file, "no key").unwrap();
    until("a faulty file is told", || {
        server.log().contains("the routing keys in memory stay in use")
    })
    .await;
    assert_eq!(elsewhere(KEY).await, 202);
    fs::write(&file, OTHER).unwrap();
    server.signal("-HUP");
    until("read again", || server.log().matches("the routing keys were read again").count() >= 2)
        .await;
    assert_eq!(elsewhere(KEY).await, 400);
}

#[tokio::test]
async fn a_keys_file_that_hangs_holds_nothing_up() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url()).variable("PAGETRAIL_ROUTING_KEYS", "");
    let file = setup.path("keys");
    fs::write(&file, KEY).unwrap();
    let server = setup.variable("PAGETRAIL_ROUTING_KEYS_FILE", &file).start().await;
    fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    // From elsewhere, so that the unknown key leads to a read, which hangs.
    let unknown = client()
        .post(format!("{}/v2/enqueue", server.url))
        .header("x-forwarded-for", "192.0.2.1")
        .body(trigger("k").to_string().replace(KEY, OTHER));
    let unknown = tokio::spawn(unknown.send());
    for number in 0..20 {
        assert_eq!(server.post(&client(), &trigger(&format!("k-{number}"))).await.0, 202);
    }
    until("all are delivered", || pagerduty.accepted().len() >= 20).await;
    assert_eq!(unknown.await.unwrap().unwrap().status(), 503, "whether it is known cannot be said");
    until("it is told", || server.log().contains("the routing keys in memory stay in use")).await;
    // It goes on when the file can be read again.
    fs::remove_file(&file).unwrap();
    fs::write(&file, OTHER).unwrap();
    until("the new file is in use", || server.log().contains("were read again")).await;
}

#[tokio::test]
async fn a_resolve_finds_its_trigger_after_a_key_joined_the_pool() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url()).variable("PAGETRAIL_ROUTING_KEYS", "");
    let file = setup.path("keys");
    fs::write(&file, KEY).unwrap();
    let server = setup.variable("PAGETRAIL_ROUTING_KEYS_FILE", &file).start().await;
    let client = client();
    let post = async |mut event: serde_json::Value| {
        event.as_object_mut().unwrap().remove("routing_key");
        let sent = client.post(&server.url).body(event.to_string()).send().await.unwrap();
        assert_eq!(sent.status(), 202);
    };
    let alerts: Vec<String> = (0..20).map(|number| format!("alert-{number}")).collect();
    let through = |action: &str, key: &str| {
        let accepted = pagerduty.accepted().into_iter().filter(|event| {
            event["event_action"] == action
                && event["routing_key"] == key
                && event["dedup_key"].as_str().is_some_and(|it| it.starts_with("alert-"))
        });
        accepted.count()
    };
    for alert in &alerts {
        post(trigger(alert)).await;
    }
    until("all are open", || through("trigger", KEY) == 20).await;
    fs::write(&file, format!("{KEY}\n{OTHER}\n")).unwrap();
    until("the new key is known", || server.log().contains("were read again")).await;
    for alert in &alerts {
        post(resolve(alert)).await;
    }
    until("all are resolved where they were opened", || through("resolve", KEY) == 20).await;
}
