"""Installs Pagetrail like a user: publishes it with the script, creates the stack from the template URL."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

from .cloud import ACCOUNT, REGION, Cloud

ROOT = Path(__file__).parents[3]
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
PREFIX = "pagetrail-demo"
# The sandbox accepts it as a routing key. It is not a real one.
ROUTING_KEY = "0123456789abcdef0123456789abcdef"


def target() -> Path:
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def dist() -> Path:
    """Not dist/: this build is large and slow, and must not be published by mistake."""
    return target() / "dist-dev"


def build() -> Path:
    """Builds the command and the Lambda zip with the fast profile. Returns the command."""
    subprocess.run(["cargo", "build", "--locked", "--bin", "pagetrail"], cwd=ROOT, check=True)
    subprocess.run(
        ["scripts/build.sh", ARCHITECTURE],
        cwd=ROOT,
        check=True,
        # Sizes and checksums of a test zip are of no interest. Errors go to stderr.
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PAGETRAIL_BUILD_PROFILE": "dev", "PAGETRAIL_DIST": str(dist())},
    )
    return target() / "debug" / "pagetrail"


def publish(cloud: Cloud, command: Path, *arguments: str) -> str:
    """Runs scripts/publish.sh. Returns the template's address."""
    done = subprocess.run(
        ["scripts/publish.sh", "--prefix", PREFIX, "--regions", REGION, *arguments],
        cwd=ROOT,
        env={**cloud.environment(), "PAGETRAIL_BIN": str(command), "PAGETRAIL_DIST": str(dist())},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(rf"^{REGION}: (https://\S+)$", done.stdout, re.MULTILINE)
    if done.returncode or not found:
        raise RuntimeError(f"scripts/publish.sh failed:\n{done.stdout}{done.stderr}")
    return found[1]


class Stack:
    """An installed stack and its topic."""

    def __init__(
        self,
        cloud: Cloud,
        template_url: str,
        pagerduty: str,
        name: str = "pagetrail",
        **parameters: str,
    ) -> None:
        self.name = name
        self.topic = cloud.client("sns").create_topic(Name=f"{name}-alarms")["TopicArn"]
        self.client = cloud.client("cloudformation")
        self.client.create_stack(
            StackName=name,
            TemplateURL=path_style(template_url),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in {
                    "errorTopicArn": self.topic,
                    "pagerDutyIntegrationKey": ROUTING_KEY,
                    "pagerDutyIntegrationUrl": pagerduty,
                    "evidenceDeadlineSeconds": "8",
                    "logLevel": "debug",
                    **parameters,
                }.items()
            ],
        )
        self.client.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        stack = self.client.describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self.iam = cloud.client("iam")

    def remove(self) -> None:
        self.client.delete_stack(StackName=self.name)
        self.client.get_waiter("stack_delete_complete").wait(
            StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    def resource(self, logical_id: str) -> str:
        """The physical name of one of its resources."""
        found = self.client.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def deny(self, role: str, action: str, resource: str) -> None:
        """Denies a role a permission that the template grants, as an account's own policies can.

        Nothing here grants anything: the functions have only the permissions of the template.
        """
        statement = {"Effect": "Deny", "Action": action, "Resource": resource}
        self.iam.put_role_policy(
            RoleName=self.resource(role),
            PolicyName=denial(action),
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    @contextmanager
    def denied(self, role: str, action: str, resource: str) -> Iterator[None]:
        """The same while the block runs."""
        self.deny(role, action, resource)
        try:
            yield
        finally:
            self.iam.delete_role_policy(RoleName=self.resource(role), PolicyName=denial(action))


def denial(action: str) -> str:
    """The name of the policy that denies it."""
    return f"test-deny-{action.split(':')[1]}"


def path_style(url: str) -> str:
    """The same object with the bucket in the path, the only form that the emulator's CloudFormation reads."""
    parts = urlparse(url)
    bucket, host = parts.netloc.split(".", 1)
    return f"https://{host}/{bucket}{parts.path}"


def alarm_arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
