"""What a hub has: whether it can be reached, and which files make up a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2  # whose exceptions the client lets through
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
# Other runtimes' versions of a model, and what tokenizer.json holds already.
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
        The revision that the files are of.
    files
        What a bundle is made of, with sizes and checksums.
    """

    repository: str
    commit: str
    files: tuple[RepoFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def why_not(model: Model) -> str | None:
    """Say why a model can't be had from the hub at the moment, or None if it can; takes seconds at most."""
    answers: list[str | None] = []

    def ask() -> None:
        try:
            _resolve(model, timeout=_PROBE_SECONDS)
            answers.append(None)
        except UserError as error:
            answers.append(str(error).rstrip("."))

    # In a thread, since no timeout bounds the resolution of a host's name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS + 1)
    return answers[0] if answers else f"the hub at {constants.ENDPOINT} does not answer"


def look_up(model: Model) -> Remote:
    """Find out what a model consists of.

    Raises
    ------
    UserError
        If the hub can't be reached, doesn't have it, or has it without a file that a bundle needs.
    """
    repository, commit = _resolve(model)
    with explained(model):
        tree = HfApi().list_repo_tree(repository, recursive=True, revision=commit)
        files = tuple(file for file in tree if isinstance(file, RepoFile) and is_used(file.path))
    missing = [name for name in REQUIRED if name not in {file.path for file in files}]
    if missing:
        raise UserError(
            f"{repository} lacks {' and '.join(missing)}: it is not a model that Glimpse can use."
        )
    return Remote(repository, commit, files)


def is_used(path: str) -> bool:
    """Whether a file of a repository is a part of the bundle: the configuration, or directly in a half."""
    folder, _, name = path.rpartition("/")
    if folder not in {"visual", "textual"}:
        return path == "config.json"
    return name not in _UNUSED_NAMES and not name.endswith(_UNUSED_SUFFIXES)


@contextmanager
def explained(model: Model) -> Iterator[None]:
    """Turn what goes wrong between here and the hub into one sentence."""
    try:
        yield
    except GatedRepoError as error:
        raise UserError(
            f"{model.name} is open to some accounts only; accept its terms at {constants.ENDPOINT} and set"
            " HF_TOKEN."
        ) from error
    except OfflineModeIsEnabled as error:
        raise UserError("HF_HUB_OFFLINE is set, so that no hub is asked; unset it.") from error
    except HfHubHTTPError as error:
        raise UserError(f"The hub at {constants.ENDPOINT} answered {error.response.status_code}.") from error
    except (LocalEntryNotFoundError, httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise UserError(f"The hub at {constants.ENDPOINT} can't be reached ({_reason(error)}).") from error
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise UserError(
            f"HF_ENDPOINT is {constants.ENDPOINT!r}, which is no address of a hub; such begins with https://."
        ) from error
    except httpx2.HTTPError as error:
        raise UserError(
            f"The connection to {constants.ENDPOINT} broke off ({_reason(error)}); complete files are kept,"
            " and installing again goes on from there."
        ) from error
    except ValueError as error:
        raise UserError(
            f"{constants.ENDPOINT} does not answer as a model hub does ({_reason(error)}); is HF_ENDPOINT"
            " right, and does the network ask for a login?"
        ) from error
    except OSError as error:
        if error.errno is None:  # the client's own: a file that arrived with another size than announced
            raise UserError(
                f"A file of {model.name} did not arrive whole ({_reason(error)}); install it again."
            ) from error
        raise UserError(explain(error, Path(error.filename or constants.HF_HUB_CACHE))) from error


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None and not isinstance(error, httpx2.HTTPError):
        error = error.__cause__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _resolve(model: Model, timeout: float = constants.DEFAULT_ETAG_TIMEOUT) -> tuple[str, str]:
    """Return the first repository that the hub has of a model, and its newest commit."""
    for repository in model.repositories:
        with explained(model):
            try:
                info = HfApi().model_info(repository, timeout=timeout)
            except GatedRepoError:
                raise
            except RepositoryNotFoundError:
                continue
            if info.sha is None:
                raise UserError(f"{constants.ENDPOINT} doesn't say which commit {repository} is at.")
            return repository, info.sha
    raise UserError(
        f"{constants.ENDPOINT} has no model {' or '.join(model.repositories)}; `glimpse model list` shows the"
        " known ones."
    )
