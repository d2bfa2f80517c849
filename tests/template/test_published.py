"""The template that people deploy, rendered like scripts/publish.sh does."""

import copy
import re
import subprocess

import pytest
from loaded import ROOT, load

# `aws cloudformation deploy --template-file`, `create-stack --template-body` and StackSets by body
# refuse more than 51 200 bytes.
TAKEN_BY_CLOUDFORMATION = 51_200
ROOM_TO_GROW = 7_000


def rendered(*arguments: str) -> str:
    return subprocess.run(
        [ROOT / "scripts/render-template.py", *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_publish_sh_uploads_what_is_rendered_here() -> None:
    script = (ROOT / "scripts/publish.sh").read_text()
    assert re.search(r'\nscripts/render-template\.py [^|]*>"\$work/template\.yaml"', script)
    assert script.count('"$work/template.yaml"') == 2
    assert '"$work/template.yaml" "s3://$bucket/$version/template.yaml"' in script


def test_a_published_template_is_small_enough_to_deploy() -> None:
    # With the longest names that publish.sh accepts.
    text = rendered("--prefix", "p" * 47, "--version", "v" * 64)
    assert len(text.encode()) <= TAKEN_BY_CLOUDFORMATION - ROOM_TO_GROW


def test_the_repository_s_template_can_be_tried_too() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert len(text.encode()) <= TAKEN_BY_CLOUDFORMATION


# A name can contain the words that mark the parts to leave out.
@pytest.mark.parametrize("prefix", ["acme-pagetrail", "unpublished-artifacts"])
@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_only_the_place_of_the_code_differs(template: dict, prefix: str, architecture: str) -> None:
    arguments = ["--prefix", prefix, "--version", "1.2.3", "--architecture", architecture]
    published = load(rendered(*arguments))

    expected = copy.deepcopy(template)
    for name in ("artifactBucketPrefix", "artifactVersion"):
        del expected["Parameters"][name]
        del expected["Metadata"]["AWS::CloudFormation::Interface"]["ParameterLabels"][name]
    groups = expected["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert groups.pop()["Parameters"] == ["artifactBucketPrefix", "artifactVersion"]
    del expected["Rules"]["PublishedCode"]
    del expected["Resources"]["GatewayUrl"]["Metadata"]
    expected["Parameters"]["architecture"]["Default"] = architecture
    for name in ("EnrichFunction", "DeliverFunction", "GatewayFunction"):
        expected["Resources"][name]["Properties"]["Code"] = {
            "S3Bucket": {"Fn::Sub": prefix + "-${AWS::Region}"},
            "S3Key": {"Fn::Sub": "1.2.3/pagetrail-lambda-${architecture}.zip"},
        }
    # JSON, whose indentation has no meaning.
    dashboard = expected["Resources"]["OwnDashboard"]["Properties"]["DashboardBody"]
    dashboard["Fn::Sub"] = re.sub(r"\n +", "\n", dashboard["Fn::Sub"])
    assert published == expected


def test_every_parameter_stands_in_the_console_s_form(template: dict) -> None:
    form = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in form["ParameterGroups"] for name in group["Parameters"]]
    assert grouped == list(template["Parameters"])
    assert list(form["ParameterLabels"]) == grouped


def test_a_template_without_these_places_is_refused() -> None:
    script = (ROOT / "scripts/render-template.py").read_text()
    changed = script.replace(
        'TEMPLATE = Path(__file__).parents[1] / "template.yaml"', 'TEMPLATE = Path("/dev/null")'
    )
    assert changed != script
    done = subprocess.run(
        ["python3", "-c", changed, "--prefix", "acme", "--version", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "has no places" in done.stderr
