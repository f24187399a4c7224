"""What every generator owes on a table of two-valued columns, where some measure other things."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dpsynth.accounting.events import event_from_json
from dpsynth.engines.base import AbstractEngine
from dpsynth.gate import ledger_extract, show
from dpsynth.generators import load
from tests.conformance.generators import check_in_domain, check_within
from tests.unit.generators.binary.support import bits, domain, frame
from tests.unit.generators.support import BUDGET, fit, opened


def test_draws_fit_the_plan_and_the_model_comes_back(recipe, ledger, tmp_path) -> None:
    plan, table = recipe.plan(domain(), budget=BUDGET), opened(ledger, frame(bits(600)), domain())
    model = plan.fit(table)
    drawn = [event_from_json(made["event"]) for made in ledger_extract(table)["draws"]]
    check_within(plan.event, drawn)
    with pytest.raises(AssertionError):
        check_within(plan.event, [*drawn, *drawn])
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.sample(200, seed=2).equals(model.sample(200, seed=2))
    assert again.describe() == model.describe()
    check_in_domain(model.sample(50, seed=0), domain(), 50)
    assert model.project(("b", "a")).sum() == pytest.approx(model.total)


def test_a_replay_reads_nothing_and_gives_the_same_model(recipe, ledger, monkeypatch) -> None:
    source = frame(bits(600))
    first = recipe.plan(domain(), budget=BUDGET).fit(opened(ledger, source, domain(), seed=None))
    table = opened(ledger, source, domain(), seed=None)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("rows were read")

    for name in ("counts", "parity_sums"):
        monkeypatch.setattr(AbstractEngine, name, refuse)
    again = recipe.plan(domain(), budget=BUDGET).fit(table)
    assert len(show(ledger)["charges"]) == 1
    assert again.sample(200, seed=1).equals(first.sample(200, seed=1))


def test_an_interrupted_fit_pays_once(recipe, tmp_path) -> None:
    source, stages = frame(bits(300)), []
    plan = recipe.plan(domain(), budget=BUDGET)
    plan.fit(opened(tmp_path / "l", source, domain()), progress=lambda stage, done: stages.append(stage))
    for at in range(len(stages)):
        ledger, told = tmp_path / f"{at}", iter(range(len(stages)))

        def stop(stage: str, done: float, at: int = at, told: Iterator[int] = told) -> None:
            if next(told) == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            plan.fit(opened(ledger, source, domain()), progress=stop)
        plan.fit(opened(ledger, source, domain()))
        assert [charge["state"] for charge in show(ledger)["charges"]] == ["done"]


def test_how_rows_are_read_changes_nothing(recipe, tmp_path) -> None:
    source = frame(bits(400))
    source.to_csv(tmp_path / "t.csv", index=False)
    made = [
        fit(recipe, tmp_path / f"{i}.ledger", table, domain()).sample(200, seed=0)
        for i, table in enumerate((source, source.sample(frac=1, random_state=1), tmp_path / "t.csv"))
    ]
    assert made[0].equals(made[1])
    assert made[0].equals(made[2])
    assert np.isin(made[0].to_numpy(), ["0", "1"]).all()
