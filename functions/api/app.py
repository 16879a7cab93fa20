"""The FastAPI application, made from services."""

from fastapi import FastAPI
from glimpse.http import new_app

from functions.api.errors import PROBLEMS
from functions.api.routes import folders, images, search, system, uploads, users
from functions.api.services import ApiServices


def create_app(services: ApiServices) -> FastAPI:
    """Return an application that uses these services."""
    app = new_app("Glimpse", service="api", problems=PROBLEMS, noted=["user_id"])
    app.state.services = services
    for module in (system, users, folders, images, search, uploads):
        app.include_router(module.router)
    return app
