//! Called by the names of the commands of PagerDuty's agent: their options, their output, their events.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Ended, KEY, Run, Server};

const ACCEPTED: &str = "event_source=service;host_name=web-1;service_desc=HTTP";

async fn run(name: &str, server: &Server, input: &str, arguments: &[&str]) -> Ended {
    let directory = TempDir::new().unwrap();
    let link = directory.path().join(name);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pagetrail"), &link).unwrap();
    let variables = vec![("PDSEND_EVENTS_BASE_URL", server.url.as_str())];
    Run { variables, input }.program(&link, arguments).await
}

/// A server that takes events of v1.
async fn server() -> Server {
    Server::start(Answer::json(200, &json!({"status": "success"}))).await
}

#[track_caller]
fn posted(server: &Server) -> Value {
    let request = server.only();
    assert_eq!(request.path, "/generic/2010-04-15/create_event.json");
    request.json()
}

#[tokio::test]
async fn pd_nagios() {
    let server = server().await;
    let arguments = [
        "-k",
        KEY,
        "-t",
        "PROBLEM",
        "-n",
        "service",
        "-f",
        "HOSTNAME=web-1",
        "-f",
        "SERVICEDESC=HTTP",
        "-f",
        "SERVICESTATE=CRITICAL",
        "--field",
        "SERVICEOUTPUT=a=b",
    ];
    let ended = run("pd-nagios", &server, "", &arguments).await;
    ended.printed(&format!("Event processed. Incident Key: {ACCEPTED}"));
    let expected = json!({
        "service_key": KEY, "event_type": "trigger", "incident_key": ACCEPTED,
        "description": "SERVICEDESC=HTTP; SERVICESTATE=CRITICAL; HOSTNAME=web-1",
        "details": {"HOSTNAME": "web-1", "SERVICEDESC": "HTTP", "SERVICESTATE": "CRITICAL",
            "SERVICEOUTPUT": "a=b", "pd_nagios_object": "service"},
    });
    assert_eq!(posted(&server), expected);
}

#[tokio::test]
async fn pd_nagios_says_what_is_missing() {
    let server = server().await;
    let host = ["-k", KEY, "-t", "RECOVERY", "-n", "host", "-f", "HOSTNAME=a"];
    let ended = run("pd-nagios", &server, "", &host).await;
    ended.failed(2, "pd-nagios: error: -n host needs -f HOSTNAME=…, -f HOSTSTATE=…");
    let ended = run("pd-nagios", &server, "", &["-k", KEY, "-t", "DOWN", "-n", "host"]).await;
    ended.failed(2, "pd-nagios: error: invalid value 'DOWN' for '--event-type");
    let ended = run("pd-nagios", &server, "", &[]).await;
    ended.failed(2, "pd-nagios: error: the following required arguments were not provided");
    server.nothing_arrived();
}

#[tokio::test]
async fn pd_zabbix() {
    let server = server().await;
    let message = "name:Disk full\r\nid:13560\nstatus:PROBLEM\nhostname:db-1\nip:10.0.0.1\n\
                   value:1\nevent_id:7\nseverity:High\n";
    run("pd-zabbix", &server, "", &[KEY, "trigger", message]).await.printed("");
    let event = posted(&server);
    assert_eq!(event["incident_key"], "13560-db-1");
    assert_eq!(event["description"], "Disk full : PROBLEM for db-1");
    assert_eq!(event["details"]["severity"], "High");
    let ended = run("pd-zabbix", &server, "", &[KEY, "trigger", "name:a"]).await;
    ended.failed(2, "pd-zabbix: error: the message has no line id:");
    let ended = run("pd-zabbix", &server, "", &[KEY, "PROBLEM", message]).await;
    ended.failed(2, "pd-zabbix: error: Event type is not included in the list");
}

#[tokio::test]
async fn pd_sensu() {
    for (action, expected) in [("create", "trigger"), ("resolve", "resolve"), ("flap", "trigger")] {
        let server = server().await;
        let check = json!({"name": "disk", "output": "98 % used\n"});
        let input =
            json!({"id": "x", "action": action, "client": {"name": "db-1"}, "check": check});
        run("pd-sensu", &server, &input.to_string(), &["-k", KEY]).await.printed("");
        let event = posted(&server);
        assert_eq!((&event["event_type"], &event["details"]), (&json!(expected), &input));
        assert_eq!(event["incident_key"], "db-1/disk");
        assert_eq!(event["description"], "db-1/disk : 98 % used");
    }
    let server = server().await;
    let ended = run("pd-sensu", &server, "{", &["-k", KEY]).await;
    ended.failed(2, "pd-sensu: error: standard input is not JSON");
}

#[tokio::test]
async fn what_the_server_refuses_is_said() {
    let refused = json!({"status": "invalid event", "errors": ["Service key is invalid"]});
    let server = Server::start(Answer::json(400, &refused)).await;
    let input = json!({"id": "x", "action": "create"}).to_string();
    let ended = run("pd-sensu", &server, &input, &["-k", KEY]).await;
    ended.failed(1, "pd-sensu: not sent: ");
    assert!(ended.err.contains("Service key is invalid"), "{}", ended.err);
}
