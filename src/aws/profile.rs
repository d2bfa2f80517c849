//! A named profile of the AWS CLI: it takes precedence over the environment.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{
    self, ProfileFileCredentialsProvider, ProfileFileRegionProvider, ProfileSet,
};
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig};

use super::sdk;
use crate::text::{alike, did_you_mean};

/// A profile with credentials has one of these settings.
const CREDENTIALS: [&str; 7] = [
    "aws_access_key_id",
    "credential_process",
    "login_session",
    "role_arn",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
];
/// The most profiles that an error lists.
const MOST_NAMED: usize = 20;

/// An existing profile.
#[derive(Debug)]
pub struct Profile {
    name: String,
    has_credentials: bool,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("no profile is named {name:?} in the AWS CLI's configuration{known}")]
    Unknown { name: String, known: String },
    #[error("the AWS CLI's configuration cannot be read: {0}")]
    Unreadable(String),
}

impl Profile {
    /// Looks the profile up in the AWS CLI's files.
    ///
    /// # Errors
    /// When no profile has this name, or the files cannot be read.
    pub async fn find(name: &str) -> Result<Self, ProfileError> {
        // This machine's files and environment, as the SDK reads them.
        #[allow(clippy::default_trait_access, reason = "the SDK keeps the names of these types")]
        let profiles =
            profile::load(&Default::default(), &Default::default(), &Default::default(), None)
                .await
                .map_err(|error| ProfileError::Unreadable(sdk::reason(&error)))?;
        let Some(profile) = profiles.get_profile(name) else {
            return Err(ProfileError::Unknown {
                name: name.to_owned(),
                known: known(name, &profiles),
            });
        };
        let has_credentials = CREDENTIALS.iter().any(|setting| profile.get(setting).is_some());
        Ok(Self { name: name.to_owned(), has_credentials })
    }

    /// The SDK's configuration with the profile's credentials. The Region is the given one, otherwise
    /// the environment's, otherwise the profile's.
    ///
    /// The SDK's own chain uses credentials from the environment first, even with a profile.
    pub async fn config(&self, region: Option<String>) -> SdkConfig {
        let http = sdk::user_http();
        let config = ProviderConfig::without_region().with_http_client(http.clone());
        let region = match region {
            Some(region) => Some(Region::new(region)),
            None => self.region(&config).await,
        };
        let loader =
            sdk::loader().http_client(http).profile_name(&self.name).region(region.clone());
        let config = config.with_region(region);
        if self.has_credentials {
            let builder = ProfileFileCredentialsProvider::builder();
            let provider = builder.configure(&config).profile_name(&self.name).build();
            return loader.credentials_provider(provider).load().await;
        }
        // As in the AWS CLI, such a profile uses the credentials of the container or machine.
        let container = EcsCredentialsProvider::builder().configure(&config).build();
        let machine = ImdsCredentialsProvider::builder().configure(&config).build();
        let provider = CredentialsProviderChain::first_try("EcsContainer", container)
            .or_else("Ec2InstanceMetadata", machine);
        loader.credentials_provider(provider).load().await
    }

    async fn region(&self, config: &ProviderConfig) -> Option<Region> {
        let own = ProfileFileRegionProvider::builder();
        let own = own.configure(config).profile_name(&self.name).build();
        // As in the AWS CLI, the variable takes precedence over the profile's setting.
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(own)
            .or_else(ImdsRegionProvider::builder().configure(config).build())
            .region()
            .await
    }
}

/// The existing profiles, for an error about an unknown one.
fn known(wanted: &str, profiles: &ProfileSet) -> String {
    let mut names: Vec<&str> = profiles.profiles().collect();
    if names.is_empty() {
        return ", which has no profiles: run 'aws configure' or 'aws configure sso'".to_owned();
    }
    names.sort_unstable();
    let meant = did_you_mean(&alike(wanted, names.iter().copied(), 3));
    let more = if names.len() > MOST_NAMED { ", …" } else { "" };
    names.truncate(MOST_NAMED);
    let end = if meant.is_empty() { "." } else { "" };
    format!("{meant}{end} There are: {}{more}", names.join(", "))
}
