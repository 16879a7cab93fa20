"""The FastAPI application, made from services."""

from fastapi import FastAPI
from glimpse.http import new_app

from functions.search.errors import PROBLEMS
from functions.search.routes import indexes, models, search, system
from functions.search.services import SearchServices


def create_app(services: SearchServices) -> FastAPI:
    """Return an application that uses these services, on every path with and without ``/api``."""
    noted = ["namespace", "folders", "problems"]
    app = new_app("Glimpse search", service="search", problems=PROBLEMS, noted=noted)
    app.state.services = services
    for module in (system, indexes, search, models):
        app.include_router(module.router, prefix="/api", include_in_schema=False)
    app.add_api_route("/api", system.welcome, include_in_schema=False)
    app.include_router(system.router)
    app.include_router(indexes.router)
    app.include_router(search.router)
    app.include_router(models.router)
    return app
