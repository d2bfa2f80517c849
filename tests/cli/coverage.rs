//! `pagetrail coverage`: the rows as they come, an alarm without log lines, a topic that no alarm
//! notifies, all alarms of a Region.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::time::timeout;

use crate::harness::Machine;
use crate::support::PATIENCE;
use crate::support::alarms::topic;
use crate::support::aws::Aws;
use crate::support::http::Answer;
use crate::support::lambda::REGION;

/// Three alarms: two notify the topic, and only one of those has log lines.
async fn shop() -> Aws {
    let aws = Aws::start().await;
    aws.resources(|resources| {
        resources.alarm("b-custom", "OK", ("Shop", "Latency"));
        resources.alarm("a-errors", "OK", ("Shop", "Errors"));
        resources.alarm("c-elsewhere", "OK", ("Shop", "Latency"));
        for name in ["a-errors", "b-custom"] {
            resources.notifies(name, &[&topic(REGION)]);
        }
        let automation = "arn:aws:automate:ap-northeast-1:ec2:reboot";
        resources.notifies("c-elsewhere", &[automation, &topic(REGION).replace("errors", "ops")]);
    });
    aws.logs(|logs| logs.filter("shop", "ERROR", "Shop", "Errors"));
    aws
}

#[tokio::test]
async fn an_alarm_without_log_lines_is_said_plainly() {
    let aws = shop().await;
    let machine = Machine::with(&aws);
    let ran = machine.run(&["coverage", "--topic", &topic(REGION)]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let rows: Vec<&str> = ran.out.lines().collect();
    assert_eq!(rows[0], "a-errors  shop · ERROR (by metric filter)");
    assert_eq!(rows[1], "b-custom  NO LOG LINES");
    assert!(rows[2].contains("! no log lines: no metric filter"), "{ran:?}");
    assert_eq!(*rows.last().unwrap(), "2 alarms in ap-northeast-1; 1 would page without log lines");
    assert!(!ran.out.to_lowercase().contains("bare"), "{ran:?}");
    assert_eq!(ran.error, "", "no counter where it is no terminal");

    let ran = machine.run(&["coverage", "--topic", &topic(REGION), "--strict"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.error, "pagetrail: 1 of 2 alarms would page without log lines\n");
}

#[tokio::test]
async fn a_topic_that_no_alarm_notifies_is_said_and_is_not_covered() {
    let aws = shop().await;
    let machine = Machine::with(&aws);
    let wrong = topic(REGION).replace("errors", "erors");
    let ran = machine.run(&["coverage", "--topic", &wrong]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    let said = format!("no alarm in Region {REGION} notifies {wrong}");
    assert!(ran.error.contains(&said), "{ran:?}");
    assert!(ran.error.contains(&format!("did you mean {}?", topic(REGION))), "{ran:?}");

    let ran = machine.run(&["coverage", "--topic", &wrong, "--strict", "--json"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (1, "[]\n"), "{ran:?}");
    assert!(ran.error.contains(&said), "{ran:?}");
}

#[tokio::test]
async fn a_region_without_alarms_is_said() {
    let aws = Aws::start().await;
    for arguments in [&["coverage", "--all"][..], &["coverage", "--topic", &topic(REGION)]] {
        for (strict, code) in [(&[][..], 0), (&["--strict"], 1)] {
            let ran = Machine::with(&aws).run(&[arguments, strict].concat()).await;
            assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
            let said = format!("there are no alarms in Region {REGION}");
            assert!(ran.error.contains(&said), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn all_alarms_of_the_region_in_valid_json() {
    let aws = shop().await;
    let machine = Machine::with(&aws);
    let ran = machine.run(&["coverage", "--all", "--json"]).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""), "{ran:?}");
    let rows: Value = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["alarm"]).collect();
    assert_eq!(names, ["a-errors", "b-custom", "c-elsewhere"]);
    let log_group = json!({"name": "shop", "pattern": "ERROR", "by": "metric filter"});
    assert_eq!(rows[0]["log_groups"], json!([log_group]));
    assert_eq!(rows[1]["log_groups"], json!([]));
    machine.run(&["coverage", "--all", "--region", "eu-west-1"]).await;
    assert_eq!(aws.calls("DescribeAlarms")[1].region, "eu-west-1");
}

#[tokio::test]
async fn exactly_one_of_topic_and_all() {
    let machine = Machine::new();
    for arguments in [&["coverage"][..], &["coverage", "--all", "--topic", &topic(REGION)]] {
        let ran = machine.run(arguments).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error.contains("--topic") && ran.error.contains("--all"), "{ran:?}");
    }
}

#[tokio::test]
async fn the_topic_names_the_region_where_nothing_else_does() {
    let aws = shop().await;
    let machine = Machine::with(&aws).without("AWS_REGION");
    let ran = machine.run(&["coverage", "--topic", &topic("eu-west-1")]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(aws.calls("DescribeAlarms")[0].region, "eu-west-1");
}

#[tokio::test]
async fn rows_are_printed_as_they_come() {
    for json in [false, true] {
        let aws = shop().await;
        let is_second = |body: &Value| body["metricName"] == "Latency";
        aws.script(|script| {
            script.always_where("DescribeMetricFilters", is_second, Answer::Hang);
        });
        let topic = topic(REGION);
        let mut arguments = vec!["coverage", "--topic", &topic];
        arguments.extend(json.then_some("--json"));
        let machine = Machine::with(&aws);
        let mut child =
            machine.command(env!("CARGO_BIN_EXE_pagetrail"), &arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains("metric filter") {
            let line = timeout(PATIENCE / 10, lines.next_line()).await;
            said +=
                &line.expect("the first row, while the second is not yet there").unwrap().unwrap();
        }
        assert!(said.contains("a-errors"), "{said}");
        assert!(child.try_wait().unwrap().is_none(), "it still waits for the second");
        child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_has_enough_is_no_failure() {
    let aws = shop().await;
    let machine = Machine::with(&aws);
    let topic = topic(REGION);
    let program = env!("CARGO_BIN_EXE_pagetrail");
    let mut child = machine.command(program, &["coverage", "--topic", &topic]).spawn().unwrap();
    drop(child.stdout.take());
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).await.unwrap();
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!((status.code(), error.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn a_terminal_shows_how_far_it_is() {
    let aws = shop().await;
    let topic = topic(REGION);
    let spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let program = env!("CARGO_BIN_EXE_pagetrail");
    let machine = Machine::with(&aws);
    let mut command =
        machine.command("python3", &["-c", spawn, program, "coverage", "--topic", &topic]);
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(screen.contains("1 of 2 alarms") && screen.contains("2 of 2 alarms"), "{screen:?}");
    // The counter is gone before a row is written where it stood.
    assert!(screen.contains("\r\u{1b}[Ka-errors  shop"), "{screen:?}");
}
