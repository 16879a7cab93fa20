r"""Resolves another backend's file path to the key of its object in the images bucket.

Backends that used local storage still send paths of their own disks: ``/app/images/1/3/cat.jpg``,
``./images/1/3/cat.jpg``, ``C:\app\images\1\3\cat.jpg``. Such a path ends in the key. A backend with its own
namespace has its files under the namespace's name, and can't read any others. An alias's name is never all
digits, so it can't be mistaken for a user id.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from glimpse.keys import OTHERS_PREFIX

MAX_KEY_BYTES = 1024

_NAMESPACE = re.compile(r"(?![0-9]+(?:/|\Z))[A-Za-z0-9_-]+")
_START = re.compile(rf"(?<![^/]){OTHERS_PREFIX}")
_KEY = re.compile(
    OTHERS_PREFIX + r"(?:(?P<namespace>" + _NAMESPACE.pattern + r")/)?"
    r"(?P<rest>(?P<user_id>[0-9]+)/(?P<folder_id>[0-9]+)/(?P<name>.+))",
    re.DOTALL,
)
_NEEDLESS = re.compile(r"/(?:\.?/)+")


def other_key(path: str, namespace: str | None, user_id: int, folder_id: int) -> str | None:
    """Return the key of a backend's file.

    Parameters
    ----------
    path : str
        The backend's path: a key, or an absolute or relative path that ends in one; it may be a ``file:``
        URL, and may have backslashes.
    namespace : str, optional
        The namespace that the file must belong to; None for backends that share ids, whose keys have no
        namespace.
    user_id, folder_id : int
        Where the image is embedded. They only decide between several places in the path that look like the
        beginning of a key; the file may be in another folder.

    Returns
    -------
    str or None
        None if there is no key in the path, or it leads to another namespace or upwards (``..``).
    """
    found = _find(path, namespace, (str(user_id), str(folder_id)))
    if found is None:
        # The shared namespace accepts any key under the prefix that can't belong to another namespace.
        key = path if namespace is None and _is_plain(path) else None
    elif found["namespace"] not in (None, namespace):
        key = None
    else:
        key = f"{OTHERS_PREFIX}{namespace}/{found['rest']}" if namespace else found[0]
    return key if key and _is_valid_key(key) else None


def _find(path: str, namespace: str | None, ids: tuple[str, str]) -> re.Match[str] | None:
    for spelling in _spellings(path):
        starts = [match.start() for match in _START.finditer(spelling)]
        found = [match for start in starts if (match := _KEY.fullmatch(spelling, start))]
        if found and starts[0] == 0:
            return found[0]  # already a key, even if a folder in its name looks like another beginning
        if found:
            return max(found, key=lambda match: _fitness(match, namespace, ids))
    return None


def _fitness(match: re.Match[str], namespace: str | None, ids: tuple[str, str]) -> tuple[bool, bool]:
    return match["namespace"] in (None, namespace), match.group("user_id", "folder_id") == ids


def _spellings(path: str) -> Iterator[str]:
    """Yield a path unchanged, since names may contain anything, and then as its operating system reads it."""
    plain = unquote(path.removeprefix("file:")) if path.startswith("file:") else path
    if "/./" not in plain:
        yield plain
    yield _NEEDLESS.sub("/", plain)
    yield _NEEDLESS.sub("/", plain.replace("\\", "/"))


def _is_plain(path: str) -> bool:
    """Tell whether a path is a key directly under the prefix, or in a folder that can't be a namespace."""
    folder, slash, _ = path.removeprefix(OTHERS_PREFIX).partition("/")
    return path.startswith(OTHERS_PREFIX) and not (slash and _NAMESPACE.fullmatch(folder))


def _is_valid_key(key: str) -> bool:
    """Tell whether a key is valid: S3 allows 1,024 bytes of UTF-8, and we don't allow ``..``."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:  # JSON can contain lone surrogates
        return False
    return size <= MAX_KEY_BYTES and ".." not in key.split("/") and key != OTHERS_PREFIX
