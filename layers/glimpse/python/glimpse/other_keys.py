r"""From what another backend calls a file to the key of its object in the images bucket.

Backends that had local storage go on sending paths of their own disks: ``/app/images/1/3/cat.jpg``,
``./images/1/3/cat.jpg``, ``C:\app\images\1\3\cat.jpg``. What such a path ends in is the key. A namespace of
its own has its files under its name, and reads nothing else. An alias's name is never all digits, so no user
id looks like one.
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
        What the backend calls it: a key, or an absolute or relative path that ends in one; also as a
        ``file:`` URL, and with backslashes.
    namespace : str, optional
        Whose file it has to be; None for the backends that share ids, whose keys name no namespace.
    user_id, folder_id : int
        Where it is to be embedded. They choose among several places of a path that look like a key's
        beginning; a file may lie elsewhere.

    Returns
    -------
    str or None
        None if no key can be made out, or it leads to another namespace or upwards (``..``).
    """
    found = _find(path, namespace, (str(user_id), str(folder_id)))
    if found is None:
        # The shared namespace always took any key under the prefix that can't be another one's.
        key = path if namespace is None and _is_plain(path) else None
    elif found["namespace"] not in (None, namespace):
        key = None
    else:
        key = f"{OTHERS_PREFIX}{namespace}/{found['rest']}" if namespace else found[0]
    return key if key and _may_be(key) else None


def _find(path: str, namespace: str | None, ids: tuple[str, str]) -> re.Match[str] | None:
    for spelling in _spellings(path):
        starts = [match.start() for match in _START.finditer(spelling)]
        found = [match for start in starts if (match := _KEY.fullmatch(spelling, start))]
        if found and starts[0] == 0:
            return found[0]  # a key as it is, whatever a folder in its name is called
        if found:
            return max(found, key=lambda match: _fitness(match, namespace, ids))
    return None


def _fitness(match: re.Match[str], namespace: str | None, ids: tuple[str, str]) -> tuple[bool, bool]:
    return match["namespace"] in (None, namespace), match.group("user_id", "folder_id") == ids


def _spellings(path: str) -> Iterator[str]:
    """Yield a path as it is, for a name may hold anything; and then as its system would understand it."""
    plain = unquote(path.removeprefix("file:")) if path.startswith("file:") else path
    if "/./" not in plain:
        yield plain
    yield _NEEDLESS.sub("/", plain)
    yield _NEEDLESS.sub("/", plain.replace("\\", "/"))


def _is_plain(path: str) -> bool:
    """Tell whether a path is a key directly under the prefix, or under what is no namespace's name."""
    folder, slash, _ = path.removeprefix(OTHERS_PREFIX).partition("/")
    return path.startswith(OTHERS_PREFIX) and not (slash and _NAMESPACE.fullmatch(folder))


def _may_be(key: str) -> bool:
    """Tell whether an object may have a key: S3 takes 1,024 bytes of UTF-8, and we no way upwards."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry
        return False
    return size <= MAX_KEY_BYTES and ".." not in key.split("/") and key != OTHERS_PREFIX
