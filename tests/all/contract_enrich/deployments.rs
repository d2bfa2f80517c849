//! What was deployed before the first error: which calls are made, and what the page says of the answers.

use std::time::Duration;

use super::context::{ERROR, HOUR, MINUTE, START, context};
use super::{GROUP, STREAM, alarm_on, assert_has_no_note};
use crate::support::alarms::{DATAPOINT, sns};
use crate::support::aws::{Aws, query_refusal, refusal};

/// An alarm on the service `api`, whose lines begin to fail at [`DATAPOINT`] plus a second.
async fn aws_with_failing_service() -> Aws {
    let aws = Aws::start().await;
    aws.delay("FilterLogEvents", Duration::from_millis(700));
    aws.resources(|it| it.tag("api", "pagetrail:log-group", GROUP));
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT + 1_000, ERROR));
    aws
}

async fn changes_said(aws: &Aws) -> Vec<String> {
    let service = [("ClusterName", "shop"), ("ServiceName", "checkout")];
    let alarm = sns(&[alarm_on("api", "ECS/ContainerInsights", "TaskErrors", &service)]);
    let enrich = aws.enrich().variable("PAGETRAIL_CHANGES", "true").start().await;
    enrich.invoke(&alarm).await.response();
    let event = aws.only_event();
    assert_has_no_note(&event);
    let deployers = ["(CloudFormation)", "(ECS)", "(CodeDeploy)"];
    let is_wanted = |it: &String| deployers.iter().any(|deployer| it.ends_with(deployer));
    context(&event).into_iter().filter(is_wanted).collect()
}

#[tokio::test]
async fn what_was_deployed_before_the_first_error() {
    let aws = aws_with_failing_service().await;
    aws.deployed(|it| {
        let arn = "arn:aws:ecs:ap-northeast-1:449671225256:service/shop/checkout";
        it.stack(arn, "shop-prod");
        // The log group is in the same stack, which is said once.
        it.stack(GROUP, "shop-prod");
        for (at, resource, status) in [
            (MINUTE, "shop-prod", "UPDATE_IN_PROGRESS"),
            (-MINUTE, "shop-prod", "UPDATE_ROLLBACK_COMPLETE"),
            (-2 * MINUTE, "shop-prod", "UPDATE_ROLLBACK_IN_PROGRESS"),
            (-2 * MINUTE, "Api", "UPDATE_FAILED"),
            (-3 * MINUTE, "ApiTask", "UPDATE_COMPLETE"),
            (-4 * MINUTE, "shop-prod", "UPDATE_IN_PROGRESS"),
            (-30 * HOUR, "shop-prod", "CREATE_COMPLETE"),
            (-30 * HOUR, "shop-prod", "CREATE_IN_PROGRESS"),
        ] {
            it.event("shop-prod", DATAPOINT + at, resource, status);
        }
        it.service(("shop", "checkout"), DATAPOINT - 3 * MINUTE, "checkout:43", "FAILED");
        it.service(("shop", "checkout"), DATAPOINT - 50 * HOUR, "checkout:42", "COMPLETED");
        it.code(DATAPOINT - 2 * MINUTE, ("checkout-app", "prod"), "Succeeded");
        it.code(DATAPOINT - 3 * HOUR, ("checkout-app", "prod"), "Stopped");
        it.code(DATAPOINT - MINUTE, ("billing", "prod"), "Succeeded");
        it.code(DATAPOINT - 30 * HOUR, ("checkout-app", "prod"), "Failed");
    });
    assert_eq!(
        changes_said(&aws).await,
        [
            "update of stack shop-prod (ApiTask) began at 2025-02-02 12:01 UTC, 4 min before the first of \
             these lines, now UPDATE_ROLLBACK_COMPLETE (CloudFormation)",
            "deployment of service checkout with checkout:43 began at 2025-02-02 12:02 UTC, 3 min before \
             the first of these lines, now FAILED (ECS)",
            "deployment of application checkout-app to prod began at 2025-02-02 12:03 UTC, 2 min before \
             the first of these lines, now Succeeded; 1 more in the 24 h before (CodeDeploy)",
        ]
    );
    for (operation, calls) in [
        ("DescribeStackResources", 2),
        ("DescribeStackEvents", 2),
        ("DescribeServices", 1),
        ("ListDeployments", 1),
        ("BatchGetDeployments", 1),
    ] {
        assert_eq!(aws.context_calls(operation).len(), calls, "{operation}");
    }
    let span = &aws.context_calls("ListDeployments")[0].body["createTimeRange"];
    assert_eq!(span["start"].as_i64(), Some((START - 24 * HOUR) / 1_000), "{span}");
}

#[tokio::test]
async fn deployers_that_know_nothing_or_do_not_answer_cost_their_sentence_only() {
    let aws = aws_with_failing_service().await;
    assert_eq!(changes_said(&aws).await, [""; 0], "nothing was deployed");
    assert!(aws.context_calls("DescribeStackEvents").is_empty(), "no stack has the resources");
    assert!(aws.context_calls("BatchGetDeployments").is_empty(), "there was no deployment");

    let aws = aws_with_failing_service().await;
    aws.deployed(|it| {
        it.service(("shop", "checkout"), DATAPOINT - 3 * MINUTE, "checkout:43", "COMPLETED");
    });
    aws.always("DescribeStackResources", query_refusal(403, "AccessDenied", "not authorized"));
    aws.always("ListDeployments", refusal("ThrottlingException", "Rate exceeded"));
    let said = changes_said(&aws).await;
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].ends_with("now COMPLETED (ECS)"), "{said:#?}");
}
