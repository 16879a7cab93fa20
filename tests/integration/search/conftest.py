import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import boto3
import numpy as np
import pytest
from glimpse.encoder import Bundle
from glimpse.generations import Generation, GenerationStore
from glimpse.generations.models import DeploymentModel
from glimpse.index import IndexKey
from glimpse.index.relevance.model import USUAL, Sample, features
from glimpse.index.relevance.weights import FILES, Calibration, Network, calibration_of
from glimpse.records.models import FolderModel, OtherImageModel, reset_connections
from glimpse.shelf import publish
from moto import mock_aws

from tests.integration.search.service import (
    BUCKET,
    EMBED_FUNCTION,
    SPACE,
    TEXTS,
    EmbedDouble,
    SearchFunction,
    commit,
)
from tests.integration.search_client.lambda_server import LambdaServer
from tests.unit.encoder.tiny_bundle import write_bundle

TABLES = (DeploymentModel, FolderModel, OtherImageModel)


@pytest.fixture(scope="session")
def bundle_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle") / "tiny", space_id="tiny-1")


@pytest.fixture
def embed(bundle_dir: Path) -> EmbedDouble:
    return EmbedDouble(bundle_dir)


@pytest.fixture
def function(bundle_dir: Path, embed: EmbedDouble, tmp_path: Path) -> Iterator[SearchFunction]:
    with _running(bundle_dir, embed, tmp_path) as function:
        yield function


@pytest.fixture
def stocked(function: SearchFunction, embed: EmbedDouble) -> SearchFunction:
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 3), TEXTS)
    return function


@pytest.fixture
def calibrated(embed: EmbedDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The space has weights: of no use, but they say some number."""
    generator = np.random.default_rng(0)
    usual = generator.normal(size=(1 + Bundle.load(embed.bundle_dir).dimension, USUAL)).astype(np.float32)
    scores = np.linspace(0, 0.5, 50, dtype=np.float32)
    seen = features(usual[1:, 0] * 0, scores, [Sample(scores, 50)], usual)
    assert seen is not None
    networks = (
        Network(
            *(generator.normal(size=shape).astype(np.float32) for shape in ((1 + width, 3), 3, 1 + width))
        )
        for width in (seen.by_count.shape[1], len(seen.of_none))
    )
    Calibration(usual, *networks).save(tmp_path / "weights.npz")
    monkeypatch.setitem(FILES, SPACE, tmp_path / "weights.npz")
    calibration_of.cache_clear()
    yield
    calibration_of.cache_clear()


@pytest.fixture(scope="module")
def shared_function(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchFunction]:
    """One for tests that leave nothing behind."""
    with _running(bundle_dir, EmbedDouble(bundle_dir), tmp_path_factory.mktemp("tmp")) as function:
        yield function


@contextmanager
def _running(bundle_dir: Path, embed: EmbedDouble, tmp: Path) -> Iterator[SearchFunction]:
    """The search function, loaded as Lambda loads it, on S3 in memory and a Lambda service of its own."""
    with (
        LambdaServer({EMBED_FUNCTION: embed}) as lambda_service,
        mock_aws(),
        pytest.MonkeyPatch.context() as environment,
    ):
        for variable, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_LAMBDA": lambda_service.url,
            "GLIMPSE_INDEX_BUCKET": BUCKET,
            "GLIMPSE_EMBED_FUNCTION": EMBED_FUNCTION,
            "GLIMPSE_DEPLOYMENT_TABLE": "deployment",
            "GLIMPSE_FOLDERS_TABLE": "folders",
            "GLIMPSE_OTHER_IMAGES_TABLE": "other_images",
            "GLIMPSE_EMBED_IMAGES_CAP": "3",
            "TMPDIR": str(tmp),
        }.items():
            environment.setenv(variable, value)
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setattr("tempfile.tempdir", None)  # it remembers the folder of its first call
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        reset_connections(TABLES)
        for table in TABLES:
            table.create_table(wait=False)
        bundle = Bundle.load(bundle_dir)
        publish(bundle, BUCKET)
        GenerationStore().initialize(
            Generation(bundle.name, bundle.space_id, bundle.digest, bundle.dimension)
        )
        environment.delitem(sys.modules, "functions.search.handler", raising=False)
        yield SearchFunction(import_module("functions.search.handler").handler)
        reset_connections(TABLES)
