"""Answers as old clients parse them that refuse a field that they do not know.

The models state what the contract's table does, as the classes of a Java client would: Jackson fails on a
field that a class lacks. Where the table leaves an answer open, so does the model.
"""

from typing import Any, TypeVar

import boto3
import pytest
from glimpse.index import IndexKey
from pydantic import BaseModel, ConfigDict

from tests.integration.search.service import BUCKET, SPACE, EmbedDouble, SearchFunction, commit

FOLDER = {"user_id": 1, "folder_id": 3}
Answer = TypeVar("Answer", bound=BaseModel)
PREFIXES = pytest.mark.parametrize("prefix", ["", "/api"])


class Strict(BaseModel):
    """A class of an old client."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Status(Strict):
    service: str
    status: str
    version: str


class Message(Strict):
    message: str


class Result(Strict):
    image_id: int
    score: float
    folder_id: int


class SearchResponse(Strict):
    results: list[Result]


class Embedded(BaseModel):
    """Left open by the table."""

    message: str


class Health(BaseModel):
    """Left open by the table."""

    status: str


def question(**fields: Any) -> dict[str, Any]:
    asked = {"user_id": 1, "query": "a cat", "folder_ids": [3, 5], "folder_owner_map": {"3": 1, "5": 1}}
    return asked | {"top_k": 5} | fields


def parsed(
    function: SearchFunction, kind: type[Answer], method: str, path: str, document: Any = None
) -> Answer:
    response = function.call(method, path, document)
    assert response.status == 200, response.text
    return kind.model_validate_json(response.text)


@pytest.fixture
def damaged(function: SearchFunction, embed: EmbedDouble) -> SearchFunction:
    """Part of folder 3 can't be read, and folder 5 is whole."""
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {10: "a cat"})
    bucket = boto3.client("s3")
    listed = bucket.list_objects_v2(Bucket=BUCKET, Prefix="indexes/")["Contents"]
    (segment,) = [entry["Key"] for entry in listed if entry["Key"].endswith(".seg")]
    bucket.put_object(Bucket=BUCKET, Key=segment, Body=b"damaged")
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 5), {20: "a cat"})
    return function


@PREFIXES
def test_every_answer_has_the_fields_of_the_contract_and_no_other(
    function: SearchFunction, prefix: str
) -> None:
    parsed(function, Status, "GET", f"{prefix}/")
    parsed(function, Health, "GET", f"{prefix}/health")
    assert parsed(function, SearchResponse, "POST", f"{prefix}/search", question()).results == []
    parsed(function, Message, "POST", f"{prefix}/create-index", FOLDER)
    images = [{"image_id": 10, "file_path": "images/1/3/good/a cat.jpg"}]
    parsed(function, Embedded, "POST", f"{prefix}/embed-images", {**FOLDER, "images": images})
    (hit,) = parsed(function, SearchResponse, "POST", f"{prefix}/search", question()).results
    assert (hit.image_id, hit.folder_id) == (10, 3)
    parsed(function, Message, "DELETE", f"{prefix}/delete-index/1/3")


def test_an_answer_that_is_partial_has_no_other_fields_either(damaged: SearchFunction) -> None:
    (hit,) = parsed(damaged, SearchResponse, "POST", "/search", question()).results
    assert hit.image_id == 20


@pytest.mark.usefixtures("calibrated")
def test_nor_has_one_whose_relevant_images_are_counted(stocked: SearchFunction, embed: EmbedDouble) -> None:
    texts = {image_id: f"a dog number {image_id}" for image_id in range(100, 160)}
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 3), texts)
    parsed(stocked, SearchResponse, "POST", "/search", question())
    asked = stocked.call("POST", "/search", question(include=["relevant"])).json
    assert isinstance(asked["relevant"], int)


