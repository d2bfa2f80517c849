//! `pagetrail link`: the quick-create link that installs Pagetrail.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use super::CommandError;
use crate::aws::{Arn, Partition, is_region};

/// Print the CloudFormation quick-create link with the parameters filled in.
///
/// The link opens the console's "Quick create stack" page. It never holds a PagerDuty key: the
/// page asks for it.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Region to install in, such as eu-west-1
    #[arg(long)]
    pub region: String,
    /// Artifact bucket's name without the Region, as given to scripts/publish.sh
    #[arg(long, conflicts_with = "template_url", required_unless_present = "template_url")]
    pub prefix: Option<String>,
    /// Published version to install
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    pub version: String,
    /// Address of a published template, instead of --prefix and --version
    #[arg(long, value_name = "URL")]
    pub template_url: Option<String>,
    /// ARN of the SNS topic your alarms notify; the console asks for it when left out
    #[arg(long, value_name = "ARN")]
    pub topic: Option<String>,
    // Not a doc comment: rustdoc would want brackets around the address, which clap would show.
    #[arg(
        long,
        help = "Events API address; EU accounts: https://events.eu.pagerduty.com/v2/enqueue"
    )]
    pub url: Option<String>,
    /// ARN of a Secrets Manager secret whose value is the PagerDuty key
    #[arg(long, value_name = "ARN")]
    pub secret_arn: Option<String>,
    /// Name of the stack
    #[arg(long, value_name = "NAME", default_value = "pagetrail")]
    pub stack_name: String,
    /// Accepted only to say what to do instead.
    #[arg(long, hide = true, aliases = ["routing-key", "integration-key", "pagerduty-key"])]
    pub key: Option<String>,
    /// Accepted because clap would print it in its error, and it can be a key.
    #[arg(hide = true)]
    pub stray: Vec<String>,
}

/// Prints the link.
///
/// # Errors
/// If an argument cannot be part of a link.
pub fn run(args: &Args) -> Result<(), CommandError> {
    println!("{}", link(args).map_err(CommandError::wrong)?);
    Ok(())
}

/// Why no link was made. No message repeats a value that can contain a key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LinkError {
    #[error(
        "{flag} holds a PagerDuty key, which must not be in a link: it would stay in browser \
         histories, and the console ignores it. Leave the key out: the console asks for it. Or \
         store it in Secrets Manager and pass --secret-arn"
    )]
    Key { flag: &'static str },
    #[error("{flag}: '{value}' is not {wanted}")]
    Shape { flag: &'static str, value: String, wanted: &'static str },
    #[error("--url {0}")]
    Url(&'static str),
    #[error(
        "{flag} is in partition {found}, --region {region} in {expected}; they must be the same"
    )]
    Partition { flag: &'static str, found: String, region: String, expected: &'static str },
    #[error(
        "--secret-arn is in Region {found}, --region is {region}; copy the secret to {region} \
         (aws secretsmanager replicate-secret-to-regions) and pass the copy's ARN"
    )]
    SecretRegion { found: String, region: String },
    #[error("unexpected argument; every value needs its flag, see pagetrail link --help")]
    Stray,
}

/// Makes the link.
///
/// # Errors
/// If an argument is malformed, does not fit the Region, or looks like a PagerDuty key.
pub fn link(args: &Args) -> Result<String, LinkError> {
    refuse_keys(args)?;
    let region = args.region.as_str();
    let partition = Partition::of_region(region);
    let host = partition.console_host(region).filter(|_| is_region(region));
    let host = host.ok_or_else(|| LinkError::Shape {
        flag: "--region",
        value: region.to_owned(),
        wanted: "a Region whose console has a public address, such as eu-west-1",
    })?;
    check("--stack-name", &args.stack_name, is_stack_name, STACK_NAME)?;

    let mut query = vec![
        ("templateURL", template_url(args, partition)?),
        ("stackName", args.stack_name.clone()),
    ];
    if let Some(topic) = &args.topic {
        check_topic(topic, region, partition)?;
        query.push(("param_errorTopicArn", topic.clone()));
    }
    if let Some(url) = &args.url {
        check_url(url)?;
        query.push(("param_pagerDutyIntegrationUrl", url.clone()));
    }
    if let Some(secret) = &args.secret_arn {
        check_secret(secret, region, partition)?;
        query.push(("param_pagerDutySecretArn", secret.clone()));
    }
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    Ok(format!(
        "https://{host}/cloudformation/home?region={region}#/stacks/create/review?{}",
        query.join("&")
    ))
}

fn template_url(args: &Args, partition: Partition) -> Result<String, LinkError> {
    if let Some(url) = &args.template_url {
        // CloudFormation itself reads templates only from S3, and only over https.
        let on_s3 = url::Url::parse(url).is_ok_and(|url| {
            url.scheme() == "https"
                && url.host_str().is_some_and(|host| {
                    host.contains("s3") && host.ends_with(partition.dns_suffix())
                })
        });
        if !on_s3 {
            return Err(LinkError::Shape {
                flag: "--template-url",
                value: url.clone(),
                wanted: "the https address of a template on S3 in the Region's own partition",
            });
        }
        return Ok(url.clone());
    }
    let prefix = args.prefix.as_deref().unwrap_or_default();
    check("--prefix", prefix, is_bucket_prefix, PREFIX)?;
    check(
        "--version",
        &args.version,
        is_version,
        "a version: up to 64 letters, digits, dots, hyphens and underscores",
    )?;
    let (region, domain, version) = (&args.region, partition.dns_suffix(), &args.version);
    Ok(format!("https://{prefix}-{region}.s3.{region}.{domain}/{version}/template.yaml"))
}

