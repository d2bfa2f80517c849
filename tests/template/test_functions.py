"""The functions' configuration, and what else the gateway needs."""

import re

from loaded import ROOT, of_type


def variables(template: dict, function: str) -> dict:
    return template["Resources"][function]["Properties"]["Environment"]["Variables"]


def test_a_page_without_evidence_is_composed_and_redacted_like_any_other(template: dict) -> None:
    enrich, deliver = (variables(template, f"{name}Function") for name in ("Enrich", "Deliver"))
    for name in (
        "PAGETRAIL_STACK",
        "PAGETRAIL_SEVERITY",
        "PAGETRAIL_INSUFFICIENT_DATA",
        "PAGETRAIL_ACCOUNT_NAME",
        "PAGETRAIL_TIME_ZONE",
        "PAGETRAIL_REDACT_ALSO",
        "PAGETRAIL_REDACT_NOT",
        "PAGETRAIL_REDACT_PATTERNS",
    ):
        assert enrich[name] == deliver[name], name


def test_every_variable_is_one_that_the_program_reads(template: dict) -> None:
    # The settings of the functions. The server's settings are in other files.
    files = [*(ROOT / "src/config").glob("*.rs"), ROOT / "src/bin/pagetrail_lambda.rs"]
    source = "".join(file.read_text() for file in files if file.name != "server.rs")
    for function in of_type(template, "AWS::Lambda::Function"):
        for name in variables(template, function):
            assert f'"{name}"' in source, name


def test_the_gateway_is_there_only_when_asked_for(template: dict) -> None:
    assert template["Conditions"]["Gateway"] == {"Fn::Equals": [{"Ref": "gateway"}, "true"]}
    assert template["Parameters"]["gateway"]["Default"] == "false"
    for section in (template["Resources"], template["Outputs"]):
        for name, entry in section.items():
            ours = re.match("(Allow)?Gateway", name) is not None
            assert (entry.get("Condition") == "Gateway") is ours, name


def test_a_flood_leaves_executions_for_the_other_functions(template: dict) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    assert functions["GatewayFunction"]["ReservedConcurrentExecutions"] == {
        "Fn::If": ["GatewayIsLimited", {"Ref": "gatewayConcurrency"}, {"Ref": "AWS::NoValue"}]
    }
    # Also no number is reserved from enrich and deliver.
    limited = [name for name in functions if "ReservedConcurrentExecutions" in functions[name]]
    assert limited == ["GatewayFunction"]


def test_the_gateway_s_token_cannot_be_guessed(template: dict) -> None:
    made = template["Resources"]["GatewayToken"]["Properties"]["GenerateSecretString"]
    # Only letters and digits, so that it needs no quoting in a shell or header.
    assert made == {"PasswordLength": 40, "ExcludePunctuation": True}
