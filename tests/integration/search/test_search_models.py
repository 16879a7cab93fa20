"""The operator's routes: who may use them, and what the embed function's answers become."""

from pathlib import Path
from typing import Any

import pytest
from glimpse.encoder import Bundle
from glimpse.generations.models import POINTER, DeploymentModel
from glimpse.shelf import publish

from tests.integration.search.service import BUCKET, EmbedDouble, SearchFunction
from tests.unit.encoder.tiny_bundle import write_bundle

DIGEST = "a" * 64
MODELS = {"active": {"name": "Tiny"}, "phase": "STABLE"}
ROUTES = [
    ("GET", "/models", None, {"action": "status", "bundle_digest": None}),
    ("POST", "/models/reindex", {"bundle_digest": DIGEST}, {"action": "reindex", "bundle_digest": DIGEST}),
    ("POST", "/models/rollback", None, {"action": "rollback", "bundle_digest": None}),
    ("POST", "/models/finalize", None, {"action": "finalize", "bundle_digest": None}),
]


@pytest.mark.parametrize(("method", "path", "body", "asked"), ROUTES)
def test_operators_are_answered_by_the_embed_function(
    function: SearchFunction, embed: EmbedDouble, method: str, path: str, body: Any, asked: dict[str, Any]
) -> None:
    embed.answer = {"status": 200, "models": MODELS}
    response = function.call(method, path, body)
    assert (response.status, response.json) == (200, MODELS)
    assert embed.events == [{"operation": "models", **asked}]


@pytest.mark.parametrize(("method", "path", "body", "asked"), ROUTES)
def test_a_backend_with_an_alias_of_its_own_is_no_operator(
    function: SearchFunction, embed: EmbedDouble, method: str, path: str, body: Any, asked: dict[str, Any]
) -> None:
    response = function.call(method, path, body, qualifier="java")
    assert response.status == 403
    assert "operators" in response.json["detail"]
    assert embed.events == []


@pytest.mark.parametrize("status", [404, 409, 422, 503])
def test_a_refusal_keeps_its_sentence(function: SearchFunction, embed: EmbedDouble, status: int) -> None:
    embed.answer = {"status": status, "detail": "Wait."}
    response = function.call("POST", "/models/finalize")
    assert (response.status, response.json) == (status, {"detail": "Wait."})


def test_an_embed_function_that_fails_is_503(function: SearchFunction, embed: EmbedDouble) -> None:
    embed.error = RuntimeError("broken")
    assert function.call("GET", "/models").status == 503


@pytest.mark.parametrize("damaged", [False, True])
def test_a_change_begins_only_with_a_text_half_that_runs(
    function: SearchFunction, embed: EmbedDouble, tmp_path: Path, damaged: bool
) -> None:
    folder = write_bundle(tmp_path / "next", space_id="tiny-2")
    if damaged:
        (folder / "textual/model.onnx").write_bytes(b"no model")
    bundle = Bundle.load(folder)
    publish(bundle, BUCKET)
    embed.answer = {"status": 200, "models": MODELS}
    response = function.call("POST", "/models/reindex", {"bundle_digest": bundle.digest})
    assert response.status == (409 if damaged else 200)
    assert len(embed.events) == (0 if damaged else 1)
    if damaged:
        assert "text half" in response.json["detail"]


@pytest.mark.parametrize("body", [{}, {"bundle_digest": "x"}, {"bundle_digest": None}, [], None])
def test_a_digest_is_needed(function: SearchFunction, body: Any) -> None:
    assert function.call("POST", "/models/reindex", body).status == 422


def test_without_a_model_searches_say_so(function: SearchFunction) -> None:
    DeploymentModel(POINTER).delete()
    function.forget_pointer()
    response = function.call("POST", "/search", {"user_id": 1, "query": "cat", "folder_ids": [3]})
    assert response.status == 503
    assert "No model has been chosen yet" in response.json["detail"]
    assert function.call("GET", "/health").json["model"] is None
