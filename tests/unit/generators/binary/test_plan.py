"""Which tables are binary, what is planned for them, and what the rule spends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Boolean, Category, Identifier
from dpsynth.domain.table import Domain
from dpsynth.errors import PlanError
from dpsynth.gate import ledger_extract
from dpsynth.generators import Adaptive, Auto, Independent
from dpsynth.generators.binary import MOST_COLUMNS, BinaryModel, is_binary, plan_binary
from dpsynth.generators.binary.plan import BinaryPlan
from tests.unit.generators.binary.support import bits, domain, frame
from tests.unit.generators.support import BUDGET, PLENTY, fit, letters, opened

NAMES = [f"c{j}" for j in range(60)]


def _wide(columns: int) -> Domain:
    return Domain(tuple(Category(name=name, values=("0", "1"), required=True) for name in NAMES[:columns]))


def test_binary_is_two_cells_in_every_modelled_column() -> None:
    assert is_binary(domain(1))
    assert is_binary(_wide(MOST_COLUMNS))
    assert not is_binary(_wide(MOST_COLUMNS + 1))
    assert not is_binary(domain(3, required=False)), "a missing state is a third cell"
    assert is_binary(Domain((Identifier(name="key"), Boolean(name="yes", required=True))))
    assert is_binary(Domain((Category(name="given", values=("yes",)), Boolean(name="b", required=True))))
    assert not is_binary(letters("ab", 3))
    assert not is_binary(Domain((Identifier(name="key"),)))


def test_adaptive_and_auto_plan_parities_for_binary_tables_only() -> None:
    for recipe in (Adaptive(), Auto()):
        assert isinstance(recipe.plan(domain(), budget=BUDGET), BinaryPlan)
        for other in (letters("abc", 3), domain(3, required=False), _wide(41)):
            assert not isinstance(recipe.plan(other, budget=BUDGET), BinaryPlan)


def test_a_workload_is_honoured_by_the_path_that_weighs_pairs() -> None:
    plan = Adaptive(workload={("a", "b"): 2.0}).plan(domain(), budget=BUDGET)
    assert not isinstance(plan, BinaryPlan)
    with pytest.raises(PlanError, match="The workload names columns that are not modelled: zz."):
        Adaptive(workload={("a", "zz"): 2.0}).plan(domain(), budget=BUDGET)


def test_other_domains_are_refused() -> None:
    with pytest.raises(PlanError, match="Parities need 1 to 40 columns of exactly two cells"):
        plan_binary(Adaptive(), letters("ab", 3), budget=BUDGET)


def test_the_job_says_that_parities_are_measured() -> None:
    job = Adaptive().plan(domain(), budget=BUDGET).job()
    assert job["generator"] == "adaptive"
    assert job["parameters"] == {**Adaptive().parameters(), "method": "parities/1"}
    assert "method" not in Adaptive().plan(letters("ab", 3), budget=BUDGET).job()["parameters"]


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 17])
def test_the_waterfall_adds_up(columns: int) -> None:
    steps = plan_binary(Adaptive(), _wide(columns), budget=BUDGET).steps
    assert sum(step.share for step in steps) == pytest.approx(1)
    assert len(steps) == (2 if columns == 1 else min(columns, 4) + 2)


def test_the_whole_budget_is_drawn_and_nothing_but_parities(ledger) -> None:
    table = opened(ledger, frame(bits()), domain())
    plan = Adaptive().plan(domain(), budget=BUDGET)
    model: Any = plan.fit(table)
    assert {m.name for m in model.measurements} == {"parities"}
    drawn = sum(len(m.values) / m.sigma**2 for m in model.measurements)
    mu = next(e["mu"] for e in _events(plan.event) if "mu" in e)
    assert drawn == pytest.approx(float(mu) ** 2, rel=1e-9)
    assert len(ledger_extract(table)["draws"]) == len(model.measurements)


def _events(event: Any) -> list[dict[str, Any]]:
    from dpsynth.accounting.events import GaussianFilter, leaves

    return [{"mu": leaf.mu} for leaf, _ in leaves(event) if isinstance(leaf, GaussianFilter)]


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 2, 3000])
@pytest.mark.parametrize("epsilon", [0.001, 50.0])
def test_any_size_and_budget_gives_a_table(ledger, columns: int, n: int, epsilon: float) -> None:
    rows = bits(n, columns)
    model = fit(Adaptive(), ledger, frame(rows), domain(columns), Budget(epsilon=epsilon, delta=1e-5))
    assert isinstance(model, BinaryModel)
    made = model.sample(2000, seed=0).to_numpy().astype(int)
    assert np.isin(made, (0, 1)).all()
    if n == 3000 and epsilon == 50:
        assert made.mean(axis=0) == pytest.approx(rows.mean(axis=0), abs=0.002)


def test_noise_as_large_as_the_table_is_told_and_no_worse_than_independent_columns(tmp_path) -> None:
    """Mean over columns and runs; the warning is made of noisy answers."""
    rows, errors = bits(2000, 6), {}
    for name, recipe in (("parities", Adaptive()), ("independent", Independent())):
        distances = []
        for seed in range(8):
            model = fit(
                recipe, tmp_path / f"{name}{seed}", frame(rows), domain(6), Budget(epsilon=0.002, delta=1e-5), seed=seed
            )
            found = np.array([model.project((c,))[1] / model.total for c in "abcdef"])
            distances.append(np.abs(found - rows.mean(axis=0)).mean())
            if name == "parities":
                assert any("hardly carries this table" in text for text in model.warnings)
        errors[name] = np.mean(distances)
    assert errors["parities"] <= errors["independent"] * 1.05
    quiet = fit(Adaptive(), tmp_path / "quiet", frame(rows), domain(6), PLENTY)
    assert not any("hardly carries" in text for text in quiet.warnings)


@pytest.mark.parametrize("value", [False, True])
def test_a_constant_table_stays_constant(ledger, value: bool) -> None:
    model = fit(Adaptive(), ledger, frame(np.full((3000, 6), value)), domain(6), PLENTY)
    assert model.sample(1000, seed=0).eq(str(int(value))).to_numpy().mean() > 0.995


def test_interactions_of_three_columns_are_kept(tmp_path) -> None:
    """Parity of two fair coins: no pair tells of it."""
    rng = np.random.default_rng(0)
    rows = rng.random((4000, 5)) < 0.5
    rows[:, 2] = rows[:, 0] ^ rows[:, 1]
    model = fit(Adaptive(), tmp_path / "l", frame(rows), domain())
    made = model.sample(4000, seed=0).to_numpy().astype(int)
    assert np.mean(made[:, 2] == made[:, 0] ^ made[:, 1]) > 0.97


def test_columns_with_a_missing_state_for_second_cell(ledger) -> None:
    where = Domain((Category(name="given", values=("yes",)), Boolean(name="b", required=True)))
    source = pd.DataFrame({"given": ["yes", None, None, None] * 500, "b": [True, False, False, False] * 500})
    made = fit(Adaptive(), ledger, source, where, PLENTY).sample(2000, seed=0)
    assert made["given"].isna().mean() == pytest.approx(0.75, abs=0.01)
    assert (made["given"].notna() == made["b"].astype(bool)).mean() > 0.99
