"""Everything that a caller may ask of a search besides words."""

import base64
import json
from typing import Any

import boto3
import pytest
from glimpse.encoder import Bundle, TextEncoder
from glimpse.index import IndexKey, S3ObjectStore
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.search.service import (
    BUCKET,
    FOLDERS,
    SPACE,
    TEXTS,
    EmbedDouble,
    SearchFunction,
    commit,
)


def found(function: SearchFunction, **fields: Any) -> list[int]:
    response = function.call("POST", "/search", FOLDERS | fields)
    assert response.status == 200, response.text
    return [hit["image_id"] for hit in response.json["results"]]


def refused(function: SearchFunction, **fields: Any) -> tuple[int, str]:
    response = function.call("POST", "/search", FOLDERS | fields)
    return response.status, str(response.json["detail"])


def picture(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_more_like_an_image_that_is_not_among_them(stocked: SearchFunction) -> None:
    alike = found(stocked, parts=[{"image_id": 10, "folder_id": 3}])
    by_words = found(stocked, query=TEXTS[10])
    assert by_words[0] == 10
    assert alike == by_words[1:]


def test_unknown_and_foreign_images_answer_alike(stocked: SearchFunction, embed: EmbedDouble) -> None:
    commit(embed.bundle_dir, IndexKey("java", SPACE, 1, 3), {77: "a cat"})
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 2, 3), {77: "a cat"})
    status, detail = refused(stocked, parts=[{"image_id": 77, "folder_id": 3}])
    assert (status, detail) == (404, "There is no image 77 in folder 3 to search by.")
    assert refused(stocked, parts=[{"image_id": 77, "folder_id": 99}])[0] == 404


def test_a_picture_is_embedded_once_while_somebody_pages(stocked: SearchFunction, embed: EmbedDouble) -> None:
    parts = [{"image": picture("a dog")}]
    first = found(stocked, parts=parts, top_k=2)
    second = found(stocked, parts=parts, top_k=2, offset=2)
    assert first + second == found(stocked, query="a dog")
    (event,) = embed.events
    assert (event["operation"], event["space_id"]) == ("embed-pictures", SPACE)


def test_what_is_no_picture_is_named(stocked: SearchFunction, embed: EmbedDouble) -> None:
    assert refused(stocked, parts=[{"image": picture("broken")}]) == (422, "This is no picture.")
    embed.error = RuntimeError("boom")
    assert refused(stocked, parts=[{"image": picture("a cat")}])[0] == 503


def test_a_negative_weight_leads_away(stocked: SearchFunction) -> None:
    away = found(stocked, parts=[{"text": "a red cat", "weight": -1}])
    assert away == found(stocked, query="a red cat")[::-1]
    mixed = found(stocked, query="a red cat", parts=[{"image_id": 10, "folder_id": 3, "weight": -0.5}])
    assert 10 not in mixed


def test_a_vector_has_to_be_of_the_space_in_use(stocked: SearchFunction, embed: EmbedDouble) -> None:
    vector = (TextEncoder(Bundle.load(embed.bundle_dir)).embed_texts(["a dog"])[0] * 7).tolist()
    assert found(stocked, parts=[{"vector": vector, "space_id": SPACE}]) == found(stocked, query="a dog")
    status, detail = refused(stocked, parts=[{"vector": vector, "space_id": "clip"}])
    assert (status, SPACE in detail) == (409, True)
    status, detail = refused(stocked, parts=[{"vector": [1, 2], "space_id": SPACE}])
    assert (status, "6 numbers" in detail) == (422, True)


def test_parts_that_cancel_out_have_no_direction(stocked: SearchFunction) -> None:
    parts = [{"text": "cat"}, {"text": "cat", "weight": -1}]
    status, detail = refused(stocked, parts=parts)
    assert (status, "cancel" in detail) == (422, True)
    assert refused(stocked, parts=[{"text": "cat", "weight": 0}])[0] == 422
    assert refused(stocked, parts=[{"vector": [0] * 6, "space_id": SPACE}])[0] == 422


def test_what_can_not_be_searched_by_is_refused_without_folders_too(
    function: SearchFunction, embed: EmbedDouble
) -> None:
    vector = {"vector": [0.0, 1, 0, 0, 0, 0], "space_id": SPACE}
    nowhere = {"folder_ids": []}
    assert refused(function, **nowhere, parts=[vector | {"vector": [0] * 6}])[0] == 422
    assert refused(function, **nowhere, parts=[vector | {"space_id": "clip"}])[0] == 409
    assert refused(function, **nowhere, parts=[{"image": picture("broken")}])[0] == 422
    assert found(function, **nowhere, parts=[vector, {"image": picture("a cat")}]) == []
    assert found(function, **nowhere, query="a cat") == []


