//! `pagetrail link`: the quick-create link that installs Pagetrail.

use super::CommandError;

/// Print the CloudFormation quick-create link, parameters filled in.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Prints the link.
///
/// # Errors
/// When an argument cannot be part of a link.
pub fn run(_args: &Args) -> Result<(), CommandError> {
    Err("not written yet".into())
}
