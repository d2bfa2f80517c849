"""MiniStack with two gaps closed, so that the template's own permissions and conditions are tested.

Without this, it does not find the resource of some calls, and checks permissions on another resource or
on `*`, which the template does not grant. And in a template's conditions it can neither split texts nor
use the Region.

    python emulator.py      (settings from the environment, as for `ministack`)
"""

import json
import sys
from types import ModuleType

import cbor2
from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_region
from ministack.services.cloudformation import changesets, engine, handlers, stacks

take_resource = iam_actions.extract_resource_arn
take_conditions = engine._evaluate_conditions


def resource_arn(
    service: str,
    method: str,
    path: str,
    headers: dict,
    body: bytes,
    query: dict,
    region: str,
    account: str,
) -> str:
    """Returns the resource that AWS checks permissions on."""
    found = take_resource(service, method, path, headers, body, query, region, account)
    action = headers.get("x-amz-target", "").rpartition(".")[2] or path.rpartition("/")[2]
    if action in ("CreateLogStream", "PutLogEvents"):
        return f"{found}:log-stream:{json.loads(body)['logStreamName']}"
    if found != "*":
        return found
    match service, action:
        # Without a log group, AWS's own "not authorized … on resource" names this one.
        case "logs", "DescribeMetricFilters":
            return f"arn:aws:logs:{region}:{account}:log-group::log-stream:"
        case "logs", "FilterLogEvents":
            return json.loads(body).get("logGroupIdentifier", "*")
        case "monitoring", "ListTagsForResource":
            # The Rust SDK speaks CBOR, boto3 JSON.
            asked = json.loads(body) if body.startswith(b"{") else cbor2.loads(body)
            return asked["ResourceARN"]
        case "events", "ListTargetsByRule":
            return f"arn:aws:events:{region}:{account}:rule/{json.loads(body)['Rule']}"
    if service == "sns" and "SubscriptionArn" in query:
        (subscription,) = query["SubscriptionArn"]
        return subscription.rpartition(":")[0]
    return found


def evaluate_conditions(template: dict, parameters: dict) -> dict:
    """Evaluates conditions after resolving Fn::Split and pseudo parameters."""
    known = {name: parameter["Value"] for name, parameter in parameters.items()}
    known |= {"AWS::Region": get_region(), "AWS::Partition": "aws"}

    def resolved(node: object) -> object:
        if isinstance(node, list):
            return [resolved(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if node.get("Ref") in known:
            return known[node["Ref"]]
        if "Fn::Split" in node:
            delimiter, text = node["Fn::Split"]
            return resolved(text).split(delimiter)
        return {key: resolved(entry) for key, entry in node.items()}

    conditions = resolved(template.get("Conditions", {}))
    return take_conditions({**template, "Conditions": conditions}, parameters)


def replace(modules: list[ModuleType], name: str, function: object) -> None:
    for module in modules:
        if not hasattr(module, name):
            sys.exit(f"emulator.py: this MiniStack has no {module.__name__}.{name}")
        setattr(module, name, function)


if __name__ == "__main__":
    replace([iam_actions], "extract_resource_arn", resource_arn)
    replace([engine, changesets, handlers, stacks], "_evaluate_conditions", evaluate_conditions)
    app.main()
