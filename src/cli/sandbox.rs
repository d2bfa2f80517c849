//! `pagetrail sandbox`: runs the local stand-in for PagerDuty.

use super::CommandError;

/// Run a local stand-in for PagerDuty's Events API, with a page that shows the incidents.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Serves until interrupted.
///
/// # Errors
/// When the port is taken.
pub fn run(_args: &Args) -> Result<(), CommandError> {
    Err("not written yet".into())
}
