"""The rounds of AIM: within the size paid for, a function of the answers, to be gone on with when interrupted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from dpsynth.accounting.quantities import Budget
from dpsynth.gate import Grant, show
from dpsynth.generators.aim import AIM, rounds
from dpsynth.generators.aim import recipe as aim_recipe
from dpsynth.pgm import forecast
from tests.unit.generators.aim.support import BOTH, PUBLISHED, drawn_events, rounds_of
from tests.unit.generators.support import (
    BUDGET,
    PLENTY,
    chain,
    fit,
    letters,
    opened,
    people,
)


@pytest.fixture
def asked(monkeypatch) -> list[tuple[Any, Any]]:
    """Every question and mechanism that passes the gate."""
    seen: list[tuple[Any, Any]] = []
    real = Grant.release

    def release(self, query, mechanism):
        seen.append((query, mechanism))
        return real(self, query, mechanism)

    monkeypatch.setattr(Grant, "release", release)
    return seen


# -------------------------------------------------------------------------------------------------------------- the size


@BOTH
def test_the_junction_tree_stays_within_the_part_of_the_cap_that_is_paid_for(ledger, recipe) -> None:
    megabytes = 0.003  # 393 cells
    source, domain = chain(20_000, "abcde", sizes=5), letters("abcde", sizes=5)
    capped = fit(AIM(recipe.selection, model_megabytes=megabytes), ledger, source, domain, PLENTY)
    cap = megabytes * 2**20 / 8
    sizes, singles = capped.graph.sizes, [(name,) for name in capped.graph.names]
    measured = rounds_of(capped)
    largest = 0
    for number in range(1, len(measured) + 1):
        largest = forecast(sizes, [*singles, *(m.clique for m in measured[:number])]).cells
        assert largest <= cap
    assert capped.graph.tree.cells == largest
    # With the first measurement only the one-ways and one round of 80 are paid for.
    assert forecast(sizes, [*singles, measured[0].clique]).cells <= max(cap * 6 / 80, sum(sizes.values()))
    free = fit(recipe, ledger.with_name("free"), source, domain, PLENTY)
    assert free.graph.tree.cells > cap  # negative control


def test_a_cap_below_everything_leaves_one_ways(ledger) -> None:
    model = fit(AIM(model_megabytes=1e-9), ledger, chain(500), letters())
    assert {len(m.clique) for m in rounds_of(model)} == {1}
    assert model.graph.tree.cells == sum(model.graph.sizes.values())


def test_marginals_left_out_are_told(ledger, monkeypatch) -> None:
    monkeypatch.setattr(
        aim_recipe, "bounded_candidates", lambda sizes, closure: ({c: w for c, w in closure.items() if len(c) == 1}, 10)
    )
    model = fit(PUBLISHED, ledger, chain(500), letters())
    assert model.warnings == ("10 marginals of the workload were too large to be candidates.",)


# ------------------------------------------------------------------------------------------------- answers decide it all


@BOTH
def test_the_model_is_a_function_of_the_answers(ledger, recipe) -> None:
    one = fit(recipe, ledger, people(), seed=None)
    two = fit(recipe, ledger, people(), seed=None)  # replayed
    assert len(show(ledger)["charges"]) == 1
    assert [m.clique for m in one.measurements] == [m.clique for m in two.measurements]
    for table, other in zip(one.graph.marginals, two.graph.marginals, strict=True):
        assert np.array_equal(table, other)
    assert one.sample(300, seed=2).equals(two.sample(300, seed=2))


@BOTH
def test_an_interrupted_fit_goes_on_from_its_answers_and_pays_once(ledger, recipe, asked) -> None:
    class Interrupted(Exception):
        pass

    calls = 0

    def stop(stage: str, done: float) -> None:
        nonlocal calls
        calls += stage == "rounds"
        if calls == 4:
            raise Interrupted

    plan = recipe.plan(letters(), budget=BUDGET)
    with pytest.raises(Interrupted):
        plan.fit(opened(ledger, chain(), letters()), progress=stop)
    before = len(asked)
    assert before >= 7
    seen = drawn_events(ledger, chain(), letters())
    model = plan.fit(opened(ledger, chain(), letters()))
    (charge,) = show(ledger)["charges"]
    assert charge["state"] == "done"
    assert drawn_events(ledger, chain(), letters())[:before] == seen
    whole = fit(recipe, ledger.with_name("whole"), chain(), letters())
    assert [m.values.tolist() for m in model.measurements] == [m.values.tolist() for m in whole.measurements]


def test_rounds_use_one_thread_of_linear_algebra_and_give_the_others_back(ledger) -> None:
    """Sums in another order could round a score's reference another way, and stored answers would not replay."""

    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    seen: dict[str, set[int]] = {}
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        plan = PUBLISHED.plan(letters(), budget=BUDGET)
        plan.fit(opened(ledger, chain(500), letters()), progress=lambda stage, _: seen.update({stage: threads()}))
        assert threads() == before
    if not before:
        pytest.skip("no linear algebra with threads here")
    assert seen == {"one-ways": before, "rounds": {1}, "estimate": {1}, "done": before}


def test_the_total_comes_from_noisy_answers(ledger) -> None:
    totals = {fit(PUBLISHED, ledger.with_name(f"{s}"), chain(1000), letters(), seed=s).total for s in range(3)}
    assert len(totals) == 3
    assert 1000 not in totals
    assert all(600 < total < 1400 for total in totals)


@BOTH
@pytest.mark.parametrize("source", [chain(0), chain(2), chain(50).assign(a=None, b="??")], ids=["none", "two", "odd"])
@pytest.mark.parametrize("epsilon", [0.001, 50.0])
def test_poor_tables_are_fitted_all_the_same(ledger, recipe, source, epsilon) -> None:
    model = fit(recipe, ledger, source, letters(required=False), Budget(epsilon=epsilon, delta=1e-5))
    assert len(model.sample(20, seed=0)) == 20


@BOTH
def test_one_column_is_measured_again_and_again(ledger, recipe) -> None:
    model = fit(recipe, ledger, chain(500, "a"), letters("a"))
    assert Counter(m.clique for m in model.measurements if m.name == "marginal").keys() == {("a",)}
    assert model.project(("a",)).sum() == pytest.approx(model.total)


def test_smoothing_concerns_the_inside_of_cells_alone(ledger, monkeypatch) -> None:
    """The counts inside cells are smooth; the tables that the model is fitted to are the noisy ones as they are."""
    fitted: list[list[np.ndarray]] = []
    jumps: list[float] = []
    real = rounds.Frame.observations
    monkeypatch.setattr(rounds.Frame, "observations", lambda f: fitted.append([o.values for o in real(f)]) or real(f))
    for smooth in (False, True):
        model = fit(AIM(smooth=smooth), ledger.with_name(f"{smooth}"), people(2000))
        for measured, values in zip(model.measurements[:7], fitted[-1], strict=True):
            groups = model.cells[measured.clique[0]].groups
            assert np.array_equal(values, groups.aggregate(measured.values.astype(float)))
        jumps.append(np.abs(np.diff(model.cells["age"].counts[1:])).sum())
    assert jumps[1] < 0.6 * jumps[0]


def test_progress_tells_stages_in_public_words(ledger) -> None:
    told: list[tuple[str, float]] = []
    plan = PUBLISHED.plan(letters(), budget=BUDGET)
    plan.fit(opened(ledger, chain(), letters()), progress=lambda stage, done: told.append((stage, done)))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["one-ways", "rounds", "estimate", "done"]
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] <= shares[-1] == 1.0
