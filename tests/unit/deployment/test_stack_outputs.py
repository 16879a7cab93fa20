"""Whether a stack is there, by what CloudFormation says of it."""

from types import SimpleNamespace

import pytest

from deployment.stack import outputs_of


def outputs(status: str) -> dict[str, str] | None:
    stack = {"StackStatus": status, "Outputs": [{"OutputKey": "ApiId", "OutputValue": "abc"}]}
    return outputs_of(SimpleNamespace(describe_stacks=lambda **_: {"Stacks": [stack]}))


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_answers_is_there(status: str) -> None:
    assert outputs(status) == {"ApiId": "abc"}


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"])
def test_a_stack_that_was_never_whole_is_not(status: str) -> None:
    assert outputs(status) is None
