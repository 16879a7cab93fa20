"""Search on storage in memory, and the name of the active model."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from glimpse.search_client import SearchHit, SearchPage
from glimpse.search_request import SearchOptions, SearchQuery, VectorPart

from functions.api.routes.search import parse_ids
from functions.api.services.active_model import MODEL_SECONDS, UNKNOWN_SECONDS, ActiveModel
from functions.api.services.errors import Unavailable, Unusable
from functions.api.services.uploads import FileOffer, UploadDestination

X, OPTIONS = SearchQuery(query="x"), SearchOptions()


def test_only_folders_that_are_seen_are_asked_with_their_versions(world: Any) -> None:
    ada, grace = world.user(), world.user("grace")
    mine = world.folders.open_by_name(ada, "mine")
    hers = world.folders.open_by_name(grace, "hers")
    world.folder_store.by_id[mine] = replace(world.folder_store.by_id[mine], index_versions={"space-1": 9})
    assert world.search.search(ada, X, OPTIONS, None).images == []
    assert world.search.search(ada, X, OPTIONS, [mine, hers, 12345]).images == []
    assert world.search.search(ada, X, OPTIONS, [hers]).images == []
    assert world.search_engine.asked == [({mine: ada.user_id}, {mine: {"space-1": 9}})] * 2


def test_a_vector_is_looked_at_also_where_there_are_no_folders(world: Any) -> None:
    asked = SearchQuery(parts=[VectorPart(vector=[1.0], space_id="space-1")])
    assert world.search.search(world.user(), asked, OPTIONS, None).images == []
    assert world.search_engine.asked == [({}, {})]


def test_the_order_of_the_hits_stays(world: Any) -> None:
    user = world.user()
    offers = [FileOffer(f"{n}.jpg", 5, "image/jpeg") for n in range(4)]
    upload = world.uploads.begin(user, UploadDestination(folder_name="f"), offers)
    ids = [image.image_id for image in upload.images]
    world.search_engine.hits = [SearchHit(i, upload.folder_id, 0.9 - n / 10) for n, i in enumerate(ids[::-1])]
    world.search_engine.hits.insert(1, SearchHit(999, upload.folder_id, 0.85))
    found = world.search.search(user, X, OPTIONS, None).images
    assert [image.record.image_id for image in found] == ids[::-1]
    assert [image.similarity for image in found] == sorted((i.similarity for i in found), reverse=True)


def test_no_answer_is_unavailable(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    user = world.user()
    world.folders.open_by_name(user, "f")

    def fail(*_: object) -> None:
        raise Unavailable("timed out")

    monkeypatch.setattr(world.search_engine, "search", fail)
    with pytest.raises(Unavailable):
        world.search.search(user, X, OPTIONS, None)


def test_the_model_is_asked_for_rarely_and_again_after_a_failure(world: Any) -> None:
    now = [0.0]
    model = ActiveModel(world.search_engine, lambda: now[0])
    assert [model.name() for _ in range(5)] == [None] * 5
    assert world.search_engine.health_asked == 1
    now[0] = UNKNOWN_SECONDS
    world.search_engine.says = {"status": "healthy", "model": "demo"}
    assert [model.name() for _ in range(5)] == ["demo"] * 5
    assert world.search_engine.health_asked == 2
    now[0] += MODEL_SECONDS
    world.search_engine.says = {"model": {"name": "ViT-B-32"}}
    assert model.name() == "ViT-B-32"
    now[0] *= 3
    world.search_engine.says = {"model": 5}
    assert model.name() is None


def test_nobody_waits_while_another_asks_for_the_model() -> None:
    asked, answer = threading.Event(), threading.Event()

    class SlowSearch:
        def search(self, *_: object) -> SearchPage:
            return SearchPage([])

        def warm(self, *_: object) -> None:
            pass

        def health(self) -> Mapping[str, Any]:
            asked.set()
            assert answer.wait(timeout=30)
            return {"model": "demo"}

    model = ActiveModel(SlowSearch())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(model.name)
        try:
            assert asked.wait(timeout=30)
            assert model.name() is None
        finally:
            answer.set()
        assert first.result() == "demo"
    assert model.name() == "demo"


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        ([], None),
        ([""], None),
        ([" , ,"], None),
        (["1,2", " 3 "], {1, 2, 3}),
        (["007"], {7}),
        (["1," + "9" * 40], {1}),
        (["9" * 40], set()),
    ],
)
def test_ids_of_a_query_string(texts: list[str], ids: set[int] | None) -> None:
    assert parse_ids(texts) == ids


@pytest.mark.parametrize("text", ["a", "1;2", "-1", "1.0", "١", "1 2", "0x1"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(Unusable):
        parse_ids([text])
