from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from glimpse.index import Answer, Commit, CommitContended, Hit, IndexKey, StoreError, StoreUnavailable
from glimpse.messages import EmbedAnswer, FailedImage, ImageFile

from functions.search.services.embedding import EmbedService
from functions.search.services.errors import NotFound, TooLarge, Unavailable, Unusable
from functions.search.services.indexes import IndexService
from functions.search.services.ports import EmbedFailed, EmbedTimedOut
from functions.search.services.queries import QueryEncoder
from functions.search.services.search import Question, SearchService

Vector = npt.NDArray[np.float32]


class Encoder:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> Vector:
        self.texts += texts
        return np.array([[len(text), 0] for text in texts], np.float32)


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
    ) -> Answer:
        if self.error:
            raise self.error
        self.asked.append((list(keys), top_k, versions))
        return Answer([Hit(1, keys[0].folder_id, float(vector[0]))], [])


def service(reader: Reader) -> SearchService:
    return SearchService("space-1", QueryEncoder(Encoder()), reader)


def question(
    folder_ids: Sequence[int],
    owners: Mapping[int, int] | None = None,
    versions: Mapping[int, int] | None = None,
) -> Question:
    return Question(1, "cat", folder_ids, owners or {}, versions or {}, 7)


def test_each_folder_is_looked_for_at_its_owner() -> None:
    reader = Reader()
    service(reader).search("ns", question([3, 5, 3], {5: 2, 99: 4}, {5: 17, 99: 1}))
    ((keys, top_k, versions),) = reader.asked
    mine, theirs = IndexKey("ns", "space-1", 1, 3), IndexKey("ns", "space-1", 2, 5)
    assert (keys, top_k, versions) == ([mine, theirs], 7, {theirs: 17})


def test_without_folders_nothing_is_asked() -> None:
    reader = Reader()
    assert service(reader).search("ns", question([])) == Answer([], [])
    assert reader.asked == []


def test_folders_of_too_many_owners_are_refused() -> None:
    with pytest.raises(Unusable, match="1000 owners"):
        service(Reader()).search("ns", question(range(1001), {i: i for i in range(1001)}))


def test_a_bucket_that_does_not_answer_is_told_from_one_that_refuses() -> None:
    with pytest.raises(Unavailable):
        service(Reader(StoreUnavailable("503"))).search("ns", question([3]))
    with pytest.raises(StoreError):
        service(Reader(StoreError("403"))).search("ns", question([3]))


def test_a_repeated_query_is_embedded_once_and_cannot_be_spoilt() -> None:
    encoder = Encoder()
    queries = QueryEncoder(encoder)
    first = queries.embed("cat")
    assert queries.embed("cat") is first
    queries.embed("dog")
    assert encoder.texts == ["cat", "dog"]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 5


class Writer:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def create(self, key: IndexKey) -> Commit:  # noqa: ARG002
        raise self.error

    delete = create


@pytest.mark.parametrize("error", [CommitContended("lost"), StoreUnavailable("503")])
def test_a_contended_index_is_worth_another_try(error: Exception) -> None:
    indexes = IndexService("space-1", Writer(error))
    with pytest.raises(Unavailable, match="folder 3"):
        indexes.create("ns", 1, 3)
    with pytest.raises(Unavailable, match="folder 3"):
        indexes.delete("ns", 1, 3)


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
    report = EmbedService(embedder, 5).embed("ns", 1, 3, [CAT, DOG, owl, CAT])
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
    ],
)
def test_what_does_not_come_through_is_told_apart(
    images: list[ImageFile], result: EmbedAnswer | Exception, error: type[Exception]
) -> None:
    with pytest.raises(error):
        EmbedService(Embedder(result), 1).embed("ns", 1, 3, images)


def test_who_waited_too_long_hears_that_repeating_is_harmless() -> None:
    with pytest.raises(TooLarge, match=r"may be indexed by now.*7 at most.*no harm"):
        EmbedService(Embedder(EmbedTimedOut("25 s")), 7).embed("ns", 1, 3, [CAT])


def test_one_id_has_one_file() -> None:
    embedder = Embedder(EmbedAnswer([], [], []))
    with pytest.raises(Unusable, match="image_id 1"):
        EmbedService(embedder, 5).embed("ns", 1, 3, [CAT, ImageFile(1, "images/1/3/other.jpg")])
    assert embedder.asked == []
