"""One run of an import in a process of its own: ``python -m tests.integration.migration.worker ORDERS``.

It may be told to die at one of its requests to AWS: with a second number, before or after that is sent.
"""

import json
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from botocore.httpsession import URLLib3Session

from migration.old.spelling import Spelling
from migration.options import Options
from migration.session import migrate
from tests.integration.migration.conftest import Listener
from tests.integration.migration.deployment import Deployment


def die_at(request: int, *, sent: bool) -> None:
    """Kill this process, as an operator's `kill -9` does, at the n-th request."""
    numbers = count(1)
    send = URLLib3Session.send

    def deadly(self: URLLib3Session, prepared: Any) -> Any:
        is_last = next(numbers) == request
        if is_last and not sent:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = send(self, prepared)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    URLLib3Session.send = deadly  # type: ignore[method-assign]


def main() -> None:
    if len(sys.argv) > 2:
        die_at(int(sys.argv[2]), sent=sys.argv[3] == "sent")
    orders = json.loads(Path(sys.argv[1]).read_text())
    deployment = Deployment.there(orders["endpoint"])
    report = migrate(
        deployment.target,
        Path(orders["root"]),
        Path(orders["tables"]),
        Spelling(),
        Options(patience_seconds=0),
        Path(orders["state"]),
        Listener(),
    )
    print(json.dumps(report.as_json()))


if __name__ == "__main__":
    main()
