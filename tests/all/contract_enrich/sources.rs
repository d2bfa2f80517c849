//! From the alarm's metrics to log groups: metric filters, then the table of AWS metrics.

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, alarm_on, assert_has_no_note, aws_with_filter, event_from, note, of_alarm,
    searched, searched_groups,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns};
use crate::support::aws::{Aws, refusal};
use crate::support::lambda::ACCOUNT;

const FUNCTION: &[(&str, &str)] = &[("FunctionName", "checkout")];

/// One error in each log group.
async fn aws_with_errors(groups: &[&str]) -> Aws {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        for group in groups {
            logs.line(group, STREAM, DATAPOINT, &format!("ERROR in {group}"));
        }
    });
    aws
}

#[track_caller]
fn assert_says(event: &Value, text: &str) {
    assert!(event["payload"]["summary"].as_str().unwrap().contains(text), "{text}: {event:#}");
}

#[tokio::test]
async fn a_lambda_metric_leads_to_the_functions_own_log_group() {
    for (chosen, expected) in [(Some("/team/checkout"), "/team/checkout"), (None, USUAL)] {
        let aws = aws_with_errors(&[expected]).await;
        aws.resources(|it| it.function("checkout", chosen));
        let event =
            event_from(&aws, &sns(&[alarm_on("fn", "AWS/Lambda", "Errors", FUNCTION)])).await;
        assert_has_no_note(&event);
        assert_says(&event, expected);
        assert_eq!(searched_groups(&aws), [expected]);
        let asked = aws.calls("GetFunctionConfiguration");
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].body["FunctionName"], "checkout");
        assert_eq!(aws.calls("DescribeMetricFilters").len(), 0, "no filter feeds an AWS metric");
        let (_, pattern) = &searched(&aws)[0];
        assert!(pattern.contains("Task timed out"), "{pattern}");
    }
}

#[tokio::test]
async fn a_filter_that_adds_0_counts_nothing() {
    for (value, counted) in [("0", false), ("0.0", false), ("$.orders", true), ("2", true)] {
        let aws = Aws::start().await;
        aws.logs(|logs| {
            logs.filter(GROUP, "ERROR", NAMESPACE, METRIC);
            logs.filter_with_value("/ecs/quiet", "ready", NAMESPACE, METRIC, value);
            logs.line(GROUP, STREAM, DATAPOINT, "ERROR no stock");
            logs.line("/ecs/quiet", STREAM, DATAPOINT, "ready");
        });
        event_from(&aws, &sns(&[alarm("orders")])).await;
        let patterns: Vec<_> = searched(&aws).into_iter().map(|(_, pattern)| pattern).collect();
        assert_eq!(patterns.contains(&"ready".to_owned()), counted, "{value}: {patterns:?}");
        assert!(patterns.contains(&"ERROR".to_owned()), "{value}");
    }
}

const USUAL: &str = "/aws/lambda/checkout";

#[tokio::test]
async fn a_deleted_function_leaves_its_logs_behind() {
    let aws = aws_with_errors(&[USUAL]).await;
    let event = event_from(&aws, &sns(&[alarm_on("fn", "AWS/Lambda", "Errors", FUNCTION)])).await;
    assert_has_no_note(&event);
    assert_says(&event, USUAL);
}

#[tokio::test]
async fn a_function_that_may_not_be_asked_about_is_searched_in_the_usual_place() {
    let aws = aws_with_errors(&[USUAL]).await;
    let words = "not authorized to perform: lambda:GetFunctionConfiguration";
    aws.always("GetFunctionConfiguration", refusal("AccessDeniedException", words));
    let event = event_from(&aws, &sns(&[alarm_on("fn", "AWS/Lambda", "Errors", FUNCTION)])).await;
    assert_says(&event, USUAL);
    let note = note(&event);
    assert!(note.contains("lambda:GetFunctionConfiguration") && note.contains(USUAL), "{note}");
}

