"""docs/parameters.md and docs/permissions.md list exactly what the template has."""

import re

from loaded import ROOT, actions, arn, of_type, statements, sub
from test_roles import OWN_ACCOUNT, SECRET

PARAMETERS = ROOT / "docs/parameters.md"
PERMISSIONS = ROOT / "docs/permissions.md"
# The names of resources in the table of permissions. Words after a semicolon explain.
RESOURCES = {
    "everything": "*",
    "all log groups of the account, in every Region": sub(OWN_ACCOUNT % ("logs", "log-group:*")),
    "all log groups of all accounts": sub("arn:${AWS::Partition}:logs:*:*:log-group:*"),
    "all alarms of the account, in every Region": sub(OWN_ACCOUNT % ("cloudwatch", "alarm:*")),
    "all functions of the account, in every Region": sub(OWN_ACCOUNT % ("lambda", "function:*")),
    "all rules of the account, in every Region": sub(OWN_ACCOUNT % ("events", "rule/*")),
    "the events queue": arn("EventsQueue"),
    "the unenriched queue": arn("UnenrichedQueue"),
    "the rejected queue": arn("RejectedQueue"),
    "the routing key's secret": SECRET,
    "the token's secret": {"Fn::GetAtt": ["GatewayToken", "Id"]},
    "the secret's KMS key, through Secrets Manager only": {"Ref": "pagerDutySecretKmsKeyArn"},
    "the topic": {"Ref": "errorTopicArn"},
}
# The names of conditions in that table.
CONDITIONS = {
    "": None,
    "`crossAccountLogs`": "CrossAccountLogs",
    "`metrics`": "Metrics",
    "`changes`": "Changes",
    "`pagerDutySecretKmsKeyArn`": "SecretHasOwnKey",
    "`allAlarms`": "AllAlarms",
    "`gateway`": "Gateway",
    "topic and stack in two Regions, one of them disabled by default": "SnsNamesRegion",
}
SOURCES = {
    "the topic": {"Ref": "errorTopicArn"},
    "alarms of the account and Region": sub(
        "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"
    ),
    "the rule for every alarm": arn("AllAlarmsRule"),
    "the rule of the daily check": arn("HealthCheckRule"),
}


def tables(text: str, head: str) -> list[list[str]]:
    """The cells of the rows of every table with this header."""
    rows, inside = [], False
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line == head:
                inside = True
            elif inside and not line.startswith("|---"):
                rows.append(cells)
        else:
            inside = False
    return rows


def parameters() -> dict[str, tuple[str, str]]:
    rows = tables(PARAMETERS.read_text(), "| parameter | default | values | what it does |")
    found = {name.strip("`"): (default.strip("`"), values) for name, default, values, _ in rows}
    assert len(found) == len(rows)
    return found


def test_every_parameter_with_its_default(template: dict) -> None:
    wanted = {
        name: str(parameter.get("Default", ""))
        for name, parameter in template["Parameters"].items()
    }
    assert {name: default for name, (default, _) in parameters().items()} == wanted
    # In the order of the console's form.
    assert list(parameters()) == list(wanted)


def test_every_parameter_s_values(template: dict) -> None:
    for name, (_, values) in parameters().items():
        parameter = template["Parameters"][name]
        if "AllowedValues" in parameter:
            allowed = [str(value) for value in parameter["AllowedValues"]]
            assert sorted(re.findall("`([^`]+)`", values)) == sorted(allowed), name
        elif parameter["Type"] == "Number":
            assert values == f"{parameter['MinValue']}–{parameter['MaxValue']}", name
        else:
            assert values, name


def test_every_statement_of_a_role(template: dict) -> None:
    rows = tables(PERMISSIONS.read_text(), "| role | actions | on | only with | why |")
    documented = []
    for role, named, on, only_with, why in rows:
        assert why
        place = on.partition(";")[0]
        own_logs = arn(f"{role.capitalize()}Logs")
        resource = own_logs if place == "its own log group" else RESOURCES[place]
        allowed = sorted(re.findall("`([^`]+)`", named))
        documented.append((f"{role.capitalize()}Role", allowed, resource, CONDITIONS[only_with]))
    wanted = [
        (role, sorted(actions(statement)), statement["Resource"], condition)
        for role in of_type(template, "AWS::IAM::Role")
        for condition, statement in statements(template, role).values()
    ]
    assert sorted(documented, key=str) == sorted(wanted, key=str)


def test_everyone_who_may_invoke_a_function(template: dict) -> None:
    rows = tables(PERMISSIONS.read_text(), "| function | who | for | only with |")
    documented = set()
    for function, who, source, only_with in rows:
        principal = "*" if who == "everybody, by the URL" else who.strip("`")
        # A URL has no source. The row names the action instead.
        about = source.strip("`") if principal == "*" else str(SOURCES[source])
        name = f"{function.capitalize()}Function"
        documented.add((name, principal, about, CONDITIONS[only_with]))
    wanted = set()
    for name, permission in of_type(template, "AWS::Lambda::Permission").items():
        principal = permission["Principal"]
        if isinstance(principal, dict):
            principal = principal["Fn::Sub"][0].replace("${Region}", "REGION")
        about = permission["Action"] if principal == "*" else str(permission["SourceArn"])
        condition = template["Resources"][name].get("Condition")
        wanted.add((permission["FunctionName"]["Ref"], principal, about, condition))
    assert documented == wanted
    assert len(rows) == len(wanted)
