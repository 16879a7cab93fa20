"""``python -m local run`` and ``reset``: what the Makefile calls."""

import argparse
import sys

from deployment.errors import exit_status
from local.reset import reset
from local.run import run
from local.settings import LocalSettings


def main() -> int:
    """Run the given command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=["run", "reset"], help="what to do")
    parser.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")
    arguments = parser.parse_args()

    def program() -> None:
        settings = LocalSettings.from_environment()
        if arguments.command == "reset":
            reset(settings)
        else:
            run(settings, with_parent=arguments.with_parent)

    return exit_status(program)


if __name__ == "__main__":
    sys.exit(main())
