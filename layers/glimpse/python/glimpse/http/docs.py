"""``/docs``: the routes, to read and to try, by Swagger UI from this very server.

FastAPI's own page loads it from a network of others. Its files come with the package ``fastapi-swagger``
(MIT; Swagger UI itself is under Apache-2.0), and are read when somebody asks for them.
"""

from html import escape
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path
from fastapi.responses import HTMLResponse, Response

from glimpse.errors import NotFound

# Scripts come from here alone; Swagger UI sets styles of elements, and draws its icons from data addresses.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="icon" href="docs/favicon-32x32.png">
  <link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="docs/swagger-ui-bundle.js"></script>
  <script src="docs/start.js"></script>
</body>
</html>
"""
_START = """\
SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
"""
_KINDS = {
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}


def add_docs(app: FastAPI) -> None:
    """Add ``/docs`` and what it loads; the addresses are relative, so that it works below any path."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    def docs() -> HTMLResponse:
        page = _PAGE.format(title=escape(app.title))
        return HTMLResponse(page, headers={"content-security-policy": _POLICY})

    @router.get("/docs/start.js")
    def start() -> Response:
        return Response(_START, media_type="text/javascript")

    @router.get("/docs/{name}")
    def file(name: Annotated[str, Path(max_length=100)]) -> Response:
        if name not in _KINDS:
            raise NotFound("There is no such file; /docs is the page.")
        content = files("fastapi_swagger.resources").joinpath(name).read_bytes()
        return Response(content, media_type=_KINDS[name], headers={"cache-control": "max-age=86400"})

    app.include_router(router)
