"""Backends with namespaces of their own, under roles with the policy that the documentation gives them."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from glimpse.errors import NotFound, Unavailable
from glimpse.messages import ImageFile
from glimpse.search_client import InvokeTransport, SearchClient, SearchQuery, SearchScope

from deployment.settings import ROOT
from tests.e2e.stack import Stack

SCOPE, QUERY = SearchScope(1, [3]), SearchQuery(query="a photograph")
PHOTOS = sorted((ROOT / "local/gallery/photos").glob("*.jpg"))
POLICY = re.search(r"```json\n(.*?)```", (ROOT / "docs/other-backends.md").read_text(), re.DOTALL)
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


class Backend:
    """A backend with an alias of the search function, and a role of its own."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.name, self._stack = name, stack
        alias = stack.outputs["SearchAlias"]
        self._function, _, used = alias.rpartition(":")
        functions, iam = stack.client("lambda"), stack.client("iam")
        version = functions.get_alias(FunctionName=self._function, Name=used)["FunctionVersion"]
        functions.create_alias(FunctionName=self._function, Name=name, FunctionVersion=version)
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        assert POLICY is not None
        policy = POLICY[1].replace("IMAGES_BUCKET", stack.outputs["ImagesBucket"]).replace("NAMESPACE", name)
        policy = re.sub(r"arn:aws:lambda:[^\"]*:SEARCH", self._function, policy)
        iam.put_role_policy(RoleName=name, PolicyName="backend", PolicyDocument=policy)
        granted = stack.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
        self.session = boto3.Session(
            granted["AccessKeyId"],
            granted["SecretAccessKey"],
            granted["SessionToken"],
            stack.settings.aws_environment()["AWS_REGION"],
        )

    def search(self, alias: str | None = None) -> SearchClient:
        endpoint = self._stack.settings.endpoint
        transport = InvokeTransport(
            self._function, alias or self.name, endpoint_url=endpoint, session=self.session
        )
        return SearchClient(transport)

    def put(self, key: str, data: bytes) -> Any:
        s3 = self.session.client("s3", endpoint_url=self._stack.settings.endpoint)
        return s3.put_object(Bucket=self._stack.outputs["ImagesBucket"], Key=key, Body=data)

    def remove(self) -> None:
        self._stack.client("lambda").delete_alias(FunctionName=self._function, Name=self.name)
        iam = self._stack.client("iam")
        iam.delete_role_policy(RoleName=self.name, PolicyName="backend")
        iam.delete_role(RoleName=self.name)


@pytest.fixture
def backends(stack: Stack) -> Iterator[list[Backend]]:
    made = [Backend(stack, f"{name}-{uuid.uuid4().hex[:8]}") for name in ("java", "php")]
    yield made
    for backend in made:
        backend.remove()


def test_backends_with_the_same_ids_reach_their_own_files_and_indexes_alone(
    stack: Stack, backends: list[Backend]
) -> None:
    java, php = backends
    for backend, photograph in zip(backends, PHOTOS, strict=False):
        backend.put(f"images/{backend.name}/1/3/photo.jpg", photograph.read_bytes())
        report = backend.search().embed_images(1, 3, [ImageFile(10, "/app/images/1/3/photo.jpg")])
        assert report.indexed == [10]
    scores = [backend.search().search(SCOPE, QUERY).hits[0].score for backend in backends]
    assert scores[0] != pytest.approx(scores[1], abs=1e-4)
    with pytest.raises(NotFound):
        java.search().embed_images(1, 3, [ImageFile(11, f"images/{php.name}/1/3/photo.jpg")])
    with pytest.raises(Unavailable) as refused:
        java.search(php.name).search(SCOPE, QUERY)
    assert "AccessDenied" in str(refused.value.__cause__)
    for key in (f"images/{php.name}/1/3/photo.jpg", "images/1/3/photo.jpg", "uploads/1/3/10/photo.jpg"):
        with pytest.raises(ClientError, match="AccessDenied"):
            java.put(key, b"")
    for backend in backends:
        backend.search().delete_index(1, 3)
        key = f"images/{backend.name}/1/3/photo.jpg"
        stack.client("s3").delete_object(Bucket=stack.outputs["ImagesBucket"], Key=key)