/// An ARN of this service, with the number of an account and a Region.
fn arn_of<'a>(service: &str, value: &'a str) -> Option<Arn<'a>> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let fits =
        |arn: &Arn<'_>| arn.service == service && is_account(arn.account) && is_region(arn.region);
    Arn::parse(value).filter(fits)
}

fn check_partition(
    flag: &'static str,
    arn: &Arn<'_>,
    region: &str,
    expected: Partition,
) -> Result<(), LinkError> {
    if arn.partition == expected.name() {
        return Ok(());
    }
    Err(LinkError::Partition {
        flag,
        found: arn.partition.to_owned(),
        region: region.to_owned(),
        expected: expected.name(),
    })
}

fn check_topic(topic: &str, region: &str, partition: Partition) -> Result<(), LinkError> {
    // SNS spells the suffix in lower case only, and a dot is in no other topic's name.
    let wanted = if topic.strip_suffix(".fifo").is_some() {
        "the ARN of a standard topic: a FIFO topic cannot notify a Lambda function"
    } else {
        "the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:errors"
    };
    let arn = arn_of("sns", topic)
        .filter(|arn| (1..=256).contains(&arn.resource.len()) && arn.resource.bytes().all(is_word));
    let arn =
        arn.ok_or_else(|| LinkError::Shape { flag: "--topic", value: topic.to_owned(), wanted })?;
    check_partition("--topic", &arn, region, partition)
}

fn check_secret(secret: &str, region: &str, partition: Partition) -> Result<(), LinkError> {
    // A Lambda role's permission names the whole ARN; without the random end it matches nothing.
    let has_random_end = |name: &str| {
        name.rsplit_once('-').is_some_and(|(start, end)| {
            !start.is_empty() && end.len() == 6 && end.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    };
    let arn = arn_of("secretsmanager", secret)
        .filter(|arn| arn.resource.strip_prefix("secret:").is_some_and(has_random_end));
    let arn = arn.ok_or_else(|| LinkError::Shape {
        flag: "--secret-arn",
        value: secret.to_owned(),
        wanted: "a secret's whole ARN, which ends in a hyphen and six characters \
                 (aws secretsmanager describe-secret prints it)",
    })?;
    check_partition("--secret-arn", &arn, region, partition)?;
    if arn.region != region {
        return Err(LinkError::SecretRegion {
            found: arn.region.to_owned(),
            region: region.to_owned(),
        });
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), LinkError> {
    let url = url::Url::parse(url).map_err(|_| {
        LinkError::Url("is not an address; leave it out, or begin it with https://")
    })?;
    if url.scheme() != "https" {
        return Err(LinkError::Url("must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LinkError::Url("must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(LinkError::Url("must end with its path: no ? and no #"));
    }
    Ok(())
}

fn refuse_keys(args: &Args) -> Result<(), LinkError> {
    if args.key.is_some() {
        return Err(LinkError::Key { flag: "--key" });
    }
    let named = [
        ("--region", Some(&args.region)),
        ("--topic", args.topic.as_ref()),
        ("--url", args.url.as_ref()),
        ("--secret-arn", args.secret_arn.as_ref()),
        ("--stack-name", Some(&args.stack_name)),
        ("--prefix", args.prefix.as_ref()),
        ("--version", Some(&args.version)),
        ("--template-url", args.template_url.as_ref()),
    ];
    let stray = args.stray.iter().map(|value| ("an argument", Some(value)));
    for (flag, value) in named.into_iter().chain(stray) {
        if value.is_some_and(|value| holds_key(value)) {
            return Err(LinkError::Key { flag });
        }
    }
    if args.stray.is_empty() { Ok(()) } else { Err(LinkError::Stray) }
}

/// Whether some run of exactly 32 letters and digits could be a routing key: hexadecimal, or `R`
/// and 31 more. At least one digit, so that long plain words pass.
fn holds_key(value: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        run.len() == 32
            && run.bytes().any(|b| b.is_ascii_digit())
            && (run.starts_with('R') || run.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

const PREFIX: &str = "a bucket's name without its Region: 2 to 47 lower-case letters, digits and \
                      hyphens, such as acme-pagetrail";
const STACK_NAME: &str = "a stack name: a letter, then up to 127 letters, digits and hyphens";

fn is_stack_name(value: &str) -> bool {
    value.len() <= 128
        && value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_bucket_prefix(value: &str) -> bool {
    (2..=47).contains(&value.len())
        && !value.starts_with('-')
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_version(value: &str) -> bool {
    (1..=64).contains(&value.len())
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.bytes().all(|b| is_word(b) || b == b'.')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn check(
    flag: &'static str,
    value: &str,
    fits: fn(&str) -> bool,
    wanted: &'static str,
) -> Result<(), LinkError> {
    if fits(value) {
        return Ok(());
    }
    Err(LinkError::Shape { flag, value: value.to_owned(), wanted })
}

/// Everything but letters, digits and `-_.~` (RFC 3986's unreserved characters): the values are
/// in a query inside the fragment, where the console splits them at `&` and `=`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn encode(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}
