"""The Lambda entry point: events of API Gateway, a function URL or Invoke to the application."""

from typing import Any

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
    """Answer one invocation.

    The application answers every request, whatever happens inside. What can fail is the event: a caller of
    Invoke writes it without a gateway's help.
    """
    try:
        answer: dict[str, Any] = _application(event, context)
    except Exception:
        _logger.exception("the event is no HTTP request")
        return NOT_HTTP
    return answer
