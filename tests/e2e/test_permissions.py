"""Each role can make the calls of its own function, and no call that only another function needs.

The tests make the calls with the role's credentials, so IAM decides. This includes the calls that AWS
makes for the functions.
"""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness.cloud import ACCOUNT, REGION, Cloud
from harness.install import Stack, alarm_arn

MESSAGE = {"MessageBody": "text", "MessageGroupId": "a", "MessageDeduplicationId": "a"}
LINKED = f"arn:aws:logs:{REGION}:111122223333:log-group:/shop"
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
# Service, operation, arguments. The fixture `values` fills in names in braces.
CALLS = {
    "write the log": (
        "logs",
        "create_log_stream",
        {"logGroupName": "{own_log}", "logStreamName": "test"},
    ),
    "write another's log": (
        "logs",
        "create_log_stream",
        {"logGroupName": "/aws/lambda/pagetrail-other", "logStreamName": "test"},
    ),
    "list metric filters": ("logs", "describe_metric_filters", {"metricName": "a"}),
    "list log groups": ("logs", "describe_log_groups", {"logGroupNamePrefix": "/shop"}),
    "read lines": ("logs", "filter_log_events", {"logGroupName": "/shop"}),
    "read a linked account's lines": ("logs", "filter_log_events", {"logGroupIdentifier": LINKED}),
    "read tags": ("cloudwatch", "list_tags_for_resource", {"ResourceARN": alarm_arn("shop")}),
    "read alarms": ("cloudwatch", "describe_alarms", {"AlarmNames": ["shop"]}),
    "read a function": ("lambda", "get_function_configuration", {"FunctionName": "shop"}),
    "read a rule's targets": ("events", "list_targets_by_rule", {"Rule": "shop"}),
    "queue": ("sqs", "send_message", {"QueueUrl": "{events}", **MESSAGE}),
    "take": ("sqs", "receive_message", {"QueueUrl": "{events}"}),
    "count": ("sqs", "get_queue_attributes", {"QueueUrl": "{events}"}),
    "postpone": (
        "sqs",
        "change_message_visibility",
        {"QueueUrl": "{events}", "ReceiptHandle": "a", "VisibilityTimeout": 1},
    ),
    "remove": ("sqs", "delete_message", {"QueueUrl": "{events}", "ReceiptHandle": "a"}),
    "queue as failed": ("sqs", "send_message", {"QueueUrl": "{unenriched}", "MessageBody": "text"}),
    "take failed": ("sqs", "receive_message", {"QueueUrl": "{unenriched}"}),
    "count failed": ("sqs", "get_queue_attributes", {"QueueUrl": "{unenriched}"}),
    "remove failed": ("sqs", "delete_message", {"QueueUrl": "{unenriched}", "ReceiptHandle": "a"}),
    "queue as rejected": ("sqs", "send_message", {"QueueUrl": "{rejected}", **MESSAGE}),
    "take rejected": ("sqs", "receive_message", {"QueueUrl": "{rejected}"}),
    "read the routing key": ("secretsmanager", "get_secret_value", {"SecretId": "{key}"}),
    "read the token": ("secretsmanager", "get_secret_value", {"SecretId": "{token}"}),
    "read the subscription": (
        "sns",
        "get_subscription_attributes",
        {"SubscriptionArn": "{subscription}"},
    ),
    "publish": ("sns", "publish", {"TopicArn": "{topic}", "Message": "text"}),
}
MAY = {
    "Enrich": {
        "write the log",
        "list metric filters",
        "list log groups",
        "read lines",
        "read a linked account's lines",
        "read tags",
        "read alarms",
        "read a function",
        "read a rule's targets",
        "queue",
        "queue as failed",
    },
    "Deliver": {
        "write the log",
        "take",
        "count",
        "postpone",
        "remove",
        "take failed",
        "count failed",
        "remove failed",
        "queue",
        "queue as rejected",
        "read the routing key",
        "read the subscription",
    },
    "Gateway": {"write the log", "queue", "count", "read the routing key", "read the token"},
}


@pytest.fixture(scope="module")
def installed(cloud: Cloud, template_url: str) -> Stack:
    pagerduty = "https://events.pagerduty.com/v2/enqueue"
    stack = Stack(cloud, template_url, pagerduty, "roles", gateway="true", crossAccountLogs="true")
    # Nothing must receive the messages that these tests queue.
    functions = cloud.client("lambda")
    deliver = stack.outputs["DeliverFunctionName"]
    for source in functions.list_event_source_mappings(FunctionName=deliver)["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    return stack


@pytest.fixture(scope="module")
def values(cloud: Cloud, installed: Stack) -> dict[str, str]:
    topic = installed.topic
    found = cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return {
        "events": installed.outputs["EventsQueueUrl"],
        "rejected": installed.outputs["RejectedQueueUrl"],
        "unenriched": installed.resource("UnenrichedQueue"),
        "key": installed.resource("RoutingKey"),
        "token": installed.outputs["GatewayTokenArn"],
        "topic": topic,
        "subscription": found[0]["SubscriptionArn"],
    }


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_call_this_and_nothing_else(
    cloud: Cloud, installed: Stack, values: dict[str, str], role: str
) -> None:
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{installed.resource(f'{role}Role')}"
    values["own_log"] = f"/aws/lambda/{installed.name}-{role.lower()}"
    session = cloud.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")
    allowed = {
        name
        for name, (service, operation, arguments) in CALLS.items()
        if is_allowed(cloud, session["Credentials"], service, operation, filled(arguments, values))
    }
    assert allowed == MAY[role]


def filled(arguments: dict, values: dict[str, str]) -> dict:
    return {
        name: value.format(**values) if isinstance(value, str) else value
        for name, value in arguments.items()
    }


def is_allowed(
    cloud: Cloud, credentials: dict, service: str, operation: str, arguments: dict
) -> bool:
    """Whether the call is not denied. Any other result does not matter."""
    client = boto3.client(
        service,
        region_name=REGION,
        endpoint_url=cloud.url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=Config(retries={"max_attempts": 0}),
    )
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error
        return error.response["Error"]["Code"] not in DENIED
    return True