#[tokio::test]
async fn a_web_function_by_its_own_log_group() {
    let ours = "/aws/lambda/web/checkout";
    let aws = aws_with_errors(&[ours, USUAL]).await;
    let event = event_from(
        &aws,
        &sns(&[alarm_on("web", "AWS/Lambda/Web", "HTTPResponseStatusClass5XX", FUNCTION)]),
    )
    .await;
    assert_has_no_note(&event);
    assert_says(&event, ours);
    assert_eq!(searched_groups(&aws), [ours]);
}

#[tokio::test]
async fn databases_by_instance_and_cluster() {
    let instance = "/aws/rds/instance/shop/error";
    let aws = aws_with_errors(&[instance, "/aws/rds/instance/other/error"]).await;
    let alarm = alarm_on("db", "AWS/RDS", "CPUUtilization", &[("DBInstanceIdentifier", "shop")]);
    let event = event_from(&aws, &sns(&[alarm])).await;
    assert_says(&event, instance);
    // Only the engine's own log exists; that the others do not is no fault.
    assert_has_no_note(&event);
    assert_eq!(searched_groups(&aws), [instance, "/aws/rds/instance/shop/postgresql"]);
}

#[tokio::test]
async fn a_rest_apis_stage_by_listing() {
    let ours = "API-Gateway-Execution-Logs_a1b2c3/prod";
    let aws = aws_with_errors(&[ours, "API-Gateway-Execution-Logs_a1b2c3/test", "/other"]).await;
    aws.logs(|logs| logs.line(ours, STREAM, DATAPOINT + 1, "Method completed with status: 502"));
    let alarm =
        alarm_on("api", "AWS/ApiGateway", "5XXError", &[("ApiName", "shop"), ("Stage", "prod")]);
    let event = event_from(&aws, &sns(&[alarm])).await;
    assert_says(&event, "502");
    let listed = aws.calls("DescribeLogGroups");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].body["logGroupNamePrefix"], "API-Gateway-Execution-Logs_");
    assert_eq!(searched_groups(&aws), [ours]);
}

