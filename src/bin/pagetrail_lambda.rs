//! The Lambda function: one binary, its stage named by the function's handler.

use std::process::ExitCode;

use pagetrail::{aws, stage, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::start(std::env::var("PAGETRAIL_LOG_LEVEL").ok().as_deref());
    let sdk = aws::lambda_config().await;
    let ended = match std::env::var("_HANDLER").as_deref() {
        Ok("enrich") => stage::enrich::run(&sdk).await,
        Ok("deliver") => stage::deliver::run(&sdk).await,
        _ => Err("the function's handler must be enrich or deliver".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function could not start");
            ExitCode::FAILURE
        }
    }
}
