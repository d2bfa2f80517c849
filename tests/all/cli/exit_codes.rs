//! One exit code for wrong arguments in every command, wherever the fault is found: by the
//! parser, in a file, in a variable.

use crate::cli::harness::Machine;
use crate::support::http::{Answer, serve};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const SHORT: (&str, &str) = ("PAGETRAIL_ROUTING_KEY", "short");

/// Arguments, a variable, and what is said.
type Case = (Vec<&'static str>, Option<(&'static str, &'static str)>, &'static str);

#[tokio::test]
async fn what_was_given_and_cannot_be_used_ends_with_2() {
    let send = ["send", "-k", KEY, "-t", "resolve", "-i", "a"];
    let send_with = |more: [&'static str; 2]| [&send[..], &more[..]].concat();
    let link = |more: [&'static str; 2]| {
        [&["link", "--region", "eu-west-1", "--prefix", "acme"][..], &more[..]].concat()
    };
    let preview = |more: &[&'static str]| [&["preview", "--alarm", "x"][..], more].concat();
    let cases: Vec<Case> = vec![
        (vec![], None, "Usage"),
        (vec!["covrage"], None, "covrage"),
        (vec!["coverage", "--topic", "errors"], None, "--topic must be"),
        (vec!["coverage", "--topic", "arn:aws:sqs:eu-west-1:111122223333:q"], None, "--topic must"),
        (vec!["coverage", "--all", "--region", "Ireland"], None, "--region"),
        (vec!["coverage", "--all"], None, "no Region: pass --region"),
        (vec!["digest", "--nonsense"], None, "--nonsense"),
        (vec!["digest", "nowhere.log"], None, "nowhere.log"),
        (vec!["digest", "folder"], None, "folder"),
        (vec!["link", "--region", "Ireland", "--prefix", "acme"], None, "--region"),
        (link(["--topic", "errors"]), None, "--topic"),
        (link(["--url", "http://a"]), None, "--url"),
        (link(["--key", KEY]), None, "--key"),
        (preview(&["--deadline", "0"]), None, "--deadline"),
        (preview(&["--send"]), None, "PAGETRAIL_ROUTING_KEY must hold"),
        (preview(&["--send"]), Some(SHORT), "PAGETRAIL_ROUTING_KEY must hold"),
        (
            preview(&["--send", "--url", "http://events.example/"]),
            Some(("PAGETRAIL_ROUTING_KEY", KEY)),
            "--url must be https",
        ),
        (preview(&[]), Some(("PAGETRAIL_MAX_TRAILS", "many")), "PAGETRAIL_MAX_TRAILS"),
        (preview(&[]), Some(("PAGETRAIL_REDACT_PATTERNS", "[")), "PAGETRAIL_REDACT_PATTERNS"),
        (vec!["preview", "--event", "nowhere.json"], None, "--event nowhere.json"),
        (vec!["preview", "--event", "text"], None, "--event text: not JSON"),
        (vec!["rejected"], None, "Usage"),
        (vec!["rejected", "list"], None, "--queue is needed"),
        (vec!["rejected", "list", "--queue", "my-queue"], None, "--queue"),
        (vec!["rejected", "retry", "--all", "--queue", "https://q/r"], None, "--events-queue"),
        (vec!["rejected", "list", "--file", "nowhere.db"], None, "nowhere.db"),
        (vec!["rejected", "list", "--file", "no/folder/queue.db"], None, "no/folder"),
        (vec!["rejected", "list", "--file", "text"], None, "text"),
        (vec!["sandbox", "--port", "0", "--key", "short"], None, "--key no. 1"),
        (vec!["sandbox", "--fail", "reset", "--fail-count", "0"], None, "--fail-count"),
        (vec!["send"], None, "--event-type"),
        (vec!["send", "-t", "resolve", "-i", "a"], None, "--routing-key"),
        (vec!["send", "-t", "resolve", "-i", "a"], Some(SHORT), "routing_key"),
        (vec!["send", "-k", KEY, "--json", "nowhere.json"], None, "nowhere.json"),
        (send_with(["--url", "nonsense"]), None, "--url"),
        (vec!["serve", "--config", "nowhere.toml"], None, "nowhere.toml"),
        (vec!["serve", "--config", "text"], None, "text, line 1"),
        (vec!["serve", "--listen", "nonsense"], None, "PAGETRAIL_LISTEN is not valid"),
        (vec!["serve"], Some(("PAGETRAIL_REDACT_PATTERNS", "[")), "PAGETRAIL_REDACT_PATTERNS"),
    ];
    for (arguments, variable, said) in cases {
        let machine = Machine::new().file("text", "no JSON and no TOML\n").file("folder/x", "");
        let machine = match variable {
            Some((name, value)) => machine.variable(name, value),
            None => machine,
        };
        let ran = machine.run(&arguments).await;
        assert_eq!(ran.code, 2, "{arguments:?} {variable:?}: {ran:?}");
        assert_eq!(ran.out, "", "{arguments:?}");
        assert!(ran.error.contains(said), "{arguments:?}: {said:?} not in {ran:?}");
        assert!(!ran.error.contains(KEY), "{arguments:?}: {ran:?}");
    }
}

#[tokio::test]
async fn what_fails_with_right_arguments_ends_with_1() {
    let taken = serve(|_| async { Answer::Reset }).await;
    let (port, url) = (taken.port().to_string(), format!("http://{taken}"));
    let cases: [Vec<&str>; 5] = [
        vec!["coverage", "--all", "--region", "eu-west-1"],
        vec!["preview", "--alarm", "x", "--region", "eu-west-1"],
        vec!["rejected", "list", "--region", "eu-west-1", "--queue", "https://q/r"],
        vec!["sandbox", "--port", &port],
        vec!["send", "-k", KEY, "-t", "resolve", "-i", "a", "--url", &url],
    ];
    for arguments in cases {
        let ran = Machine::new().run(&arguments).await;
        assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
    }
}

#[tokio::test]
async fn the_help_names_the_codes() {
    let ran = Machine::new().run(&["--help"]).await;
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("2 wrong arguments"), "{}", ran.out);
}
