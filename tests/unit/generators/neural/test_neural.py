"""The neural generators: plans, fits on all kinds of tables, what they release, what they say without PyTorch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import event_from_json, leaves
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.domain.columns import Category, Identifier, Integer
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import rows
from dpsynth.engines.base import AbstractEngine
from dpsynth.errors import BudgetError, BudgetRefused, InputError, PlanError
from dpsynth.gate import ledger_extract, show, verify
from dpsynth.generators import Autoregressive, Hybrid, generator_named, load
from dpsynth.generators.neural.rules import SEGMENTS, clique_count, noise_rule, shape_rule
from tests.conformance.generators import CANARY, check_in_domain, check_silent, check_within
from tests.unit.generators.support import ADD_REMOVE, BUDGET, DOMAIN, REPLACE_ONE, chain, fit, letters, opened, people

RECIPES: dict[str, Any] = {"autoregressive": Autoregressive(steps=8), "hybrid": Hybrid(steps=8)}


@pytest.fixture(params=list(RECIPES))
def recipe(request: pytest.FixtureRequest) -> Any:
    """Each neural generator in turn, trained for a moment."""
    pytest.importorskip("torch", reason="PyTorch is not here")
    return RECIPES[request.param]


# ---------------------------------------------------------------------------------------------------- without PyTorch


def test_without_torch_asking_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in RECIPES:
        with pytest.raises(PlanError, match=r"need PyTorch.*\n.*pip install 'dpsynth\[neural\]'"):
            generator_named(name).plan(DOMAIN, budget=BUDGET)


def test_without_torch_everything_else_works() -> None:
    """In a fresh interpreter in which importing torch and opacus fails."""
    import subprocess

    code = (
        "import sys; sys.modules['torch'] = sys.modules['opacus'] = None\n"
        "import dpsynth, dpsynth.gate, dpsynth.generators, dpsynth.cli.app\n"
        "from dpsynth.accounting.quantities import Budget\n"
        "from tests.unit.generators.support import letters\n"
        "dpsynth.generators.generator_named('mst').plan(letters(), budget=Budget(epsilon=1, delta=1e-5))\n"
        "assert 'dpsynth.gate.gradients_sum' not in sys.modules\n"
    )
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_importing_the_generators_does_not_import_torch() -> None:
    import subprocess

    code = "import sys, dpsynth.generators, dpsynth.gate; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_saved_model_needs_no_torch(recipe, ledger, tmp_path, monkeypatch) -> None:
    model = fit(recipe, ledger, chain(300), letters())
    model.save(tmp_path / "m")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert load(tmp_path / "m").sample(20, seed=1).equals(model.sample(20, seed=1))


# ----------------------------------------------------------------------------------------------------------- the plan


def test_a_plan_reads_no_row(recipe, monkeypatch) -> None:
    monkeypatch.setattr(AbstractEngine, "counts", lambda *_: pytest.fail("rows were read"))
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    assert json.loads(json.dumps(plan.job())) == plan.job()
    assert sum(step.share for step in plan.steps) == pytest.approx(1.0)
    assert all(step.answers > 0 and step.detail for step in plan.steps)


@pytest.mark.parametrize(
    ("epsilon", "size", "relation"), [(0.1, 1, ADD_REMOVE), (1.0, 3, ADD_REMOVE), (1.0, 1, REPLACE_ONE)]
)
def test_a_plan_costs_nearly_all_of_its_budget_and_not_more(recipe, epsilon, size, relation) -> None:
    budget = Budget(epsilon=epsilon, delta=1e-6)
    plan = recipe.plan(letters(), budget=budget, unit=rows(size), relation=relation)
    assert 0.99 * epsilon <= epsilon_up(plan.event, Delta(1e-6), relation).epsilon <= epsilon


def test_an_epsilon_at_which_noise_explodes_says_what_is_reachable(monkeypatch) -> None:
    pytest.importorskip("torch", reason="PyTorch is not here")
    monkeypatch.setattr("dpsynth.accounting.sampled.LARGEST_NOISE", 50.0)
    with pytest.raises(BudgetError, match="is within reach"):
        Hybrid().plan(letters(), budget=Budget(epsilon=0.01, delta=1e-6))


def test_identifiers_alone_cannot_be_planned(recipe) -> None:
    with pytest.raises(PlanError, match="nothing to model"):
        recipe.plan(Domain((Identifier(name="key"),)), budget=BUDGET)


@pytest.mark.parametrize("bad", [{"steps": 0}, {"steps": 2.5}, {"expected_rows": True}])
def test_parameters_that_cannot_be_meant_are_refused(bad) -> None:
    with pytest.raises(PlanError, match="whole (steps|expected_rows)"):
        Hybrid(**bad)


def test_the_rules_follow_the_budget_and_noisy_answers_alone() -> None:
    low, middle, high = (noise_rule(mu, 10, hybrid=True) for mu in (0.0325, 0.268, 2.0))
    assert (low.steps, middle.steps, high.steps) == (256, 800, 400)
    assert low.probability < middle.probability < high.probability
    assert low.one_ways > middle.one_ways > high.one_ways
    assert all(n.steps % SEGMENTS == 0 for n in (low, middle, high))
    assert noise_rule(0.268, 10, hybrid=True, rows=10**6).probability == pytest.approx(middle.probability / 10)
    assert noise_rule(0.268, 1, hybrid=True).cliques == 0
    assert shape_rule(0.268, 32561).hidden == 128
    assert shape_rule(1e-6, 0).hidden == 32
    assert shape_rule(5.0, 1e9).hidden == 256
    assert [clique_count(mu, 32561) for mu in (0.0325, 0.268, 2.0)] == [4, 13, 40]


# ------------------------------------------------------------------------------------------------------------ the fit


def test_what_is_drawn_never_costs_more_than_the_plan(recipe, ledger) -> None:
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    table = opened(ledger)
    plan.fit(table)
    drawn = [event_from_json(made["event"]) for made in ledger_extract(table)["draws"]]
    check_within(plan.event, drawn)
    assert sum(leaf.kind == "poisson_gaussian" for event in drawn for leaf, _ in leaves(event)) == SEGMENTS
    assert show(ledger)["accounts"][0]["spent"] <= BUDGET.epsilon
    assert verify(ledger).problems == ()


def test_what_cannot_be_paid_for_reads_nothing(recipe, ledger) -> None:
    table = opened(ledger, cap=Budget(epsilon=0.5, delta=1e-5))
    with pytest.raises(BudgetRefused):
        recipe.plan(DOMAIN, budget=BUDGET).fit(table)
    assert show(ledger)["charges"] == []


def test_a_replay_gives_the_same_model(recipe, ledger) -> None:
    plan = recipe.plan(letters(), budget=BUDGET)
    one = plan.fit(opened(ledger, chain(300), letters(), seed=None))
    two = plan.fit(opened(ledger, chain(300), letters(), seed=None))
    assert len(show(ledger)["charges"]) == 1
    assert one.sample(50, seed=1).equals(two.sample(50, seed=1))
    assert one.private


@pytest.mark.slow
def test_an_interrupted_fit_goes_on_and_pays_once(recipe, tmp_path) -> None:
    stages: list[str] = []
    plan = recipe.plan(letters(), budget=BUDGET)
    plan.fit(opened(tmp_path / "l", chain(300), letters()), progress=lambda stage, done: stages.append(stage))
    assert set(stages) <= {"one-ways", "spikes", "training", "cliques", "done"}
    for at in (1, 4, len(stages) - 1):
        told = iter(range(len(stages)))

        def stop(stage: str, done: float, at: int = at, told: Any = told) -> None:
            if next(told) == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            plan.fit(opened(tmp_path / f"{at}", chain(300), letters()), progress=stop)
        plan.fit(opened(tmp_path / f"{at}", chain(300), letters()))
        assert [charge["state"] for charge in show(tmp_path / f"{at}")["charges"]] == ["done"]


def _table(kind: str) -> tuple[pd.DataFrame, Domain]:
    frame = people(40)
    match kind:
        case "no row":
            return frame.iloc[:0], DOMAIN
        case "one row":
            return frame.iloc[:1], DOMAIN
        case "all missing":
            return pd.DataFrame({name: [None] * 40 for name in frame}, dtype=object), DOMAIN
        case "one column":
            return pd.DataFrame({"a": ["0", "1"] * 20}), letters("a")
        case "one value":
            one = (Category(name="a", values=("x",), required=True), Category(name="b", values=("y",), required=True))
            return pd.DataFrame({"a": ["x"] * 40, "b": ["y"] * 40}), Domain(one)
        case "two columns":
            return pd.DataFrame({"a": ["0", "1"] * 20, "b": ["2"] * 40}), letters("ab")
        case _:
            values = tuple(f"v{i}" for i in range(3000))
            columns = (Category(name="wide", values=values), Integer(name="k", minimum=0, maximum=3))
            return pd.DataFrame({"wide": values[:40], "k": [1, 2] * 20}), Domain(columns)


@pytest.mark.parametrize(
    "kind",
    [
        "no row",
        "one row",
        "all missing",
        "one column",
        "one value",
        "two columns",
        pytest.param("wide", marks=pytest.mark.slow),
    ],
)
def test_any_table_goes_the_same_way(recipe, ledger, kind) -> None:
    """Fewer rows than a batch, one column, constant columns, 3,000 values: no error, and rows of the domain."""
    source, domain = _table(kind)
    model = fit(recipe, ledger, source, domain)
    check_in_domain(model.sample(30, seed=0), domain, 30)
    assert len(model.sample(0, seed=0)) == 0


def _canaries() -> pd.DataFrame:
    frame = people(300).astype(object)
    frame["key"] = [f"{CANARY}-key-{i}" for i in range(300)]
    frame.loc[frame.index[::40], "town"] = f"{CANARY}-town"
    frame.loc[3, "income"] = 8172635.25
    frame["diary"] = f"{CANARY}-diary"
    return frame


def test_no_input_cell_is_in_any_file(recipe, ledger, tmp_path) -> None:
    model = recipe.plan(DOMAIN, budget=BUDGET).fit(opened(ledger, _canaries(), seed=None))
    model.save(tmp_path / "m")
    model.sample(100, seed=1).to_csv(tmp_path / "s.csv")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 3
    check_silent(files, repr(model.describe()))


# ---------------------------------------------------------------------------------------------------------- the model


def test_rows_under_a_condition_have_it(recipe, ledger) -> None:
    model = fit(recipe, ledger)
    made = model.sample(40, seed=2, given={"town": "north", "member": True})
    assert (made["town"] == "north").all()
    assert made["member"].astype(bool).all()
    assert model.sample(40, seed=2, given={"town": "north", "member": True}).equals(made)
    assert (model.sample(9, seed=1, given={"class": "high"})["class"] == "high").all()
    with pytest.raises(InputError, match="not modelled: nobody"):
        model.sample(3, given={"nobody": 1})


def test_log_probabilities_sum_to_one(recipe, ledger) -> None:
    import itertools

    model = fit(recipe, ledger, chain(300, "abc"), letters("abc"))
    cells = pd.DataFrame(list(itertools.product("012", repeat=3)), columns=list("abc"))
    assert np.exp(model.log_prob(cells)).sum() == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(InputError, match="missing: c"):
        model.log_prob(cells[["a", "b"]])


def test_projections_are_counts(recipe, ledger) -> None:
    model = fit(recipe, ledger)
    table = model.project(("town", "class"))
    assert table.sum() == pytest.approx(model.total)
    assert np.allclose(table, model.project(("class", "town")).T)
    with pytest.raises(PlanError, match="repeated name"):
        model.project(("town", "town"))


@pytest.mark.parametrize(("n", "seed"), [(-1, 0), (2.5, 0), (3, -1), (True, 0)])
def test_samples_that_cannot_be_meant_are_refused(recipe, ledger, n, seed) -> None:
    with pytest.raises(InputError, match="sample needs a whole"):
        fit(recipe, ledger, chain(50), letters()).sample(n, seed=seed)


@pytest.mark.slow
def test_a_model_learns_what_goes_together(ledger) -> None:
    """With plenty of budget the pairs of a chain are much nearer than those of independent columns."""
    pytest.importorskip("torch", reason="PyTorch is not here")
    source = chain(3000, "abc")
    model = fit(Hybrid(steps=80), ledger, source, letters("abc"), Budget(epsilon=20.0, delta=1e-5))
    real = pd.crosstab(source["a"], source["b"], normalize=True).to_numpy()
    made = model.sample(3000, seed=0)
    found = pd.crosstab(made["a"], made["b"], normalize=True).to_numpy()
    apart = np.outer(real.sum(1), real.sum(0))
    assert np.abs(found - real).sum() < 0.2 * np.abs(apart - real).sum()
