"""The FastAPI application, made from services."""

from fastapi import FastAPI
from glimpse import __version__
from glimpse.logs import get_logger

from functions.api import errors
from functions.api.middleware import Boundary
from functions.api.routes import folders, images, system, uploads, users
from functions.api.services import Services


def create_app(services: Services) -> FastAPI:
    """Return an application that answers with these services.

    Cross-origin requests are the gateway's affair, which answers preflights before they get here.
    """
    app = FastAPI(
        title="Glimpse",
        version=__version__,
        redoc_url=None,
        responses=errors.RESPONSES,
        redirect_slashes=False,  # a redirect would point past the gateway
        strict_content_type=False,  # clients older than the check send JSON without saying so
    )
    app.state.services = services
    app.add_middleware(Boundary, logger=get_logger("api"))
    errors.install(app)
    for module in (system, users, folders, images, uploads):
        app.include_router(module.router)
    return app
