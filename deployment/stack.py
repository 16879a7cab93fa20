"""The CloudFormation stack and its outputs."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

STACK = "Glimpse"

_UP = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
}


def outputs_of(cloudformation: Any) -> dict[str, str] | None:  # noqa: ANN401 - a client, made by name
    """Read the stack's outputs; None if it is missing or incomplete.

    A stack whose update failed and was rolled back is as it was before, and still works.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        If CloudFormation refuses or does not answer.
    """
    try:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if stack["StackStatus"] not in _UP:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
