import gc
from collections.abc import Mapping, Sequence
from weakref import WeakSet

import numpy as np
import numpy.typing as npt
import pytest
from glimpse.generations import Generation, Generations, Phase
from glimpse.index import Answer, Hit, IndexKey, StoreError, StoreUnavailable
from glimpse.messages import EmbedAnswer, EmbeddedPictures, FailedImage, ImageFile
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope
from glimpse.shelf import ShelfUnavailable

from functions.search.routes.search import SearchRequest
from functions.search.services.embedding import EmbedService
from functions.search.services.errors import NotFound, TooLarge, Unavailable, Unreadable, Unusable
from functions.search.services.ports import EmbedFailed, EmbedTimedOut
from functions.search.services.query_encoders import QueryEncoder, QueryEncoders
from functions.search.services.search import SearchService
from tests.unit.search.generations import A, B, Pointer

Vector = npt.NDArray[np.float32]


class Encoder:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> Vector:
        self.texts += texts
        return np.array([[len(text), 0] for text in texts], np.float32)


class Pictures:
    def embed_pictures(self, _: str, pictures: Sequence[str]) -> EmbeddedPictures:
        assert not pictures
        return EmbeddedPictures(status=200)


class Reader:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[tuple[list[IndexKey], int, Mapping[IndexKey, int] | None]] = []

    def search(
        self,
        keys: Sequence[IndexKey],
        vector: Vector,
        top_k: int,
        versions: Mapping[IndexKey, int] | None = None,
        **_: object,
    ) -> Answer:
        if self.error:
            raise self.error
        self.asked.append((list(keys), top_k, versions))
        return Answer([Hit(1, keys[0].folder_id, float(vector[0]))], [])


def service(reader: Reader, pointer: Pointer | None = None) -> SearchService:
    return SearchService(pointer or Pointer(), QueryEncoders(lambda _: Encoder()), reader, Pictures())


def question(
    folder_ids: Sequence[int],
    owners: Mapping[int, int] | None = None,
    versions: Mapping[int, Mapping[str, int]] | None = None,
) -> tuple[SearchScope, SearchQuery, SearchOptions]:
    scope = SearchScope(1, folder_ids, owners or {}, versions or {})
    return scope, SearchQuery(query="cat"), SearchOptions(top_k=7)


def test_each_folder_is_looked_for_at_its_owner() -> None:
    reader = Reader()
    known = {5: {"space-1": 17, "space-2": 4}, 99: {"space-1": 1}, 3: {"space-2": 2}}
    service(reader).search("ns", *question([3, 5, 3], {5: 2, 99: 4}, known))
    ((keys, top_k, versions),) = reader.asked
    mine, theirs = IndexKey("ns", "space-1", 1, 3), IndexKey("ns", "space-1", 2, 5)
    assert (keys, top_k, versions) == ([mine, theirs], 7, {theirs: 17})


@pytest.mark.parametrize(
    ("sent", "top_k"), [({}, 5), ({"top_k": None}, 5), ({"top_k": 0}, 5), ({"top_k": 9}, 9)]
)
def test_old_callers_get_the_default_for_0_and_null(sent: dict[str, int | None], top_k: int) -> None:
    request = SearchRequest.model_validate({"user_id": 1, "folder_ids": [3], "query": "cat"} | sent)
    assert request.search_options.top_k == top_k


def test_words_and_indexes_are_always_of_one_space() -> None:
    """Whichever generation is active: an index is never searched with another model's words."""
    reader, models = Reader(), dict[str, Encoder]()

    def load(generation: Generation) -> Encoder:
        return models.setdefault(generation.space_id, Encoder())

    pointer = Pointer(Generations(A, B, Phase.BUILDING), Generations(B, A, Phase.FLIPPED))
    searching = SearchService(pointer, QueryEncoders(load), reader, Pictures())
    searching.search("ns", *question([3]))
    assert (set(models), reader.asked[-1][0]) == ({"space-1"}, [IndexKey("ns", "space-1", 1, 3)])
    searching.search("ns", *question([3]))
    assert reader.asked[-1][0] == [IndexKey("ns", "space-2", 1, 3)]
    assert models["space-2"].texts == ["cat"], "the same words are embedded anew by the other model"


def test_two_models_are_kept_and_a_third_takes_the_place_of_the_oldest() -> None:
    loaded: list[str] = []

    def load(generation: Generation) -> Encoder:
        loaded.append(generation.name)
        return Encoder()

    queries = QueryEncoders(load)
    third = Generation("c", "space-3", "c" * 64, 2)
    for generation in (A, B, A, third, A, B):
        queries.embed(generation, "cat")
    assert loaded == ["a", "b", "c", "b"]


def test_the_oldest_model_has_left_the_memory_before_a_third_is_loaded() -> None:
    in_memory: WeakSet[Encoder] = WeakSet()

    def load(_: Generation) -> Encoder:
        assert len(in_memory) < 2
        encoder = Encoder()
        in_memory.add(encoder)
        return encoder

    queries = QueryEncoders(load)
    gc.disable()
    try:
        for generation in (A, B, Generation("c", "space-3", "c" * 64, 2)):
            queries.embed(generation, "cat")
    finally:
        gc.enable()
    assert len(in_memory) == 2


def test_a_model_that_cannot_be_had_is_worth_another_try() -> None:
    def load(_: Generation) -> Encoder:
        raise ShelfUnavailable("503")

    with pytest.raises(Unavailable, match="model"):
        QueryEncoders(load).embed(A, "cat")


