//! The Lambda function: one binary, its stage named by the function's handler.

use std::process::ExitCode;

use aws_config::SdkConfig;
use lambda_runtime::Error;
use pagetrail::telemetry::Metrics;
use pagetrail::{aws, config, stage, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let stack = variable("PAGETRAIL_STACK").unwrap_or_else(|| "none".to_owned());
    telemetry::start(variable("PAGETRAIL_LOG_LEVEL").as_deref(), Metrics::Embedded { stack });
    let sdk = aws::lambda_config().await;
    match run(&sdk).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function could not start");
            ExitCode::FAILURE
        }
    }
}

async fn run(sdk: &SdkConfig) -> Result<(), Error> {
    match variable("_HANDLER").as_deref() {
        Some("enrich") => {
            let settings = config::read_enrich_stage(variable)?;
            Box::pin(stage::enrich::run(sdk, settings)).await
        }
        Some("deliver") => {
            let settings = config::read_deliver_stage(variable)?;
            Box::pin(stage::deliver::run(sdk, settings)).await
        }
        Some("gateway") => {
            let settings = config::read_gateway_stage(variable)?;
            Box::pin(stage::gateway::run(sdk, settings)).await
        }
        _ => Err("the function's handler must be enrich, deliver or gateway".into()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
