"""The model hub: whether it can be reached, and which files make up a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2  # the client lets its exceptions through
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from deployment.errors import UserError
from deployment.home import explain
from deployment.models.catalogue import Model

REQUIRED = (
    "config.json",
    "visual/model.onnx",
    "visual/preprocess_cfg.json",
    "textual/model.onnx",
    "textual/tokenizer.json",
)
# Versions of a model for other runtimes, and files whose content tokenizer.json already has.
_UNUSED_NAMES = ("added_tokens.json", "merges.txt", "special_tokens_map.json", "vocab.json")
_UNUSED_SUFFIXES = (".armnn", ".model", ".rknn")
_PROBE_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Remote:
    """A model's files on the hub.

    Attributes
    ----------
    repository
        ``owner/name``.
    commit
        The commit that the files belong to.
    files
        The files of a bundle, with sizes and checksums.
    """

    repository: str
    commit: str
    files: tuple[RepoFile, ...]

    @property
    def size(self) -> int:
        """The total size of all files in bytes."""
        return sum(file.size for file in self.files)


def why_not(model: Model) -> str | None:
    """Return why the hub can't provide a model right now, or None if it can; takes seconds at most."""
    answers: list[str | None] = []

    def ask() -> None:
        try:
            _resolve(model, timeout=_PROBE_SECONDS)
            answers.append(None)
        except UserError as error:
            answers.append(str(error).rstrip("."))

    # In a thread, since no timeout limits the resolution of a host name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS + 1)
    return answers[0] if answers else f"the hub at {constants.ENDPOINT} does not answer"


def look_up(model: Model) -> Remote:
    """Look up a model's files on the hub.

    Raises
    ------
    UserError
        If the hub can't be reached, lacks the model, or lacks a file that a bundle needs.
    """
    repository, commit = _resolve(model)
    with explained(model):
        tree = HfApi().list_repo_tree(repository, recursive=True, revision=commit)
        files = tuple(file for file in tree if isinstance(file, RepoFile) and is_used(file.path))
    missing = [name for name in REQUIRED if name not in {file.path for file in files}]
    if missing:
        raise UserError(
            f"{repository} lacks {' and '.join(missing)}, so Glimpse can't use it; choose another model."
        )
    return Remote(repository, commit, files)


def is_used(path: str) -> bool:
    """Tell whether a repository's file belongs in a bundle: the configuration, or a file of a half."""
    folder, _, name = path.rpartition("/")
    if folder not in {"visual", "textual"}:
        return path == "config.json"
    return name not in _UNUSED_NAMES and not name.endswith(_UNUSED_SUFFIXES)


@contextmanager
def explained(model: Model) -> Iterator[None]:
    """Turn any failure to reach or use the hub into a UserError."""
    try:
        yield
    except GatedRepoError as error:
        raise UserError(
            f"Access to {model.name} is restricted; accept its terms at {constants.ENDPOINT}, and set"
            " HF_TOKEN."
        ) from error
    except OfflineModeIsEnabled as error:
        raise UserError("HF_HUB_OFFLINE is set, so no hub is contacted; unset it.") from error
    except HfHubHTTPError as error:
        raise UserError(f"The hub at {constants.ENDPOINT} answered {error.response.status_code}.") from error
    except (LocalEntryNotFoundError, httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise UserError(f"The hub at {constants.ENDPOINT} can't be reached ({_reason(error)}).") from error
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise UserError(
            f"HF_ENDPOINT is {constants.ENDPOINT!r}, which is not a hub's URL; set it to one that begins with"
            " https://."
        ) from error
    except httpx2.HTTPError as error:
        raise UserError(
            f"The connection to {constants.ENDPOINT} broke off ({_reason(error)}); install the model again to"
            " continue: complete files are kept."
        ) from error
    except ValueError as error:
        raise UserError(
            f"{constants.ENDPOINT} does not answer like a model hub ({_reason(error)}); check HF_ENDPOINT,"
            " and whether the network requires a login."
        ) from error
    except OSError as error:
        if error.errno is None:  # the client's own: a file's size was not the one announced
            raise UserError(
                f"A file of {model.name} arrived incomplete ({_reason(error)}); install the model again."
            ) from error
        raise UserError(explain(error, Path(error.filename or constants.HF_HUB_CACHE))) from error


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None and not isinstance(error, httpx2.HTTPError):
        error = error.__cause__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _resolve(model: Model, timeout: float = constants.DEFAULT_ETAG_TIMEOUT) -> tuple[str, str]:
    """Return the first of a model's repositories that exists on the hub, and its newest commit."""
    for repository in model.repositories:
        with explained(model):
            try:
                info = HfApi().model_info(repository, timeout=timeout)
            except GatedRepoError:
                raise
            except RepositoryNotFoundError:
                continue
            if info.sha is None:
                raise UserError(
                    f"{constants.ENDPOINT} doesn't say which commit {repository} is at; check HF_ENDPOINT."
                )
            return repository, info.sha
    raise UserError(
        f"{constants.ENDPOINT} has no model {' or '.join(model.repositories)}; `glimpse model list` shows the"
        " known models."
    )
