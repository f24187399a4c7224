"""What all generators check before they charge, and what they warn of."""

from __future__ import annotations

import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Identifier
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import rows
from dpsynth.errors import PlanError
from dpsynth.gate import show
from dpsynth.generators import Independent
from dpsynth.generators.checks import budget_warnings, modelled_encoder, require_planned_for
from tests.unit.generators.support import ADD_REMOVE, BUDGET, DOMAIN, RECIPES, REPLACE_ONE, chain, letters, opened


def test_a_domain_of_identifiers_has_nothing_to_model() -> None:
    with pytest.raises(PlanError, match="Every column of the domain is an identifier, so there is nothing to model."):
        modelled_encoder(Domain((Identifier(name="a"), Identifier(name="b"))))
    assert "key" not in modelled_encoder(DOMAIN).names


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    ("planned", "told"),
    [
        ({"unit": rows(3)}, r"opened with unit rows\(1\) instead of rows\(3\)\."),
        ({"relation": REPLACE_ONE}, "opened with relation add_remove instead of replace_one."),
        ({"domain": letters("abc", 4)}, "opened with another domain."),
        ({"domain": letters("ab")}, "opened with another domain."),
        ({"domain": letters("ab"), "unit": rows(2)}, r"unit rows\(1\) instead of rows\(2\), another domain\."),
    ],
)
def test_a_table_that_the_plan_is_not_for_is_refused_and_nothing_is_charged(ledger, recipe, planned, told) -> None:
    settings = {"domain": letters("abc"), "unit": rows(1), "relation": ADD_REMOVE} | planned
    plan = RECIPES[recipe].plan(settings.pop("domain"), budget=BUDGET, **settings)
    table = opened(ledger, chain(50, "abc"), letters("abc"))
    with pytest.raises(PlanError, match=told) as caught:
        plan.fit(table)
    assert str(caught.value).endswith("Nothing was charged. Plan with the domain, unit and relation of the table.")
    assert show(ledger)["charges"] == []


def test_the_right_table_is_taken(ledger) -> None:
    plan = Independent().plan(letters("abc"), budget=BUDGET)
    require_planned_for(plan, opened(ledger, chain(50, "abc"), letters("abc")))
    assert show(ledger)["charges"] == []


@pytest.mark.parametrize(
    ("delta", "total", "warned"), [(1e-5, 99_999.0, False), (1e-5, 100_000.0, True), (0.01, 250.0, True)]
)
def test_a_delta_that_could_publish_a_row_is_warned_of(delta, total, warned) -> None:
    found = budget_warnings(Budget(epsilon=1.0, delta=delta), total)
    assert len(found) == warned
    if warned:
        assert found[0].startswith(f"delta {delta:g} is not below 1 / (noisy number of rows)")


def test_the_warning_reaches_the_model(ledger) -> None:
    source, domain = chain(3000, "ab"), letters("ab")
    plan = Independent().plan(domain, budget=Budget(epsilon=1.0, delta=0.001))
    model = plan.fit(opened(ledger, source, domain))
    assert ["delta 0.001 is not below" in warning for warning in model.warnings] == [True]
