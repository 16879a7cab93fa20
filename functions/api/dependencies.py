"""The dependencies of routes: the services, and the caller's account."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from functions.api.forms import FormRequest
from functions.api.services import ApiServices
from functions.api.services.ports import User
from functions.api.services.uploads import MAX_FILES

_bearer = HTTPBearer(
    auto_error=False,
    description="The token that login returns; also taken from a `token` header, field or query parameter.",
)


def services(request: Request) -> ApiServices:
    """Return the application's services."""
    return cast(ApiServices, request.app.state.services)


ServicesDep = Annotated[ApiServices, Depends(services)]


async def session_token(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str | None:
    """Return the session token from the first place that has one, or None.

    The order is: ``Authorization: Bearer``, a ``token`` header, a ``token`` field of the JSON body or the
    form, a ``token`` query parameter.
    """
    return _token_of_headers(request, bearer) or await _token_of_body(request) or _token_of_query(request)


def _token_of_headers(request: Request, bearer: HTTPAuthorizationCredentials | None) -> str | None:
    return (bearer.credentials if bearer else None) or request.headers.get("token")


def _token_of_query(request: Request) -> str | None:
    return request.query_params.get("token")


async def _token_of_body(request: Request) -> str | None:
    """Return the body's token; an unreadable body has none, and the route that needs the body reports it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        try:
            token: object = (await request.form()).get("token")
        except HTTPException:
            return None
    else:
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            return None
        token = body.get("token") if isinstance(body, dict) else None
    return token if isinstance(token, str) else None


TokenDep = Annotated[str | None, Depends(session_token)]


def current_user(request: Request, api: ServicesDep, token: TokenDep) -> User:
    """Return the account that the token belongs to; without a valid token the answer is 401."""
    user = api.accounts.authenticate(token)
    request.state.user_id = user.user_id
    return user


CurrentUser = Annotated[User, Depends(current_user)]


def leaving_user(request: Request, api: ServicesDep, token: TokenDep) -> User:
    """Return the account that the token belongs to, even while it is being erased."""
    user = api.accounts.authenticate(token, may_be_leaving=True)
    request.state.user_id = user.user_id
    return user


LeavingUser = Annotated[User, Depends(leaving_user)]


class AccountRoute(APIRoute):
    """A route for logged-in users, which checks the token before it reports an invalid body.

    FastAPI reads a body before it resolves dependencies. An unreadable body has no token, but the headers or
    the query string may have one.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers a request."""
        handle = super().get_route_handler()

        async def authenticated_first(received: Request) -> Response:
            request = FormRequest(received, MAX_FILES)
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException):
                if not hasattr(request.state, "user_id"):
                    token = _token_of_headers(request, await _bearer(request)) or _token_of_query(request)
                    await run_in_threadpool(current_user, request, services(request), token)
                raise

        return authenticated_first
