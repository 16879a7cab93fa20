"""Whatever goes wrong is answered in one form, with nothing of the inside."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from glimpse.errors import NotFound, ServiceError, Unavailable
from glimpse.http import Problem, Problems, new_app
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient


class Asleep(ServiceError):
    """An error of one service's own."""


class QueueDown(Exception):
    """An error of storage."""


PROBLEMS = Problems(
    statuses={Asleep: 409},
    sentences={400: "Send JSON."},
    meanings={QueueDown: Unavailable("Try again shortly.")},
)


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (NotFound("No such folder."), 404, "No such folder."),
        (Asleep("Still asleep."), 409, "Still asleep."),
        (QueueDown("at 10.0.0.7"), 503, "Try again shortly."),
        (HTTPException(400, "expecting value"), 400, "Send JSON."),
        (HTTPException(404), 404, "There is no such route; see /docs for the list of routes."),
        (HTTPException(418), 418, "I'm a Teapot"),
    ],
)
def test_an_expected_error_has_its_status_and_its_sentence(
    error: Exception, status: int, detail: str
) -> None:
    answer = PROBLEMS.answer(error)
    assert (answer.status_code, json.loads(bytes(answer.body))) == (status, {"detail": detail})


def test_the_inside_of_a_surprise_stays_inside() -> None:
    answer = PROBLEMS.answer(ZeroDivisionError("inside"))
    assert answer.status_code == 500
    assert b"inside" not in answer.body


def test_fields_are_named_without_what_was_in_them_and_not_without_end() -> None:
    item = {"type": "missing", "loc": ("body", "x\ud800" * 200, 3), "msg": "m" * 500, "input": "password"}
    answer = PROBLEMS.answer(RequestValidationError([item] * 100_000))
    problem = Problem.model_validate_json(bytes(answer.body))
    assert answer.status_code == 422
    assert len(answer.body) < 20_000
    assert b"password" not in answer.body
    assert problem.detail.startswith("xxx") is False
    assert problem.errors is not None
    assert len(problem.errors) == 20
    assert problem.errors[0].loc[2] == 3


def app_that(error: Exception) -> FastAPI:
    app = new_app("Test", service=f"test-{type(error).__name__}", problems=PROBLEMS, noted=[])

    @app.get("/")
    def fail() -> None:
        raise error

    return app


def test_waiting_is_asked_for_where_it_helps_and_the_log_knows_why(capsys: Any) -> None:
    client = TestClient(app_that(QueueDown("at 10.0.0.7")), raise_server_exceptions=False)
    answer = client.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert line["cause"] == "QueueDown: at 10.0.0.7"
    assert (line["route"], line["status"]) == ("/", 503)


def test_the_documentation_shows_the_form_of_an_error() -> None:
    responses = app_that(NotFound("")).openapi()["paths"]["/"]["get"]["responses"]
    assert responses["4XX"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Problem"
    }


def test_json_that_is_nested_too_deeply_is_refused_in_a_sentence() -> None:
    app = new_app("test", service="test", problems=Problems(), noted=())

    @app.post("/anything")
    def anything(body: dict[str, Any]) -> dict[str, Any]:
        return body

    answer = TestClient(app).post(
        "/anything", content="[" * 100_000, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert "malformed, or nested too deeply" in answer.json()["detail"]
