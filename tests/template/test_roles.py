"""What each function can do, and nothing else."""

import re

import pytest
from loaded import actions, arn, of_type, statements, sub

# Each role's statements: Sid -> (actions, resource), including those in an Fn::If, which depend on a
# parameter.
OWN_ACCOUNT = "arn:${AWS::Partition}:%s:*:${AWS::AccountId}:%s"
WRITE_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
SECRET = {
    "Fn::If": ["HasSecret", {"Ref": "pagerDutySecretArn"}, {"Fn::GetAtt": ["RoutingKey", "Id"]}]
}
ROLES = {
    "EnrichRole": {
        # A log group's Arn ends in `:*`, which means its log streams.
        "WriteOwnLogs": (WRITE_LOGS, arn("EnrichLogs")),
        "ReadEvidence": (
            {"logs:DescribeMetricFilters", "logs:FilterLogEvents"},
            sub(OWN_ACCOUNT % ("logs", "log-group:*")),
        ),
        "ListLogGroups": ({"logs:DescribeLogGroups"}, "*"),
        "ReadEvidenceOfLinkedAccounts": (
            {"logs:FilterLogEvents"},
            sub("arn:${AWS::Partition}:logs:*:*:log-group:*"),
        ),
        "ReadAlarmTags": (
            {"cloudwatch:ListTagsForResource"},
            sub(OWN_ACCOUNT % ("cloudwatch", "alarm:*")),
        ),
        "ReadAlarms": ({"cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"}, "*"),
        "ReadMetrics": ({"cloudwatch:GetMetricData"}, "*"),
        "ReadChanges": (
            {
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
                "cloudtrail:LookupEvents",
                "codedeploy:BatchGetDeployments",
                "codedeploy:ListDeployments",
                "ecs:DescribeServices",
            },
            "*",
        ),
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
        "WriteOwnLogs": (WRITE_LOGS, arn("DeliverLogs")),
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
        "QueueUnenriched": ({"sqs:SendMessage"}, arn("EventsQueue")),
        "RejectEvents": ({"sqs:SendMessage"}, arn("RejectedQueue")),
        "ReadRoutingKey": ({"secretsmanager:GetSecretValue"}, SECRET),
        "CheckSubscription": ({"sns:GetSubscriptionAttributes"}, {"Ref": "errorTopicArn"}),
        "DecryptRoutingKey": ({"kms:Decrypt"}, {"Ref": "pagerDutySecretKmsKeyArn"}),
    },
    "GatewayRole": {
        "WriteOwnLogs": (WRITE_LOGS, arn("GatewayLogs")),
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
    "ReadMetrics": "Metrics",
    "ReadChanges": "Changes",
    "DecryptRoutingKey": "SecretHasOwnKey",
}
READS_LOGS = re.compile(
    r"logs:(\*|Filter|Get|Describe|StartQuery|StartLiveTail|Tail|TestMetric|Unmask)"
)


def test_roles_are_these_and_have_inline_policies_alone(template: dict) -> None:
    roles = of_type(template, "AWS::IAM::Role")
    assert set(roles) == set(ROLES)
    functions = of_type(template, "AWS::Lambda::Function").items()
    assert {name: function["Role"] for name, function in functions} == {
        "EnrichFunction": arn("EnrichRole"),
        "DeliverFunction": arn("DeliverRole"),
        "GatewayFunction": arn("GatewayRole"),
    }
    for role in roles.values():
        assert "ManagedPolicyArns" not in role
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust == {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not kinds & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_this_and_nothing_else(template: dict, role: str) -> None:
    found = statements(template, role)
    assert {sid: (actions(s), s["Resource"]) for sid, (_, s) in found.items()} == ROLES[role]
    for sid, (condition, statement) in found.items():
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)
        assert condition == OPTIONAL.get(sid)
        assert not any("*" in action for action in actions(statement))


def test_who_reads_logs_holds_no_key_and_the_other_way_round(template: dict) -> None:
    allowed = {
        role: set().union(*(actions(s) for _, s in statements(template, role).values()))
        for role in ROLES
    }
    enrich = allowed["EnrichRole"]
    assert not [a for a in enrich if a.startswith(("secretsmanager:", "kms:", "ssm:", "sts:"))]
    for role in ("DeliverRole", "GatewayRole"):
        assert not [a for a in allowed[role] if READS_LOGS.match(a)]
    assert "sqs:ReceiveMessage" not in allowed["GatewayRole"], (
        "who posts could read what others did"
    )
    assert "sqs:ReceiveMessage" not in enrich, "enrich could read what others queued"
    function = template["Resources"]["EnrichFunction"]["Properties"]
    environment = function["Environment"]["Variables"]
    assert not [name for name in environment if "SECRET" in name or "KEY" in name]


def test_only_the_listed_statements_have_the_resource_star(template: dict) -> None:
    starred = {
        sid
        for role in ROLES
        for sid, (_, s) in statements(template, role).items()
        if s["Resource"] == "*"
    }
    # DescribeLogGroups, GetMetricData and LookupEvents take no resource, DescribeAlarms leaves composite
    # alarms out for anything narrower, and what changed can be any stack, service or application.
    assert starred == {"ListLogGroups", "ReadAlarms", "ReadMetrics", "ReadChanges"}


@pytest.mark.parametrize("role", ["DeliverRole", "GatewayRole"])
def test_the_key_s_kms_key_only_through_secrets_manager(template: dict, role: str) -> None:
    _, statement = statements(template, role)["DecryptRoutingKey"]
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:ViaService": sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}"),
            "kms:EncryptionContext:SecretARN": {"Ref": "pagerDutySecretArn"},
        }
    }


def test_the_key_lies_in_the_secret_alone(template: dict) -> None:
    resources = template["Resources"].items()
    assert [name for name, r in resources if "pagerDutyIntegrationKey" in str(r)] == ["RoutingKey"]
    assert template["Parameters"]["pagerDutyIntegrationKey"]["NoEcho"] is True
    assert "pagerDutyIntegrationKey" not in str(template["Outputs"])
