//! Called by the name `pd-send`; and the other spellings that both `pd-send` programs have.

use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::{Answer, KEY, Run, Server, TRIGGER, taken};

fn pd_send() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("pd-send");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pagetrail"), &link).unwrap();
    (directory, link)
}

#[tokio::test]
async fn pd_send_takes_the_same_options() {
    let (_directory, pd_send) = pd_send();
    let server = Server::taking().await;
    let run = Run::with(&[("PDSEND_EVENTS_BASE_URL", &server.url)]);
    run.program(&pd_send, &TRIGGER).await.printed(&taken().to_string());
    assert_eq!(server.only().json()["payload"]["summary"], "disk full");
}

#[tokio::test]
async fn its_messages_begin_with_its_name() {
    let (_directory, pd_send) = pd_send();
    let server = Server::start(Answer::text(500, "")).await;
    let run = Run::with(&[("PDSEND_EVENTS_BASE_URL", &server.url)]);
    run.program(&pd_send, &TRIGGER).await.failed(1, "pd-send: not sent: HTTP 500");
    let key = ["-k", KEY];
    for (arguments, expected) in [
        (&[&key[..], &["-t", "trigger"]].concat()[..], "pd-send: error: -t trigger needs -d"),
        (&key, "pd-send: error: the following required arguments were not provided"),
        (&["-t", KEY], "pd-send: error: invalid value '…cdef' for '--event-type <TYPE>'"),
        (&["send", "-t", "trigger"], "pd-send: error: unexpected argument 'send'"),
    ] {
        run.program(&pd_send, arguments).await.failed(2, expected);
    }
    let help = run.program(&pd_send, &["--help"]).await;
    assert_eq!(help.code, 0);
    assert!(help.out.contains("Usage: pd-send ") && help.out.contains("--incident-key"));
}

#[tokio::test]
async fn argparses_spellings_are_taken() {
    let server = Server::taking().await;
    let expected = json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": "k",
        "payload": {
            "summary": "full", "source": "db-1", "severity": "error",
            "component": "c", "class": "d", "custom_details": {"a": "b=c"},
        },
    });
    let key = format!("-k{KEY}");
    let spellings = [
        // PDaltagent's, the short ones joined to their values.
        vec![&*key, "-ttrigger", "-dfull", "-ik", "-odb-1", "-serror", "-mc", "-ld", "-fa=b=c"],
        // Long ones, with and without a sign, abbreviated, and one of them twice.
        vec![
            "--routing-key",
            KEY,
            "--event-type=trigger",
            "--desc",
            "none",
            "--descr=full",
            "--incident=k",
            "--so",
            "db-1",
            "--sev=error",
            "--comp=c",
            "--class=d",
            "--fi=a=b=c",
        ],
        // PagerDuty's: one dash before more than one letter.
        vec![
            "--service-key",
            KEY,
            "-api",
            "V2",
            "-t",
            "trigger",
            "-d",
            "full",
            "-i",
            "k",
            "-src",
            "db-1",
            "-s=error",
            "-cmp=c",
            "-cls",
            "d",
            "-f",
            "a=b=c",
        ],
        // The names that PagerDuty's API has today.
        vec![
            "--routing-key",
            KEY,
            "--event-action",
            "trigger",
            "--summary",
            "full",
            "--dedup-key",
            "k",
            "--source",
            "db-1",
            "--severity",
            "error",
            "--component",
            "c",
            "--class",
            "d",
            "--field",
            "a=b=c",
        ],
    ];
    for arguments in &spellings {
        let ended = server.send(arguments).await;
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.err);
        let request = server.requests.lock().unwrap().pop().unwrap();
        assert_eq!(request.json(), expected, "{arguments:?}");
    }
}