def test_filters_and_pages(stocked: SearchFunction) -> None:
    """The images were taken at second 0 of 1970."""
    everything = found(stocked, query="cat")
    assert [found(stocked, query="cat", top_k=1, offset=n) for n in range(5)] == [
        *([image_id] for image_id in everything),
        [],
    ]
    assert found(stocked, query="cat", exact=True) == everything
    assert set(found(stocked, query="cat", image_ids=[11, 12, 999])) == {11, 12}
    assert set(found(stocked, query="cat", exclude_image_ids=[11, 12])) == {10, 13}
    assert found(stocked, query="cat", image_ids=[]) == []
    assert found(stocked, query="cat", taken_from="1970-01-01T00:00:00Z") == everything
    assert found(stocked, query="cat", taken_until="1970-01-01T00:00:01") == everything
    assert found(stocked, query="cat", taken_from="1970-01-01T00:00:00.5Z") == []
    assert found(stocked, query="cat", taken_until="1970-01-01T01:00:00+01:00") == []


def test_a_part_that_cannot_be_read_makes_the_answer_partial(
    stocked: SearchFunction, embed: EmbedDouble
) -> None:
    keys = [entry["Key"] for entry in boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    (segment,) = [key for key in keys if key.endswith(".seg")]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=segment, Body=b"damaged")
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 5), {20: "a cat"})
    question = {"folder_ids": [3, 5], "query": "cat", "include": ["partial"]}
    response = stocked.call("POST", "/search", FOLDERS | question)
    assert [hit["image_id"] for hit in response.json["results"]] == [20]
    assert response.json["partial"] is True
    assert refused(stocked, parts=[{"image_id": 10, "folder_id": 3}])[0] == 409


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"parts": []},
        {"parts": [{}]},
        {"parts": [{"text": ""}]},
        {"parts": [{"text": "a", "image_id": 5}]},
        {"parts": [{"image_id": 5}]},
        {"parts": [{"text": "a", "weight": "1"}]},
        {"parts": [{"text": "a", "weight": float("nan")}]},
        {"parts": [{"text": "a", "weight": float("inf")}]},
        {"parts": [{"text": "a", "weight": 1e308}]},
        {"parts": [{"text": "a"}] * 1000},
        {"parts": [{"image": "no base64!"}]},
        {"parts": [{"image": "data:image/png;base64,AAAA"}]},
        {"parts": [{"image": picture("a")}] * 5},
        {"parts": [{"vector": [], "space_id": SPACE}]},
        {"parts": [{"vector": [1e308] * 6, "space_id": SPACE}]},
        {"parts": [{"vector": [float("nan")] * 6, "space_id": SPACE}]},
        {"parts": [{"vector": [1] * 100_000, "space_id": SPACE}]},
        {"query": "a", "offset": -1},
        {"query": "a", "offset": 10_001},
        {"query": "a", "offset": 10**30},
        {"query": "a", "exact": "yes"},
        {"query": "a", "taken_from": 5},
        {"query": "a", "taken_from": "yesterday"},
        {"query": "a", "taken_from": "2024-01-02", "taken_until": "2024-01-01"},
        {"query": "a", "image_ids": ["1"] * 100_000},
        {"query": "a", "image_ids": [0] * 500_001},
        {"query": "a", "exclude_image_ids": list(range(1001))},
    ],
    ids=lambda fields: json.dumps(fields)[:60],
)
def test_a_question_without_sense_is_refused(shared_function: SearchFunction, fields: dict[str, Any]) -> None:
    response = shared_function.call("POST", "/search", FOLDERS | fields)
    assert response.status == 422
    assert len(response.text) < 20_000


def test_pictures_have_a_cap(shared_function: SearchFunction) -> None:
    large = base64.b64encode(bytes(4_500_001)).decode()
    status, detail = refused(shared_function, parts=[{"image": large}])
    assert (status, "4.5 MB" in detail) == (413, True)


