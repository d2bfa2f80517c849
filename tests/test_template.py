"""What template.yaml promises about roles, queues and alarms, read from the template itself."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DAYS_14 = 14 * 24 * 60 * 60
QUEUES = ["EventsQueue", "RejectedQueue", "UnenrichedQueue"]

# Each role's statements: Sid -> (actions, resource). What stands in an Fn::If is there only when
# asked for; its statement is listed all the same.
OWN_ACCOUNT = "arn:${AWS::Partition}:%s:*:${AWS::AccountId}:%s"
OWN_LOGS = (
    "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:"
    "log-group:/aws/lambda/${AWS::StackName}-%s:log-stream:*"
)
SECRET = {
    "Fn::If": ["HasSecret", {"Ref": "pagerDutySecretArn"}, {"Fn::GetAtt": ["RoutingKey", "Id"]}]
}


def sub(text: str) -> dict:
    return {"Fn::Sub": text}


def arn(resource: str) -> dict:
    return {"Fn::GetAtt": [resource, "Arn"]}


ROLES = {
    "EnrichRole": {
        "WriteOwnLogs": (
            {"logs:CreateLogStream", "logs:PutLogEvents"},
            sub(OWN_LOGS % "enrich"),
        ),
        "ReadEvidence": (
            {"logs:DescribeLogGroups", "logs:DescribeMetricFilters", "logs:FilterLogEvents"},
            sub(OWN_ACCOUNT % ("logs", "log-group:*")),
        ),
        "ReadEvidenceOfLinkedAccounts": (
            {"logs:FilterLogEvents"},
            sub("arn:${AWS::Partition}:logs:*:*:log-group:*"),
        ),
        "ReadAlarmTags": (
            {"cloudwatch:ListTagsForResource"},
            sub(OWN_ACCOUNT % ("cloudwatch", "alarm:*")),
        ),
        # CloudWatch leaves composite alarms out for anything narrower: the one `*` of all.
        "ReadAlarms": ({"cloudwatch:DescribeAlarms"}, "*"),
        "ReadFunctionsLogGroup": (
            {"lambda:GetFunctionConfiguration"},
            sub(OWN_ACCOUNT % ("lambda", "function:*")),
        ),
        "ReadRulesTargets": (
            {"events:ListTargetsByRule"},
            sub(OWN_ACCOUNT % ("events", "rule/*")),
        ),
        "QueueEvents": ({"sqs:SendMessage"}, arn("EventsQueue")),
        "QueueFailures": ({"sqs:SendMessage"}, arn("UnenrichedQueue")),
    },
    "DeliverRole": {
        "WriteOwnLogs": (
            {"logs:CreateLogStream", "logs:PutLogEvents"},
            sub(OWN_LOGS % "deliver"),
        ),
        "TakeEvents": (
            {
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ChangeMessageVisibility",
            },
            arn("EventsQueue"),
        ),
        "TakeUnenriched": (
            {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
            arn("UnenrichedQueue"),
        ),
        "QueueBareEvents": ({"sqs:SendMessage"}, arn("EventsQueue")),
        "SetRefusedAside": ({"sqs:SendMessage"}, arn("RejectedQueue")),
        "ReadRoutingKey": ({"secretsmanager:GetSecretValue"}, SECRET),
        "LookAtSubscription": (
            {"sns:GetSubscriptionAttributes"},
            [{"Ref": "errorTopicArn"}, sub("${errorTopicArn}:*")],
        ),
        "DecryptRoutingKey": ({"kms:Decrypt"}, {"Ref": "pagerDutySecretKmsKeyArn"}),
    },
    "GatewayRole": {
        "WriteOwnLogs": (
            {"logs:CreateLogStream", "logs:PutLogEvents"},
            sub(OWN_LOGS % "gateway"),
        ),
        "QueueEvents": ({"sqs:SendMessage", "sqs:GetQueueAttributes"}, arn("EventsQueue")),
        "ReadRoutingKey": ({"secretsmanager:GetSecretValue"}, SECRET),
        "ReadToken": (
            {"secretsmanager:GetSecretValue"},
            {"Fn::GetAtt": ["GatewayToken", "Id"]},
        ),
        "DecryptRoutingKey": ({"kms:Decrypt"}, {"Ref": "pagerDutySecretKmsKeyArn"}),
    },
}
OPTIONAL = {
    "ReadEvidenceOfLinkedAccounts": "CrossAccountLogs",
    "DecryptRoutingKey": "SecretHasOwnKey",
}
READS_LOGS = re.compile(
    r"logs:(\*|Filter|Get|Describe|StartQuery|StartLiveTail|Tail|TestMetric|Unmask)"
)


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms become its long ones."""


