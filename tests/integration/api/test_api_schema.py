"""Requests made from the OpenAPI schema, valid and not."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_a_request_of_the_schema_gets_an_answer_of_the_schema(client: Any, mode: GenerationMode) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    # Both do what they say whatever is sent along, and nothing after them would be authenticated.
    schema = described.exclude(path_regex="/api/users/(delete|logout)")
    headers = {"Authorization": f"Bearer {client.account()}"}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue  # a route without input can't be sent a wrong one

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            response = case.call(headers=headers)
            case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

        check()