def test_without_folders_nothing_is_asked() -> None:
    reader = Reader()
    assert service(reader).search("ns", *question([])).answer == Answer([], [])
    assert reader.asked == []


def test_folders_of_too_many_owners_are_refused() -> None:
    with pytest.raises(Unusable, match="1000 owners"):
        service(Reader()).search("ns", *question(range(1001), {i: i for i in range(1001)}))


def test_a_bucket_that_does_not_answer_is_told_from_one_that_refuses() -> None:
    with pytest.raises(Unavailable):
        service(Reader(StoreUnavailable("503"))).search("ns", *question([3]))
    with pytest.raises(StoreError):
        service(Reader(StoreError("403"))).search("ns", *question([3]))


def test_a_repeated_query_is_embedded_once_and_cannot_be_spoilt() -> None:
    encoder = Encoder()
    queries = QueryEncoder(encoder)
    first = queries.embed("cat")
    assert queries.embed("cat") is first
    queries.embed("dog")
    assert encoder.texts == ["cat", "dog"]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 5


class Embedder:
    def __init__(self, result: EmbedAnswer | Exception) -> None:
        self.result = result
        self.asked: list[tuple[str, int, int, Sequence[ImageFile]]] = []

    def embed(self, namespace: str, user_id: int, folder_id: int, images: Sequence[ImageFile]) -> EmbedAnswer:
        self.asked.append((namespace, user_id, folder_id, images))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


CAT, DOG = ImageFile(1, "images/1/3/cat.jpg"), ImageFile(2, "images/1/3/dog.jpg")


def test_every_image_is_accounted_for() -> None:
    owl = ImageFile(4, "images/1/3/owl.jpg")
    embedder = Embedder(EmbedAnswer([1], [FailedImage(2, DOG.file_path, "No image.")], [owl]))
    report = EmbedService(embedder, 5, "ns").embed("ns", 1, 3, [CAT, DOG, owl, CAT])
    assert embedder.asked == [("ns", 1, 3, [CAT, DOG, owl])]
    assert report.indexed == [1]
    assert [image.image_id for image in report.failed] == [2, 4]
    assert all(image.reason for image in report.failed)


@pytest.mark.parametrize(
    ("images", "result", "error"),
    [
        ([CAT, DOG], EmbedAnswer([], [], []), TooLarge),
        ([CAT], EmbedTimedOut("25 s"), TooLarge),
        ([CAT], EmbedFailed("broken"), Unavailable),
        ([CAT], EmbedAnswer([], [], [CAT]), NotFound),
        ([CAT], EmbedAnswer([], [FailedImage(1, CAT.file_path, "No image.")], []), Unusable),
        ([CAT], EmbedAnswer([], [FailedImage(1, CAT.file_path, "Later.")], [], postponed=1), Unavailable),
        ([ImageFile(1, "/elsewhere/cat.jpg")], EmbedAnswer([1], [], []), NotFound),
        ([ImageFile(1, "images/php/1/3/cat.jpg")], EmbedAnswer([1], [], []), NotFound),
        ([CAT], EmbedAnswer.refused(409, "It is damaged."), Unreadable),
        ([CAT], EmbedAnswer.refused(503, "Later."), Unavailable),
    ],
)
def test_what_does_not_come_through_is_told_apart(
    images: list[ImageFile], result: EmbedAnswer | Exception, error: type[Exception]
) -> None:
    with pytest.raises(error):
        EmbedService(Embedder(result), 1, "ns").embed("ns", 1, 3, images)


def test_a_path_that_names_no_object_is_told_and_stops_nobody() -> None:
    lost, escaping = ImageFile(4, "/elsewhere/cat.jpg"), ImageFile(5, "images/1/3/../../2/4/cat.jpg")
    embedder = Embedder(EmbedAnswer([1], [], []))
    report = EmbedService(embedder, 5, "ns").embed("ns", 1, 3, [CAT, lost, escaping])
    assert embedder.asked == [("ns", 1, 3, [CAT])]
    assert report.indexed == [1]
    assert [image.image_id for image in report.failed] == [4, 5]
    assert all("images/{user_id}/{folder_id}/" in image.reason for image in report.failed)


def test_a_refusal_of_all_images_names_each_of_them() -> None:
    failed = [FailedImage(image.image_id, image.file_path, "This is no image.") for image in (CAT, DOG)]
    service = EmbedService(Embedder(EmbedAnswer([], failed, [])), 5, "ns")
    with pytest.raises(Unusable, match=r"None of the 2 .* Image 1: This is no image\.") as refusal:
        service.embed("ns", 1, 3, [CAT, DOG])
    assert [each["image_id"] for each in refusal.value.errors] == [1, 2]


def test_who_waited_too_long_hears_that_repeating_is_harmless() -> None:
    with pytest.raises(TooLarge, match=r"may be indexed by now.*7 at most.*no harm"):
        EmbedService(Embedder(EmbedTimedOut("25 s")), 7, "ns").embed("ns", 1, 3, [CAT])


def test_one_id_has_one_file() -> None:
    embedder = Embedder(EmbedAnswer([], [], []))
    with pytest.raises(Unusable, match="image_id 1"):
        EmbedService(embedder, 5, "ns").embed("ns", 1, 3, [CAT, ImageFile(1, "images/1/3/other.jpg")])
    assert embedder.asked == []
