"""MST as published: thirds of the budget, draws of the exponential mechanism, compression, least squares."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import BoundedRange, Gaussian, Slack, event_from_json, leaves
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.domain.columns import Identifier
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import rows
from dpsynth.errors import PlanError
from dpsynth.gate import DRAW_SLACK, ledger_extract
from dpsynth.generators import MST
from dpsynth.generators.mst_published import _compress
from dpsynth.generators.one_ways import OneWays
from tests.unit.generators.support import ADD_REMOVE, BUDGET, DOMAIN, REPLACE_ONE, chain, fit, letters, opened

PUBLISHED = MST(selection="exponential")
GENEROUS = Budget(epsilon=20.0, delta=1e-5)


def counted(event) -> Counter:
    found: Counter = Counter()
    for leaf, count in leaves(event):
        found[leaf] += count
    return found


@pytest.mark.parametrize("relation", [ADD_REMOVE, REPLACE_ONE])
@pytest.mark.parametrize("size", [1, 3])
def test_the_event_names_every_step_with_its_sensitivity(relation, size) -> None:
    plan = PUBLISHED.plan(letters("abcde"), budget=BUDGET, unit=rows(size), relation=relation)
    squared = size**2 * (1 if relation is ADD_REMOVE else 2)
    assert counted(plan.event) == {
        Gaussian(plan.scales.one_way, squared): 5,
        BoundedRange(plan.scales.selection): 4,
        Gaussian(plan.scales.pair, squared): 4,
        Slack(DRAW_SLACK): 1,
    }


def test_each_third_costs_a_third_in_zcdp() -> None:
    """rho of a Gaussian is s / (2 sigma^2), of a draw of the exponential mechanism epsilon^2 / 8."""
    plan = PUBLISHED.plan(letters("abcde"), budget=BUDGET, unit=rows(2), relation=REPLACE_ONE)
    one_way, pair = (5 * 8 / (2 * plan.scales.one_way**2), 4 * 8 / (2 * plan.scales.pair**2))
    assert pair == pytest.approx(one_way)
    assert 4 * plan.scales.selection**2 / 8 == pytest.approx(one_way)
    assert [step.share for step in plan.steps] == [1 / 3] * 3


def test_nearly_all_of_the_budget_is_used_and_not_more() -> None:
    plan = PUBLISHED.plan(DOMAIN, budget=BUDGET)
    cost = epsilon_up(plan.event, Delta(BUDGET.delta), ADD_REMOVE).epsilon
    assert 0.99 * BUDGET.epsilon <= cost <= BUDGET.epsilon


def test_what_is_drawn_is_what_was_planned(ledger) -> None:
    table = opened(ledger)
    plan = PUBLISHED.plan(DOMAIN, budget=BUDGET)
    plan.fit(table)
    drawn = Counter()
    for made in ledger_extract(table)["draws"]:
        drawn += counted(event_from_json(made["event"]))
    planned = counted(plan.event)
    assert drawn[Slack(DRAW_SLACK)] == 0
    del planned[Slack(DRAW_SLACK)]
    assert drawn == planned


def test_one_column_has_nothing_to_choose(ledger) -> None:
    plan = PUBLISHED.plan(letters("a"), budget=BUDGET)
    assert counted(plan.event) == {Gaussian(plan.scales.one_way, 1): 1, Slack(DRAW_SLACK): 1}
    model = fit(PUBLISHED, ledger, chain(500, "a"), letters("a"))
    assert [m.clique for m in model.measurements] == [("a",)]
    assert model.project(("a",)).sum() == pytest.approx(model.total)


def test_the_selections_are_those_of_kruskal_with_much_budget(ledger) -> None:
    """With little noise the chosen edges are, in order, the heaviest that join two parts."""
    source, domain = chain(20_000, "abcde"), letters("abcde")
    model = fit(PUBLISHED, ledger, source, domain, GENEROUS)
    choices = [m.clique for m in model.measurements if m.name == "selection"]
    distances = {}
    for a, b in itertools.combinations("abcde", 2):
        joint = pd.crosstab(source[a], source[b]).to_numpy()
        distances[a, b] = np.abs(joint - np.outer(joint.sum(1), joint.sum(0)) / len(source)).sum()
    part = {name: name for name in "abcde"}
    for choice in choices:
        free = {pair: d for pair, d in distances.items() if part[pair[0]] != part[pair[1]]}
        assert distances[choice] >= 0.97 * max(free.values())
        old, new = part[choice[1]], part[choice[0]]
        part = {name: new if p == old else p for name, p in part.items()}
    assert len(set(part.values())) == 1
    assert [m.clique for m in model.measurements if m.name == "marginal" and len(m.clique) == 2] == choices


def test_with_hardly_any_budget_the_tree_is_still_a_tree(ledger) -> None:
    model = fit(PUBLISHED, ledger, chain(50), letters(), Budget(epsilon=0.001, delta=1e-5))
    edges = [m.clique for m in model.measurements if m.name == "selection"]
    assert len(edges) == 3
    assert {name for edge in edges for name in edge} == set("abcd")


def test_dependence_is_reproduced(ledger) -> None:
    source = chain(20_000)
    made = fit(PUBLISHED, ledger, source, letters(), GENEROUS).sample(20_000, seed=0)
    for a, b in ("ab", "bc", "cd"):
        assert (made[a] == made[b]).mean() == pytest.approx((source[a] == source[b]).mean(), abs=0.01)


@pytest.mark.parametrize(
    ("raw", "groups"),
    [
        ([100, 5, 200, 7, 300], [0, 3, 1, 3, 2]),  # light cells share the last one
        ([100, 5, 200], [0, 1, 2]),  # one light cell alone gains nothing
        ([100, 30, 200], [0, 1, 2]),  # three sigma is not light
        ([5, -3, 7], [0, 0, 0]),
        ([5], [0]),
    ],
)
def test_cells_below_three_sigma_are_merged(raw: list[int], groups: list[int]) -> None:
    ones = OneWays(1.0, {}, {"a": np.array(raw)}, {}, {})
    found = _compress(ones, "a", 10.0)
    assert found.cells.tolist() == groups
    assert found.size == max(groups) + 1


def test_what_cannot_be_planned_is_told() -> None:
    with pytest.raises(PlanError, match="nothing to model"):
        PUBLISHED.plan(Domain((Identifier(name="key"),)), budget=BUDGET)


def test_the_two_selections_are_two_jobs() -> None:
    jobs = [recipe.plan(letters(), budget=BUDGET).job() for recipe in (MST(), PUBLISHED)]
    assert [job["parameters"] for job in jobs] == [{"selection": "gaussian"}, {"selection": "exponential"}]


def test_stages_are_told_in_public_words(ledger) -> None:
    told: list[str] = []
    PUBLISHED.plan(letters(), budget=BUDGET).fit(
        opened(ledger, chain(100), letters()), progress=lambda stage, done: told.append(f"{stage} {done}")
    )
    assert told == ["one-ways 0.0", "selection 0.2", "tree 0.4", "estimate 0.5", "done 1.0"]
