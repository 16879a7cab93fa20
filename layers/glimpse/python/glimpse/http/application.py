"""Creates the FastAPI applications."""

from collections.abc import Sequence

from fastapi import FastAPI

from glimpse import __version__
from glimpse.http.boundary import Boundary
from glimpse.http.docs import add_docs
from glimpse.http.problems import RESPONSES, Problems
from glimpse.http.sniffing import NoSniffing
from glimpse.logs import get_logger


def new_app(title: str, *, service: str, problems: Problems, noted: Sequence[str]) -> FastAPI:
    """Return an application without routes that logs its requests and handles errors.

    CORS is the gateway's task: it answers preflight requests before they get here.

    Parameters
    ----------
    title : str
        Title of its documentation.
    service : str
        Its name in the log.
    problems : Problems
        Turns errors into responses.
    noted : sequence of str
        Attributes of a request's ``state`` to log, if set.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        docs_url=None,  # add_docs serves the page without a third-party CDN
        redoc_url=None,
        responses=RESPONSES,
        redirect_slashes=False,  # a redirect would bypass the gateway or the forwarder
        strict_content_type=False,  # old clients send JSON without the content type
    )
    app.add_middleware(Boundary, logger=get_logger(service), problems=problems, noted=noted)
    app.add_middleware(NoSniffing)
    problems.install(app)
    add_docs(app)
    return app