def test_after_warming_nothing_is_read(
    stocked: SearchFunction, embed: EmbedDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = list(range(1, 201))
    for folder_id in folders:
        if folder_id != 3:
            commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, folder_id), {folder_id * 100: "a cat"})
    known = {"user_id": 1, "folder_ids": folders, "versions": {str(n): {SPACE: 1} for n in folders}}
    response = stocked.call("POST", "/warm", known)
    assert (response.status, "200 folders" in response.json["message"]) == (200, True)
    reads: list[str] = []
    for name in ("get", "get_if_none_match", "get_range", "children"):
        real = getattr(S3ObjectStore, name)

        def counted(self: Any, key: str, *rest: Any, real: Any = real) -> Any:
            reads.append(key)
            return real(self, key, *rest)

        monkeypatch.setattr(S3ObjectStore, name, counted)
    answer = stocked.call("POST", "/search", known | {"query": "a cat", "top_k": 1000}).json
    assert (len(answer["results"]), reads) == (203, [])
    del known["versions"]
    answer = stocked.call("POST", "/search", known | {"query": "a cat", "top_k": 1000}).json
    assert len(answer["results"]) == 203
    assert sorted(reads) == sorted(IndexKey("glimpse", SPACE, 1, folder_id).manifest for folder_id in folders)


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
numbers = st.floats() | st.integers() | st.just(1e308)
part = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=9) | anything,
        "image_id": st.integers(0, 20) | anything,
        "folder_id": st.integers(0, 9) | anything,
        "image": st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode()) | anything,
        "vector": st.lists(numbers, min_size=6, max_size=6) | st.lists(anything, max_size=3),
        "space_id": st.just(SPACE) | anything,
        "weight": numbers | anything,
    },
)
questions = st.fixed_dictionaries(
    {},
    optional={
        "query": st.text(max_size=9) | anything,
        "parts": st.lists(part, max_size=3) | anything,
        "offset": st.integers(0, 20) | anything,
        "exact": st.booleans() | anything,
        "taken_from": st.datetimes(timezones=st.none() | st.timezones()).map(lambda t: t.isoformat())
        | anything,
        "taken_until": st.datetimes().map(lambda moment: moment.isoformat()) | anything,
        "image_ids": st.lists(st.integers(0, 20)) | anything,
        "exclude_image_ids": st.lists(st.integers(0, 20)) | anything,
    },
)


@settings(deadline=None, max_examples=200)
@given(question=questions)
def test_no_question_breaks_the_service(shared_function: SearchFunction, question: dict[str, Any]) -> None:
    response = shared_function.call("POST", "/search", FOLDERS | question)
    assert response.status in (200, 404, 409, 413, 422)
    assert isinstance(response.json, dict)


def test_pages_by_next_show_nothing_twice_whatever_comes_meanwhile(
    stocked: SearchFunction, embed: EmbedDouble
) -> None:
    whole = found(stocked, query="a cat", top_k=1000)
    body = FOLDERS | {"query": "a cat", "top_k": 2, "include": ["next", "offset"]}
    shown: list[int] = []
    answer = stocked.call("POST", "/search", body).json
    while True:
        assert set(answer) == {"results", "next", "offset"}
        assert answer["offset"] == len(shown)
        shown += [hit["image_id"] for hit in answer["results"]]
        if not answer["next"]:
            break
        # Above everything: on an earlier page, were pages counted.
        commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {900 + len(shown): "a cat"})
        answer = stocked.call("POST", "/search", body | {"next": answer["next"]}).json
    assert len(shown) == len(set(shown))
    assert set(whole) <= set(shown)


def test_an_answer_says_what_it_promises_when_asked(stocked: SearchFunction) -> None:
    body = FOLDERS | {"query": "a cat", "include": ["approximate", "recall"]}
    answer = stocked.call("POST", "/search", body).json
    assert (answer["approximate"], answer["recall"]) == (
        None,
        1.0,
    )  # small folders: every vector was compared


def test_a_next_belongs_to_its_question(stocked: SearchFunction) -> None:
    body = FOLDERS | {"query": "a cat", "top_k": 2, "include": ["next"]}
    following = stocked.call("POST", "/search", body).json["next"]
    for other in (
        {"query": "a dog"},
        {"exclude_image_ids": [5]},
        {"parts": [{"text": "snow"}]},
        {"exact": True},
        {"next": following[:-3]},
        {"next": "x" + following},
        {"next": "rubbish"},
        {"next": "\N{SNOWMAN}"},
        {"next": "A" * 9_999},
    ):
        status, detail = refused(stocked, **(body | {"next": following} | other))
        assert (status, detail[:9]) == (422, "This next")
    assert refused(stocked, **(body | {"next": following, "offset": 2}))[0] == 422
    assert found(stocked, **(body | {"next": following, "top_k": 1})) == found(
        stocked, query="a cat", top_k=1, offset=2
    )
