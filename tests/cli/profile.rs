//! `--profile`: the named profile wins over credentials in the environment, whatever kind of
//! profile it is, and an unknown one is an error.

use serde_json::json;

use crate::harness::{ENVIRONMENT_KEY, Machine};
use crate::support::aws::{Aws, REJECTED_QUEUE};
use crate::support::http::{Answer, serve};
use crate::support::lambda::REGION;

/// Each kind of profile has its own account, so that the key shows which was used.
const CONFIG: &str = r#"
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default-secret
region = us-east-1

[profile prod]
aws_access_key_id = AKIAPROD
aws_secret_access_key = prod-secret
region = eu-central-1

[profile no-region]
aws_access_key_id = AKIANOREGION
aws_secret_access_key = secret

[profile process]
credential_process = printf '{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "s"}'

[profile role]
role_arn = arn:aws:iam::111122223333:role/reader
source_profile = prod

[profile role-by-environment]
role_arn = arn:aws:iam::111122223333:role/reader
credential_source = Environment

[profile role-without-source]
role_arn = arn:aws:iam::111122223333:role/reader
source_profile = nowhere

[profile sso]
sso_start_url = https://example.com/start
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = reader

[profile only-region]
region = eu-north-1
"#;

const TOPIC: &str = "arn:aws:sns:ap-northeast-1:449671225256:errors";

fn machine(aws: &Aws) -> Machine {
    Machine::with(aws).file(".aws/config", CONFIG)
}

/// The access key and the Region that `preview` asked with.
async fn asked(machine: &Machine, aws: &Aws, arguments: &[&str]) -> (String, String) {
    let ran = machine.run(&[&["preview", "--alarm", "x"], arguments].concat()).await;
    assert!(ran.error.contains("no alarm is named"), "{ran:?}");
    let call = aws.calls("DescribeAlarms").pop().unwrap();
    (call.access_key, call.region)
}

fn asked_with(key: &str, region: &str) -> (String, String) {
    (key.to_owned(), region.to_owned())
}

#[tokio::test]
async fn a_named_profile_wins_over_the_environment() {
    let aws = Aws::start().await;
    let machine = machine(&aws).variable("AWS_PROFILE", "default");
    let without = asked(&machine, &aws, &[]).await;
    assert_eq!(without, asked_with(ENVIRONMENT_KEY, REGION));
    // As in the AWS CLI, AWS_REGION goes before the profile's own Region.
    let named = asked(&machine, &aws, &["--profile", "prod"]).await;
    assert_eq!(named, asked_with("AKIAPROD", REGION));
    let region = asked(&machine, &aws, &["--profile", "prod", "--region", "eu-west-3"]).await;
    assert_eq!(region, asked_with("AKIAPROD", "eu-west-3"));
    let no_region = asked(&machine, &aws, &["--profile", "no-region"]).await;
    assert_eq!(no_region, asked_with("AKIANOREGION", REGION));
    let elsewhere = machine.without("AWS_REGION");
    let own_region = asked(&elsewhere, &aws, &["--profile", "prod"]).await;
    assert_eq!(own_region, asked_with("AKIAPROD", "eu-central-1"));
}

#[tokio::test]
async fn coverage_and_rejected_take_it_too() {
    let aws = Aws::start().await;
    let machine = machine(&aws);
    machine.run(&["coverage", "--topic", TOPIC, "--profile", "prod"]).await;
    assert_eq!(aws.calls("DescribeAlarms")[0].access_key, "AKIAPROD");
    machine.run(&["rejected", "--queue", REJECTED_QUEUE, "list", "--profile", "prod"]).await;
    assert_eq!(aws.calls("ReceiveMessage")[0].access_key, "AKIAPROD");
}

#[tokio::test]
async fn credentials_of_a_process_are_taken() {
    let aws = Aws::start().await;
    let named = asked(&machine(&aws), &aws, &["--profile", "process"]).await;
    assert_eq!(named, asked_with("AKIAPROCESS", REGION));
}

