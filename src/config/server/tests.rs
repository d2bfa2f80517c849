//! What a server's configuration file and environment give.

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn read(text: &str) -> Result<Settings, String> {
    let file = ConfigFile::parse("pagetrail.toml", text, &SETTINGS);
    read_server(file, |_: &str| None).map_err(|error| error.to_string())
}

#[test]
fn defaults_listen_on_this_machine_only() {
    let config = read("").unwrap();
    assert_eq!(config.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert!(config.listen_https.is_empty() && !config.is_reachable());
    let QueueChoice::Sqlite { path, bytes, .. } = config.queue else { panic!() };
    assert_eq!((path, bytes), (PathBuf::from("/var/lib/pagetrail/queue.db"), 1 << 30));
    assert!(matches!(config.keys, KeysChoice::Nothing));
}

#[test]
fn beyond_this_machine_keys_must_be_known() {
    let fault = read("listen = \"0.0.0.0:8080\"").unwrap_err();
    assert!(fault.contains("clients on other machines need a routing key"), "{fault}");
    let config = read(&format!("listen = \"[::]:8080\"\nallowed_keys = [\"{KEY}\"]")).unwrap();
    assert!(config.is_reachable());
    assert!(read("listen = \"[::ffff:127.0.0.1]:1\"").is_ok());
}

#[test]
fn all_faults_at_once_with_their_lines_and_no_key_in_them() {
    let fault = read(&format!(
        "listen = \"here\"\nqueue = \"redis\"\nrouting_keys = \"{KEY}x\"\n\
         routing_keys_file = \"/nowhere\"\ntoken = \"short\"\nrate_per_minute = 0\n\
         sns_topics = [\"errors\"]\nverify_keys = \"yes\"\ntls_key_file = \"key.pem\"\n"
    ))
    .unwrap_err();
    for part in [
        "line 1: listen is not valid",
        "line 2: queue is not valid: it must be sqlite, sqlite:FILE, or sqs:URL",
        "line 3: routing_keys and pagetrail.toml, line 4: routing_keys_file are both set",
        "line 3: routing_keys: the routing keys must be 32 letters",
        "line 5: token is not valid: it must be at least 16 characters",
        "line 6: rate_per_minute is not valid",
        "line 7: sns_topics is not valid",
        "line 8: verify_keys is not valid",
        "tls_certificate_file (or PAGETRAIL_TLS_CERTIFICATE_FILE) is not set",
    ] {
        assert!(fault.contains(part), "{part} not in {fault}");
    }
    assert!(!fault.contains(KEY), "{fault}");
}

#[test]
fn sqs_needs_both_queues() {
    let fault = read("queue = \"sqs:https://sqs.eu-west-1.amazonaws.com/1/events.fifo\"");
    assert!(fault.unwrap_err().contains("rejected_queue_url"));
}

#[test]
fn every_setting_that_is_read_may_stand_in_the_file() {
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let file = ConfigFile::parse("f", "queue = \"sqs:x\"", &SETTINGS);
    let _ = read_server(file, |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    for name in asked.into_inner() {
        if let Some(setting) = name.strip_prefix("PAGETRAIL_") {
            let setting = setting.to_ascii_lowercase();
            assert!(SETTINGS.contains(&setting.as_str()), "{setting}");
        }
    }
}
