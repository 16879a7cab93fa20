"""What pydantic finds wrong, in sentences."""

from typing import Annotated, Any, Literal

import pytest
from glimpse.http.sentences import first_sentence
from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError


class Text(BaseModel):
    text: Annotated[str, Field(min_length=1)]


class Like(BaseModel):
    image_id: int
    folder_id: int


def _member(value: object) -> str:
    return "words" if isinstance(value, dict) and "text" in value else "like"


class Request(BaseModel):
    name: Annotated[str, Field(min_length=3, max_length=5)] = "Adam"
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    share: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1
    kind: Literal["a", "b"] = "a"
    parts: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    fits: bool = True
    owners: dict[Annotated[int, Field(ge=0)], int] = {}
    sides: Annotated[list[int], Field(min_length=2)] = [1, 2]
    asked: list[
        Annotated[Annotated[Text, Tag("words")] | Annotated[Like, Tag("like")], Discriminator(_member)]
    ] = []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "ab"}, "name is too short; it needs at least 3 characters."),
        ({"name": "abcdef"}, "name is too long; it can have at most 5 characters."),
        ({"name": 5}, "name has to be text."),
        ({"count": "x"}, "count has to be a whole number."),
        ({"count": 1.5}, "count has to be a whole number."),
        ({"count": 5000}, "count has to be 1,000 or less."),
        ({"count": None}, "count has to be a whole number."),
        ({"share": float("inf")}, "share has to be a finite number."),
        ({"share": 0}, "share can't be used: input should be greater than 0."),
        ({"kind": "c"}, "kind has to be 'a' or 'b'."),
        ({"parts": []}, "parts is empty; it needs at least one entry."),
        ({"parts": [1, 2, 3]}, "parts has too many entries; send at most 2."),
        ({"parts": [1, "x"]}, "parts[1] has to be a whole number."),
        ({"parts": {}}, "parts has to be a list."),
        ({"sides": [1]}, "sides has too few entries; send at least 2."),
        ({"owners": {"x": 1}}, "The name 'x' in owners has to be a whole number."),
        ({"owners": {"-1": 1}}, "The name '-1' in owners has to be 0 or more."),
        ({"owners": {"3": "x"}}, "owners.3 has to be a whole number."),
        ({"asked": [{"text": ""}]}, "asked[0].text is empty; fill it in."),
        ({"asked": [{"text": "a"}, {"image_id": 1}]}, "asked[1].folder_id is missing; add it."),
        ({"asked": ["a"]}, "asked[0] has to be an object, with names and values."),
        ({"fits": "perhaps"}, "fits has to be true or false."),
    ],
)
def test_a_sentence_names_the_field_and_what_it_takes(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Request.model_validate(fields)
    faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in refusal.value.errors()]
    assert first_sentence(faults) == sentence


def test_a_service_has_sentences_of_its_own() -> None:
    fault = {"type": "missing", "loc": ("body", "name"), "msg": "Field required"}
    assert first_sentence([fault], {("name", "missing"): "What is your name?"}) == "What is your name?"
    assert first_sentence([fault], {("name", "string_type"): "No."}) == "name is missing; add it."
    nothing = {"type": "missing", "loc": ("body",), "msg": "Field required"}
    assert "JSON object" in first_sentence([nothing])


def test_a_field_may_be_called_anything() -> None:
    fault = {"type": "extra_forbidden", "loc": ("body", "[key]"), "msg": ""}
    assert first_sentence([fault]) == "[key] is not known here; leave it out."
