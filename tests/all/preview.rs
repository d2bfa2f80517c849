//! `pagetrail preview` and `coverage` without AWS: what is missing is said plainly.
//! What they print with AWS is tested against the emulator, in tests/e2e.

use std::process::{Command, Output};

/// Runs pagetrail as on a machine where nothing of AWS is set up.
fn pagetrail(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_pagetrail"))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        // Otherwise it would ask the address of EC2's metadata service.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = pagetrail(arguments, variables);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:errors";

#[test]
fn without_a_region_or_credentials_it_says_what_to_do() {
    let error = refusal(&["preview", "--alarm", "x"], &[]);
    assert!(error.contains("no Region: pass --region"), "{error}");
    for command in [&["preview", "--alarm", "x"][..], &["coverage", "--topic", TOPIC]] {
        let error = refusal(&[command, &["--region", "eu-west-1"]].concat(), &[]);
        assert!(error.contains("no AWS credentials: run 'aws configure'"), "{error}");
    }
}

#[test]
fn wrong_arguments_name_the_flag() {
    let error = refusal(&["preview"], &[]);
    assert!(error.contains("--alarm"), "{error}");
    let error = refusal(&["preview", "--alarm", "x", "--send"], &[]);
    assert!(error.contains("PAGETRAIL_ROUTING_KEY must hold"), "{error}");
    let key = "0123456789abcdef0123456789abcdef";
    let error = refusal(
        &["preview", "--alarm", "x", "--send", "--url", "http://events.example/"],
        &[("PAGETRAIL_ROUTING_KEY", key)],
    );
    assert!(error.contains("--url must be https"), "{error}");
    assert!(!error.contains(key), "{error}");
    let error = refusal(&["coverage", "--topic", "errors"], &[]);
    assert!(error.contains("--topic must be the ARN"), "{error}");
}

#[test]
fn an_event_file_that_cannot_be_read_is_named() {
    let credentials = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let arguments = |file| ["preview", "--region", "eu-west-1", "--event", file];
    let error = refusal(&arguments("/no/such/file"), &credentials);
    assert!(error.contains("--event /no/such/file"), "{error}");
    let error = refusal(&arguments("Cargo.toml"), &credentials);
    assert!(error.contains("not JSON"), "{error}");
}

#[test]
fn a_message_that_is_no_alarm_is_previewed_as_it_would_page() {
    let credentials = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), r#"{"disk": "full", "owner": "jo@example.com"}"#).unwrap();
    let path = file.path().to_str().unwrap();
    let output =
        pagetrail(&["preview", "--region", "eu-west-1", "--json", "--event", path], &credentials);
    let event: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let message = &event["payload"]["custom_details"]["1 message"];
    assert_eq!(message, &serde_json::json!({"disk": "full", "owner": "[redacted: email]"}));
}
