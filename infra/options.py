"""The three context values that say what an endpoint cannot do. There are no others."""

from __future__ import annotations

from dataclasses import dataclass

from constructs import Node


@dataclass(frozen=True, slots=True)
class Options:
    """What changes between AWS, where all are false, and an emulator.

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
    """

    embed_zip: bool = False
    unbundled: bool = False
    plain_http: bool = False

    @classmethod
    def of(cls, node: Node) -> Options:
        """Read the options from a construct tree's context.

        Raises
        ------
        ValueError
            If a value is neither true nor false.
        """
        return cls(
            embed_zip=_flag(node, "embedZip"),
            unbundled=_flag(node, "unbundled"),
            plain_http=_flag(node, "plainHttp"),
        )


def _flag(node: Node, name: str) -> bool:
    # `-c name=true` arrives as a string, a value in cdk.json as a boolean.
    value = node.try_get_context(name)
    text = str(value if value is not None else False).lower()
    if text not in {"true", "false"}:
        raise ValueError(f"context value {name!r} must be true or false, not {value!r}")
    return text == "true"
