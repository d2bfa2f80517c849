"""The queues between the functions: they lose nothing, and nobody else can read them."""

import pytest
from loaded import arn, of_type

DAYS_14 = 14 * 24 * 60 * 60
QUEUES = ["EventsQueue", "RejectedQueue", "UnenrichedQueue"]


def test_the_queues_are_these(template: dict) -> None:
    assert sorted(of_type(template, "AWS::SQS::Queue")) == QUEUES


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_keeps_14_days(template: dict, name: str) -> None:
    queue = template["Resources"][name]["Properties"]
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == DAYS_14
    assert queue["MaximumMessageSize"] == 1024 * 1024
    # A receive count must not end an event's retries before the 14 days are over.
    assert "RedrivePolicy" not in queue


def test_events_and_rejected_are_ordered_by_group(template: dict) -> None:
    for name in ("EventsQueue", "RejectedQueue"):
        queue = template["Resources"][name]["Properties"]
        assert queue["FifoQueue"] is True
        assert queue["DeduplicationScope"] == "messageGroup"
        assert queue["FifoThroughputLimit"] == "perMessageGroupId"
        # No deduplication by content: a rejected event can be sent again.
        assert not queue.get("ContentBasedDeduplication")
    # Lambda does not accept a FIFO queue as an on-failure destination.
    assert "FifoQueue" not in template["Resources"]["UnenrichedQueue"]["Properties"]


def test_all_queues_refuse_what_is_not_tls(template: dict) -> None:
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    assert sorted(queue["Ref"] for queue in policy["Queues"]) == QUEUES
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny" and statement["Principal"] == "*"
    assert statement["Action"] == "sqs:*"
    assert sorted(r["Fn::GetAtt"][0] for r in statement["Resource"]) == QUEUES
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_deliver_takes_from_both_queues_and_answers_for_each_message(template: dict) -> None:
    sources = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    taken = {source["EventSourceArn"]["Fn::GetAtt"][0]: source for source in sources}
    assert sorted(taken) == ["EventsQueue", "UnenrichedQueue"]
    timeout = template["Resources"]["DeliverFunction"]["Properties"]["Timeout"]
    for queue, source in taken.items():
        assert source["FunctionName"] == {"Ref": "DeliverFunction"}
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["BatchSize"] == 10
        assert template["Resources"][queue]["Properties"]["VisibilityTimeout"] >= 6 * timeout


def test_the_limit_is_shared_by_as_many_workers_as_there_may_be(template: dict) -> None:
    workers = {"Ref": "workers"}
    assert template["Resources"]["DeliverFromQueue"]["Properties"]["ScalingConfig"] == {
        "MaximumConcurrency": workers
    }
    deliver = template["Resources"]["DeliverFunction"]["Properties"]["Environment"]["Variables"]
    assert deliver["PAGETRAIL_WORKERS"] == workers
    assert deliver["PAGETRAIL_RATE_PER_MINUTE"] == {"Ref": "ratePerMinute"}


def test_what_enrich_fails_on_is_kept(template: dict) -> None:
    (retries,) = of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    assert retries["FunctionName"] == {"Ref": "EnrichFunction"}
    assert retries["DestinationConfig"] == {"OnFailure": {"Destination": arn("UnenrichedQueue")}}