def long_form(loader: Loader, name: str, node: yaml.Node) -> dict:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if name == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", long_form)

TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader)
RESOURCES = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict]:
    return {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == kind}


def only_for(entry: dict) -> tuple[str | None, dict]:
    """The condition a list's entry hangs on, and the entry."""
    if "Fn::If" not in entry:
        return None, entry
    condition, then, otherwise = entry["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    return condition, then


def statements(role: str) -> dict[str, tuple[str | None, dict]]:
    found = {}
    for policy in RESOURCES[role]["Properties"]["Policies"]:
        for entry in policy["PolicyDocument"]["Statement"]:
            condition, statement = only_for(entry)
            assert statement["Sid"] not in found
            found[statement["Sid"]] = (condition, statement)
    return found


def actions(statement: dict) -> set[str]:
    named = statement["Action"]
    return {named} if isinstance(named, str) else set(named)


def functions() -> dict[str, str]:
    """Each function's role."""
    return {n: p["Role"]["Fn::GetAtt"][0] for n, p in of_type("AWS::Lambda::Function").items()}


def test_roles_are_these_and_have_inline_policies_alone() -> None:
    roles = of_type("AWS::IAM::Role")
    assert set(roles) == set(ROLES)
    assert functions() == {
        "EnrichFunction": "EnrichRole",
        "DeliverFunction": "DeliverRole",
        "GatewayFunction": "GatewayRole",
    }
    for role in roles.values():
        assert "ManagedPolicyArns" not in role
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"
    kinds = {resource["Type"] for resource in RESOURCES.values()}
    assert not kinds & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_this_and_nothing_else(role: str) -> None:
    found = statements(role)
    assert {sid: (actions(s), s["Resource"]) for sid, (_, s) in found.items()} == ROLES[role]
    for sid, (condition, statement) in found.items():
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)
        assert condition == OPTIONAL.get(sid)
        assert not any("*" in action for action in actions(statement))


def test_who_reads_logs_holds_no_key_and_the_other_way_round() -> None:
    allowed = {
        role: set().union(*(actions(s) for _, s in statements(role).values())) for role in ROLES
    }
    enrich = allowed["EnrichRole"]
    assert not [a for a in enrich if a.startswith(("secretsmanager:", "kms:", "ssm:", "sts:"))]
    for role in ("DeliverRole", "GatewayRole"):
        assert not [a for a in allowed[role] if READS_LOGS.match(a)]
    assert "sqs:ReceiveMessage" not in allowed["GatewayRole"], (
        "who posts could read what others did"
    )
    assert "sqs:ReceiveMessage" not in enrich, "enrich could read what others queued"
    environment = RESOURCES["EnrichFunction"]["Properties"]["Environment"]["Variables"]
    assert not [name for name in environment if "SECRET" in name or "KEY" in name]


def test_only_the_listed_statements_have_the_resource_star() -> None:
    starred = {
        sid for role in ROLES for sid, (_, s) in statements(role).items() if s["Resource"] == "*"
    }
    assert starred == {"ReadAlarms"}


@pytest.mark.parametrize("role", ["DeliverRole", "GatewayRole"])
def test_the_key_s_kms_key_only_through_secrets_manager(role: str) -> None:
    _, statement = statements(role)["DecryptRoutingKey"]
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:ViaService": sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}"),
            "kms:EncryptionContext:SecretARN": {"Ref": "pagerDutySecretArn"},
        }
    }


def test_the_key_lies_in_the_secret_alone() -> None:
    users = [name for name, r in RESOURCES.items() if "pagerDutyIntegrationKey" in str(r)]
    assert users == ["RoutingKey"]
    assert TEMPLATE["Parameters"]["pagerDutyIntegrationKey"]["NoEcho"] is True
    assert "pagerDutyIntegrationKey" not in str(TEMPLATE["Outputs"])


def test_the_queues_are_these() -> None:
    assert sorted(of_type("AWS::SQS::Queue")) == QUEUES


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_keeps_14_days(name: str) -> None:
    queue = RESOURCES[name]["Properties"]
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == DAYS_14
    assert queue["MaximumMessageSize"] == 1024 * 1024
    # A receive count must not end an event's retries before the 14 days are over.
    assert "RedrivePolicy" not in queue


