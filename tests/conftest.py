"""What tests of several parts share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.grants import judge

if TYPE_CHECKING:
    from tests.e2e.stack import Stack

# Read when FAISS is first imported. OpenMP's idle threads burn a core that others need here: other test
# processes, the emulator's workers.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for the end-to-end tests and the page's, with IAM enforced; it is stopped at the end."""
    from tests.e2e.stack import Stack  # here, so that tests without a stack don't load what it needs

    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.start()
        stack.set_visibility_timeout(5)
        yield stack
    finally:
        stack.stop()


def pytest_configure(config: pytest.Config) -> None:
    """Have the functions' calls compared with their roles' statements at the end of a whole run."""
    judge.register(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say in the last lines of all if the page was not tested: a skip among thousands of dots is not seen."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", ()) if reporter else ()
    reasons = {report.longrepr[2] for report in skipped if "NO BROWSER" in report.longrepr[2]}
    for reason in reasons:
        reporter.write_line(reason.removeprefix("Skipped: "), red=True, bold=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Share tests out to the processes of ``pytest -n``, each of which gets whole groups."""
    return Together(config, log)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps in one process what shares something slow: the stack, the synthesised templates, a file's cloud.

    The stack mostly waits for its emulator, so the other process has a core for everything else meanwhile.
    """

    def _split_scope(self, nodeid: str) -> str:
        """Return what the test shares with others."""
        file = nodeid.partition("::")[0]
        room = file.split("/")[1]
        return {"e2e": "stack", "web": "stack", "infra": "templates"}.get(room, file)
