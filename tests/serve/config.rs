//! The configuration: checked without starting, all faults at once; the example that ships.

use std::fs;
use std::path::Path;

use crate::harness::{KEY, Setup};

fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("infra/server/pagetrail.toml");
    fs::read_to_string(path).unwrap()
}

fn checking(text: &str) -> Setup {
    let setup = Setup::new("http://127.0.0.1:1/v2/enqueue").argument("--check-config");
    fs::write(setup.path("pagetrail.toml"), text).unwrap();
    setup
}

#[tokio::test]
async fn the_example_that_ships_is_in_order() {
    let (code, said) = checking(&example()).run().await;
    assert_eq!((code, said.as_str()), (0, "pagetrail serve: the configuration is valid\n"));
}

#[tokio::test]
async fn every_line_of_the_example_is_in_order_where_it_is_taken_into_use() {
    let setup = Setup::new("http://127.0.0.1:1/v2/enqueue").argument("--check-config");
    for name in ["keys", "token"] {
        fs::write(setup.path(name), KEY).unwrap();
    }
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(setup.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::write(setup.path("certificate.pem"), made.cert.pem()).unwrap();
    let mut used = 0;
    let mut text = String::new();
    // One of three ways to give the keys, and one of two for the token.
    let others = ["routing_keys =", "routing_key_secret_arn", "token =", "rejected_queue_url"];
    for line in example().lines() {
        let setting = line.strip_prefix('#').filter(|line| line.starts_with(char::is_alphabetic));
        match setting {
            Some(line) if others.iter().any(|other| line.starts_with(other)) => {}
            Some(line) => {
                used += 1;
                text += line;
            }
            None => text += line,
        }
        text.push('\n');
    }
    let text = text
        .replace("/etc/pagetrail/routing-keys", &setup.path("keys"))
        .replace("/etc/pagetrail/token", &setup.path("token"))
        .replace("/etc/pagetrail/certificate.pem", &setup.path("certificate.pem"))
        .replace("/etc/pagetrail/certificate-key.pem", &setup.path("key.pem"));
    fs::write(setup.path("pagetrail.toml"), &text).unwrap();
    let setup = setup.variable("PAGETRAIL_ROUTING_KEYS", "");
    let (code, said) = setup.run().await;
    assert_eq!(code, 0, "{said}");
    assert!(used > 20, "{used} settings were used");
}

#[tokio::test]
async fn all_faults_at_once_with_their_lines() {
    let (code, said) =
        checking("listne = \"x\"\nqueue = \"redis\"\n\n[routing_keys]\ndb = \"short\"\n")
            .run()
            .await;
    assert_eq!(code, 2);
    for part in [
        "faults in the configuration:\n",
        "pagetrail.toml, line 1: no such setting; did you mean listen?\n",
        "pagetrail.toml, line 2: queue is not valid",
    ] {
        assert!(said.contains(part), "{part} not in {said}");
    }
    let (code, said) = Setup::new("ftp://x").variable("PAGETRAIL_LISTEN", "x").run().await;
    assert_eq!(code, 2);
    assert!(said.contains("PAGETRAIL_LISTEN is not valid"), "{said}");
    assert!(said.contains("PAGETRAIL_PAGERDUTY_URL is not valid"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_named_must_be_there() {
    let setup = Setup::new("http://127.0.0.1:1/v2/enqueue");
    let (code, said) = setup.argument("--config").argument("nowhere.toml").run().await;
    assert_eq!(code, 2);
    assert!(said.contains("nowhere.toml: No such file"), "{said}");
}
