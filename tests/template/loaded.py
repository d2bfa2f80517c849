"""Reads template.yaml, and has what several tests need to know of it."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


class Loader(yaml.SafeLoader):
    """Turns CloudFormation's short forms into its long ones."""


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


def load(text: str) -> dict:
    return yaml.load(text, Loader)


# The fixture `template` returns this. mutations.py sets a changed one for one run.
TEMPLATE = load((ROOT / "template.yaml").read_text())


def of_type(template: dict, kind: str) -> dict[str, dict]:
    """The properties of each resource of a type."""
    resources = template["Resources"].items()
    return {name: entry["Properties"] for name, entry in resources if entry["Type"] == kind}


def only_for(entry: dict) -> tuple[str | None, dict]:
    """The condition of an entry of a list, and the entry."""
    if "Fn::If" not in entry:
        return None, entry
    condition, then, otherwise = entry["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    return condition, then


def statements(template: dict, role: str) -> dict[str, tuple[str | None, dict]]:
    """A role's statements by Sid, each with its condition."""
    found = {}
    for policy in template["Resources"][role]["Properties"]["Policies"]:
        for entry in policy["PolicyDocument"]["Statement"]:
            condition, statement = only_for(entry)
            assert statement["Sid"] not in found
            found[statement["Sid"]] = (condition, statement)
    return found


def actions(statement: dict) -> set[str]:
    named = statement["Action"]
    return {named} if isinstance(named, str) else set(named)


def sub(text: str) -> dict:
    return {"Fn::Sub": text}


def arn(resource: str) -> dict:
    return {"Fn::GetAtt": [resource, "Arn"]}
