"""`glimpse reindex`, `glimpse model rollback` and `finalize`: what they send, and what they say."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from glimpse.search_client import Response
from typer.testing import CliRunner

from cli import reindex
from cli.main import app
from deployment.errors import UserError
from deployment.models.choice import choose, chosen

ACTIVE, OTHER = {"name": "old model"}, {"name": "new model"}
PROGRESS = {"folders_done": 2, "folders_total": 3, "images_done": 1200, "images_total": 4000, "left_out": 2}


def models(phase: str, **changes: Any) -> dict[str, Any]:
    building = {"active": ACTIVE, "other": OTHER, "phase": phase, "retired": None, "progress": PROGRESS}
    return {**building, **changes}


class Deployment:
    """Answers one request after another, and remembers them."""

    key = "machine"

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []
        self.published: list[str] = []

    def transport(self) -> "Deployment":
        return self

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:  # noqa: ARG002
        self.asked.append((method, path, json.loads(body) if body else None))
        status, answer = self.answers.pop(0)
        return Response(status, {}, json.dumps(answer).encode())


def run(patch: pytest.MonkeyPatch, home: Any, deployment: Deployment, *arguments: str) -> str:
    patch.setenv("GLIMPSE_HOME", str(home))
    patch.setattr(reindex, "resolve", lambda **_: deployment)
    patch.setattr(reindex, "publish", lambda bundle, target: target.published.append(bundle.digest))
    patch.setattr(reindex, "_LOOK_SECONDS", 0.0)
    patch.setattr(reindex.Library, "of", lambda _: library)
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    return " ".join(result.output.split())


library = SimpleNamespace(
    bundle=lambda name: SimpleNamespace(name=f"{name} model", digest="d" * 64),
    name_of=lambda name: name,
    names=lambda: ["new", "old"],
)


def test_a_model_is_published_begun_and_watched(monkeypatch: Any, tmp_path: Any) -> None:
    deployment = Deployment(
        (200, models("BUILDING")),
        (200, models("BUILDING")),
        (200, models("FLIPPED", active=OTHER, other=ACTIVE)),
    )
    said = run(monkeypatch, tmp_path, deployment, "reindex", "new", "--watch")
    assert deployment.published == ["d" * 64]
    assert deployment.asked == [
        ("POST", "/models/reindex", {"bundle_digest": "d" * 64}),
        ("GET", "/models", None),
        ("GET", "/models", None),
    ]
    assert "1,200 of 4,000 images, 2 of 3 folders; 2 images can no longer be read" in said
    assert "Searches use new model. old model is kept" in said
    choice = chosen(tmp_path, "machine")
    assert choice is not None
    assert choice.name == "new"


def test_a_deployment_that_is_started_anew_is_watched_on(monkeypatch: Any, tmp_path: Any) -> None:
    away = (503, {"detail": "Try again."})
    flipped = (200, models("FLIPPED", active=OTHER, other=ACTIVE))
    deployment = Deployment((200, models("BUILDING")), away, away, flipped)
    assert "Searches use new model" in run(monkeypatch, tmp_path, deployment, "reindex", "new", "--watch")
    monkeypatch.setattr(reindex, "_PATIENCE_SECONDS", -1.0)
    with pytest.raises(UserError, match=r"does not answer: .* The model change continues by itself"):
        run(monkeypatch, tmp_path, Deployment((200, models("BUILDING")), away), "reindex", "new", "--watch")


def test_a_model_that_was_gone_back_from_is_not_chosen_any_more(monkeypatch: Any, tmp_path: Any) -> None:
    choose(tmp_path, "new", "machine")
    said = run(monkeypatch, tmp_path, Deployment((200, models("ROLLED_BACK"))), "model", "rollback")
    assert "glimpse reindex new switches to it" in said, "by the name that it is installed as"
    choice = chosen(tmp_path, "machine")
    assert choice is not None
    assert choice.name == "old"


def test_without_watching_it_says_how_to_give_it_up(monkeypatch: Any, tmp_path: Any) -> None:
    said = run(monkeypatch, tmp_path, Deployment((200, models("BUILDING"))), "reindex", "new")
    assert "glimpse model rollback cancels the change" in said


@pytest.mark.parametrize(
    ("command", "answer", "words"),
    [
        ("rollback", models("ROLLED_BACK"), "Searches use old model. new model is kept"),
        ("finalize", models("STABLE", other=None, retired=OTHER), "new model are being removed"),
    ],
)
def test_a_change_is_ended(
    monkeypatch: Any, tmp_path: Any, command: str, answer: dict[str, Any], words: str
) -> None:
    deployment = Deployment((200, answer))
    assert words in run(monkeypatch, tmp_path, deployment, "model", command)
    assert deployment.asked == [("POST", f"/models/{command}", None)]


def test_a_refusal_is_told_in_its_own_sentence(monkeypatch: Any, tmp_path: Any) -> None:
    refused = Deployment((409, {"detail": "Wait until that is done."}))
    with pytest.raises(UserError, match=r"^Wait until that is done\.$"):
        run(monkeypatch, tmp_path, refused, "model", "finalize")


def test_without_a_choice_a_name_is_needed(monkeypatch: Any, tmp_path: Any) -> None:
    with pytest.raises(UserError, match="name one"):
        run(monkeypatch, tmp_path, Deployment(), "reindex")
