"""Publishing and installing: what is taken, what is refused before anything is created."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness.cloud import ACCOUNT, REGION, Cloud
from harness.install import (
    ARCHITECTURE,
    PREFIX,
    ROOT,
    ROUTING_KEY,
    Stack,
    dist,
    path_style,
    publish,
    target,
)

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:errors"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:pagerduty-AbC123"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f1e2d3c"


def script(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [f"scripts/{name}", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"errorTopicArn": TOPIC}, "integration key, or the ARN of a secret"),
        (
            {"errorTopicArn": TOPIC, "pagerDutyIntegrationKey": ROUTING_KEY}
            | {"pagerDutySecretArn": SECRET},
            "not both",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutyIntegrationKey": ROUTING_KEY}
            | {"pagerDutySecretKmsKeyArn": KEY},
            "only together with the ARN of the secret",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET, "operationsTopicArn": TOPIC},
            "must not be the topic your alarms notify",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET}
            | {"operationsTopicArn": f"{TOPIC}-ops", "operationsEmail": "ops@example.com"},
            "not both",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET}
            | {"artifactVersion": "unpublished"},
            "scripts/publish.sh",
        ),
        (
            {"errorTopicArn": f"{TOPIC}.fifo", "pagerDutySecretArn": SECRET},
            "a standard SNS topic",
        ),
        ({"errorTopicArn": TOPIC, "pagerDutyIntegrationKey": "abc"}, "32 letters and digits"),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET.removesuffix("-AbC123")},
            "six characters",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET}
            | {"pagerDutyIntegrationUrl": "http://events.pagerduty.com/v2/enqueue"},
            "https://",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET, "redactNot": "emails phones"},
            "kinds of data from the list",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET, "traceLogGroups": "/a* /b*c"},
            "at most one * at its end",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET, "redactPatterns": "C-[0-9]"},
            "a JSON object",
        ),
    ],
)
def test_wrong_parameters_create_nothing(
    cloud: Cloud, template_url: str, parameters: dict[str, str], words: str
) -> None:
    client = cloud.client("cloudformation")
    with pytest.raises(ClientError, match=re.escape(words)):
        client.create_stack(
            StackName="wrong",
            TemplateURL=path_style(template_url),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        )
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_stacks(StackName="wrong")


def test_twice_in_one_region_and_gone_again(cloud: Cloud, stack: Stack, template_url: str) -> None:
    second = Stack(
        cloud,
        template_url,
        "https://events.pagerduty.com/v2/enqueue",
        "pagetrail-2",
        operationsEmail="operations@example.com",
        dashboard="true",
        allAlarms="true",
        crossAccountLogs="true",
        gateway="true",
        gatewayConcurrency="0",
        workers="4",
    )
    assert not set(second.outputs.values()) & set(stack.outputs.values())
    assert second.topic in second.outputs["Test"]
    assert_watched(cloud, second)
    second.remove()
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/pagetrail")
    assert {g["logGroupName"] for g in groups["logGroups"]} == {
        "/aws/lambda/pagetrail-enrich",
        "/aws/lambda/pagetrail-deliver",
    }


def assert_watched(cloud: Cloud, stack: Stack) -> None:
    client = cloud.client("cloudwatch")
    alarms = [
        alarm
        for alarm in client.describe_alarms()["MetricAlarms"]
        if alarm["AlarmName"].startswith(f"{stack.name}-")
    ]
    assert len(alarms) == 8
    operations = stack.resource("OperationsTopic")
    for alarm in alarms:
        assert alarm["AlarmActions"] == [operations], alarm["AlarmName"]
        # The daily look says nothing in between, which is not that all is well.
        told = [] if "AmissAlarm" in alarm["AlarmName"] else [operations]
        assert alarm.get("OKActions", []) == told, alarm["AlarmName"]
        assert alarm["Dimensions"][0]["Value"].startswith(stack.name)
    body = client.get_dashboard(DashboardName=stack.resource("OwnDashboard"))["DashboardBody"]
    for widget in json.loads(body)["widgets"]:
        assert widget["properties"]["region"] == REGION
    assert stack.name in body and "${" not in body

    mappings = cloud.client("lambda").list_event_source_mappings(
        FunctionName=stack.outputs["DeliverFunctionName"]
    )["EventSourceMappings"]
    assert sorted(m["ScalingConfig"]["MaximumConcurrency"] for m in mappings) == [2, 4]


def test_what_is_published(cloud: Cloud, template_url: str) -> None:
    version = template_url.split("/")[-2]
    s3 = cloud.client("s3")
    bucket = f"{PREFIX}-{REGION}"
    zip_name = f"pagetrail-lambda-{ARCHITECTURE}.zip"

    code = s3.get_object(Bucket=bucket, Key=f"{version}/{zip_name}")["Body"].read()
    told = s3.get_object(Bucket=bucket, Key=f"{version}/{zip_name}.sha256")["Body"].read().decode()
    assert told.split() == [hashlib.sha256(code).hexdigest(), zip_name]

    template = s3.get_object(Bucket=bucket, Key=f"{version}/template.yaml")["Body"].read().decode()
    assert "unpublished" not in template.partition("\nRules:")[0]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    page = (dist() / "launch.html").read_text()
    assert f"region={REGION}#/stacks/create/review?templateURL=" in page


def test_one_region_that_fails_stops_no_other(cloud: Cloud, command: Path) -> None:
    environment = cloud.environment() | {
        "PAGETRAIL_BIN": str(command),
        "PAGETRAIL_DIST": str(dist()),
    }
    taken = environment | {"AWS_ACCESS_KEY_ID": "222222222222"}
    subprocess.run(
        ["aws", "s3", "mb", f"s3://taken-{REGION}"], env=taken, check=True, capture_output=True
    )

    done = script("publish.sh", "--prefix", "taken", "--regions", f"{REGION} eu-west-1",
                  "--organization", "o-a1b2c3d4e5", **environment)  # fmt: skip

    assert done.returncode == 1
    assert f"taken-{REGION} is taken by another account" in done.stderr
    assert done.stderr.rstrip().endswith(f"not published in: {REGION}")
    assert "eu-west-1: https://taken-eu-west-1.s3.eu-west-1.amazonaws.com/" in done.stdout
    policy = cloud.client("s3", "eu-west-1").get_bucket_policy(Bucket="taken-eu-west-1")["Policy"]
    assert "o-a1b2c3d4e5" in policy


def test_publishing_again(cloud: Cloud, command: Path, template_url: str) -> None:
    assert publish(cloud, command) == template_url


def test_publishing_says_what_is_missing(cloud: Cloud, command: Path, tmp_path: Path) -> None:
    environment = cloud.environment() | {"PAGETRAIL_BIN": str(command)}
    nothing = script(
        "publish.sh", "--prefix", "acme", **(environment | {"PAGETRAIL_DIST": str(tmp_path)})
    )
    assert nothing.returncode == 1 and "run scripts/build.sh first" in nothing.stderr

    anonymous = {k: v for k, v in environment.items() if "KEY" not in k}
    anonymous |= {"PAGETRAIL_DIST": str(dist()), "HOME": str(tmp_path)}
    refused = script("publish.sh", "--prefix", "acme", **anonymous)
    assert refused.returncode == 1 and "AWS took no credentials" in refused.stderr

    cloud.client("s3").create_bucket(Bucket=f"mine-{REGION}")
    own = script("publish.sh", "--prefix", "mine", "--regions", REGION,
                 **(environment | {"PAGETRAIL_DIST": str(dist())}))  # fmt: skip
    assert own.returncode == 1 and "not the stack mine-artifacts" in own.stderr

    bad = script("publish.sh", "--prefix", "Acme", **environment)
    assert bad.returncode == 2 and "lower-case" in bad.stderr


def test_the_zip_is_the_same_every_time(command: Path, tmp_path: Path) -> None:
    zips = []
    for name in ("a.zip", "b.zip"):
        packed = pack(ARCHITECTURE, tmp_path / name)
        assert packed.returncode == 0, packed.stderr
        zips.append((tmp_path / name).read_bytes())
    assert zips[0] == zips[1]

    other = {"x86_64": "arm64", "arm64": "x86_64"}[ARCHITECTURE]
    wrong = pack(other, tmp_path / "c.zip")
    assert wrong.returncode == 1 and f"not built for {other}" in wrong.stderr
    assert not (tmp_path / "c.zip").exists()


def pack(architecture: str, path: Path) -> subprocess.CompletedProcess:
    binary = target() / "debug" / "pagetrail-lambda"
    return subprocess.run(
        ["python3", "scripts/pack.py", architecture, str(binary), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
