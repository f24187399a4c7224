"""Independent: all of the budget on one-ways, exactly as much noise as the unit and relation ask for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import Gaussian, Slack, leaves
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.domain.unit import rows
from dpsynth.errors import BudgetError, PlanError
from dpsynth.gate import DRAW_SLACK, show
from dpsynth.generators import Independent
from tests.unit.generators.support import (
    ADD_REMOVE,
    BUDGET,
    DOMAIN,
    PLENTY,
    REPLACE_ONE,
    chain,
    fit,
    letters,
    opened,
    people,
    squared_mu,
)

COLUMNS = tuple(name for name in DOMAIN.names if name != "key")


@pytest.mark.parametrize("relation", [ADD_REMOVE, REPLACE_ONE])
@pytest.mark.parametrize("size", [1, 3])
def test_every_event_carries_the_sensitivity_of_unit_and_relation(relation, size) -> None:
    plan = Independent().plan(DOMAIN, budget=BUDGET, unit=rows(size), relation=relation)
    squared = size**2 * (1 if relation is ADD_REMOVE else 2)
    *gaussians, slack = [leaf for leaf, _ in leaves(plan.event)]
    assert slack == Slack(DRAW_SLACK)
    assert all(isinstance(leaf, Gaussian) and leaf.squared_sensitivity == squared for leaf in gaussians)
    assert [leaf.sigma for leaf in gaussians] == list(plan.sigmas.values())


@pytest.mark.parametrize(("unit", "relation", "factor"), [(rows(3), ADD_REMOVE, 3.0), (rows(1), REPLACE_ONE, 2**0.5)])
def test_larger_units_get_exactly_that_much_more_noise(unit, relation, factor) -> None:
    domain = letters("abc")  # no log grid, so the cells do not depend on the budget
    plain = Independent().plan(domain, budget=BUDGET)
    other = Independent().plan(domain, budget=BUDGET, unit=unit, relation=relation)
    for name, sigma in plain.sigmas.items():
        assert other.sigmas[name] == pytest.approx(factor * sigma, rel=1e-6)
    assert float(squared_mu([other.event])) == pytest.approx(float(squared_mu([plain.event])), rel=1e-6)


def test_all_of_the_budget_is_used_and_not_more() -> None:
    plan = Independent().plan(DOMAIN, budget=BUDGET)
    cost = epsilon_up(plan.event, Delta(BUDGET.delta), ADD_REMOVE).epsilon
    assert 0.9999 * BUDGET.epsilon <= cost <= BUDGET.epsilon


def test_the_plan_says_what_it_does() -> None:
    plan = Independent().plan(DOMAIN, budget=BUDGET)
    (step,) = plan.steps
    assert step.share == 1.0
    assert step.answers == sum(grid.size for grid in plan.grids.values()) == plan.forecast.cells
    assert step.detail == f"7 columns, {step.answers} cells"
    assert plan.job()["generator"] == "independent"
    assert plan.job()["parameters"] == {}


def test_columns_are_measured_once_and_drawn_independently(ledger) -> None:
    model = fit(Independent(), ledger, budget=PLENTY)
    assert [m.clique for m in model.measurements] == [(name,) for name in COLUMNS]
    town, kind = model.project(("town",)), model.project(("class",))
    assert np.allclose(model.project(("town", "class")), np.outer(town, kind) / model.total)
    assert sorted(model.describe()["cliques"]) == sorted([name] for name in COLUMNS)


def test_dependence_is_lost_and_one_ways_are_kept(ledger) -> None:
    source, domain = chain(3000, "ab"), letters("ab")
    rows_made = fit(Independent(), ledger, source, domain, PLENTY).sample(3000, seed=0)
    same = (rows_made["a"] == rows_made["b"]).mean()
    assert (source["a"] == source["b"]).mean() > 0.8
    assert same == pytest.approx(1 / 3, abs=0.05)
    assert rows_made["a"].value_counts(normalize=True).max() == pytest.approx(1 / 3, abs=0.05)


def test_the_noise_has_the_scale_of_the_plan(tmp_path) -> None:
    """Mean squared error of the raw answers over many cells, between the scale and a tenth more or less."""
    values = 2000
    domain = letters("a", values)
    plan = Independent().plan(domain, budget=BUDGET)
    model = plan.fit(opened(tmp_path / "l", chain(0, "a", values), domain, seed=4))
    (answer,) = model.measurements
    assert answer.sigma == plan.sigmas["a"]
    assert math.sqrt((answer.values.astype(float) ** 2).mean()) == pytest.approx(answer.sigma, rel=0.1)


def test_identifiers_alone_cannot_be_modelled() -> None:
    from dpsynth.domain.columns import Identifier
    from dpsynth.domain.table import Domain

    with pytest.raises(PlanError, match="Every column of the domain is an identifier, so there is nothing to model"):
        Independent().plan(Domain((Identifier(name="key"),)), budget=BUDGET)


def test_a_budget_without_delta_is_refused() -> None:
    with pytest.raises(BudgetError, match="needs a delta above 0"):
        Independent().plan(DOMAIN, budget=Budget(epsilon=1.0, delta=0.0))


def test_progress_is_told_in_public_words(ledger) -> None:
    told: list[tuple[str, float]] = []
    plan = Independent().plan(DOMAIN, budget=BUDGET)
    plan.fit(opened(ledger, people()), progress=lambda stage, done: told.append((stage, done)))
    assert told == [("one-ways", 0.0), ("estimate", 0.5), ("done", 1.0)]
    assert [charge["state"] for charge in show(ledger)["charges"]] == ["done"]
