"""The Lambda entry point: passes events of API Gateway, a function URL or Invoke to the application."""

from typing import Any

import glimpse.http  # noqa: F401 - before anything else that loads FastAPI
from glimpse.logs import get_logger
from glimpse.settings import load
from mangum import Mangum
from mangum.types import LambdaContext

from functions.search.app import create_app
from functions.search.errors import NOT_HTTP
from functions.search.settings import SearchSettings
from functions.search.wiring import build_services

_application = Mangum(create_app(build_services(load(SearchSettings))), lifespan="off")
_logger = get_logger("search")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one invocation."""
    if not _is_request(event, context):
        return NOT_HTTP
    return _application(event, context)


def _is_request(event: dict[str, Any], context: LambdaContext) -> bool:
    """Tell whether an event is an HTTP request: a caller of Invoke writes it without a gateway."""
    try:
        request = _application.infer(event, context)
        scope, _ = request.scope, request.body
    except Exception as error:  # a malformed event can raise almost anything
        _logger.warning("the event is no HTTP request", extra={"cause": f"{type(error).__name__}: {error}"})
        return False
    return isinstance(scope["path"], str) and isinstance(scope["method"], str)