def test_events_and_rejected_are_ordered_by_group() -> None:
    for name in ("EventsQueue", "RejectedQueue"):
        queue = RESOURCES[name]["Properties"]
        assert queue["FifoQueue"] is True
        assert queue["DeduplicationScope"] == "messageGroup"
        assert queue["FifoThroughputLimit"] == "perMessageGroupId"
        # Its body is not its identity: what was rejected may be sent again.
        assert not queue.get("ContentBasedDeduplication")
    # Lambda takes no FIFO queue as an on-failure destination.
    assert "FifoQueue" not in RESOURCES["UnenrichedQueue"]["Properties"]


def test_all_queues_refuse_what_is_not_tls() -> None:
    (policy,) = of_type("AWS::SQS::QueuePolicy").values()
    assert sorted(queue["Ref"] for queue in policy["Queues"]) == QUEUES
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny" and statement["Principal"] == "*"
    assert statement["Action"] == "sqs:*"
    assert sorted(r["Fn::GetAtt"][0] for r in statement["Resource"]) == QUEUES
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_deliver_takes_from_both_queues_and_answers_for_each_message() -> None:
    sources = of_type("AWS::Lambda::EventSourceMapping").values()
    taken = {source["EventSourceArn"]["Fn::GetAtt"][0]: source for source in sources}
    assert sorted(taken) == ["EventsQueue", "UnenrichedQueue"]
    timeout = RESOURCES["DeliverFunction"]["Properties"]["Timeout"]
    for queue, source in taken.items():
        assert source["FunctionName"] == {"Ref": "DeliverFunction"}
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["BatchSize"] == 10
        assert RESOURCES[queue]["Properties"]["VisibilityTimeout"] >= 6 * timeout


def test_the_limit_is_shared_by_as_many_workers_as_there_may_be() -> None:
    workers = {"Ref": "workers"}
    assert RESOURCES["DeliverFromQueue"]["Properties"]["ScalingConfig"] == {
        "MaximumConcurrency": workers
    }
    environment = RESOURCES["DeliverFunction"]["Properties"]["Environment"]["Variables"]
    assert environment["PAGETRAIL_WORKERS"] == workers
    assert environment["PAGETRAIL_RATE_PER_MINUTE"] == {"Ref": "ratePerMinute"}


def test_what_enrich_fails_on_is_kept() -> None:
    (retries,) = of_type("AWS::Lambda::EventInvokeConfig").values()
    assert retries["FunctionName"] == {"Ref": "EnrichFunction"}
    assert retries["DestinationConfig"] == {"OnFailure": {"Destination": arn("UnenrichedQueue")}}


def test_a_page_without_evidence_is_composed_and_redacted_like_any_other() -> None:
    enrich, deliver = (
        RESOURCES[name]["Properties"]["Environment"]["Variables"]
        for name in ("EnrichFunction", "DeliverFunction")
    )
    for name in (
        "PAGETRAIL_STACK",
        "PAGETRAIL_SEVERITY",
        "PAGETRAIL_INSUFFICIENT_DATA",
        "PAGETRAIL_ACCOUNT_NAME",
        "PAGETRAIL_REDACT_ALSO",
        "PAGETRAIL_REDACT_NOT",
        "PAGETRAIL_REDACT_PATTERNS",
    ):
        assert enrich[name] == deliver[name], name


def test_every_variable_is_one_that_the_program_reads() -> None:
    source = "".join(
        (ROOT / "src" / file).read_text()
        for file in ("config/mod.rs", "config/lambda.rs", "bin/pagetrail_lambda.rs")
    )
    for function in of_type("AWS::Lambda::Function").values():
        for name in function["Environment"]["Variables"]:
            assert f'"{name}"' in source, name


def test_the_gateway_is_there_only_when_asked_for() -> None:
    assert TEMPLATE["Conditions"]["Gateway"] == {"Fn::Equals": [{"Ref": "gateway"}, "true"]}
    assert TEMPLATE["Parameters"]["gateway"]["Default"] == "false"
    for section in (RESOURCES, TEMPLATE["Outputs"]):
        for name, entry in section.items():
            ours = re.match("(Allow)?Gateway", name) is not None
            assert (entry.get("Condition") == "Gateway") is ours, name


