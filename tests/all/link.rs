//! `pagetrail link`, run as the person installing it runs it.

use std::process::{Command, Output};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:errors";

fn link(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pagetrail")).arg("link").args(args).output().unwrap()
}

/// The link printed, which must be the only output.
fn printed(args: &[&str]) -> String {
    let output = link(args);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    assert_eq!(error, "");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The error of a refused command, which must print no link.
fn refused(args: &[&str]) -> String {
    let output = link(args);
    assert!(!output.status.success(), "{args:?} was taken");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn whole_link() {
    let link = printed(&[
        "--region",
        "eu-west-1",
        "--topic",
        TOPIC,
        "--url",
        "https://events.eu.pagerduty.com/v2/enqueue",
        "--secret-arn",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pagerduty/on+call-AbC123",
        "--stack-name",
        "pagetrail-prod",
        "--prefix",
        "acme-pagetrail",
        "--version",
        "1.2.3",
    ]);
    assert_eq!(
        link,
        "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1\
         #/stacks/create/review\
         ?templateURL=https%3A%2F%2Facme-pagetrail-eu-west-1.s3.eu-west-1.amazonaws.com%2F1.2.3%2Ftemplate.yaml\
         &stackName=pagetrail-prod\
         &param_errorTopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Aerrors\
         &param_pagerDutyIntegrationUrl=https%3A%2F%2Fevents.eu.pagerduty.com%2Fv2%2Fenqueue\
         &param_pagerDutySecretArn=arn%3Aaws%3Asecretsmanager%3Aeu-west-1%3A123456789012%3Asecret%3Apagerduty%2Fon%2Bcall-AbC123"
    );
}

#[test]
fn defaults_and_another_region_s_topic() {
    let link = printed(&["--region", "us-east-1", "--topic", TOPIC, "--prefix", "acme"]);
    assert_eq!(
        link,
        format!(
            "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1\
             #/stacks/create/review\
             ?templateURL=https%3A%2F%2Facme-us-east-1.s3.us-east-1.amazonaws.com%2F{}%2Ftemplate.yaml\
             &stackName=pagetrail\
             &param_errorTopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Aerrors",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn other_partitions() {
    assert_eq!(
        printed(&[
            "--region",
            "cn-north-1",
            "--topic",
            "arn:aws-cn:sns:cn-northwest-1:123456789012:e",
            "--prefix",
            "acme",
            "--version",
            "1"
        ]),
        "https://cn-north-1.console.amazonaws.cn/cloudformation/home?region=cn-north-1#/stacks/create/review\
         ?templateURL=https%3A%2F%2Facme-cn-north-1.s3.cn-north-1.amazonaws.com.cn%2F1%2Ftemplate.yaml\
         &stackName=pagetrail\
         &param_errorTopicArn=arn%3Aaws-cn%3Asns%3Acn-northwest-1%3A123456789012%3Ae"
    );
    assert_eq!(
        printed(&["--region", "us-gov-west-1", "--prefix", "acme", "--version", "1"]),
        "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudformation/home?region=us-gov-west-1\
         #/stacks/create/review\
         ?templateURL=https%3A%2F%2Facme-us-gov-west-1.s3.us-gov-west-1.amazonaws.com%2F1%2Ftemplate.yaml\
         &stackName=pagetrail"
    );
    assert_eq!(
        printed(&["--region", "eusc-de-east-1", "--prefix", "acme", "--version", "1"]),
        "https://eusc-de-east-1.console.amazonaws-eusc.eu/cloudformation/home?region=eusc-de-east-1\
         #/stacks/create/review\
         ?templateURL=https%3A%2F%2Facme-eusc-de-east-1.s3.eusc-de-east-1.amazonaws.eu%2F1%2Ftemplate.yaml\
         &stackName=pagetrail"
    );
}

#[test]
fn a_given_template() {
    let url = "https://other.s3.eu-west-1.amazonaws.com/a b/template.yaml?versionId=x&y";
    assert_eq!(
        printed(&["--region", "eu-west-1", "--template-url", url]),
        "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1\
         #/stacks/create/review\
         ?templateURL=https%3A%2F%2Fother.s3.eu-west-1.amazonaws.com%2Fa%20b%2Ftemplate.yaml%3FversionId%3Dx%26y\
         &stackName=pagetrail"
    );
    let error = refused(&["--region", "eu-west-1", "--template-url", "https://example.com/t.yaml"]);
    assert!(error.contains("--template-url") && error.contains("on S3"), "{error}");
}

#[test]
fn a_key_is_refused_wherever_it_stands_and_never_repeated() {
    let other_form = "R0A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5";
    let in_url = format!("https://events.pagerduty.com/integration/{KEY}/enqueue");
    let in_secret = format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{KEY}-AbC123");
    let base = ["--region", "eu-west-1", "--prefix", "acme"];
    let cases: [&[&str]; 9] = [
        &["--key", KEY],
        &["--key", "anything"],
        &["--routing-key", KEY],
        &["--pagerduty-key", KEY],
        &["--url", &in_url],
        &["--secret-arn", &in_secret],
        &["--stack-name", other_form],
        &["--topic", KEY],
        &[KEY],
    ];
    for case in cases {
        let error = refused(&[&base[..], case].concat());
        assert!(error.contains("the console asks for it"), "{case:?}: {error}");
        assert!(error.contains("--secret-arn"), "{case:?}: {error}");
        assert!(!error.contains(KEY) && !error.contains(other_form), "{case:?}: {error}");
    }
}

#[test]
fn names_that_only_resemble_a_key_pass() {
    let topic = format!("arn:aws:sns:eu-west-1:123456789012:{KEY}0");
    let word = "Reallylongstacknamewithoutdigits";
    assert_eq!(word.len(), 32);
    let link = printed(&[
        "--region",
        "eu-west-1",
        "--prefix",
        "a1",
        "--topic",
        &topic,
        "--stack-name",
        word,
    ]);
    assert!(link.contains(word), "{link}");
}

#[test]
fn what_does_not_fit_is_refused_with_its_flag_and_the_fix() {
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:pd-AbC123";
    let cases: [(&[&str], &[&str]); 16] = [
        (&["--region", "Ireland"], &["--region", "eu-west-1"]),
        (&["--region", "us-iso-east-1"], &["--region"]),
        (&["--topic", "errors"], &["--topic", "arn:aws:sns"]),
        (&["--topic", "arn:aws:sqs:eu-west-1:123456789012:q"], &["--topic", "SNS topic"]),
        (&["--topic", "arn:aws:sns:eu-west-1:123456789012:e.fifo"], &["--topic", "FIFO"]),
        (&["--topic", "arn:aws-cn:sns:cn-north-1:123456789012:e"], &["--topic", "aws-cn"]),
        (&["--topic", "arn:aws:sns:eu-west-1:12345:e"], &["--topic"]),
        (&["--secret-arn", "pagerduty"], &["--secret-arn", "whole ARN"]),
        (
            &["--secret-arn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pagerduty"],
            &["--secret-arn", "six characters"],
        ),
        (&["--secret-arn", secret], &["--secret-arn", "us-east-1", "replicate"]),
        (&["--url", "http://events.pagerduty.com/v2/enqueue"], &["--url", "https://"]),
        (&["--url", "events.pagerduty.com"], &["--url", "https://"]),
        (&["--url", "https://me:secret@example.com/"], &["--url", "password"]),
        (&["--url", "https://example.com/?a=b"], &["--url", "path"]),
        (&["--stack-name", "1st_stack"], &["--stack-name", "letter"]),
        (&["--version", "a/b"], &["--version"]),
    ];
    for (case, words) in cases {
        let base: &[&str] = if case[0] == "--region" { &[] } else { &["--region", "eu-west-1"] };
        let error = refused(&[base, &["--prefix", "acme"], case].concat());
        for word in words {
            assert!(error.contains(word), "{case:?}: '{word}' is missing in: {error}");
        }
    }
    let error = refused(&["--region", "eu-west-1", "--prefix", "Acme_Bucket"]);
    assert!(error.contains("--prefix") && error.contains("lower-case"), "{error}");
    let error = refused(&["--region", "eu-west-1"]);
    assert!(error.contains("--prefix"), "{error}");
    let error = refused(&["--region", "eu-west-1", "--prefix", "acme", "stray"]);
    assert!(error.contains("unexpected argument"), "{error}");
}