#[tokio::test]
async fn a_state_machine_by_its_name() {
    let ours = "/aws/vendedlogs/states/Order-Logs";
    let aws = Aws::start().await;
    aws.logs(|logs| {
        logs.line(ours, STREAM, DATAPOINT, r#"{"type":"ExecutionFailed","details":{}}"#);
        logs.group("/aws/vendedlogs/states/Refund-Logs");
    });
    let machine = "arn:aws:states:ap-northeast-1:449671225256:stateMachine:Order";
    let alarm =
        alarm_on("order", "AWS/States", "ExecutionsFailed", &[("StateMachineArn", machine)]);
    let event = event_from(&aws, &sns(&[alarm])).await;
    assert_has_no_note(&event);
    assert_eq!(searched_groups(&aws), [ours]);
}

#[tokio::test]
async fn a_rule_by_the_functions_it_invokes() {
    let aws = aws_with_errors(&["/aws/lambda/one", "/team/two"]).await;
    aws.resources(|it| {
        let arn =
            |what: &str| format!("arn:aws:lambda:ap-northeast-1:449671225256:function:{what}");
        let (one, two) = (arn("one"), arn("two:live"));
        it.rule("nightly", &[&one, &two, "arn:aws:sqs:ap-northeast-1:449671225256:queue"]);
        it.function("one", None);
        it.function("two", Some("/team/two"));
    });
    let alarm = alarm_on("rule", "AWS/Events", "FailedInvocations", &[("RuleName", "nightly")]);
    event_from(&aws, &sns(&[alarm])).await;
    assert_eq!(aws.calls("ListTargetsByRule")[0].body["Rule"], "nightly");
    assert_eq!(searched_groups(&aws), ["/aws/lambda/one", "/team/two"]);
}

/// An alarm over several metrics.
fn math(inputs: &[Value]) -> Value {
    let mut alarm = alarm("math");
    let inputs = (1..).zip(inputs).map(|(number, metric)| {
        let mut input = json!({
            "Id": format!("m{number}"),
            "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
            "ReturnData": false,
        });
        if let Some(account) = metric.get("AccountId") {
            input["AccountId"] = account.clone();
        }
        input
    });
    let expression = json!({"Id": "e1", "Expression": "100 * m1 / m2", "ReturnData": true});
    let inputs: Vec<Value> = std::iter::once(expression).chain(inputs).collect();
    alarm["Trigger"] = json!({
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Metrics": inputs,
    });
    alarm
}

fn input(namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Value {
    let pair = |(name, value): &(&str, &str)| json!({"name": name, "value": value});
    let dimensions: Vec<Value> = dimensions.iter().map(pair).collect();
    json!({"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions})
}

#[tokio::test]
async fn another_accounts_function_by_its_log_groups_arn() {
    let aws = aws_with_errors(&[USUAL]).await;
    let mut metric = input("AWS/Lambda", "Errors", FUNCTION);
    metric["AccountId"] = "111122223333".into();
    let event = event_from(&aws, &sns(&[math(&[metric])])).await;
    assert_has_no_note(&event);
    let search = &aws.calls("FilterLogEvents")[0].body;
    let arn = format!("arn:aws:logs:ap-northeast-1:111122223333:log-group:{USUAL}");
    assert_eq!(search["logGroupIdentifier"], arn);
    assert_eq!(search.get("logGroupName"), None);
    // The link leads to where the reader finds it: the name, without the ARN around it.
    let stream = event["links"].as_array().unwrap().iter().find(|link| {
        link["href"].as_str().unwrap().contains("log-groups/log-group/$252Faws$252Flambda")
    });
    assert!(stream.is_some(), "{:#}", event["links"]);
}

#[tokio::test]
async fn each_input_of_metric_math_by_its_own_filters() {
    let aws = aws_with_errors(&["/shop/orders", "/shop/refunds"]).await;
    aws.logs(|logs| {
        logs.filter("/shop/orders", "ERROR", NAMESPACE, "Orders");
        logs.filter("/shop/refunds", "ERROR", NAMESPACE, "Refunds");
    });
    let inputs = ["Orders", "Refunds"].map(|name| input(NAMESPACE, name, &[]));
    event_from(&aws, &sns(&[math(&inputs)])).await;
    assert_eq!(aws.calls("DescribeMetricFilters").len(), 2);
    assert_eq!(searched_groups(&aws), ["/shop/orders", "/shop/refunds"]);
}

#[tokio::test]
async fn an_input_without_a_filter_is_looked_up_in_the_table_beside_one_with_a_filter() {
    let aws = aws_with_errors(&[GROUP, USUAL]).await;
    aws.logs(|logs| logs.filter(GROUP, "ERROR", NAMESPACE, METRIC));
    let inputs = [input(NAMESPACE, METRIC, &[]), input("AWS/Lambda", "Errors", FUNCTION)];
    event_from(&aws, &sns(&[math(&inputs)])).await;
    assert_eq!(searched_groups(&aws), [USUAL, GROUP]);
}

#[tokio::test]
async fn two_metrics_of_one_function_are_one_question_and_one_search() {
    let aws = aws_with_errors(&[USUAL]).await;
    aws.resources(|it| it.function("checkout", None));
    let inputs = ["Errors", "Invocations"].map(|name| input("AWS/Lambda", name, FUNCTION));
    event_from(&aws, &sns(&[math(&inputs)])).await;
    assert_eq!(aws.calls("GetFunctionConfiguration").len(), 1);
    assert_eq!(searched(&aws).len(), 1);
}

#[tokio::test]
async fn a_contributor_of_a_query_narrows_the_search_to_its_own_function() {
    let aws = aws_with_errors(&[USUAL, "/aws/lambda/refund"]).await;
    let mut alarm = alarm("per-function");
    alarm["AlarmContributor"] = json!({
        "ContributorId": "6d442278dba546f6",
        "ContributorAttributes": {"FunctionName": "checkout"},
    });
    alarm["Trigger"] = json!({"Period": 60, "EvaluationPeriods": 1, "Metrics": [{
        "Id": "q", "Period": 60, "ReturnData": true, "Expression":
            "SELECT SUM(Errors) FROM SCHEMA(\"AWS/Lambda\", FunctionName) GROUP BY FunctionName",
    }]});
    let event = event_from(&aws, &sns(&[alarm])).await;
    assert_eq!(searched_groups(&aws), [USUAL]);
    assert!(event["dedup_key"].as_str().unwrap().ends_with("#6d442278dba546f6"), "{event:#}");
    assert_says(&event, "[checkout]");
    assert!(of_alarm(&event, "contributor").contains("FunctionName = checkout"));
}

#[tokio::test]
async fn at_most_ten_log_groups_and_the_note_says_so() {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        for number in 0..12 {
            let group = format!("/shop/part-{number:02}");
            logs.filter(&group, "ERROR", NAMESPACE, METRIC);
            logs.line(&group, STREAM, DATAPOINT, "ERROR disk full");
        }
    });
    let event = event_from(&aws, &sns(&[alarm("shop")])).await;
    assert_eq!(searched(&aws).len(), 10);
    assert!(note(&event).contains("only 10 log groups"), "{event:#}");
}

#[tokio::test]
async fn log_groups_that_may_not_be_listed_are_named_in_the_note() {
    let aws = Aws::start().await;
    let words = "not authorized to perform: logs:DescribeLogGroups";
    aws.always("DescribeLogGroups", refusal("AccessDeniedException", words));
    let alarm = alarm_on("api", "AWS/ApiGateway", "5XXError", &[("ApiName", "shop")]);
    let note = note(&event_from(&aws, &sns(&[alarm])).await);
    // The action takes no resource.
    assert!(note.contains("Allow logs:DescribeLogGroups on * in the role"), "{note}");
}

/// The note about a tagged log group that may not be read.
async fn note_of_denied(group: &str) -> String {
    let aws = Aws::start().await;
    aws.resources(|it| it.tag("shop", "pagetrail:log-group", group));
    let words = "not authorized to perform: logs:FilterLogEvents";
    aws.always("FilterLogEvents", refusal("AccessDeniedException", words));
    note(&event_from(&aws, &sns(&[alarm("shop")])).await)
}

#[tokio::test]
async fn a_linked_accounts_log_group_that_may_not_be_read_is_named_as_it_is() {
    let group = "arn:aws:logs:ap-northeast-1:444455556666:log-group:/shop/orders";
    let note = note_of_denied(group).await;
    let advice = format!("Allow logs:FilterLogEvents on {group}:* in the role");
    assert!(note.contains(&advice), "{note}");
    assert!(note.contains("crossAccountLogs"), "{note}");
    assert!(note.contains("link account 444455556666"), "{note}");
}

#[tokio::test]
async fn an_own_log_group_that_is_tagged_by_its_arn_needs_no_link() {
    let group = format!("arn:aws:logs:ap-northeast-1:{ACCOUNT}:log-group:/shop/orders");
    let note = note_of_denied(&group).await;
    let advice = format!("Allow logs:FilterLogEvents on {group}:* in the role");
    assert!(note.contains(&advice), "{note}");
    assert!(!note.contains("crossAccountLogs"), "{note}");
}

#[tokio::test]
async fn a_metric_without_logs_says_how_to_name_them() {
    let aws = aws_with_filter("ERROR").await;
    let alarm = alarm_on("cpu", "AWS/EC2", "CPUUtilization", &[("InstanceId", "i-0123456789")]);
    let note = note(&event_from(&aws, &sns(&[alarm])).await);
    assert!(note.contains("pagetrail:log-group") && note.contains("CPUUtilization"), "{note}");
    assert!(aws.log_calls().is_empty());
}
