//! The user's own AWS session: credentials and Region, or plain words about what is missing.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::config::ProvideCredentials as _;
use aws_sdk_cloudwatch::error::DisplayErrorContext;

use super::CommandError;
use crate::aws;
use crate::text::{cut, one_line};

/// Whose credentials, and which Region.
#[derive(clap::Args, Debug)]
pub(super) struct SessionArgs {
    /// Region to look in; without this, that of the profile or `AWS_REGION`
    #[arg(long)]
    pub(super) region: Option<String>,
    /// Profile of the AWS CLI's configuration
    #[arg(long)]
    pub(super) profile: Option<String>,
}

/// Loads the configuration and checks that there are credentials and a Region, so that
/// their absence is told once and plainly instead of by every call.
pub(super) async fn open(args: &SessionArgs) -> Result<SdkConfig, CommandError> {
    let config = aws::user_config(args.region.clone(), args.profile.as_deref()).await;
    if config.region().is_none() {
        return Err("no Region: pass --region, or set AWS_REGION, or run 'aws configure'".into());
    }
    let Some(provider) = config.credentials_provider() else {
        return Err(no_credentials("none are configured").into());
    };
    if let Err(error) = provider.provide_credentials().await {
        let why = one_line(&DisplayErrorContext(&error).to_string());
        return Err(no_credentials(&cut(&why, 300)).into());
    }
    Ok(config)
}

fn no_credentials(why: &str) -> String {
    format!(
        "no AWS credentials: run 'aws configure' or 'aws sso login', or set AWS_PROFILE or \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ({why})"
    )
}
