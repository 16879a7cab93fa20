"""The Lambda entry point: batches of the two queues, and direct invocations."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from glimpse.logs import get_logger, one_line
from glimpse.messages import ChangeModels, EmbedImages, EmbedPictures
from glimpse.queues import deliveries, failures
from glimpse.settings import load

from functions.embed.events import direct_request
from functions.embed.settings import EmbedSettings
from functions.embed.wiring import build_services

_services = build_services(load(EmbedSettings))
_logger = get_logger("embed")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one invocation.

    Parameters
    ----------
    event
        A batch of SQS, or a request with an ``operation``.
    context
        Lambda's; tells how much time is left.

    Returns
    -------
    dict
        SQS's list of messages that have to come again, or what became of the requested images.
    """
    if "operation" in event:
        match direct_request(event):
            case EmbedImages() as request:
                return _embed_images(request)
            case EmbedPictures() as request:
                return _embed_pictures(request)
            case ChangeModels() as request:
                return _change_models(request)
    return _consume(event, context)


def _consume(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    with one_line(_logger, "batch") as line:
        report = _services.consumer.consume(
            deliveries(event), lambda: context.get_remaining_time_in_millis() / 1000
        )
        line.update(outcomes=dict(report.outcomes), reasons=report.reasons, again=len(report.again))
        return failures(report.again)


def _embed_images(request: EmbedImages) -> dict[str, Any]:
    with one_line(_logger, "embed-images") as line:
        answer = _services.requests.embed(request)
        line.update(
            namespace=request.namespace,
            folder_id=request.folder_id,
            status=answer.status,
            detail=answer.detail,
            indexed=len(answer.indexed),
            missing=len(answer.missing),
            failures=[asdict(failure) for failure in answer.failed],
        )
        return asdict(answer)


def _embed_pictures(request: EmbedPictures) -> dict[str, Any]:
    with one_line(_logger, "embed-pictures", pictures=len(request.pictures)) as line:
        answer = _services.pictures.embed(request)
        line.update(status=answer.status, detail=answer.detail)
        return answer.model_dump()


def _change_models(request: ChangeModels) -> dict[str, Any]:
    with one_line(_logger, "models", action=request.action) as line:
        answer = _services.models.answer(request)
        line.update(status=answer.status, detail=answer.detail)
        return answer.model_dump()
