"""SNS can invoke enrich, whatever the Regions of topic and stack.

Between two Regions of which one is opt-in, SNS uses another principal: with the name of the function's
Region if that is opt-in, otherwise of the topic's. See the table "Cross-region delivery
support to AWS Lambda" in the Amazon SNS developer guide, "Sending Amazon SNS messages to an Amazon
SQS queue or AWS Lambda function in a different Region".
"""

import pytest
from rendered import ACCOUNT, Rendered, partition_of

# fmt: off
DEFAULT = [
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
    "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-south-1", "ap-southeast-1", "ap-southeast-2",
]
# The last one does not exist: it is for Regions that open later, which are opt-in.
OPT_IN = [
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2",
    "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
    "xx-tomorrow-1",
]
# fmt: on
OTHERS = ["cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"]
ALWAYS = "sns.amazonaws.com"


def principals(template: dict, topic: str, stack: str) -> set[str]:
    """The principals by which the topic can invoke enrich."""
    topic_arn = f"arn:{partition_of(topic)}:sns:{topic}:{ACCOUNT}:errors"
    rendered = Rendered(template, stack, errorTopicArn=topic_arn)
    return {
        permission["Principal"]
        for permission in rendered.resources("AWS::Lambda::Permission").values()
        if permission["FunctionName"] == "<EnrichFunction>"
        and permission["Action"] == "lambda:InvokeFunction"
        and permission["Principal"].startswith("sns.")
        and permission["SourceArn"] == topic_arn
    }


@pytest.mark.parametrize(
    ("topic", "stack", "expected"),
    [
        ("us-east-1", "eu-west-1", {ALWAYS}),
        ("us-east-1", "me-south-1", {ALWAYS, "sns.me-south-1.amazonaws.com"}),
        ("ap-east-1", "us-east-1", {ALWAYS, "sns.ap-east-1.amazonaws.com"}),
        ("ap-east-1", "me-south-1", {ALWAYS, "sns.me-south-1.amazonaws.com"}),
        ("cn-north-1", "cn-northwest-1", {ALWAYS}),
        ("us-gov-west-1", "us-gov-east-1", {ALWAYS}),
    ],
)
def test_sns_by_the_principal_of_the_pair_of_regions(
    template: dict, topic: str, stack: str, expected: set[str]
) -> None:
    assert principals(template, topic, stack) == expected


@pytest.mark.parametrize("region", [*DEFAULT, *OPT_IN, *OTHERS])
def test_within_one_region_sns_is_sns(template: dict, region: str) -> None:
    assert principals(template, region, region) == {ALWAYS}


def test_between_any_two_regions_of_aws(template: dict) -> None:
    regions = [*DEFAULT, *OPT_IN]
    for topic in regions:
        for stack in regions:
            if topic == stack:
                continue
            named = stack if stack in OPT_IN else topic if topic in OPT_IN else None
            expected = {ALWAYS, f"sns.{named}.amazonaws.com"} if named else {ALWAYS}
            assert principals(template, topic, stack) == expected, (topic, stack)
