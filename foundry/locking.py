"""Divides the foundry's lock: torch's CPU build, what every machine installs, and what the CUDA build needs.

PyPI's torch for Linux is a CUDA build, which needs 4 GB of packages beside it. PyTorch's own index, or a
folder of wheels, has the CPU build of the same version, which needs none of them. ``make foundry`` tries
``cpu.txt`` first, then installs ``requirements.txt``, for which any build of torch will do, and ``cuda.txt``
only where torch asks for it. One lock that admits both builds would not do: pip prefers a file whose hash its
index states, which is PyPI's.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

# SHA-256 of torch-{version}+cpu-cp3xx-cp3xx-manylinux_2_28_x86_64.whl, as PyTorch's index of CPU builds
# states it, for CPython 3.11 and 3.12. PyPI has no such files, so uv can't find these.
CPU_BUILDS = {
    "torch==2.13.0": (
        "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
        "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",
    ),
}

_CUDA = re.compile(r"(cuda|nvidia)-|triton==")


def divide(lock: str) -> tuple[str, str, str]:
    """Divide a compiled lock.

    Parameters
    ----------
    lock
        What ``uv pip compile --generate-hashes`` writes.

    Returns
    -------
    tuple of str
        The lock of torch's CPU build, of what every machine installs, and of what CUDA needs.

    Raises
    ------
    ValueError
        If the hashes of this torch's CPU build are not known here.
    """
    cpu = ""
    common: list[str] = []
    cuda: list[str] = []
    for block in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        name = block.partition(" ")[0]
        if name.startswith("torch=="):
            if name not in CPU_BUILDS:
                raise ValueError(f"{name}: add the SHA-256 of its CPU builds to CPU_BUILDS in {__file__}")
            cpu = " \\\n".join(
                [f"{name}+cpu", *(f"    --hash=sha256:{digest}" for digest in CPU_BUILDS[name])]
            )
        (cuda if _CUDA.match(block) else common).append(block)
    return f"{cpu}\n", "".join(common), "".join(cuda)


def is_cuda_build() -> bool:
    """Say whether the installed torch needs the packages of CUDA."""
    return any(_CUDA.match(requirement) for requirement in requires("torch") or ())


def main() -> None:
    """Divide the lock on standard input into the files named by the three arguments.

    With ``--needs-cuda`` instead: exit with 0 if the installed torch needs CUDA's packages, otherwise with 1.
    """
    if sys.argv[1:] == ["--needs-cuda"]:
        sys.exit(not is_cuda_build())
    for path, text in zip(sys.argv[1:], divide(sys.stdin.read()), strict=True):
        Path(path).write_text(text)


if __name__ == "__main__":
    main()
