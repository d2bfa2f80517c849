#!/usr/bin/env python3
"""Checks the tests of this folder: removes or widens each permission of template.yaml in turn, runs the
tests on the changed template, and fails for each change that no test notices.

    tests/template/mutations.py [--list] [WORD ...]

    --list  only print the names of the changes
    WORD    only make changes whose name contains one of these words, such as AllowTopic or logs:
"""

import argparse
import contextlib
import copy
import io
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import loaded
import pytest

HERE = Path(__file__).parent
# These compare documents or files with the template. They would notice, but do not say what a
# permission is for.
LEFT_OUT = ["test_documents.py", "test_published.py"]
# These notice most, so they run first.
FIRST = ["test_roles.py", "test_invoke.py", "test_queues.py"]
# The properties that narrow a Lambda permission.
NARROWS = ["SourceArn", "SourceAccount", "FunctionUrlAuthType", "InvokedViaFunctionUrl"]
# The resources that bring events to a function without their own statement.
ROADS = {
    "AWS::Lambda::Permission",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::SNS::Subscription",
    "AWS::SQS::QueuePolicy",
}

Change = Callable[[dict], None]


def policies(template: dict) -> Iterator[tuple[str, list]]:
    """Every list of statements, with a name: of roles, of their trust policies, of queues and topics."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for policy in properties.get("Policies", []):
            yield name, policy["PolicyDocument"]["Statement"]
        for key in ("AssumeRolePolicyDocument", "PolicyDocument"):
            if key in properties:
                yield f"{name} {key}", properties[key]["Statement"]


def changes(template: dict) -> Iterator[tuple[str, Change]]:
    """Every change, with its name. Each is made on a copy of the template."""
    for owner, entries in policies(template):
        for index, entry in enumerate(entries):
            statement = entry["Fn::If"][1] if "Fn::If" in entry else entry
            name = f"{owner} {statement.get('Sid', index)}"
            yield f"{name}: removed", in_list(owner, lambda found, i=index: found.pop(i))
            if "Fn::If" in entry:
                yield (
                    f"{name}: always there",
                    in_list(
                        owner, lambda found, i=index: found.insert(i, found.pop(i)["Fn::If"][1])
                    ),
                )
            for said, edit in of_statement(statement):
                yield f"{name}: {said}", in_statement(owner, index, edit)
    for name, resource in template["Resources"].items():
        if resource["Type"] in ROADS:
            yield f"{name}: removed", lambda template, n=name: template["Resources"].pop(n)
            for said, edit in of_road(resource):
                yield (
                    f"{name}: {said}",
                    lambda template, n=name, e=edit: e(template["Resources"][n]),
                )


def of_statement(statement: dict) -> Iterator[tuple[str, Change]]:
    for key in ("Action", "Resource", "Principal"):
        value = statement.get(key)
        if value not in (None, "*"):
            yield f"{key} *", lambda s, k=key: s.update({k: "*"})
        for i, part in enumerate(value if isinstance(value, list) else []):
            yield f"{key} without {part}", lambda s, k=key, i=i: s[k].pop(i)
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            yield f"without {key}", lambda s, o=operator, k=key: s["Condition"][o].pop(k)


def of_road(resource: dict) -> Iterator[tuple[str, Change]]:
    if "Condition" in resource:
        yield "always there", lambda r: r.pop("Condition")
    if resource["Type"] == "AWS::Lambda::Permission":
        for key in ("Principal", "Action", "FunctionName"):
            yield f"another {key}", lambda r, k=key: r["Properties"].update({k: "other"})
        for key in (key for key in NARROWS if key in resource["Properties"]):
            yield f"without {key}", lambda r, k=key: r["Properties"].pop(k)


def in_list(owner: str, edit: Callable[[list], None]) -> Change:
    return lambda template: edit(dict(policies(template))[owner])


def in_statement(owner: str, index: int, edit: Change) -> Change:
    def change(template: dict) -> None:
        entry = dict(policies(template))[owner][index]
        edit(entry["Fn::If"][1] if "Fn::If" in entry else entry)

    return change


class Selected:
    """Keeps the tests of the template, not those of files."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if "template" in item.fixturenames]
        items.sort(key=lambda item: item.path.name not in FIRST)


def is_noticed(template: dict) -> bool:
    """Whether a test fails on this template."""
    known, loaded.TEMPLATE = loaded.TEMPLATE, template
    arguments = ["--exitfirst", "--quiet", str(HERE)]
    # These need most of the time of a short run.
    arguments += ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
    arguments += [f"--ignore={HERE / file}" for file in LEFT_OUT]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = pytest.main(arguments, plugins=[Selected()])
    finally:
        loaded.TEMPLATE = known
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(f"mutations.py: the tests could not be run:\n{said.getvalue()}")
    return status == pytest.ExitCode.TESTS_FAILED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="only name the changes")
    parser.add_argument("words", nargs="*", metavar="WORD")
    arguments = parser.parse_args()
    words = arguments.words or [""]
    chosen = [c for c in changes(loaded.TEMPLATE) if any(word in c[0] for word in words)]
    if arguments.list:
        print("\n".join(name for name, _ in chosen))
        return
    start = time.monotonic()
    if is_noticed(loaded.TEMPLATE):
        sys.exit("mutations.py: the tests fail without any change; run pytest tests/template")
    unnoticed = []
    for name, change in chosen:
        template = copy.deepcopy(loaded.TEMPLATE)
        change(template)
        assert template != loaded.TEMPLATE, name
        if not is_noticed(template):
            unnoticed.append(name)
            print(f"mutations.py: no test notices {name}", file=sys.stderr)
    took = time.monotonic() - start
    print(f"mutations.py: {len(chosen) - len(unnoticed)} of {len(chosen)} noticed in {took:.0f} s")
    sys.exit(bool(unnoticed))


if __name__ == "__main__":
    main()
