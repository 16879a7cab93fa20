"""The Lambda entry point: passes API Gateway's events to the application."""

import glimpse.http  # noqa: F401 - before anything else that loads FastAPI
from glimpse.settings import load
from mangum import Mangum

from functions.api.app import create_app
from functions.api.settings import ApiSettings
from functions.api.storage.search import SearchFunction
from functions.api.wiring import build_services

_settings = load(ApiSettings)
_services = build_services(_settings, SearchFunction(_settings.search_function))

handler = Mangum(create_app(_services), lifespan="off")
