"""The embed function, invoked synchronously."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from glimpse.aws import lazy_client
from glimpse.messages import (
    ChangeModels,
    EmbedAnswer,
    EmbeddedPictures,
    EmbedImages,
    EmbedPictures,
    ImageFile,
    ModelsAnswer,
)
from pydantic import TypeAdapter, ValidationError

from functions.search.services.ports import EmbedFailed, EmbedTimedOut

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SECONDS = 25
"""How long one request may take: a gateway in between gives up after 30."""

_answer = TypeAdapter(EmbedAnswer)


class EmbedFunction:
    """Embeds images by a synchronous Lambda invocation.

    Parameters
    ----------
    function : str
        Name or ARN.
    client : LambdaClient, optional
        By default created from the environment.
    """

    def __init__(self, function: str, client: LambdaClient | None = None) -> None:
        self._function = function
        # Only one attempt: a second would begin when the caller's time is over.
        self._client = client or lazy_client(
            "lambda",
            config=Config(
                connect_timeout=2, read_timeout=SECONDS, retries={"mode": "standard", "total_max_attempts": 1}
            ),
        )

    def embed(self, namespace: str, user_id: int, folder_id: int, images: Sequence[ImageFile]) -> EmbedAnswer:
        """Embed images and commit them to the folder's index.

        Raises
        ------
        EmbedTimedOut
            If that takes longer than a request may.
        EmbedFailed
            If the function can't be invoked, fails, or returns an invalid answer.
        """
        payload = self._invoke(EmbedImages.of(namespace, user_id, folder_id, images))
        try:
            return _answer.validate_json(payload)
        except ValidationError as error:
            raise EmbedFailed("the embed function did not answer as agreed") from error

    def change_models(self, request: ChangeModels) -> ModelsAnswer:
        """Read or change the deployment's models.

        Raises
        ------
        EmbedTimedOut, EmbedFailed
            As for :meth:`embed`.
        """
        payload = self._invoke(request)
        try:
            return ModelsAnswer.model_validate_json(payload)
        except ValidationError as error:
            raise EmbedFailed("the embed function did not answer as agreed") from error

    def embed_pictures(self, space_id: str, pictures: Sequence[str]) -> EmbeddedPictures:
        """Return the vectors of base64-encoded pictures, or why there are none.

        Raises
        ------
        EmbedTimedOut, EmbedFailed
            As for :meth:`embed`.
        """
        payload = self._invoke(EmbedPictures(space_id=space_id, pictures=list(pictures)))
        try:
            return EmbeddedPictures.model_validate_json(payload)
        except ValidationError as error:
            raise EmbedFailed("the embed function did not answer as agreed") from error

    def _invoke(self, request: EmbedImages | EmbedPictures | ChangeModels) -> bytes:
        try:
            response = self._client.invoke(
                FunctionName=self._function, Payload=request.model_dump_json().encode()
            )
            payload = response["Payload"].read()
        except ReadTimeoutError as error:
            raise EmbedTimedOut(f"no answer in {SECONDS} s") from error
        except (ClientError, BotoCoreError) as error:
            raise EmbedFailed(f"the embed function can't be invoked: {error}") from error
        if "FunctionError" in response:
            raise EmbedFailed(f"the embed function failed: {payload[:500].decode(errors='replace')}")
        return payload
