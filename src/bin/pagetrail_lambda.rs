//! The Lambda function: one binary, its stage named by the function's handler.

use std::process::ExitCode;

use pagetrail::telemetry::Metrics;
use pagetrail::{aws, stage, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let stack = variable("PAGETRAIL_STACK").unwrap_or_else(|| "none".to_owned());
    telemetry::start(variable("PAGETRAIL_LOG_LEVEL").as_deref(), Metrics::Embedded { stack });
    let sdk = aws::lambda_config().await;
    let ended = match std::env::var("_HANDLER").as_deref() {
        Ok("enrich") => Box::pin(stage::enrich::run(&sdk)).await,
        Ok("deliver") => Box::pin(stage::deliver::run(&sdk)).await,
        Ok("gateway") => Box::pin(stage::gateway::run(&sdk)).await,
        _ => Err("the function's handler must be enrich, deliver or gateway".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function could not start");
            ExitCode::FAILURE
        }
    }
}
