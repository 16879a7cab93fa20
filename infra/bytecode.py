"""Compile modules to bytecode: ``python bytecode.py FOLDER --root=/opt/python``.

Lambda's ``/opt`` and ``/var/task`` are read-only, so modules without bytecode are compiled at every cold
start.

This is a standalone script that uses only the standard library: the bytecode is for the interpreter that runs
it, on this machine or in an image. The output is reproducible: the same modules give the same bytes, whatever
their dates. One process compiles them in a fixed order, and the header holds the source's hash, which is not
checked when the module is imported (PEP 552).
"""

import argparse
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path


def compile_folder(folder: Path, root: str) -> list[str]:
    """Write the bytecode of all modules in a folder.

    Parameters
    ----------
    folder
        Where the modules are now.
    root
        Where they will be deployed: tracebacks show this path.

    Returns
    -------
    list of str
        Files that this Python can't compile: a package's templates, or code for a later version.
    """
    left_out = []
    for source in sorted(folder.rglob("*.py")):
        name = f"{root}/{source.relative_to(folder).as_posix()}"
        try:
            py_compile.compile(
                str(source),
                cache_from_source(source),
                name,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, UnicodeDecodeError) as error:
            left_out.append(f"{name}: {error}")
    return left_out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compile modules to bytecode that is never checked.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", required=True, help="where the folder will be")
    arguments = parser.parse_args()
    for line in compile_folder(arguments.folder, arguments.root):
        print(f"not compiled: {line}", file=sys.stderr)
