"""``python -m deployment deploy``: what ``make deploy`` calls."""

import argparse
import sys

from deployment.deploy_to_account import deploy
from deployment.errors import UserError
from deployment.settings import DeploymentSettings


def main() -> int:
    """Run the given command; a UserError goes to stderr as one sentence, with exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m deployment", description=__doc__)
    parser.add_argument("command", choices=["deploy"], help="what to do")
    parser.parse_args()
    try:
        deploy(DeploymentSettings.from_environment())
    except UserError as error:
        print(f"glimpse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
