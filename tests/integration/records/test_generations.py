"""The pointer that says which models a deployment has: who may change it when, and who loses."""

from collections.abc import Iterator

import pytest
from glimpse.generations import (
    CachedGenerations,
    ChangeRefused,
    Generation,
    Generations,
    GenerationStore,
    NoModelChosen,
    Phase,
)
from glimpse.generations.models import MODELS, DeploymentModel
from glimpse.records.models import reset_connections

pytestmark = pytest.mark.usefixtures("deployment_table")

A = Generation("first", "space.a-1", "a" * 64, 512)
A_INT8 = Generation("first int8", "space.a-1", "d" * 64, 512)
B = Generation("second", "space-b", "b" * 64, 768)
C = Generation("third", "space-c", "c" * 64, 768)
NOW = 1_700_000_000
store = GenerationStore(clock=lambda: NOW)


@pytest.fixture
def deployment_table(tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GLIMPSE_DEPLOYMENT_TABLE", "deployment")
    reset_connections(MODELS)
    DeploymentModel.create_table(wait=False)
    yield
    reset_connections(MODELS)


def building() -> Generations:
    store.initialize(A)
    return store.start(B)


def flipped() -> Generations:
    return store.flip(building())


def test_a_deployment_without_a_model_says_what_to_do() -> None:
    assert store.read() is None
    with pytest.raises(NoModelChosen, match="No model has been chosen yet"):
        store.current()


def test_the_first_choice_wins() -> None:
    assert store.initialize(A).active == A
    assert store.initialize(B).active == A
    assert store.read() == Generations(A, None, Phase.STABLE, 1, None, NOW)


def test_a_change_is_built_flipped_and_finalized() -> None:
    now = building()
    assert (now.active, now.other, now.phase, now.revision) == (A, B, Phase.BUILDING, 2)
    assert now.spaces == {"space.a-1", "space-b"}
    now = store.flip(now)
    assert (now.active, now.other, now.phase) == (B, A, Phase.FLIPPED)
    now = store.finalize()
    assert (now.active, now.other, now.retired, now.phase) == (B, None, A, Phase.STABLE)
    assert now.spaces == {"space-b"}
    assert store.forget_retired(now).retired is None
    assert store.read() == Generations(B, None, Phase.STABLE, 5, None, NOW)


def test_a_rollback_is_a_flip_back_and_to_repeat_it_changes_nothing() -> None:
    flipped()
    once = store.rollback()
    assert (once.active, once.other, once.phase) == (A, B, Phase.ROLLED_BACK)
    assert store.rollback() == once
    assert store.start(B).phase is Phase.FLIPPED, "both are complete: forth again"


def test_a_change_that_is_not_complete_is_given_up_by_a_rollback() -> None:
    building()
    now = store.rollback()
    assert (now.active, now.other, now.retired, now.phase) == (A, None, B, Phase.STABLE)
    with pytest.raises(ChangeRefused, match="indexes of second are still being removed"):
        store.start(B)
    assert store.rollback() == now, "to repeat it changes nothing"
    store.forget_retired(now)
    with pytest.raises(ChangeRefused, match="nothing to roll back"):
        store.rollback()


def test_only_one_change_at_a_time() -> None:
    now = building()
    assert store.start(B) == now, "to start it again changes nothing"
    with pytest.raises(ChangeRefused, match="change to the model second"):
        store.start(C)
    with pytest.raises(ChangeRefused, match="not complete yet"):
        store.finalize()
    store.flip(now)
    with pytest.raises(ChangeRefused, match="finalize it first"):
        store.start(C)


def test_two_that_change_it_at_once_do_not_both_win() -> None:
    now = building()
    store.flip(now)
    with pytest.raises(ChangeRefused, match="Someone else"):
        store.flip(now)


def test_another_bundle_of_the_same_space_takes_over_at_once() -> None:
    store.initialize(A)
    now = store.start(A_INT8)
    assert (now.active, now.other, now.phase) == (A_INT8, None, Phase.STABLE)
    assert store.start(A_INT8) == now


def test_there_is_nothing_to_finalize_without_a_change() -> None:
    store.initialize(A)
    with pytest.raises(ChangeRefused, match="nothing to finalize"):
        store.finalize()


def test_a_cached_pointer_is_at_most_a_second_old() -> None:
    time = 0.0
    cached = CachedGenerations(store, seconds=1.0, clock=lambda: time)
    now = building()
    assert cached.current() == now
    after = store.flip(now)
    time = 0.99
    assert cached.current() == now
    assert cached.fresh() == after
    time = 1.98
    store.rollback()
    assert cached.current() == after
    time = 1.99
    assert cached.current().active == A
