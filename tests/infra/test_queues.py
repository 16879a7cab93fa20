"""The way of an event: notification, queue, event source mapping, dead-letter queue."""

import json

import pytest

from tests.infra.templates import Template, resources


@pytest.fixture
def sources(template: Template) -> dict[str, Template]:
    """The event source mappings by the queue that they read."""
    return {
        mapping["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]: mapping["Properties"]
        for mapping in resources(template, "AWS::Lambda::EventSourceMapping").values()
    }


def test_every_consumed_queue_has_a_dead_letter_queue(
    template: Template, sources: dict[str, Template]
) -> None:
    queues = resources(template, "AWS::SQS::Queue")
    assert len(queues) == 6
    assert len(sources) == 3
    for name in sources:
        redrive = queues[name]["Properties"]["RedrivePolicy"]
        failures = queues[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        assert redrive["maxReceiveCount"] == 5
        # A message keeps its age when it moves there.
        kept = queues[name]["Properties"]["MessageRetentionPeriod"]
        assert failures["Properties"]["MessageRetentionPeriod"] >= 2 * kept


def test_the_function_knows_which_delivery_is_the_last(
    template: Template, sources: dict[str, Template]
) -> None:
    queues = resources(template, "AWS::SQS::Queue")
    functions = resources(template, "AWS::Lambda::Function")
    for name, source in sources.items():
        environment = functions[source["FunctionName"]["Ref"]]["Properties"]["Environment"]["Variables"]
        last = queues[name]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
        if environment["POWERTOOLS_SERVICE_NAME"] == "embed":
            assert environment["GLIMPSE_MAX_RECEIVES"] == str(last)


def test_a_message_stays_invisible_for_six_timeouts(template: Template, sources: dict[str, Template]) -> None:
    queues = resources(template, "AWS::SQS::Queue")
    functions = resources(template, "AWS::Lambda::Function")
    for name, source in sources.items():
        timeout = functions[source["FunctionName"]["Ref"]]["Properties"]["Timeout"]
        window = source.get("MaximumBatchingWindowInSeconds", 0)
        assert queues[name]["Properties"]["VisibilityTimeout"] >= 6 * timeout + window - 1


def test_batches_fail_in_part(sources: dict[str, Template]) -> None:
    for source in sources.values():
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_queues_are_encrypted_and_refuse_requests_without_tls(template: Template) -> None:
    queues = resources(template, "AWS::SQS::Queue")
    protected = set()
    for policy in resources(template, "AWS::SQS::QueuePolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
                assert statement["Effect"] == "Deny"
                protected |= {queue["Ref"] for queue in policy["Properties"]["Queues"]}
    assert protected == set(queues)
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in queues.values())


def test_only_new_uploads_send_events(template: Template, sources: dict[str, Template]) -> None:
    notifications = [
        bucket["Properties"]["NotificationConfiguration"]
        for bucket in resources(template, "AWS::S3::Bucket").values()
        if "NotificationConfiguration" in bucket["Properties"]
    ]
    [[configuration]] = [each["QueueConfigurations"] for each in notifications]
    assert configuration["Event"] == "s3:ObjectCreated:*"
    assert configuration["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "uploads/"}]
    assert configuration["Queue"]["Fn::GetAtt"][0] in sources


def test_only_buckets_of_the_account_and_the_daily_round_may_send(template: Template) -> None:
    allowed = {
        statement["Principal"]["Service"]: statement
        for policy in resources(template, "AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    }
    assert allowed.keys() == {"s3.amazonaws.com", "events.amazonaws.com"}
    by_s3, by_round = allowed["s3.amazonaws.com"], allowed["events.amazonaws.com"]
    assert by_s3["Action"] == "sqs:SendMessage"
    assert by_s3["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert "sqs:SendMessage" in by_round["Action"]
    [rule] = resources(template, "AWS::Events::Rule")
    assert by_round["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}


def test_once_a_day_all_indexes_are_looked_after(template: Template, sources: dict[str, Template]) -> None:
    [rule] = resources(template, "AWS::Events::Rule").values()
    assert rule["Properties"]["ScheduleExpression"] == "rate(1 day)"
    [target] = rule["Properties"]["Targets"]
    assert json.loads(target["Input"]) == {"kind": "tend-indexes"}
    queue = target["Arn"]["Fn::GetAtt"][0]
    assert "upkeep" in sources[queue]["FunctionName"]["Ref"].lower()
