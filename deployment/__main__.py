"""``python -m deployment deploy``: what ``make deploy`` calls."""

import argparse
import sys

from deployment.deploy_to_account import deploy
from deployment.errors import exit_status
from deployment.settings import DeploymentSettings


def main() -> int:
    """Run the given command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deployment", description=__doc__)
    parser.add_argument("command", choices=["deploy"], help="what to do")
    parser.parse_args()
    return exit_status(lambda: deploy(DeploymentSettings.from_environment()))


if __name__ == "__main__":
    sys.exit(main())
