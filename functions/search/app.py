"""The FastAPI application, made from services."""

from fastapi import FastAPI
from glimpse import __version__
from glimpse.logs import get_logger

from functions.search import errors
from functions.search.middleware import Boundary
from functions.search.routes import indexes, search, system
from functions.search.services import Services


def create_app(services: Services) -> FastAPI:
    """Return an application that answers with these services, on every path with and without ``/api``."""
    app = FastAPI(
        title="Glimpse search",
        version=__version__,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would point past whoever forwards
        strict_content_type=False,  # clients older than the check send JSON without saying so
    )
    app.state.services = services
    app.add_middleware(Boundary, logger=get_logger("search"))
    errors.install(app)
    for module in (system, indexes, search):
        app.include_router(module.router, prefix="/api", include_in_schema=False)
    app.add_api_route("/api", system.welcome, include_in_schema=False)
    app.include_router(system.router)
    app.include_router(indexes.router)
    app.include_router(search.router)
    return app
