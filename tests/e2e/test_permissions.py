"""The endpoint enforces IAM, and each function's role allows its work and nothing else.

That the work is allowed, every other end-to-end test shows; here the roles try what is not theirs.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from tests.e2e.allowed import (
    FUNCTIONS,
    INVOKES,
    LISTED,
    NAMED,
    OBJECT_ACTIONS,
    OBJECTS,
    READABLE,
    RECEIVES,
    SCANNABLE,
    SENDS,
    TRIED,
)
from tests.e2e.stack import Stack

HEALTH = json.dumps(
    {
        "version": "2.0",
        "rawPath": "/health",
        "rawQueryString": "",
        "headers": {"host": "localhost"},
        "requestContext": {"http": {"method": "GET", "path": "/health", "sourceIp": "127.0.0.1"}},
        "isBase64Encoded": False,
    }
)


@dataclass(frozen=True)
class Resources:
    """What the stack is made of, by short names."""

    outputs: dict[str, str]
    tables: dict[str, str]

    @property
    def images(self) -> str:
        return self.outputs["ImagesBucket"]

    @property
    def index(self) -> str:
        return self.outputs["IndexBucket"]


@pytest.fixture(scope="module")
def resources(stack: Stack) -> Resources:
    tables = {
        name.removeprefix("GLIMPSE_").removesuffix("_TABLE").lower(): value
        for function in FUNCTIONS
        for name, value in configuration(stack, function)["Environment"]["Variables"].items()
        if name.endswith("_TABLE")
    }
    return Resources(stack.outputs, tables)


@pytest.fixture(scope="module")
def roles(stack: Stack) -> dict[str, boto3.Session]:
    """A session under each function's own role."""
    sessions = {}
    for name in FUNCTIONS:
        role = configuration(stack, name)["Role"]
        with lent(stack, role):
            granted = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
        sessions[name] = boto3.Session(
            granted["AccessKeyId"],
            granted["SecretAccessKey"],
            granted["SessionToken"],
            stack.settings.aws_environment()["AWS_REGION"],
        )
    return sessions


@contextmanager
def lent(stack: Stack, role: str) -> Iterator[None]:
    """Have the operator trusted with a role, which is for Lambda alone."""
    iam, name = stack.client("iam"), role.rpartition("/")[2]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    operator = {"AWS": stack.client("sts").get_caller_identity()["Arn"]}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": operator}
    wider = {**trust, "Statement": [*trust["Statement"], statement]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(wider))
    yield
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


@pytest.fixture
def client(stack: Stack, roles: dict[str, boto3.Session]) -> Callable[[str, str], Any]:
    return lambda role, service: roles[role].client(service, endpoint_url=stack.settings.endpoint)


def configuration(stack: Stack, name: str) -> dict[str, Any]:
    function = stack.outputs[f"{name}Function"]
    return dict(stack.client("lambda").get_function_configuration(FunctionName=function))


def is_denied(call: Callable[[], object]) -> bool:
    """Whether a call is refused for want of a permission; any other error is a mistake of the test.

    A missing object is none: *embed* erases uploads without a record, so an object may go before its call.
    """
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if "AccessDenied" not in code and code != "NoSuchKey":
            raise
        return "AccessDenied" in code
    return False


@pytest.mark.parametrize("table", NAMED)
@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_reads_the_tables_of_its_work_alone(
    client: Callable[[str, str], Any], resources: Resources, role: str, table: str
) -> None:
    dynamodb, name = client(role, "dynamodb"), resources.tables[table]
    allowed = table in READABLE[role]
    assert is_denied(lambda: dynamodb.get_item(TableName=name, Key=NAMED[table])) is not allowed
    # A change of model goes through all folders, those of other backends included.
    assert is_denied(lambda: dynamodb.scan(TableName=name)) is not (table in SCANNABLE[role])
    assert is_denied(lambda: dynamodb.delete_table(TableName=name))


