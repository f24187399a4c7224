"""Adaptive and auto through the real gate on small tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting import epsilon_up
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Boolean, Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, rows
from dpsynth.errors import PlanError
from dpsynth.gate import open_table
from dpsynth.generators import Adaptive, Independent, load
from dpsynth.generators.adaptive import waves
from dpsynth.generators.adaptive.planner import PairPlan
from dpsynth.generators.auto import Auto, choose

DOMAIN = Domain(
    (
        Category(name="a", values=("x", "y", "z"), required=True),
        Category(name="b", values=("u", "v", "w"), required=True),
        Integer(name="c", minimum=0, maximum=99, required=True),
        Boolean(name="d", required=True),
    ),
    label="d",
)
BUDGET = Budget(epsilon=2.0, delta=1e-6)


def frame(n: int = 5_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 3, n)
    b = np.where(rng.random(n) < 0.7, a, rng.integers(0, 3, n))
    c = np.clip(rng.normal(30 + 15 * a, 8, n), 0, 99).astype(int)
    return pd.DataFrame({"a": np.array(list("xyz"))[a], "b": np.array(list("uvw"))[b], "c": c, "d": c > 50})


def fit(table: pd.DataFrame, tmp_path: Path, generator: Adaptive | None = None, budget: Budget = BUDGET):
    plan = (generator or Adaptive()).plan(DOMAIN, budget=budget)
    return plan.fit(open_table(table, domain=DOMAIN, ledger=tmp_path / "x.ledger"))


def distance(left: pd.DataFrame, right: pd.DataFrame, columns: list[str]) -> float:
    one, two = left.groupby(columns).size() / len(left), right.groupby(columns).size() / len(right)
    return 0.5 * float(one.sub(two, fill_value=0).abs().sum())


def test_dependence_of_pairs_survives(tmp_path: Path) -> None:
    table = frame()
    made = fit(table, tmp_path).sample(5_000, seed=0)
    shuffled = table.assign(b=table["b"].sample(frac=1, random_state=0).to_numpy())
    assert distance(table, made, ["a", "b"]) < 0.25 * distance(table, shuffled, ["a", "b"])
    assert set(made.columns) == set(DOMAIN.names)


@pytest.mark.parametrize("relation", list(NeighbouringRelation))
def test_the_event_costs_the_budget_and_no_more(relation: NeighbouringRelation) -> None:
    plan = Adaptive().plan(DOMAIN, budget=BUDGET, unit=rows(2), relation=relation)
    cost = epsilon_up(plan.event, BUDGET.delta, relation).epsilon
    assert 0.99 * BUDGET.epsilon < cost <= BUDGET.epsilon
    assert sum(step.share for step in plan.steps) == pytest.approx(1.0)


def test_where_no_pair_is_chosen_the_rest_goes_to_the_one_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "plan_pairs", lambda *_, **__: PairPlan((), {}, (), {}, 0.0, 0.0))
    model = fit(frame(), tmp_path)
    kinds = [m.name for m in model.measurements]
    assert kinds.count("marginal") == 3 * len(DOMAIN)
    assert kinds.count("distances") == 1
    assert all(len(clique) == 1 for clique in model.describe()["cliques"])


def test_saved_model_samples_the_same_rows(tmp_path: Path) -> None:
    model = fit(frame(), tmp_path)
    assert model.edits
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(load(tmp_path / "model").sample(700, seed=3), model.sample(700, seed=3))


def test_more_rows_than_the_base_are_an_even_resample(tmp_path: Path) -> None:
    model = fit(frame(), tmp_path)
    small, large = model.sample(10_000, seed=1), model.sample(60_000, seed=1)
    assert len(large) == 60_000
    assert distance(small, large, ["a", "b"]) < 0.01


def test_workload_is_checked_and_recorded() -> None:
    with pytest.raises(PlanError, match="not modelled: nope"):
        Adaptive(workload={("a", "nope"): 2.0}).plan(DOMAIN, budget=BUDGET)
    with pytest.raises(PlanError, match="finite numbers of at least 0"):
        Adaptive(workload={("a", "b"): -1.0})
    with pytest.raises(PlanError, match="cell_cap of at least 1"):
        Adaptive(cell_cap=0)
    assert Adaptive(workload={("a", "b"): 2}).parameters()["workload"] == [["a", "b", 2.0]]


def test_auto_plans_with_what_its_rule_names() -> None:
    assert isinstance(choose(DOMAIN)[0], Adaptive)
    one = DOMAIN.select(["c"])
    generator, why = choose(one)
    assert isinstance(generator, Independent)
    assert "one column" in why
    assert Auto().plan(DOMAIN, budget=BUDGET).job() == Adaptive().plan(DOMAIN, budget=BUDGET).job()


def test_predicted_errors_come_close_to_what_happened(tmp_path: Path) -> None:
    table = frame(20_000)
    model = fit(table, tmp_path)
    assert model.error(("a", "b")) == model.error(("b", "a"))
    measured = {m.clique for m in model.measurements if m.name == "marginal" and len(m.clique) == 2}
    assert ("a", "b") in measured
    fitted = model.project(("a", "b")) / model.total
    exact = pd.crosstab(table["a"], table["b"]).to_numpy() / len(table)
    assert 0.5 * np.abs(fitted - exact).sum() < 5 * model.error(("a", "b"))
    summary = model.describe()["predicted_error"]
    assert summary["measured"]["pairs"] + summary["unmeasured"]["pairs"] == 6
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").describe()["predicted_error"] == summary
    with pytest.raises(PlanError, match="predicted for pairs"):
        model.error(("a",))


def test_one_wide_column_keeps_its_spikes(tmp_path: Path) -> None:
    domain = Domain((Integer(name="pay", minimum=0, maximum=99_999, required=True),))
    pay = np.random.default_rng(0).integers(0, 100_000, 5_000)
    pay[:1_500] = 43_210
    plan = Adaptive().plan(domain, budget=BUDGET)
    model = plan.fit(open_table(pd.DataFrame({"pay": pay}), domain=domain, ledger=tmp_path / "x.ledger"))
    assert (model.sample(5_000, seed=0)["pay"] == 43_210).sum() == pytest.approx(1_500, abs=150)
