//! The Lambda function: one binary, its stage named by the function's handler.

use pagetrail::{aws, stage, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(std::env::var("PAGETRAIL_LOG_LEVEL").ok().as_deref());
    let sdk = aws::lambda_config().await;
    let started = match std::env::var("_HANDLER").as_deref() {
        Ok("enrich") => stage::enrich::run(&sdk).await,
        Ok("deliver") => stage::deliver::run(&sdk).await,
        _ => Err("the function's handler must be enrich or deliver".into()),
    };
    if let Err(error) = &started {
        tracing::error!(%error, "the function could not start");
    }
    started
}