def test_whatever_is_asked_for_is_there_whether_it_says_something_or_not(
    damaged: SearchFunction,
) -> None:
    include = ["relevant", "partial", "problems"]
    answer = damaged.call("POST", "/search", question(include=include)).json
    assert set(answer) == {"results", *include}
    assert (answer["relevant"], answer["partial"], len(answer["problems"])) == (None, True, 1)
    whole = damaged.call("POST", "/search", question(include=include, folder_ids=[5])).json
    assert (whole["relevant"], whole["partial"], whole["problems"]) == (None, False, [])
    assert set(damaged.call("POST", "/search", question(include=["partial"])).json) == {"results", "partial"}
    for nothing in ([], None):
        assert set(damaged.call("POST", "/search", question(include=nothing)).json) == {"results"}


@pytest.mark.parametrize("include", [["relevent"], ["results"], "partial", [7], {"partial": True}])
def test_what_can_not_be_included_is_refused(function: SearchFunction, include: Any) -> None:
    response = function.call("POST", "/search", question(include=include))
    assert response.status == 422
    assert "include" in response.text


@pytest.mark.parametrize("name", ["file_path", "filepath", "filePath", "FilePath"])
@pytest.mark.parametrize("folder", ["", "/app/", "./", "C:\\\\app\\\\"])
def test_what_backends_with_disks_of_their_own_send_is_embedded(
    function: SearchFunction, embed: EmbedDouble, name: str, folder: str
) -> None:
    path = f"{folder}images/1/3/good/a cat.jpg"
    body = FOLDER | {"images": [{"image_id": 10, name: path}]}
    assert function.call("POST", "/embed-images", body).json["indexed"] == [10]
    assert embed.events[0]["images"] == [{"image_id": 10, "file_path": path}]


@pytest.mark.parametrize(
    ("paths", "status"),
    [
        (["/app/uploads/cat.jpg"], 404),
        (["/app/uploads/cat.jpg", "images/1/3/missing/a.jpg"], 404),
        (["images/1/3/../../2/4/good/cat.jpg"], 404),
        (["images/java/1/3/good/cat.jpg"], 404),
        (["images/1/3/broken/a.jpg"], 422),
        (["images/1/3/broken/a.jpg", "images/1/3/missing/a.jpg", "cat.jpg"], 422),
    ],
)
def test_where_nothing_can_be_found_afterwards_the_answer_is_no_success(
    function: SearchFunction, paths: list[str], status: int
) -> None:
    images = [{"image_id": image_id, "file_path": path} for image_id, path in enumerate(paths)]
    response = function.call("POST", "/embed-images", FOLDER | {"images": images})
    assert response.status == status
    assert isinstance(response.json["detail"], str)
    if status == 422:
        assert [each["image_id"] for each in response.json["errors"]] == list(range(len(paths)))


def test_no_images_to_show_means_as_many_as_usual(function: SearchFunction, embed: EmbedDouble) -> None:
    texts = {image_id: f"a dog number {image_id}" for image_id in range(10)}
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 3), texts)
    for top_k in (0, None, 5):
        answer = parsed(function, SearchResponse, "POST", "/search", question(top_k=top_k))
        assert len(answer.results) == 5


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (question(query=""), "The query is empty; say what the images should show."),
        (question(query="  "), "The query is empty; say what the images should show."),
        (question(top_k="5"), "top_k has to be a whole number."),
        (question(top_k=-1), "top_k has to be 0 or more."),
        (question(top_k=5000), "top_k has to be 1,000 or less."),
        (question(folder_ids=[1, "2"]), "folder_ids[1] has to be a whole number."),
        (
            question(include=["relevent"]),
            "include[0] has to be 'relevant', 'partial', 'problems', 'next', 'offset', 'approximate' or "
            "'recall'.",
        ),
        (question(parts=[{"text": ""}]), "A part's text is empty; say what the images should show."),
        (question(folder_owner_map={"x": 1}), "The name 'x' in folder_owner_map has to be a whole number."),
        ({"query": "a cat"}, "user_id is missing; add it."),
        ([], "Send the request's fields as a JSON object, with the content type application/json."),
    ],
)
def test_what_is_wrong_is_one_sentence_and_the_list_stands_beside_it(
    shared_function: SearchFunction, body: Any, sentence: str
) -> None:
    answer = shared_function.call("POST", "/search", body)
    assert (answer.status, answer.json["detail"]) == (422, sentence)
    assert {"type", "loc", "msg"} == set(answer.json["errors"][0])
