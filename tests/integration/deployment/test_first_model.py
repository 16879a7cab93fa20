"""A deployment gets its first model: in its bucket, in its table, and in what this machine notes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from glimpse.encoder import Bundle
from glimpse.shelf import Shelf
from moto import mock_aws

from deployment.account import Account
from deployment.deploy_to_account import model_for
from deployment.errors import UserError
from deployment.models import first
from deployment.models.catalogue import DEFAULT, DEMO
from deployment.models.choice import Choice, choose, chosen
from deployment.models.library import DEMO_FOLDER, Library
from deployment.models.publish import begin, generations
from deployment.target import Target
from local.settings import LocalSettings

BUCKET, TABLE = "index", "deployment"


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """A deployment without a model, in an account of its own."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "GLIMPSE_DEPLOYMENT_TABLE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        session = boto3.Session("key", "secret", region_name="eu-west-1")
        location = {"LocationConstraint": "eu-west-1"}
        session.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)  # type: ignore[typeddict-item]
        session.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Target("the account", "aws-1", {"IndexBucket": BUCKET, "DeploymentTable": TABLE}, session, None)


@pytest.fixture
def other(tmp_path: Path) -> Bundle:
    """Another bundle than the demo model's."""
    shutil.copytree(DEMO_FOLDER, tmp_path / "other")
    (tmp_path / "other/visual/notes.txt").write_text("another export")
    return Bundle.load(tmp_path / "other")


def settings_of(home: Path, model: str = "") -> LocalSettings:
    return LocalSettings.from_environment({"GLIMPSE_HOME": str(home), "GLIMPSE_MODEL": model})


def test_the_first_model_is_published_and_chosen_once(target: Target, tmp_path: Path, other: Bundle) -> None:
    before = dict(os.environ)
    assert generations(target) is None
    demo = Library.of(tmp_path).bundle(DEMO)
    active = begin(demo, target).active
    assert (active.name, active.space_id, active.bundle_digest, active.dimension) == (
        demo.name,
        demo.space_id,
        demo.digest,
        demo.dimension,
    )
    shelf = Shelf([], BUCKET, tmp_path / "cache", target.client("s3"))
    assert shelf.bundle(demo.digest, ("visual", "textual")).space_id == demo.space_id
    assert begin(other, target).active == active  # whoever deploys second changes nothing
    assert generations(target) is not None
    assert dict(os.environ) == before


def test_a_start_notes_what_it_gave_and_asks_no_more(target: Target, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    first.give(settings, target, DEMO, deployed=True)
    assert chosen(tmp_path, target.key) == Choice(DEMO, DEMO)
    gone = Target(target.name, target.key, {}, target.session, None)
    first.give(settings, gone, DEMO, deployed=False)
    choose(tmp_path, "Other__weights", target.key)
    first.give(settings, target, "Other__weights", deployed=True)  # not installed, and not needed
    assert chosen(tmp_path, target.key) == Choice("Other__weights", DEMO)


def test_a_table_that_is_not_there_is_told_in_a_sentence(target: Target) -> None:
    missing = Target(
        target.name, target.key, {**target.outputs, "DeploymentTable": "x"}, target.session, None
    )
    with pytest.raises(UserError, match="A table of the account can't be used"):
        generations(missing)


def test_a_deployment_to_aws_takes_a_real_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_: LocalSettings, __: str, ___: first.Say) -> None:
        raise UserError("The hub can't be reached.")

    monkeypatch.setattr(first, "install", unreachable)
    with pytest.raises(
        UserError, match=r"hub can't be reached\. A deployment needs a real model; .*=demo make"
    ):
        model_for(settings_of(tmp_path), "aws-1", None)
    with pytest.raises(UserError, match="A deployment needs a real model"):
        model_for(settings_of(tmp_path, "ViT-B-32__openai"), "aws-1", None)
    assert model_for(settings_of(tmp_path, DEMO), "aws-1", None) == DEMO
    shutil.copytree(DEMO_FOLDER, tmp_path / "models" / DEFAULT)
    assert model_for(settings_of(tmp_path), "aws-1", None) == DEFAULT


def test_a_deployment_in_aws_keeps_its_model(target: Target, tmp_path: Path, other: Bundle) -> None:
    begin(Library.of(tmp_path).bundle(DEMO), target)
    assert model_for(settings_of(tmp_path), "aws-1", target) == DEMO
    assert model_for(settings_of(tmp_path, DEMO), "aws-1", target) == DEMO
    with pytest.raises(UserError, match=f"`glimpse model use {DEFAULT} --aws` and `glimpse reindex --aws`"):
        model_for(settings_of(tmp_path, DEFAULT), "aws-1", target)
    choose(tmp_path, DEFAULT, "aws-1")  # reindexing goes on: the environment may name either
    assert model_for(settings_of(tmp_path, DEFAULT), "aws-1", target) == DEMO


def test_the_account_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    with mock_aws():
        assert Account.of_environment().name == "AWS account 123456789012 in eu-west-3"
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(UserError, match="No AWS region is set"):
        Account.of_environment()
