"""The machine of :mod:`tests.protocol.machine`: briefly, at length, and on code that is known to be wrong."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.protocol.machine import IndexProtocol
from tests.protocol.mutants import MUTANTS, Mutant

STEPS = 10_000
_STEPS_OF_AN_EXAMPLE = 80


def _examples(steps: int) -> int:
    """Return how many examples take so many steps, more or less: not every one is as long as it may be."""
    return max(1, steps * 3 // 2 // _STEPS_OF_AN_EXAMPLE)


def _run(examples: int, *phases: Phase, same_every_time: bool = False) -> int:
    """Return how many rules were carried out."""
    IndexProtocol.steps = 0
    run_state_machine_as_test(
        IndexProtocol,
        settings=settings(
            max_examples=examples,
            stateful_step_count=_STEPS_OF_AN_EXAMPLE,
            deadline=None,
            database=None,
            derandomize=same_every_time,
            phases=phases or tuple(Phase),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    return IndexProtocol.steps


def test_nothing_is_lost_or_doubled() -> None:
    assert _run(int(os.environ.get("GLIMPSE_PROTOCOL_EXAMPLES", "15"))) > 100


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_in_ten_thousand_steps() -> None:
    """How many steps an example has is for hypothesis to say: go on until there were enough."""
    steps = 0
    while steps < STEPS:
        examples = _examples(STEPS - steps)
        more = _run(examples)
        assert more > 10 * examples, "examples became so short that they try little"
        steps += more


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_machine_notices_what_is_wrong(mutant: Mutant) -> None:
    with mutant.applied(), pytest.raises((AssertionError, *mutant.errors)):
        _run(_examples(STEPS), Phase.generate, same_every_time=True)
