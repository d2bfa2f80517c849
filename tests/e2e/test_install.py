"""Publishing and installing: what works, and what is refused before anything is created."""

import hashlib
import json
import os
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
            "also give the ARN of the secret",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET, "operationsTopicArn": TOPIC},
            "must not be the topic that your alarms notify",
        ),
        (
            {"errorTopicArn": TOPIC, "pagerDutySecretArn": SECRET}
            | {"operationsTopicArn": f"{TOPIC}-ops", "operationsEmail": "ops@example.com"},
            "not both",
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


def test_the_repository_s_template_creates_nothing_without_published_code(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    with pytest.raises(ClientError, match=re.escape("scripts/publish.sh")):
        client.create_stack(
            StackName="wrong",
            TemplateBody=(ROOT / "template.yaml").read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=parameters(errorTopicArn=TOPIC, pagerDutySecretArn=SECRET),
        )
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_stacks(StackName="wrong")


def test_by_the_aws_cli_as_the_readme_says(cloud: Cloud, template_url: str, tmp_path: Path) -> None:
    cloud.client("sns").create_topic(Name="errors")
    # The AWS CLI names a change set by the second; the emulator is faster than AWS.
    commands = "\nsleep 1.1\n".join(
        [
            block_below("README.md", "## Install"),
            block_below("README.md", "### Or by the AWS CLI"),
            block_below("docs/troubleshooting.md", "# Troubleshooting"),
            block_below("docs/gateway.md", "## On AWS"),
            'echo "The gateway: $URL"',
        ]
    )
    for said, here in [
        ("acme-pagetrail", PREFIX),
        ("/0.1.0/", f"/{template_url.split('/')[-2]}/"),
        ("eu-west-1", REGION),
        ("123456789012", ACCOUNT),
        ("--stack-name pagetrail", "--stack-name by-cli"),
        ("STACK=pagetrail", "STACK=by-cli"),
    ]:
        assert said in commands, said
        commands = commands.replace(said, here)

    done = bash(commands, cloud, tmp_path, said=f"{ROUTING_KEY}\n")

    assert "DeliverFunctionName" in done.stdout
    assert re.search(r"^The gateway: https?://", done.stdout, re.MULTILINE), done.stdout
    secrets = cloud.client("secretsmanager")
    assert secrets.get_secret_value(SecretId="pagerduty-key")["SecretString"] == ROUTING_KEY
    cloud.client("cloudformation").delete_stack(StackName="by-cli")


def test_an_update_with_a_newer_template_brings_its_code(
    cloud: Cloud, command: Path, template_url: str, tmp_path: Path
) -> None:
    topic = cloud.client("sns").create_topic(Name="updated")["TopicArn"]
    client = cloud.client("cloudformation")
    # A stack of an older version, whose template had parameters for the place of the code.
    client.create_stack(
        StackName="updated",
        TemplateBody=(ROOT / "template.yaml").read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=parameters(
            errorTopicArn=topic,
            pagerDutySecretArn=SECRET,
            accountName="prod",
            architecture=ARCHITECTURE,
            artifactBucketPrefix=PREFIX,
            artifactVersion=template_url.split("/")[-2],
        ),
    )
    client.get_waiter("stack_create_complete").wait(
        StackName="updated", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    publish(cloud, command, "--version", "next")

    bash(
        f"aws s3 cp s3://{PREFIX}-{REGION}/next/template.yaml pagetrail.yaml\n"
        "aws cloudformation deploy --stack-name updated --template-file pagetrail.yaml "
        "--capabilities CAPABILITY_IAM",
        cloud,
        tmp_path,
    )

    (stack,) = client.describe_stacks(StackName="updated")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    known = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
    assert known["accountName"] == "prod" and "artifactVersion" not in known
    code = client.get_template(StackName="updated")["TemplateBody"]
    assert str(code).count("next/pagetrail-lambda-") == 3
    client.delete_stack(StackName="updated")


def block_below(document: str, heading: str) -> str:
    """The first block of commands after a heading."""
    below = (ROOT / document).read_text().partition(f"{heading}\n")[2]
    return below.partition("```sh\n")[2].partition("```")[0]


def parameters(**values: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def bash(commands: str, cloud: Cloud, folder: Path, said: str = "") -> subprocess.CompletedProcess:
    """Runs commands like a user. Each one must succeed."""
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", commands],
        cwd=folder,
        env=cloud.environment(),
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


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
    assert len(alarms) == 9
    operations = stack.resource("OperationsTopic")
    for alarm in alarms:
        assert alarm["AlarmActions"] == [operations], alarm["AlarmName"]
        assert alarm["OKActions"] == [operations], alarm["AlarmName"]
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
    rendered = script(
        "render-template.py", "--prefix", PREFIX, "--version", version,
        "--architecture", ARCHITECTURE, **os.environ,
    )  # fmt: skip
    assert template == rendered.stdout
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
    assert f"taken-{REGION} belongs to another account" in done.stderr
    assert done.stderr.rstrip().endswith(f"not published in: {REGION}")
    assert "eu-west-1: https://taken-eu-west-1.s3.eu-west-1.amazonaws.com/" in done.stdout
    policy = cloud.client("s3", "eu-west-1").get_bucket_policy(Bucket="taken-eu-west-1")["Policy"]
    assert "o-a1b2c3d4e5" in policy


def test_publishing_again(cloud: Cloud, command: Path, template_url: str) -> None:
    assert publish(cloud, command) == template_url


def test_a_version_is_published_with_one_code_only(
    cloud: Cloud, command: Path, template_url: str, tmp_path: Path
) -> None:
    code = tmp_path / f"pagetrail-lambda-{ARCHITECTURE}.zip"
    code.write_bytes(b"other code")
    checksum = hashlib.sha256(code.read_bytes()).hexdigest()
    Path(f"{code}.sha256").write_text(f"{checksum}  {code.name}\n")
    environment = cloud.environment() | {
        "PAGETRAIL_BIN": str(command),
        "PAGETRAIL_DIST": str(tmp_path),
    }
    where = ("--prefix", PREFIX, "--regions", REGION)

    refused = script("publish.sh", *where, **environment)
    assert refused.returncode == 1 and "already published with other code" in refused.stderr
    assert "--version" in refused.stderr
    s3 = cloud.client("s3")
    version = template_url.split("/")[-2]
    kept = s3.get_object(Bucket=f"{PREFIX}-{REGION}", Key=f"{version}/{code.name}")["Body"].read()
    assert kept != code.read_bytes()

    assert script("publish.sh", *where, "--version", "other", **environment).returncode == 0


def test_publishing_says_what_is_missing(cloud: Cloud, command: Path, tmp_path: Path) -> None:
    environment = cloud.environment() | {"PAGETRAIL_BIN": str(command)}
    nothing = script(
        "publish.sh", "--prefix", "acme", **(environment | {"PAGETRAIL_DIST": str(tmp_path)})
    )
    assert nothing.returncode == 1 and "run scripts/build.sh first" in nothing.stderr

    anonymous = {k: v for k, v in environment.items() if "KEY" not in k}
    anonymous |= {"PAGETRAIL_DIST": str(dist()), "HOME": str(tmp_path)}
    refused = script("publish.sh", "--prefix", "acme", **anonymous)
    assert refused.returncode == 1 and "AWS accepted no credentials" in refused.stderr

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
