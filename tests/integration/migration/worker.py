"""Imports that are killed: ``python -m tests.integration.migration.worker ORDERS``.

The orders name an emulator, and imports with the kills of each: at which request to AWS it dies, and whether
that is sent. Each run is a fork of this process, which has imported everything already; the last one of an
import is left alone, and writes its report.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from botocore.httpsession import URLLib3Session

from migration.old.spelling import Spelling
from migration.options import Options
from migration.session import migrate
from migration.storage.stores import open_stores
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


def run(deployment: Deployment, root: str, tables: str, state: str, report: str) -> None:
    """Import, and write what is reported."""
    done = migrate(
        deployment.target,
        Path(root),
        Path(tables),
        Spelling(),
        Options(patience_seconds=0),
        Path(state),
        Listener(),
    )
    Path(report).write_text(json.dumps(done.as_json()))


def forked(action: Callable[[], None]) -> int:
    """Do something in a process of its own, and return its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        action()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    orders = json.loads(Path(sys.argv[1]).read_text())
    deployment = Deployment.there(orders["endpoint"], tuple(orders["keys"]))
    with open_stores(deployment.target) as stores:
        stores.users.find("nobody")  # what is read once is read here, for all forks
    for each in orders["imports"]:
        paths = {name: each[name] for name in ("root", "tables", "state", "report")}

        def action(kill: tuple[int, bool] | None, paths: dict[str, str] = paths) -> None:
            if kill is not None:
                die_at(kill[0], sent=kill[1])
            run(deployment, **paths)

        for kill in each["kills"]:
            code = forked(partial(action, kill))
            assert code == -signal.SIGKILL, f"the run at {each['root']} ended with {code} instead of {kill}"
        assert forked(partial(action, None)) == 0


if __name__ == "__main__":
    main()
