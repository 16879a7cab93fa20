"""``/docs``: Swagger UI for the routes, served by this server itself.

FastAPI's own page loads Swagger UI from a third-party CDN. Here its files come from the package
``fastapi-swagger`` (MIT; Swagger UI itself is under Apache-2.0), and are read on request.
"""

from html import escape
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path
from fastapi.responses import HTMLResponse, Response

from glimpse.errors import NotFound

# Scripts only come from this server. Swagger UI uses inline styles, and data: URLs for its icons.
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
    """Add ``/docs`` and the files that it loads. All URLs are relative, so that it works under any path."""
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
            raise NotFound("There is no such file; the page is at /docs.")
        content = files("fastapi_swagger.resources").joinpath(name).read_bytes()
        return Response(content, media_type=_KINDS[name], headers={"cache-control": "max-age=86400"})

    app.include_router(router)
