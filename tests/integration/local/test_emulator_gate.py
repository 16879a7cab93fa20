"""Whom the real emulator behind its gate takes for whom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from local import credentials
from local.emulator.launcher import Emulator
from local.machine import machine_endpoint
from local.settings import LocalSettings
from tests.ports import free_ports

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:api"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSettings]:
    """An emulator's, started for the second time: its operator is the first one's."""
    [port] = free_ports(1)
    home = tmp_path_factory.mktemp("gate") / "home"
    settings = replace(LocalSettings.from_environment({}), home=home, emulator_port=port)
    for last in (False, True):
        emulator = Emulator(settings)
        emulator.start()
        try:
            if last:
                yield settings
            else:
                machine_endpoint(settings).client("s3").create_bucket(Bucket="photographs")
        finally:
            emulator.stop()


def session(key: str, secret: str, token: str | None = None) -> boto3.Session:
    return boto3.Session(key, secret, token, "us-east-1")


CALLS = [
    ("s3", "list_buckets", {}),
    ("sts", "get_caller_identity", {}),
    ("dynamodb", "list_tables", {}),
    ("lambda", "list_functions", {}),
    ("iam", "create_user", {"UserName": "evil"}),
    ("cloudformation", "describe_stacks", {}),
    ("apigatewayv2", "get_apis", {}),
]


def refusals(settings: LocalSettings, of: boto3.Session) -> set[str]:
    """The codes with which every one of the calls is refused."""
    codes = set()
    for service, call, parameters in CALLS:
        with pytest.raises(ClientError) as refused:
            getattr(of.client(service, endpoint_url=settings.endpoint), call)(**parameters)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        codes.add(refused.value.response["Error"]["Code"])
    return codes


def test_the_operator_goes_on_with_the_same_key(settings: LocalSettings) -> None:
    assert machine_endpoint(settings).client("s3").list_buckets()["Buckets"][0]["Name"] == "photographs"
    assert (
        machine_endpoint(settings)
        .client("sts")
        .get_caller_identity()["Arn"]
        .endswith(":user/glimpse-operator")
    )


@pytest.mark.parametrize("key", ["test", "000000000000", "123456789012", "AKIAIOSFODNN7EXAMPLE"])
def test_roots_keys_and_unknown_ones_are_refused(settings: LocalSettings, key: str) -> None:
    assert refusals(settings, session(key, "test")) == {"InvalidClientTokenId"}


def test_the_operators_key_wants_its_secret(settings: LocalSettings) -> None:
    known = credentials.of(settings.home)
    assert refusals(settings, session(known.access_key_id, "test")) == {"SignatureDoesNotMatch"}


def test_a_roles_session_passes_and_may_do_what_the_role_may(settings: LocalSettings) -> None:
    iam, sts = machine_endpoint(settings).client("iam"), machine_endpoint(settings).client("sts")
    me = {"AWS": sts.get_caller_identity()["Arn"]}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": me}
    may = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="reader",
        PolicyName="reads",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
    )
    granted = sts.assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    key, secret = granted["AccessKeyId"], granted["SecretAccessKey"]
    theirs = session(key, secret, granted["SessionToken"])
    assert theirs.client("s3", endpoint_url=settings.endpoint).list_buckets()["Buckets"]
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.client("dynamodb", endpoint_url=settings.endpoint).list_tables()
    assert refusals(settings, session(key, secret)) == {"InvalidClientTokenId"}  # without its token
    assert refusals(settings, session(key, secret, "another")) == {"InvalidClientTokenId"}


def test_a_functions_credentials_do_not_follow_from_names(settings: LocalSettings) -> None:
    digest = hashlib.sha256(f"{FUNCTION}:arn:aws:iam::000000000000:role/api".encode()).hexdigest()
    secret, token = (hashlib.sha256(f"{what}:{digest}".encode()).hexdigest() for what in ("secret", "token"))
    derived = session(f"ASIA{digest[:16].upper()}", secret, token)
    assert refusals(settings, derived) == {"InvalidClientTokenId"}


REQUESTS = [
    ("POST", "/_ministack/reset", {}),
    ("GET", "/_ministack/sqs/messages", {}),
    ("GET", "/photographs", {}),
    ("PUT", "/photographs/x", {}),
    ("POST", "/", {"x-amz-target": "DynamoDB_20120810.ListTables"}),
    ("GET", "/?Action=ListUsers&Version=2010-05-08", {}),
    (
        "GET",
        "/2015-03-31/functions",
        {"authorization": "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature="},
    ),
    ("GET", "/2015-03-31/functions", {"authorization": "AWS test:x"}),
    ("GET", "/", {"host": "photographs.s3.localhost"}),
    ("GET", "/", {"host": "abcdef12.execute-api.localhost"}),
    ("GET", "/_localstack/health", {"host": "rebound.example"}),
]


@pytest.mark.parametrize(("method", "path", "headers"), REQUESTS)
def test_unsigned_requests_are_refused(
    settings: LocalSettings, method: str, path: str, headers: dict[str, Any]
) -> None:
    if "host" in headers:
        headers = {"host": f"{headers['host']}:{settings.emulator_port}"}
    answer = httpx.request(method, f"{settings.endpoint}{path}", headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert machine_endpoint(settings).client("s3").list_buckets()["Buckets"]


def test_what_reads_the_secrets_is_their_owner_alone(settings: LocalSettings) -> None:
    path: Path = settings.home / credentials.FILE
    assert path.stat().st_mode & 0o077 == 0
