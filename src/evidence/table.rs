//! The table that leads from an AWS metric to its logs, by namespace.
//!
//! To add a service, add an arm to [`guesses`]: the dimensions that name the resource,
//! and where AWS writes that resource's logs, with the source of that knowledge.

use super::words::{BUILD, DATABASE, ERRORS, GATEWAY, GRAPHQL, LAMBDA_ERRORS, STATES, TRANSFER};
use crate::alarm::Metric;

/// Where the lines behind a metric can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub group: Group,
    /// Filter pattern that finds errors there.
    pub pattern: &'static str,
}

/// How a log group is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    Named(String),
    /// All log groups whose names begin and end like this.
    Like {
        prefix: String,
        suffix: String,
    },
    /// The log group of a Lambda function, which the user can choose.
    OfFunction(String),
    /// The log groups of the Lambda functions that an EventBridge rule invokes.
    OfRule(String),
}

/// The guesses for one metric, the likeliest first; empty if the table has none.
#[must_use]
#[allow(clippy::too_many_lines, reason = "a table is read from top to bottom")]
pub fn guesses(metric: &Metric) -> Vec<Guess> {
    let of = |dimension: &str| metric.dimension(dimension);
    let named = |name: String, pattern| Guess { group: Group::Named(name), pattern };
    let like = |prefix: String, suffix: String, pattern| Guess {
        group: Group::Like { prefix, suffix },
        pattern,
    };
    let function =
        |name: &str| Guess { group: Group::OfFunction(name.to_owned()), pattern: LAMBDA_ERRORS };
    match metric.namespace.as_str() {
        // Lambda, "Sending Lambda function logs to CloudWatch Logs": /aws/lambda/<name>
        // unless LoggingConfig says otherwise.
        "AWS/Lambda" => of("FunctionName").map(function).into_iter().collect(),
        // Lambda, "Web Function logs in Amazon CloudWatch Logs" and "Using CloudWatch metrics
        // with Lambda Web Functions": a Web Function's metrics and logs are collected in its
        // home Region; usage metrics stay in the Region of the request, as do the logs in the
        // log group that ends in `.local`.
        "AWS/Lambda/Web" => of("FunctionName")
            .map(|name| named(format!("/aws/lambda/web/{name}"), LAMBDA_ERRORS))
            .into_iter()
            .collect(),
        "AWS/Lambda/Web/Usage" => of("FunctionName")
            .map(|name| named(format!("/aws/lambda/web/{name}.local"), LAMBDA_ERRORS))
            .into_iter()
            .collect(),
        // Lambda Insights, "Metrics collected": dimension function_name.
        "LambdaInsights" => of("function_name").map(function).into_iter().collect(),
        // CloudWatch Synthetics, "Canary log group": /aws/lambda/cwsyn-<canary>-<id>.
        "CloudWatchSynthetics" => of("CanaryName")
            .map(|canary| like(format!("/aws/lambda/cwsyn-{canary}-"), String::new(), ERRORS))
            .into_iter()
            .collect(),
        // API Gateway, "Log formats": execution logs of REST and WebSocket APIs are in
        // API-Gateway-Execution-Logs_<api id>/<stage>. REST metrics name only the API's
        // name, not its id, so there all APIs with that stage are searched.
        "AWS/ApiGateway" => match (of("ApiId"), of("ApiName"), of("Stage")) {
            (Some(api), _, Some(stage)) => {
                vec![named(format!("API-Gateway-Execution-Logs_{api}/{stage}"), GATEWAY)]
            }
            (Some(api), _, None) => {
                vec![like(format!("API-Gateway-Execution-Logs_{api}/"), String::new(), GATEWAY)]
            }
            (None, Some(_), stage) => vec![like(
                "API-Gateway-Execution-Logs_".to_owned(),
                stage.map(|stage| format!("/{stage}")).unwrap_or_default(),
                GATEWAY,
            )],
            _ => Vec::new(),
        },
        // Step Functions, "Logging using CloudWatch Logs": the console creates
        // /aws/vendedlogs/states/<state machine>-Logs.
        "AWS/States" => of("StateMachineArn")
            .and_then(|arn| arn.rsplit(':').next())
            .map(|name| like(format!("/aws/vendedlogs/states/{name}"), String::new(), STATES))
            .into_iter()
            .collect(),
        // ECS, "Using the awslogs log driver": the console names groups /ecs/<family>;
        // Copilot and the CDK have their own, which the tag pagetrail:log-group names.
        "AWS/ECS" | "ECS/ContainerInsights" => [of("ServiceName"), of("TaskDefinitionFamily")]
            .into_iter()
            .flatten()
            .map(|name| like(format!("/ecs/{name}"), String::new(), ERRORS))
            .collect(),
        // Container Insights for EKS, "Set up Fluent Bit": the containers' own output is
        // in /aws/containerinsights/<cluster>/application.
        "ContainerInsights" => of("ClusterName")
            .map(|cluster| named(format!("/aws/containerinsights/{cluster}/application"), ERRORS))
            .into_iter()
            .collect(),
        // RDS and Aurora, "Publishing database logs to CloudWatch Logs":
        // /aws/rds/instance/<id>/<log>, /aws/rds/cluster/<id>/<log>.
        "AWS/RDS" => {
            let instance = of("DBInstanceIdentifier").map(|id| format!("/aws/rds/instance/{id}"));
            let cluster = of("DBClusterIdentifier").map(|id| format!("/aws/rds/cluster/{id}"));
            [instance, cluster]
                .into_iter()
                .flatten()
                .flat_map(|group| {
                    ["error", "postgresql"].map(|log| named(format!("{group}/{log}"), DATABASE))
                })
                .collect()
        }
        // CodeBuild, "View build logs": /aws/codebuild/<project>.
        "AWS/CodeBuild" => of("ProjectName")
            .map(|project| named(format!("/aws/codebuild/{project}"), BUILD))
            .into_iter()
            .collect(),
        // EventBridge does not keep logs: a failing rule shows in the logs of its targets.
        "AWS/Events" => of("RuleName")
            .map(|rule| Guess { group: Group::OfRule(rule.to_owned()), pattern: LAMBDA_ERRORS })
            .into_iter()
            .collect(),
        // AppSync, "Monitoring and logging": /aws/appsync/apis/<api id>.
        "AWS/AppSync" => of("GraphQLAPIId")
            .map(|api| named(format!("/aws/appsync/apis/{api}"), GRAPHQL))
            .into_iter()
            .collect(),
        // Glue, "Continuous logging": /aws-glue/jobs/error and /aws-glue/jobs/output.
        "Glue" => of("JobName")
            .map(|_| {
                ["error", "output", "logs-v2"]
                    .map(|log| named(format!("/aws-glue/jobs/{log}"), ERRORS))
                    .to_vec()
            })
            .unwrap_or_default(),
        // Batch, "Using the awslogs log driver": /aws/batch/job unless the job says otherwise.
        "AWS/Batch" => vec![named("/aws/batch/job".to_owned(), ERRORS)],
        // SageMaker, "Log groups and streams": /aws/sagemaker/Endpoints/<endpoint>.
        "AWS/SageMaker" | "/aws/sagemaker/Endpoints" => of("EndpointName")
            .map(|endpoint| named(format!("/aws/sagemaker/Endpoints/{endpoint}"), ERRORS))
            .into_iter()
            .collect(),
        // Data Firehose, "Monitor using CloudWatch Logs": /aws/kinesisfirehose/<stream>.
        "AWS/Firehose" => of("DeliveryStreamName")
            .map(|stream| named(format!("/aws/kinesisfirehose/{stream}"), ""))
            .into_iter()
            .collect(),
        // Elastic Beanstalk, "Streaming log files": /aws/elasticbeanstalk/<environment>/<file>.
        "AWS/ElasticBeanstalk" => of("EnvironmentName")
            .map(|name| like(format!("/aws/elasticbeanstalk/{name}/"), String::new(), ERRORS))
            .into_iter()
            .collect(),
        // App Runner, "Viewing App Runner logs": /aws/apprunner/<service>/<id>/application.
        "AWS/AppRunner" => of("ServiceName")
            .map(|name| like(format!("/aws/apprunner/{name}/"), "/application".to_owned(), ERRORS))
            .into_iter()
            .collect(),
        // Amazon MQ, "Configuring logs": /aws/amazonmq/broker/<id>/general; the metric's
        // dimension is the broker's name, so the id comes from the tag.
        // MWAA, "Viewing Airflow logs": airflow-<environment>-<component>.
        "AmazonMWAA" | "AWS/MWAA" => of("Environment")
            .map(|name| like(format!("airflow-{name}-"), String::new(), ERRORS))
            .into_iter()
            .collect(),
        // OpenSearch Service, "Enabling log publishing": the console creates
        // /aws/OpenSearchService/domains/<domain>/<log>.
        "AWS/ES" => of("DomainName")
            .map(|domain| {
                like(format!("/aws/OpenSearchService/domains/{domain}/"), String::new(), ERRORS)
            })
            .into_iter()
            .collect(),
        // Transfer Family, "CloudWatch logging": /aws/transfer/<server id>.
        "AWS/Transfer" => of("ServerId")
            .map(|server| named(format!("/aws/transfer/{server}"), TRANSFER))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the namespace belongs to AWS. Metric filters cannot write to these.
#[must_use]
pub fn is_aws(namespace: &str) -> bool {
    namespace.starts_with("AWS/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn groups(namespace: &str, dimensions: &[(&str, &str)]) -> Vec<Group> {
        let dimensions: BTreeMap<String, String> =
            dimensions.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let metric = Metric {
            namespace: namespace.into(),
            name: "Errors".into(),
            dimensions,
            account: None,
        };
        guesses(&metric).into_iter().map(|guess| guess.group).collect()
    }

    fn named(name: &str) -> Group {
        Group::Named(name.into())
    }

    #[test]
    fn each_service_by_its_dimensions() {
        assert_eq!(
            groups("AWS/Lambda", &[("FunctionName", "checkout"), ("Resource", "checkout:live")]),
            [Group::OfFunction("checkout".into())]
        );
        assert_eq!(
            groups("AWS/Lambda/Web", &[("FunctionName", "shop"), ("EndpointName", "default")]),
            [named("/aws/lambda/web/shop")]
        );
        assert_eq!(
            groups("AWS/Lambda/Web/Usage", &[("FunctionName", "shop")]),
            [named("/aws/lambda/web/shop.local")]
        );
        assert_eq!(
            groups("AWS/RDS", &[("DBInstanceIdentifier", "shop")]),
            [named("/aws/rds/instance/shop/error"), named("/aws/rds/instance/shop/postgresql")]
        );
        assert_eq!(
            groups("AWS/ApiGateway", &[("ApiName", "shop"), ("Stage", "prod")]),
            [Group::Like { prefix: "API-Gateway-Execution-Logs_".into(), suffix: "/prod".into() }]
        );
        assert_eq!(
            groups("AWS/States", &[("StateMachineArn", "arn:aws:states:x:1:stateMachine:Order")]),
            [Group::Like { prefix: "/aws/vendedlogs/states/Order".into(), suffix: String::new() }]
        );
        assert_eq!(groups("AWS/CodeBuild", &[("ProjectName", "p")]), [named("/aws/codebuild/p")]);
        assert_eq!(groups("AWS/Events", &[("RuleName", "r")]), [Group::OfRule("r".into())]);
    }

    #[test]
    fn without_the_dimension_or_the_service_there_is_no_guess() {
        assert!(groups("AWS/Lambda", &[]).is_empty());
        assert!(groups("AWS/EC2", &[("InstanceId", "i-1")]).is_empty());
        assert!(groups("Shop", &[("FunctionName", "checkout")]).is_empty());
    }
}