#[tokio::test]
async fn a_role_is_assumed_from_its_source_profile_or_from_the_environment() {
    let aws = Aws::start().await;
    // Answers with the key that asked, so that the test sees whose role it is.
    let sts = serve(|request| async move {
        let by = request.header("authorization").split(['=', '/']).nth(1).unwrap_or("").to_owned();
        Answer::text(
            200,
            &format!(
                "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <AssumeRoleResult><Credentials><AccessKeyId>ROLE-OF-{by}</AccessKeyId>\
                 <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                 <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
                 </AssumeRoleResult></AssumeRoleResponse>"
            ),
        )
    })
    .await;
    let machine = machine(&aws).variable("AWS_ENDPOINT_URL_STS", &format!("http://{sts}"));
    let role = asked(&machine, &aws, &["--profile", "role"]).await;
    assert_eq!(role, asked_with("ROLE-OF-AKIAPROD", "eu-central-1"));
    let role = asked(&machine, &aws, &["--profile", "role-by-environment"]).await;
    assert_eq!(role, asked_with("ROLE-OF-AKIAENVIRONMENT", REGION));
}

#[tokio::test]
async fn an_sso_session_is_used_and_its_end_is_told() {
    let aws = Aws::start().await;
    let sso = serve(|_| async {
        let credentials = json!({
            "accessKeyId": "AKIASSO", "secretAccessKey": "s", "sessionToken": "t",
            "expiration": 4_070_908_800_000_u64,
        });
        Answer::json(200, &json!({"roleCredentials": credentials}))
    })
    .await;
    let machine = machine(&aws).variable("AWS_ENDPOINT_URL_SSO", &format!("http://{sso}"));
    let ran = machine.run(&["preview", "--alarm", "x", "--profile", "sso"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.error.contains("aws sso login --profile sso"), "{ran:?}");
    assert_eq!(aws.operations(), [""; 0], "the environment's credentials were not used");

    // Where 'aws sso login' keeps the token: the SHA-1 of the start URL.
    let token = json!({"accessToken": "token", "expiresAt": "2099-01-01T00:00:00Z"});
    let cache = ".aws/sso/cache/b343494cf15ba6b81449840ea93161cf3b27e5e3.json";
    let machine = machine.file(cache, &token.to_string());
    let named = asked(&machine, &aws, &["--profile", "sso"]).await;
    assert_eq!(named, asked_with("AKIASSO", REGION));
}

#[tokio::test]
async fn a_profile_without_usable_credentials_leads_to_no_other_account() {
    let aws = Aws::start().await;
    for profile in ["only-region", "role-without-source"] {
        let ran = machine(&aws).run(&["preview", "--alarm", "x", "--profile", profile]).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.error.contains(&format!("profile {profile}")), "{ran:?}");
    }
    assert_eq!(aws.operations(), [""; 0]);
}

#[tokio::test]
async fn a_profile_with_only_a_region_has_the_credentials_of_the_machine() {
    let aws = Aws::start().await;
    let container = serve(|_| async {
        Answer::json(
            200,
            &json!({
                "AccessKeyId": "AKIACONTAINER", "SecretAccessKey": "s", "Token": "t",
                "Expiration": "2099-01-01T00:00:00Z",
            }),
        )
    })
    .await;
    let url = format!("http://{container}/credentials");
    let machine = machine(&aws).variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    let machine = machine.without("AWS_REGION");
    let named = asked(&machine, &aws, &["--profile", "only-region"]).await;
    assert_eq!(named, asked_with("AKIACONTAINER", "eu-north-1"));
}

#[tokio::test]
async fn an_unknown_profile_is_an_error_that_names_it_and_those_there_are() {
    let aws = Aws::start().await;
    let machine = machine(&aws);
    for command in [
        &["preview", "--alarm", "x"][..],
        &["coverage", "--topic", TOPIC],
        &["rejected", "--queue", REJECTED_QUEUE, "list"],
    ] {
        let ran = machine.run(&[command, &["--profile", "pord"]].concat()).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        for part in ["--profile", "\"pord\"", "did you mean prod?", "default", "sso"] {
            assert!(ran.error.contains(part), "{part}: {ran:?}");
        }
    }
    let by_variable = machine.variable("AWS_PROFILE", "pord");
    let ran = by_variable.run(&["preview", "--alarm", "x"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error.contains("AWS_PROFILE") && ran.error.contains("\"pord\""), "{ran:?}");
    let ran = Machine::with(&aws).run(&["preview", "--alarm", "x", "--profile", "prod"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error.contains("\"prod\"") && ran.error.contains("aws configure"), "{ran:?}");
    assert_eq!(aws.operations(), [""; 0]);
}
