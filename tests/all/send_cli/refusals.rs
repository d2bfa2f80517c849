//! Wrong arguments: exit code 2, one clear word, nothing sent, no key shown.

use super::{KEY, Run, Server, TRIGGER};

#[tokio::test]
async fn wrong_arguments_are_named() {
    let server = Server::taking().await;
    let key = ["-k", KEY];
    for (arguments, expected) in [
        (&[][..], "--event-type <TYPE>"),
        (&["-t", "trigger", "-d", "x"], "-k/--routing-key is needed, or the key in PAGETRAIL_"),
        (&["-k", "", "-t", "trigger", "-d", "x"], "'routing_key' cannot be blank"),
        (&["-k", "0123", "-t", "trigger", "-d", "x"], "Length of 'routing_key' is incorrect"),
        (&["-t", "explode"], "possible values: trigger, acknowledge, resolve, change"),
        (&["-t", "trigger"], "-t trigger needs -d/--description"),
        (&["-t", "trigger", "-d", " "], "-t trigger needs -d/--description"),
        (&["-t", "change"], "-t change needs -d/--description"),
        (&["-t", "acknowledge"], "-t acknowledge needs -i/--incident-key"),
        (&["-t", "resolve", "-i", ""], "-t resolve needs -i/--incident-key"),
        (&["-t", "trigger", "-d", "x", "-s", "bad"], "possible values: critical, error"),
        (&["-t", "trigger", "-d", "x", "-f", "no value"], "'--field <KEY=VALUE>': write KEY=VALUE"),
        (&["-t", "trigger", "-d", "x", "--timestamp", "now"], "'payload.timestamp' is invalid"),
        (&["-t", "trigger", "-d", "x", "--image", "http://x/y.png"], "'images[0].src' is invalid"),
        (&["-t", "trigger", "-d", "x", "--link", ""], "'links[0].href' is missing"),
        (&["-t", "trigger", "-d"], "a value is required for '--description"),
        (&["-t", "trigger", "-d", "-i"], "it looks like an option; is a value missing?"),
        (&["-t", "trigger", "-d", "x", "-i", "--quiet"], "it looks like an option"),
        (&["-t", "trigger", "-d", "two", "words"], "unexpected argument 'words'"),
        (&["-t", "trigger", "-d", "x", "-z"], "unexpected argument '-z'"),
        (&["-t", "trigger", "-d", "x", "--c", "y"], "--c"),
        (&["-t", "trigger", "-d", "x", "--timeout", "0"], "0 is not in 1..=30"),
        (&["-t", "trigger", "-d", "x", "--url", "10.0.0.1:8443"], "--url must be a URL"),
        (&["--verify-key", "-t", "resolve"], "cannot be used with"),
    ] {
        let needs_key = !arguments.contains(&"-k") && !expected.starts_with("-k");
        let all = if needs_key { [&key, arguments].concat() } else { arguments.to_vec() };
        let ended = server.send(&all).await;
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains(expected), "{arguments:?}: {}", ended.err);
        assert!(ended.out.is_empty() && !ended.err.contains(KEY), "{}", ended.err);
    }
    server.nothing_arrived();
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_not_shown() {
    let server = Server::taking().await;
    for arguments in [
        &["-t", KEY][..],
        &["-t", "trigger", KEY],
        &["-t", "trigger", "-d", "x", "-f", KEY],
        &["--routing-key-file", KEY, "-t", "trigger"],
        &["--timeout", KEY],
        &["-k", "x", "-t", "trigger", "-d", KEY],
    ] {
        let ended = server.send(arguments).await;
        ended.failed(2, "");
    }
    server.nothing_arrived();
}

#[tokio::test]
async fn variables_are_checked_by_name() {
    let server = Server::taking().await;
    for (variable, value, expected) in [
        ("PDSEND_EVENTS_BASE_URL", "localhost:8443", "PDSEND_EVENTS_BASE_URL must be a URL"),
        ("PDSEND_SKIP_CERT_VERIFY", "flase", "PDSEND_SKIP_CERT_VERIFY must be true or false"),
        ("PAGETRAIL_ROUTING_KEY", "too short", "Length of 'routing_key' is incorrect"),
    ] {
        let mut variables = vec![("PDSEND_EVENTS_BASE_URL", &*server.url), (variable, value)];
        if variable != "PAGETRAIL_ROUTING_KEY" {
            variables.push(("PAGETRAIL_ROUTING_KEY", KEY));
        }
        let ended = Run::with(&variables).send(&["-t", "trigger", "-d", "x"]).await;
        ended.failed(2, &format!("pagetrail: error: {expected}"));
    }
    server.nothing_arrived();
}

#[tokio::test]
async fn an_empty_variable_is_as_none() {
    let server = Server::taking().await;
    let variables = [("PDSEND_EVENTS_BASE_URL", ""), ("PAGETRAIL_ROUTING_KEY", " ")];
    let run = Run::with(&variables);
    let ended = run.send(&["-t", "trigger", "-d", "x", "--url", &server.url]).await;
    ended.failed(2, "pagetrail: error: -k/--routing-key is needed");
    assert_eq!(run.send(&[&TRIGGER[..], &["--url", &server.url]].concat()).await.code, 0);
}

#[tokio::test]
async fn an_option_goes_before_its_variable() {
    let server = Server::taking().await;
    let run = Run::with(&[
        ("PAGETRAIL_ROUTING_KEY", "R123456789ABCDEFGHIJKLMNOPQRSTUV"),
        ("PDSEND_EVENTS_BASE_URL", "http://127.0.0.1:1"),
    ]);
    let ended = run.send(&[&TRIGGER[..], &["--url", &server.url]].concat()).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(server.only().json()["routing_key"], KEY);
}
