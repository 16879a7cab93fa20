"""The frame of a FastAPI application."""

from collections.abc import Sequence

from fastapi import FastAPI

from glimpse import __version__
from glimpse.http.boundary import Boundary
from glimpse.http.docs import add_docs
from glimpse.http.problems import RESPONSES, Problems
from glimpse.http.sniffing import NoSniffing
from glimpse.logs import get_logger


def new_app(title: str, *, service: str, problems: Problems, noted: Sequence[str]) -> FastAPI:
    """Return an application without routes, which logs its requests and answers its errors.

    Cross-origin requests are the gateway's affair, which answers preflights before they get here.

    Parameters
    ----------
    title : str
        What its documentation is headed with.
    service : str
        Its name in the log.
    problems : Problems
        How it answers errors.
    noted : sequence of str
        What of a request's ``state`` is logged, where it is set.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        docs_url=None,  # below, without a network of others
        redoc_url=None,
        responses=RESPONSES,
        redirect_slashes=False,  # a redirect would point past the gateway, or past whoever forwards
        strict_content_type=False,  # clients older than the check send JSON without saying so
    )
    app.add_middleware(Boundary, logger=get_logger(service), problems=problems, noted=noted)
    app.add_middleware(NoSniffing)
    problems.install(app)
    add_docs(app)
    return app
