"""The context values: three say what an endpoint cannot do, one who may use the API. There are no others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from constructs import Node


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What changes between AWS, where the flags are false, and an emulator; and what a deployment chooses.

    Attributes
    ----------
    embed_zip
        ``-c embedZip=true``: the embed function is a zip with layers instead of a container image, for an
        endpoint without a Docker engine.
    unbundled
        ``-c unbundled=true``: no layers of third-party packages. Only for the embedded emulator, which runs
        functions with its own interpreter and thus with the packages of the virtual environment.
    plain_http
        ``-c plainHttp=true``: leaves out the statements that deny requests without TLS, for an endpoint that
        speaks plain HTTP and enforces policies.
    allowed_origins
        ``-c allowedOrigins=https://photos.example.org,https://…``: the pages whose scripts may use the API
        and the addresses that it signs. By default those of every origin: tokens travel in headers, so that
        a page can do nothing without one, and old clients may be anywhere.
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
            If a flag is neither true nor false, or an origin is none.
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
                "context value 'allowedOrigins' names origins like https://photos.example.org, separated by"
                f" commas, or is *; {origin!r} is not one"
            )
    return origins
