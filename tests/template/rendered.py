"""The template as CloudFormation resolves it: conditions decided, functions replaced by values."""

import re
from typing import Any

ACCOUNT = "123456789012"
NOTHING = object()  # for AWS::NoValue


def partition_of(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


class Rendered:
    """One stack: its parameters, its place, and its resources.

    A resource's Ref is its name in angle brackets, its attribute `<Name.Attribute>`.
    """

    def __init__(self, template: dict, region: str = "eu-west-1", **given: str) -> None:
        self.template = template
        self.decided: dict[str, bool] = {}
        defaults = {n: p["Default"] for n, p in template["Parameters"].items() if "Default" in p}
        unknown = set(given) - set(template["Parameters"])
        assert not unknown, unknown
        self.values = {
            **{name: str(value) for name, value in defaults.items()},
            **given,
            "AWS::Region": region,
            "AWS::Partition": partition_of(region),
            "AWS::AccountId": ACCOUNT,
            "AWS::StackName": "pagetrail",
            "AWS::URLSuffix": "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com",
        }

    def condition(self, name: str) -> bool:
        if name not in self.decided:
            self.decided[name] = self.decide(self.template["Conditions"][name])
        return self.decided[name]

    def decide(self, expression: dict) -> bool:
        ((function, argument),) = expression.items()
        match function:
            case "Condition":
                return self.condition(argument)
            case "Fn::Equals":
                left, right = (self.value(side) for side in argument)
                return left == right
            case "Fn::Not":
                (inner,) = argument
                return not self.decide(inner)
            case "Fn::And" | "Fn::Or":
                # CloudFormation's own limits.
                assert 2 <= len(argument) <= 10, argument
                decided = [self.decide(inner) for inner in argument]
                return all(decided) if function == "Fn::And" else any(decided)
        raise AssertionError(f"{function} is no condition")

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            values = (self.value(entry) for entry in node)
            return [value for value in values if value is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self.call(function, argument)
        values = {key: self.value(entry) for key, entry in node.items()}
        return {key: value for key, value in values.items() if value is not NOTHING}

    def call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self.reference(argument)
            case "Fn::GetAtt":
                return f"<{'.'.join(argument)}>"
            case "Fn::If":
                name, then, otherwise = argument
                return self.value(then if self.condition(name) else otherwise)
            case "Fn::Sub":
                return self.substitute(argument)
            case "Fn::Select":
                index, entries = argument
                return self.value(entries)[index]
            case "Fn::Split":
                delimiter, text = argument
                assert isinstance(delimiter, str), "CloudFormation takes no function there"
                return self.value(text).split(delimiter)
            case "Fn::Join":
                delimiter, entries = argument
                return delimiter.join(self.value(entries))
            case "Fn::FindInMap":
                name, first, second = (self.value(part) for part in argument)
                return self.template["Mappings"][name][first][second]
        raise AssertionError(f"{function} is unknown")

    def reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in self.template["Resources"]:
            return f"<{name}>"
        return self.values[name]

    def substitute(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        known = {name: self.value(value) for name, value in own.items()}

        def filled(match: re.Match) -> str:
            name = match[1]
            if name in known:
                return known[name]
            return f"<{name}>" if "." in name else self.reference(name)

        return re.sub(r"\$\{([^}]+)\}", filled, text)

    def resources(self, kind: str) -> dict[str, dict]:
        """The properties of each resource of a type that this stack would have."""
        return {
            name: self.value(entry["Properties"])
            for name, entry in self.template["Resources"].items()
            if entry["Type"] == kind
            and ("Condition" not in entry or self.condition(entry["Condition"]))
        }