def test_anybody_may_invoke_the_gateway_but_only_by_its_url() -> None:
    (url,) = of_type("AWS::Lambda::Url").values()
    assert url == {"TargetFunctionArn": arn("GatewayFunction"), "AuthType": "NONE"}
    permissions = of_type("AWS::Lambda::Permission").values()
    to_all = {"FunctionName": {"Ref": "GatewayFunction"}, "Principal": "*"}
    assert [p for p in permissions if p["Principal"] == "*"] == [
        to_all | {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        to_all | {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]


def test_a_flood_leaves_executions_for_the_other_functions() -> None:
    functions = of_type("AWS::Lambda::Function")
    assert functions["GatewayFunction"]["ReservedConcurrentExecutions"] == {
        "Fn::If": ["GatewayIsLimited", {"Ref": "gatewayConcurrency"}, {"Ref": "AWS::NoValue"}]
    }
    # Nor is a number taken from enrich and deliver.
    limited = [name for name in functions if "ReservedConcurrentExecutions" in functions[name]]
    assert limited == ["GatewayFunction"]


def test_the_gateway_s_token_cannot_be_guessed() -> None:
    made = RESOURCES["GatewayToken"]["Properties"]["GenerateSecretString"]
    # Letters and digits alone, so that a shell or a header takes it as it is.
    assert made == {"PasswordLength": 40, "ExcludePunctuation": True}


COMPARED = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">="}
ALARMS = {
    "WaitingAlarm": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "EventsQueue", "> 900"),
    "RejectedAlarm": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "RejectedQueue", ">= 1"),
    "UnenrichedAlarm": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "UnenrichedQueue", "> 900"),
    "EnrichErrorsAlarm": ("AWS/Lambda", "Errors", "EnrichFunction", ">= 1"),
    "DeliverErrorsAlarm": ("AWS/Lambda", "Errors", "DeliverFunction", ">= 1"),
    "KeyRefusedAlarm": ("Pagetrail", "KeyRefused", "AWS::StackName", ">= 1"),
    "GatewayErrorsAlarm": ("AWS/Lambda", "Url5xxCount", "GatewayFunction", ">= 1"),
    "AmissAlarm": ("Pagetrail", "Amiss", "AWS::StackName", ">= 1"),
}
TOLD = {
    "Fn::If": [
        "CreateOperationsTopic",
        [{"Ref": "OperationsTopic"}],
        {
            "Fn::If": [
                "HasOperationsTopic",
                [{"Ref": "operationsTopicArn"}],
                {"Ref": "AWS::NoValue"},
            ]
        },
    ]
}


def test_the_alarms_are_these() -> None:
    found = {}
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        (dimension,) = alarm["Dimensions"]
        about = dimension["Value"]
        about = about.get("Ref") or about["Fn::GetAtt"][0]
        limit = f"{COMPARED[alarm['ComparisonOperator']]} {alarm['Threshold']}"
        found[name] = (alarm["Namespace"], alarm["MetricName"], about, limit)
    assert found == ALARMS


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_whom_the_user_chose_and_not_pagerduty(name: str) -> None:
    alarm = RESOURCES[name]["Properties"]
    condition = RESOURCES[name].get("Condition")
    assert condition == ("Gateway" if name == "GatewayErrorsAlarm" else None)
    assert alarm["AlarmActions"] == TOLD
    # The daily look says nothing in between, which is not that all is well.
    assert alarm.get("OKActions") == (None if name == "AmissAlarm" else TOLD)
    assert alarm.get("ActionsEnabled", True) is True
    assert alarm["TreatMissingData"] == "notBreaching"
    # Nor by way of the rule that pages for every alarm.
    (pattern,) = RESOURCES["AllAlarmsRule"]["Properties"]["EventPattern"]["detail"]["alarmName"]
    first, *others = pattern["anything-but"]["prefix"]
    assert first == "TargetTracking-"
    assert (condition, {"Ref": name}) in [only_for(other) for other in others]


def test_own_metrics_are_named_as_the_program_names_them() -> None:
    telemetry = (ROOT / "src/telemetry/mod.rs").read_text()
    assert 'NAMESPACE: &str = "Pagetrail"' in telemetry and '[["stack"]]' in telemetry
    body = RESOURCES["OwnDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    named = set(re.findall(r'\["(?:Pagetrail|\.)", "(\w+)", ', body))
    assert len(named) == 11
    for metric in named | {"KeyRefused"}:
        assert f'"{metric}"' in telemetry, metric


def test_the_dashboard_is_json_and_made_only_when_asked_for() -> None:
    assert RESOURCES["OwnDashboard"]["Condition"] == "Dashboard"
    assert TEMPLATE["Parameters"]["dashboard"]["Default"] == "false"
    body = yaml.safe_load(RESOURCES["OwnDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    assert [w["properties"]["region"] for w in body["widgets"]] == ["${AWS::Region}"] * 5
