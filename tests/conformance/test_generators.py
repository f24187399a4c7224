"""What every generator must do. One in GENERATORS is tested by being there; a variant joins by one line of VARIANTS."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import (
    Gaussian,
    event_from_json,
    event_to_json,
    leaves,
)
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.domain.columns import Identifier
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import rows
from dpsynth.engines.base import AbstractEngine
from dpsynth.errors import BudgetRefused, PlanError, SourceError
from dpsynth.gate import ledger_extract, show
from tests.conformance.generators import CANARY, check_silent, check_within
from tests.gate.support import kinds_of
from tests.unit.generators.support import (
    ADD_REMOVE,
    BUDGET,
    DOMAIN,
    REPLACE_ONE,
    chain,
    fit,
    letters,
    opened,
    people,
)

# ------------------------------------------------------------------------------------------------------------- the plan


def test_a_plan_reads_no_row_and_a_fit_does(recipe, ledger, monkeypatch) -> None:
    table = opened(ledger)

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("rows were read")

    monkeypatch.setattr(AbstractEngine, "counts", refuse)
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    assert all([plan.job(), plan.event, plan.steps, plan.forecast.seconds > 0])
    with pytest.raises(SourceError):
        plan.fit(table)


def test_a_plan_is_a_function_of_its_arguments(recipe, ledger) -> None:
    one = recipe.plan(DOMAIN, budget=BUDGET)
    one.fit(opened(ledger))
    np.random.default_rng().random(3)
    two = recipe.plan(DOMAIN, budget=BUDGET)
    for name in ("event", "steps", "forecast", "budget", "unit", "relation"):
        assert getattr(one, name) == getattr(two, name)
    assert one.job() == two.job()
    assert json.loads(json.dumps(one.job())) == one.job()
    assert event_from_json(json.loads(json.dumps(event_to_json(one.event)))) == one.event


def test_the_waterfall_adds_up(recipe) -> None:
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    assert sum(step.share for step in plan.steps) == pytest.approx(1.0)
    assert all(step.answers > 0 and step.detail for step in plan.steps)
    assert plan.forecast.cells > 0
    assert plan.forecast.memory_bytes > 0


@pytest.mark.parametrize("relation", [ADD_REMOVE, REPLACE_ONE])
@pytest.mark.parametrize(("epsilon", "size"), [(0.1, 1), (1.0, 3)])
def test_a_plan_costs_nearly_all_of_its_budget_and_not_more(recipe, relation, epsilon, size) -> None:
    budget = Budget(epsilon=epsilon, delta=1e-6)
    plan = recipe.plan(letters(), budget=budget, unit=rows(size), relation=relation)
    cost = epsilon_up(plan.event, Delta(1e-6), relation).epsilon
    assert 0.99 * epsilon <= cost <= epsilon


def test_identifiers_alone_cannot_be_planned(recipe) -> None:
    with pytest.raises(PlanError, match="nothing to model"):
        recipe.plan(Domain((Identifier(name="key"),)), budget=BUDGET)


# ---------------------------------------------------------------------------------------------------------- the charge


def test_a_fit_charges_before_it_reads(recipe, ledger, monkeypatch) -> None:
    """Whenever rows are counted, the charge and the draw are committed, as a second reader of the file sees."""
    seen: list[list[str]] = []
    real = AbstractEngine.counts

    def counts(self: AbstractEngine, cliques: Any, groupings: Any) -> list[np.ndarray]:
        seen.append(kinds_of(ledger))
        return real(self, cliques, groupings)

    table = opened(ledger)
    monkeypatch.setattr(AbstractEngine, "counts", counts)
    recipe.plan(DOMAIN, budget=BUDGET).fit(table)
    assert seen
    for kinds in seen:
        assert kinds.count("reserved") == 1
        assert kinds[-1] == "running"
    assert kinds_of(ledger)[-1] == "done"


def test_what_cannot_be_paid_for_reads_nothing(recipe, ledger, counting) -> None:
    table = opened(ledger, cap=Budget(epsilon=0.5, delta=1e-5))
    with pytest.raises(BudgetRefused):
        recipe.plan(DOMAIN, budget=BUDGET).fit(table)
    assert counting == []
    assert show(ledger)["charges"] == []


def test_a_table_opened_as_something_else_is_refused_before_it_is_charged(recipe, ledger, counting) -> None:
    for settings_ in ({"unit": rows(2)}, {"relation": REPLACE_ONE}):
        with pytest.raises(PlanError, match="Nothing was charged"):
            recipe.plan(DOMAIN, budget=BUDGET, **settings_).fit(opened(ledger))
    with pytest.raises(PlanError, match="another domain"):
        recipe.plan(letters(), budget=BUDGET).fit(opened(ledger))
    assert counting == []
    assert show(ledger)["charges"] == []


def test_a_replay_costs_nothing_reads_nothing_and_gives_the_same_model(recipe, ledger, counting) -> None:
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    first = plan.fit(opened(ledger, seed=None))
    spent, passes = show(ledger)["accounts"][0]["spent"], len(counting)
    again = recipe.plan(DOMAIN, budget=BUDGET).fit(opened(ledger, seed=None))
    assert show(ledger)["accounts"][0]["spent"] == spent <= BUDGET.epsilon
    assert len(show(ledger)["charges"]) == 1
    assert len(counting) == passes
    assert [m.event_id for m in again.measurements] == [m.event_id for m in first.measurements]
    assert again.sample(200, seed=1).equals(first.sample(200, seed=1))


def test_an_interrupted_fit_goes_on_and_pays_once(recipe, tmp_path) -> None:
    """Stopped at each stage in turn, as by Ctrl-C: the same job on the same table takes up its own charge."""
    stages: list[str] = []
    plan = recipe.plan(letters(), budget=BUDGET)
    plan.fit(opened(tmp_path / "l", chain(300), letters()), progress=lambda stage, done: stages.append(stage))

    for at in range(len(stages)):
        ledger, told = tmp_path / f"{at}", iter(range(len(stages)))

        def stop(stage: str, done: float, at: int = at, told: Iterator[int] = told) -> None:
            if next(told) == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            plan.fit(opened(ledger, chain(300), letters()), progress=stop)
        model = plan.fit(opened(ledger, chain(300), letters()))
        assert [charge["state"] for charge in show(ledger)["charges"]] == ["done"]
        assert show(ledger)["accounts"][0]["spent"] <= BUDGET.epsilon
        assert model.sample(5, seed=0).equals(plan.fit(opened(ledger, chain(300), letters())).sample(5, seed=0))


def test_another_table_is_another_charge(recipe, ledger) -> None:
    cap = Budget(epsilon=4.0, delta=1e-5)
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    for seed in (0, 1):
        plan.fit(opened(ledger, people(seed=seed), account="one", cap=cap))
    assert len(show(ledger)["charges"]) == 2


@pytest.mark.parametrize(("size", "relation"), [(1, ADD_REMOVE), (3, REPLACE_ONE)])
def test_what_is_drawn_never_costs_more_than_the_plan(recipe, ledger, size, relation) -> None:
    """Read back from the ledger: fixed events one by one, the rest from the filters, in exact fractions."""
    unit = rows(size)
    plan = recipe.plan(DOMAIN, budget=BUDGET, unit=unit, relation=relation)
    table = opened(ledger, unit=unit, relation=relation)
    plan.fit(table)
    drawn = [event_from_json(made["event"]) for made in ledger_extract(table)["draws"]]
    check_within(plan.event, drawn)
    squares = {leaf.squared_sensitivity for event in drawn for leaf, _ in leaves(event) if isinstance(leaf, Gaussian)}
    smallest = size**2 * (1 if relation is ADD_REMOVE else 2)
    assert min(squares) == smallest
    with pytest.raises(AssertionError):  # negative control: the same draws once more do not fit
        check_within(plan.event, [*drawn, *drawn])


# ------------------------------------------------------------------------------------------------------------- privacy


def test_at_epsilon_a_thousandth_the_output_has_nothing_to_do_with_the_rows(recipe, tmp_path) -> None:
    """Two tables that have no cell in common, under the same noise: their models are the same but for a few percent."""
    domain = letters("abc", 4)

    def distance(epsilon: float, seed: int) -> float:
        models = []
        for value in "03":
            source = pd.DataFrame({name: [value] * 40 for name in "abc"})
            ledger = tmp_path / f"{epsilon}-{seed}-{value}"
            budget = Budget(epsilon=epsilon, delta=1e-5)
            models.append(fit(recipe, ledger, source, domain, budget, seed=seed))
        one, two = (model.project(("a",)) / model.total for model in models)
        return 0.5 * float(np.abs(one - two).sum())

    assert np.mean([distance(0.001, seed) for seed in range(3)]) < 0.1
    assert distance(10.0, 0) > 0.7  # negative control: with much budget they differ


def _canaries(n: int = 400) -> pd.DataFrame:
    """Every kind of cell that must not survive: out of the domain, in an identifier, in no column of the domain."""
    frame = people(n).astype(object)
    frame["key"] = [f"{CANARY}-key-{i}" for i in range(n)]
    for i, column in enumerate(["town", "class", "age", "income", "score", "member", "since"]):
        frame[column] = frame[column].astype(object)
        frame.loc[frame.index[i::50], column] = f"{CANARY}-{column}"
    frame.loc[3, "income"] = 8172635.25
    frame.loc[4, "age"] = 91_827_364
    frame.loc[5, "since"] = datetime(2011, 9, 17)  # inside the bounds, yet a cell of its own
    frame["diary"] = f"{CANARY}-diary"
    return frame


def test_no_input_cell_is_in_any_file_or_message(recipe, ledger, tmp_path, caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG)
    words: list[str] = []
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    table = opened(ledger, _canaries(), seed=None)
    model = plan.fit(table, progress=lambda stage, done: words.append(stage))
    model.save(tmp_path / "model")
    words += [
        repr(plan),
        repr(model),
        repr(table),
        str(model.describe()),
        str(model.warnings),
        repr(model.measurements),
    ]
    made = model.sample(seed=0)
    assert not made.astype(str).apply(lambda column: column.str.contains(CANARY)).any().any()
    for act in (
        lambda: model.project(("key",)),
        lambda: model.sample(-1),
        lambda: model.save(tmp_path / "model"),
        lambda: recipe.plan(letters(), budget=BUDGET).fit(table),
        lambda: recipe.plan(DOMAIN, budget=Budget(epsilon=1.5, delta=1e-5)).fit(table),
    ):
        with pytest.raises(Exception, match=r"\w") as caught:
            act()
        words += traceback.format_exception(caught.value)
    words += [record.getMessage() for record in caplog.records]
    words += capfd.readouterr()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5
    check_silent(files, "\n".join(words))


def test_a_canary_in_a_file_or_message_would_be_seen(tmp_path) -> None:
    """Negative control of check_silent."""
    (tmp_path / "leak").write_bytes(b"...." + CANARY.encode() + b"...")
    for files, words in (([tmp_path / "leak"], ""), ([], f"cannot parse {CANARY}"), ([], "clipped 91827364")):
        with pytest.raises(AssertionError):
            check_silent(files, words)


def test_a_saved_model_is_json_and_safetensors_and_nothing_else(recipe, ledger, tmp_path) -> None:
    from safetensors.numpy import load as load_arrays

    fit(recipe, ledger).save(tmp_path / "model")
    for path in (tmp_path / "model").rglob("*"):
        if path.suffix == ".json":
            assert isinstance(json.loads(path.read_bytes()), dict)
        elif path.is_file():
            assert path.suffix == ".safetensors"
            assert {array.dtype.kind for array in load_arrays(path.read_bytes()).values()} <= set("iuf")
