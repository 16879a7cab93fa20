"""All context values: three describe what an endpoint can't do, and one says who may use the API."""

from __future__ import annotations

import re
from dataclasses import dataclass

from constructs import Node


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The differences between AWS, where all flags are false, and an emulator, and a deployment's choices.

    Attributes
    ----------
    embed_zip
        ``-c embedZip=true``: the embed function is a zip with layers instead of a container image, for an
        endpoint without a Docker engine.
    unbundled
        ``-c unbundled=true``: no layers of third-party packages. Only for emulators that run functions in a
        virtual environment with the packages, as the embedded one does.
    plain_http
        ``-c plainHttp=true``: omits the statements that deny requests without TLS, for an endpoint that uses
        plain HTTP and enforces policies.
    allowed_origins
        ``-c allowedOrigins=https://photos.example.org,https://…``: the origins of pages whose scripts may use
        the API and the URLs that it signs. By default every origin: tokens travel in headers, so a page can
        do nothing without one, and old clients may be anywhere.
    """

    embed_zip: bool = False
    unbundled: bool = False
    plain_http: bool = False
    allowed_origins: tuple[str, ...] = ("*",)

    @classmethod
    def of(cls, node: Node) -> StackOptions:
        """Read the options from a construct tree's context.

        Raises
        ------
        ValueError
            If a flag is neither true nor false, or an origin is invalid.
        """
        return cls(
            embed_zip=_flag(node, "embedZip"),
            unbundled=_flag(node, "unbundled"),
            plain_http=_flag(node, "plainHttp"),
            allowed_origins=_origins(node),
        )


def _flag(node: Node, name: str) -> bool:
    # `-c name=true` arrives as a string, a value in cdk.json as a boolean.
    value = node.try_get_context(name)
    text = str(value if value is not None else False).lower()
    if text not in {"true", "false"}:
        raise ValueError(f"context value {name!r} must be true or false, not {value!r}")
    return text == "true"


def _origins(node: Node) -> tuple[str, ...]:
    value = node.try_get_context("allowedOrigins") or "*"
    listed = value.split(",") if isinstance(value, str) else value  # a list in cdk.json, too
    origins = tuple(sorted({str(origin).strip() for origin in listed} - {""}))
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[a-z0-9_.-]+(:[0-9]{1,5})?", origin):
            raise ValueError(
                "context value 'allowedOrigins' must be * or list origins like https://photos.example.org,"
                f" separated by commas; {origin!r} is not an origin"
            )
    return origins
