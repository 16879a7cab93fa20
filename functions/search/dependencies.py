"""The dependencies of routes: the services, and the namespace of the request's ids."""

from typing import Annotated, cast

from fastapi import Depends, Request

from functions.search.namespace import namespace_of
from functions.search.services import SearchServices


def services(request: Request) -> SearchServices:
    """Return the application's services."""
    return cast(SearchServices, request.app.state.services)


ServicesDep = Annotated[SearchServices, Depends(services)]


def namespace(request: Request, given: ServicesDep) -> str:
    """Return the namespace of the alias that the caller invoked."""
    arn = request.scope["aws.context"].invoked_function_arn
    request.state.namespace = namespace_of(arn, given.shared_namespace)
    return cast(str, request.state.namespace)


NamespaceDep = Annotated[str, Depends(namespace)]
