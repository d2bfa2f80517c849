//! `pagetrail rejected --file`: what PagerDuty refused for good is shown beside the running
//! server, and goes out when it was put back.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Setup, client, trigger, until};
use crate::support::pagerduty::{PagerDuty, invalid};

/// Runs the command on the server's queue: its code, and what it said.
fn rejected(setup: &Setup, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pagetrail"));
    command.args(["rejected", "--file", &setup.path("data/queue.db")]).args(arguments);
    let output = command.env_clear().output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn shown_beside_the_server_and_put_back_when_it_is_stopped() {
    let pagerduty = PagerDuty::start().await;
    let bad = |event: &Value| event["dedup_key"] == "bad" || event["dedup_key"] == "worse";
    pagerduty.always_where(bad, invalid(&["odd summary"]));
    let setup = Setup::new(&pagerduty.url());
    let mut server = setup.start().await;
    for key in ["bad", "worse", "good"] {
        assert_eq!(server.post(&client(), &trigger(key)).await.0, 202);
    }
    until("both lie there", || rejected(&setup, &["list"]).1.contains("2 rejected")).await;
    let (code, list) = rejected(&setup, &["list"]);
    assert_eq!(code, 0, "{list}");
    let id = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    let ids: Vec<String> = list.lines().filter(|it| it.contains("disk 98 %")).map(id).collect();
    assert_eq!(ids.len(), 2, "{list}");
    assert!(list.contains("400") && list.contains("odd summary"), "{list}");
    let (_, shown) = rejected(&setup, &["show", &ids[0]]);
    assert!(shown.contains("\"dedup_key\": \"bad\"") && shown.contains("status"), "{shown}");
    for change in ["retry", "discard"] {
        let (code, said) = rejected(&setup, &[change, &ids[0]]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("is still running: stop it first"), "{said}");
    }

    server.signal("-TERM");
    server.ended().await;
    assert_eq!(rejected(&setup, &["discard", "999999"]).0, 1, "there is no such event");
    assert_eq!(rejected(&setup, &["discard", &ids[1]]).1, format!("{} discarded\n", ids[1]));
    assert_eq!(rejected(&setup, &["retry", "--all"]).1, format!("{} sent again\n", ids[0]));
    assert!(rejected(&setup, &["list"]).1.contains("0 rejected"));
    pagerduty.recover();
    let _server = setup.start().await;
    let arrived = || pagerduty.accepted().iter().any(|event| event["dedup_key"] == "bad");
    until("it arrived", arrived).await;
    assert!(!pagerduty.accepted().iter().any(|event| event["dedup_key"] == "worse"));
}

/// Runs `pd-queue` in the server's data directory: its code, and what it said.
fn pd_queue(setup: &Setup, arguments: &[&str]) -> (i32, String) {
    let link = setup.path("pd-queue");
    if !std::path::Path::new(&link).exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pagetrail"), &link).unwrap();
    }
    let mut command = Command::new(link);
    command.args(arguments).env_clear().env("PAGETRAIL_DATA_DIR", setup.path("data"));
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn pd_queue_shows_and_retries_as_pagerdutys_agent_does() {
    let pagerduty = PagerDuty::start().await;
    pagerduty.always_where(|event| event["dedup_key"] == "bad", invalid(&["odd summary"]));
    let setup = Setup::new(&pagerduty.url());
    let mut server = setup.start().await;
    assert_eq!(pd_queue(&setup, &["status"]), (0, "Nothing to report.\n".to_owned()));
    assert_eq!(server.post(&client(), &trigger("bad")).await.0, 202);
    let row = |(code, said): (i32, String)| {
        assert_eq!(code, 0, "{said}");
        let row = said.lines().nth(2).unwrap_or_default().to_owned();
        row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    until("it lies there", || pd_queue(&setup, &["status"]).1.contains("         1\n")).await;
    assert_eq!(row(pd_queue(&setup, &["status"]))[1..], ["0", "-", "1"]);
    let other = "ffffffffffffffffffffffffffffffff";
    assert_eq!(pd_queue(&setup, &["status", "-k", other]).1, "Nothing to report.\n");
    assert_eq!(pd_queue(&setup, &["retry"]).0, 2, "a key or all");
    let (code, said) = pd_queue(&setup, &["retry", "-a"]);
    assert!(code == 1 && said.contains("stop it first"), "{code} {said}");
    server.signal("-TERM");
    server.ended().await;
    let none = pd_queue(&setup, &["retry", "-k", other]);
    assert_eq!(none, (0, "0 event(s) set up for retry.\n".to_owned()));
    let one = pd_queue(&setup, &["retry", "-a"]);
    assert_eq!(one, (0, "1 event(s) set up for retry.\n".to_owned()));
    assert_eq!(row(pd_queue(&setup, &["status"]))[1..], ["1", "-", "0"]);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let setup = Setup::new("http://127.0.0.1:9/v2/enqueue");
    let (code, said) = rejected(&setup, &["list"]);
    assert_eq!(code, 2);
    assert!(said.contains("/data"), "{said}");
    std::fs::create_dir(setup.path("data")).unwrap();
    let (code, said) = rejected(&setup, &["list"]);
    assert_eq!(code, 2);
    assert!(said.contains("there is no queue") && said.contains("queue.db"), "{said}");
}
