"""Compares what the functions do with what their roles grant, both ways, at the end of a whole test run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import pytest

from tests.grants import recorder
from tests.grants.policies import ROOT, Grant, grants

# Lambda itself consumes queues, with the function's role. Where the code does, tests' events name any queue.
POLLING = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
}

# The API's tests double the search client; its calls are made where that has its own tests, and end to end.
ELSEWHERE = {"lambda:InvokeFunction"}

_collected: tuple[set[recorder.Call], set[str]] = (set(), set())


def needs(calls: Iterable[recorder.Call]) -> dict[str, set[Grant]]:
    """What each function needs: what it did, and what the storage methods that it entered ever did."""
    calls = set(calls)
    by_method, entered, needed = defaultdict(set), defaultdict(set), defaultdict(set)
    for function, method, action, resource in calls:
        by_method[method].add(Grant(action, resource))
        if function:
            needed[function].add(Grant(action, resource))
            entered[function].add(method)
    for function, methods in entered.items():
        for method in methods - {""}:
            needed[function] |= by_method[method]
    return needed


def differences(
    needed: Mapping[str, Collection[Grant]], granted: Mapping[str, Collection[Grant]]
) -> list[str]:
    """One line for each call that no statement allows, and for each statement that no call needs."""
    lines: list[str] = []
    for function, own in sorted(granted.items()):
        calls = needed.get(function, ())
        lines += [
            f"{function} calls {call.action} on {call.resource}, which its role does not allow"
            for call in sorted(calls)
            if not any(grant.covers(call) for grant in own)
            and not (call.action in POLLING and any(grant.action == call.action for grant in own))
        ]
        lines += [
            f"{function}'s role allows {grant.action} on {grant.resource}, which nothing calls"
            for grant in sorted(own)
            if grant.action not in POLLING | ELSEWHERE and not any(grant.covers(call) for call in calls)
        ]
    return lines


def _expected() -> set[str]:
    found = (
        path for room in recorder.ROOMS for path in (ROOT / "tests/integration" / room).rglob("test_*.py")
    )
    return {path.relative_to(ROOT).as_posix() for path in found}


class Judge:
    """A plugin: notes calls in every process, and has them judged in the one that began."""

    def __init__(self) -> None:
        self.lines: list[str] | None = None

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        recorder.files.add(nodeid.partition("::")[0])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        output = getattr(node, "workeroutput", {})
        _collected[0].update(map(tuple, output.get("calls", [])))
        _collected[1].update(output.get("files", []))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["calls"], output["files"] = sorted(map(list, recorder.calls)), sorted(recorder.files)
            return
        calls, files = recorder.calls | _collected[0], recorder.files | _collected[1]
        if session.testsfailed or session.config.option.keyword or not files >= _expected():
            return  # not all of it ran
        self.lines = differences(needs(calls), grants())
        if self.lines:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.lines:
            terminalreporter.section("calls of the functions and statements of their roles differ", red=True)
            for line in self.lines:
                terminalreporter.line(f"FAILED {line}")
        elif self.lines is not None:
            terminalreporter.line(
                "Each function's calls are what its role allows, and nothing more is allowed."
            )


def register(config: pytest.Config) -> None:
    """Begin to note, and to judge at the end."""
    recorder.start()
    config.pluginmanager.register(Judge(), "grants")
