//! `pagetrail preview --alarm`: by name or ARN, and what it says of an alarm that is not there.

use serde_json::Value;

use crate::harness::Machine;
use crate::support::alarms::alarm_arn;
use crate::support::aws::Aws;
use crate::support::lambda::{ACCOUNT, REGION};

async fn shop() -> Aws {
    let aws = Aws::start().await;
    aws.resources(|resources| {
        for name in ["checkout-errors", "checkout-latency", "prod-checkout-errors-p1", "db"] {
            resources.alarm(name, "OK", ("Shop", "Errors"));
        }
    });
    aws
}

#[tokio::test]
async fn an_arn_gives_the_region_and_the_name() {
    let aws = shop().await;
    let arn = alarm_arn("checkout-errors");
    for machine in [
        Machine::with(&aws).without("AWS_REGION"),
        Machine::with(&aws).variable("AWS_REGION", "eu-west-1"),
    ] {
        let ran = machine.run(&["preview", "--json", "--alarm", &arn]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let event: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(event["dedup_key"], arn);
        let call = aws.calls("DescribeAlarms").pop().unwrap();
        assert_eq!(call.region, REGION);
        assert_eq!(call.body["AlarmNames"][0], "checkout-errors");
    }
}

#[tokio::test]
async fn another_accounts_arn_is_refused_with_both_accounts() {
    let aws = shop().await;
    for name in ["checkout-errors", "only-there"] {
        let arn = alarm_arn(name).replace(ACCOUNT, "111122223333");
        let ran = Machine::with(&aws).run(&["preview", "--alarm", &arn]).await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        for part in ["account 111122223333", ACCOUNT, "--profile"] {
            assert!(ran.error.contains(part), "{part}: {ran:?}");
        }
    }
    // Nothing tells the account in a Region without alarms.
    let aws = Aws::start().await;
    let ran = Machine::with(&aws).run(&["preview", "--alarm", &alarm_arn("x")]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.error.contains(&format!("account {ACCOUNT}")), "{ran:?}");
}

#[tokio::test]
async fn an_arn_that_is_no_alarms_or_of_another_region_is_a_wrong_argument() {
    let machine = Machine::with(&shop().await);
    for wrong in [
        "arn:aws:sns:eu-west-1:111122223333:errors",
        "arn:aws:cloudwatch:eu-west-1:111122223333:dashboard:x",
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:",
        "arn:aws:cloudwatch",
    ] {
        let ran = machine.run(&["preview", "--alarm", wrong]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error.contains("arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME"), "{ran:?}");
    }
    let arguments = ["preview", "--region", "eu-west-1", "--alarm", &alarm_arn("db")];
    let ran = machine.run(&arguments).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in ["--region", "eu-west-1", REGION] {
        assert!(ran.error.contains(part), "{part}: {ran:?}");
    }
}

#[tokio::test]
async fn names_near_an_unknown_one_are_suggested() {
    let aws = shop().await;
    let machine = Machine::with(&aws);
    for (wanted, meant) in [
        ("chekout-erorrs", "did you mean checkout-errors?"),
        ("Checkout-Errors", "did you mean checkout-errors or prod-checkout-errors-p1?"),
        (&alarm_arn("checkout-error"), "did you mean checkout-errors"),
        ("prod", "did you mean prod-checkout-errors-p1?"),
    ] {
        let ran = machine.run(&["preview", "--alarm", wanted]).await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        let name = wanted.rsplit(':').next().unwrap();
        let said = format!("no alarm is named {name:?} in Region {REGION}");
        assert!(ran.error.contains(&said), "{ran:?}");
        assert!(ran.error.contains(meant), "{meant}: {ran:?}");
    }
    let ran = machine.run(&["preview", "--alarm", "something-else-altogether"]).await;
    assert!(!ran.error.contains("did you mean"), "{ran:?}");
}

#[tokio::test]
async fn missing_arguments_name_both_and_a_wrong_time_shows_an_example() {
    let machine = Machine::new();
    for arguments in [&["preview"][..], &["preview", "--alarm", "x", "--event", "y"]] {
        let ran = machine.run(arguments).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error.contains("--alarm") && ran.error.contains("--event"), "{ran:?}");
    }
    let ran = machine.run(&["preview", "--alarm", "x", "--at", "yesterday"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error.contains("--at") && ran.error.contains("2026-11-14T03:06:00Z"), "{ran:?}");
    let help = machine.run(&["preview", "--help"]).await.out;
    assert!(help.contains("2026-11-14T03:06:00Z"), "{help}");
}