@pytest.mark.parametrize(
    ("role", "operation", "table"),
    [
        ("Embed", "put_item", "images"),  # records are written before their objects, by the API
        ("Embed", "put_item", "folders"),
        ("Embed", "delete_item", "jobs"),
        ("Embed", "delete_item", "users"),
        ("Api", "delete_item", "images"),
        ("Api", "delete_item", "folders"),
        ("Api", "delete_item", "jobs"),
        ("Search", "put_item", "sessions"),
        ("Search", "put_item", "folders"),
        ("Search", "delete_item", "folders"),
    ],
)
def test_a_role_changes_no_table_beyond_its_work(
    client: Callable[[str, str], Any], resources: Resources, role: str, operation: str, table: str
) -> None:
    item = {"Item" if operation == "put_item" else "Key": NAMED[table]}
    call = getattr(client(role, "dynamodb"), operation)
    assert is_denied(lambda: call(TableName=resources.tables[table], **item))


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_touches_the_objects_of_its_work_alone(
    stack: Stack, client: Callable[[str, str], Any], resources: Resources, role: str
) -> None:
    s3 = client(role, "s3")
    buckets = {"images": resources.images, "index": resources.index}
    allowed = set()
    for bucket, prefix in ((bucket, prefix) for bucket, prefixes in TRIED.items() for prefix in prefixes):
        target = {"Bucket": buckets[bucket], "Key": OBJECTS[prefix]}
        stack.client("s3").put_object(**target, Body=b"{}")
        try:
            calls = {
                "get": lambda target=target: s3.get_object(**target),
                "put": lambda target=target: s3.put_object(**target, Body=b"{}"),
                "delete": lambda target=target: s3.delete_object(**target),
            }
            allowed |= {(action, bucket, prefix) for action, call in calls.items() if not is_denied(call)}
        finally:
            stack.client("s3").delete_object(**target)
    assert allowed == OBJECT_ACTIONS[role]
    listed = {
        name
        for name, bucket in buckets.items()
        if not is_denied(lambda b=bucket: s3.list_objects_v2(Bucket=b))
    }
    assert listed == LISTED[role]


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_invokes_the_function_that_it_needs_alone(
    client: Callable[[str, str], Any], resources: Resources, role: str
) -> None:
    functions = client(role, "lambda")
    targets = ("SearchAlias", "SearchFunction", "EmbedFunction", "ApiFunction", "UpkeepFunction")
    allowed = {
        target
        for target in targets
        if not is_denied(
            lambda target=target: functions.invoke(FunctionName=resources.outputs[target], Payload=HEALTH)
        )
    }
    assert allowed == INVOKES[role]


NO_FOLDER = json.dumps({"kind": "erase-folder", "owner_id": 1, "folder_id": 9007199254740991})


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_sends_to_the_queue_that_it_needs_alone(
    client: Callable[[str, str], Any], resources: Resources, role: str
) -> None:
    sqs = client(role, "sqs")
    queues = [name for name in resources.outputs if name.endswith("QueueUrl")]
    allowed = {
        name
        for name in queues
        if not is_denied(
            lambda name=name: sqs.send_message(QueueUrl=resources.outputs[name], MessageBody=NO_FOLDER)
        )
    }
    assert allowed == SENDS[role]
    for name in set(queues) - RECEIVES.get(role, set()):
        assert is_denied(lambda name=name: sqs.receive_message(QueueUrl=resources.outputs[name]))


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_is_no_administrator(stack: Stack, client: Callable[[str, str], Any], role: str) -> None:
    own = configuration(stack, role)
    assert is_denied(lambda: client(role, "iam").list_roles())
    assert is_denied(
        lambda: client(role, "lambda").update_function_configuration(FunctionName=own["FunctionName"])
    )
    assert is_denied(lambda: client(role, "cloudformation").describe_stacks())


def test_without_a_signature_nothing_is_readable(stack: Stack, resources: Resources) -> None:
    for bucket in (resources.images, resources.index):
        assert httpx.get(f"{stack.settings.endpoint}/{bucket}", trust_env=False).status_code == 403
    forged = boto3.client(
        "s3",
        endpoint_url=stack.settings.endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="not the key",
    )
    with pytest.raises(ClientError) as refusal:
        forged.list_objects_v2(Bucket=resources.images)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
