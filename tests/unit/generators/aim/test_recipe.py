"""AIM: its plan, and that its budget is spent to the last fraction and no further."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import BoundedRange, Gaussian, GaussianFilter, Slack, ZCDPFilter, leaves
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.domain.unit import rows
from dpsynth.errors import BudgetError, PlanError
from dpsynth.gate import DRAW_SLACK
from dpsynth.generators.aim import AIM
from tests.unit.generators.aim.support import BOTH, GAUSSIAN, PUBLISHED, drawn_events, rounds_of
from tests.unit.generators.support import (
    ADD_REMOVE,
    BUDGET,
    DOMAIN,
    REPLACE_ONE,
    chain,
    fit,
    letters,
)

# ------------------------------------------------------------------------------------------------------------- the plan


@pytest.mark.parametrize("relation", [ADD_REMOVE, REPLACE_ONE])
@pytest.mark.parametrize(("recipe", "kind"), [(PUBLISHED, ZCDPFilter), (GAUSSIAN, GaussianFilter)])
def test_the_event_is_one_filter_that_costs_the_budget(recipe, kind, relation) -> None:
    for budget in (BUDGET, Budget(epsilon=0.1, delta=1e-9), Budget(epsilon=8.0, delta=1e-3)):
        plan = recipe.plan(DOMAIN, budget=budget, unit=rows(3), relation=relation)
        (filter_, once), (slack, _) = leaves(plan.event)
        assert isinstance(filter_, kind)
        assert once == 1
        assert slack == Slack(DRAW_SLACK)
        assert 0.999 * budget.epsilon <= epsilon_up(plan.event, Delta(budget.delta), relation).epsilon <= budget.epsilon


def test_the_gaussian_variant_has_more_to_spend() -> None:
    published, gaussian = (recipe.plan(DOMAIN, budget=BUDGET).filter for recipe in (PUBLISHED, GAUSSIAN))
    assert gaussian.mu**2 / 2 == pytest.approx(1.176 * published.rho, rel=1e-3)


@BOTH
def test_the_waterfall_is_that_of_the_publication(recipe) -> None:
    steps = {step.name: step for step in recipe.plan(letters("abcdef"), budget=BUDGET).steps}
    first, scores = 0.9 / 16, 0.5 / 96 if recipe is GAUSSIAN else 0.0
    assert steps["one-ways"].share == pytest.approx(first)
    assert steps["marginals"].share == pytest.approx(0.9 * (1 - first - scores))
    assert steps["selection"].share == pytest.approx(0.1 * (1 - first - scores))
    assert sum(step.share for step in steps.values()) == pytest.approx(1.0)
    assert ("scores" in steps) == (recipe is GAUSSIAN)


def test_the_job_names_every_parameter() -> None:
    recipe = AIM("gaussian", {("b", "a"): 2, ("c",): 1.0}, 40, 8, False)
    parameters = recipe.plan(letters(), budget=BUDGET).job()["parameters"]
    assert parameters == {
        "selection": "gaussian",
        "workload": [[["b", "a"], 2.0], [["c"], 1.0]],
        "rounds": 40,
        "model_megabytes": 8.0,
        "smooth": False,
    }
    assert PUBLISHED.plan(letters(), budget=BUDGET).job()["parameters"]["workload"] is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AIM("laplace"), "the selections exponential and gaussian; found 'laplace'"),
        (lambda: AIM(rounds=4.0), "a whole number of rounds"),
        (lambda: AIM(rounds=True), "a whole number of rounds"),
        (lambda: AIM(model_megabytes=0), "model_megabytes above 0"),
        (lambda: AIM(model_megabytes=math.nan), "model_megabytes above 0"),
        (lambda: AIM(workload={}), "An empty workload"),
        (lambda: AIM(rounds=7).plan(letters(), budget=BUDGET), "asked for 7 rounds(?s:.*)at least 8"),
        (lambda: AIM(rounds=37).plan(DOMAIN, budget=BUDGET), "7 columns take 19 of them(?s:.*)at least 38"),
        (lambda: AIM(workload={("a", "q"): 1.0}).plan(letters(), budget=BUDGET), "not modelled: q"),
        (lambda: AIM().plan(letters([f"x{i}" for i in range(200)]), budget=BUDGET), "more than 20,000 marginals"),
    ],
)
def test_what_cannot_be_planned_is_told(make, message) -> None:
    with pytest.raises(PlanError, match=message):
        make()


@BOTH
def test_a_delta_of_nothing_is_refused(recipe) -> None:
    with pytest.raises(BudgetError, match="delta above 0"):
        recipe.plan(letters(), budget=Budget(epsilon=1.0, delta=0.0))


# ----------------------------------------------------------------------------------------------------------- the budget


@pytest.mark.parametrize(("size", "relation"), [(1, ADD_REMOVE), (3, REPLACE_ONE)])
@pytest.mark.parametrize("epsilon", [0.05, 1.0, 20.0])
@BOTH
def test_all_of_the_budget_is_spent_and_not_a_fraction_more(ledger, recipe, epsilon, size, relation) -> None:
    budget, setting = Budget(epsilon=epsilon, delta=1e-5), {"unit": rows(size), "relation": relation}
    fit(recipe, ledger, chain(500), letters(), budget, **setting)
    filter_ = recipe.plan(letters(), budget=budget, **setting).filter
    spent = Fraction(0)
    for event in drawn_events(ledger, chain(500), letters(), **setting):
        for leaf, count in leaves(event):
            if isinstance(leaf, BoundedRange):
                spent += count * Fraction(leaf.epsilon) ** 2 / 8
            else:
                assert isinstance(leaf, Gaussian)
                rho = Fraction(leaf.squared_sensitivity) / Fraction(leaf.sigma) ** 2
                spent += count * rho / (2 if isinstance(filter_, ZCDPFilter) else 1)
    total = Fraction(filter_.rho) if isinstance(filter_, ZCDPFilter) else Fraction(filter_.mu) ** 2
    assert spent <= total
    assert spent >= total * (1 - Fraction(1, 10**12))


def test_a_round_spends_a_tenth_on_its_choice(ledger) -> None:
    model = fit(PUBLISHED, ledger, chain(2000), letters())
    events = drawn_events(ledger, chain(2000), letters())[1:]
    assert len(events) == 2 * len(rounds_of(model))
    for selection, measurement in zip(events[::2], events[1::2], strict=True):
        assert selection.epsilon**2 / 8 == pytest.approx(0.1 / 0.9 * measurement.squared_mu / 2)


@BOTH
def test_noise_is_halved_or_kept_and_the_last_round_takes_the_rest(ledger, recipe) -> None:
    model = fit(recipe, ledger, chain(3000), letters())
    sigmas = [m.sigma for m in rounds_of(model)]
    ratios = [two / one for one, two in zip(sigmas[:-2], sigmas[1:-1], strict=True)]
    assert set(np.round(ratios, 9)) <= {1.0, 0.5}
    assert 0.5 in np.round(ratios, 9)
    assert sigmas[-1] < sigmas[-2]
