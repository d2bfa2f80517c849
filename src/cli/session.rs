//! The user's own AWS session: credentials and Region, or an error that says what is missing.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::config::ProvideCredentials as _;

use super::CommandError;
use crate::aws::{self, Profile, is_region};

/// Whose credentials, and which Region.
#[derive(clap::Args, Debug)]
pub(super) struct SessionArgs {
    /// Region to look in [default: the Region of the given ARN, else of --profile, else
    /// `AWS_REGION`, else of the default profile]
    #[arg(long, global = true, value_parser = region)]
    pub(super) region: Option<String>,
    /// Profile of the AWS CLI's configuration; used instead of credentials in the environment
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
}

/// Loads the configuration and checks that there are credentials and a Region. If they are
/// missing, one clear error says so, instead of an error for every call. `region` is the Region
/// from another argument.
pub(super) async fn open(
    args: &SessionArgs,
    region: Option<&str>,
) -> Result<SdkConfig, CommandError> {
    let region = args.region.clone().or(region.map(str::to_owned));
    let config = if let Some(name) = &args.profile {
        find(name, "--profile").await?.config(region).await
    } else {
        let variable = std::env::var("AWS_PROFILE").unwrap_or_default();
        if !variable.is_empty() {
            // Only checked, as the AWS CLI does: credentials in the environment have priority.
            find(&variable, "AWS_PROFILE").await?;
        }
        aws::user_config(region).await
    };
    if config.region().is_none() {
        return Err(CommandError::wrong(
            "no Region: pass --region, or set AWS_REGION, or run 'aws configure'",
        ));
    }
    let Some(provider) = config.credentials_provider() else {
        return Err(no_credentials(args, "none are configured").into());
    };
    if let Err(error) = provider.provide_credentials().await {
        return Err(no_credentials(args, &aws::reason(&error)).into());
    }
    Ok(config)
}

async fn find(name: &str, given_by: &str) -> Result<Profile, CommandError> {
    let found = Profile::find(name).await;
    found.map_err(|error| CommandError::wrong(format!("{given_by}: {error}")))
}

fn no_credentials(args: &SessionArgs, why: &str) -> String {
    match &args.profile {
        Some(name) => format!(
            "profile {name} gives no AWS credentials: run 'aws sso login --profile {name}' or 'aws \
             configure --profile {name}' ({why})"
        ),
        None => format!(
            "no AWS credentials: run 'aws configure' or 'aws sso login', or set AWS_PROFILE or \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ({why})"
        ),
    }
}

fn region(given: &str) -> Result<String, &'static str> {
    if is_region(given) {
        Ok(given.to_owned())
    } else {
        Err("a Region's name looks like eu-west-1")
    }
}
