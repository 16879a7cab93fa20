"""``python -m local run`` and ``reset``: what the Makefile calls."""

import argparse
import sys

from deployment.errors import UserError
from local.reset import reset
from local.run import run
from local.settings import LocalSettings


def main() -> int:
    """Run the given command; a UserError goes to stderr as one sentence, with exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=["run", "reset"], help="what to do")
    parser.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")
    arguments = parser.parse_args()
    try:
        settings = LocalSettings.from_environment()
        if arguments.command == "reset":
            reset(settings)
        else:
            run(settings, with_parent=arguments.with_parent)
    except UserError as error:
        print(f"glimpse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
