"""Foreign synthesizers behind the gate: charged whole and first, checked when they answer, never certified for us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.accounting.events import ForeignClaim, NonPrivate
from dpsynth.accounting.quantities import Budget
from dpsynth.bridges import smartnoise
from dpsynth.domain.unit import rows
from dpsynth.errors import AccountingError, BridgeError, BudgetRefused, BundleError, DpsynthError, InputError, PlanError
from dpsynth.gate import Claimed, ledger_extract, show, verify
from dpsynth.generators import generator_named, load
from dpsynth.generators.foreign_model import ForeignModel
from dpsynth.generators.smartnoise import Smartnoise
from tests.unit.bridges.support import fake
from tests.unit.generators.support import ADD_REMOVE, BUDGET, DOMAIN, REPLACE_ONE, chain, fit, letters, opened, people

NAMES = ("mst", "aim", "mwem", "pacsynth", "dpctgan", "patectgan", "pategan", "dpgan")
CLAIM = ForeignClaim(1.0, 1e-5)


def test_all_names_are_recipes() -> None:
    assert tuple(smartnoise.SYNTHESIZERS) == NAMES
    for name in NAMES:
        recipe = generator_named(f"smartnoise-{name}")
        assert recipe.name == f"smartnoise-{name}"
        assert json.loads(json.dumps(recipe.parameters())) == recipe.parameters()


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(PlanError, match="There is no generator 'smartnoise-gan'. Known: smartnoise-mst, ") as caught:
        generator_named("smartnoise-gan")
    assert all(f"smartnoise-{name}" in str(caught.value) for name in NAMES)
    with pytest.raises(PlanError, match="smartnoise-synth has no 'gan'"):
        Smartnoise("gan").plan(DOMAIN, budget=BUDGET)


def test_without_the_environment_a_plan_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DPSYNTH_BRIDGES", str(tmp_path))
    with pytest.raises(PlanError, match="is not installed.\nInstall it .*: dpsynth bridge install smartnoise"):
        generator_named("smartnoise-mst").plan(DOMAIN, budget=BUDGET)


def test_the_whole_budget_is_the_event() -> None:
    plan = fake().plan(DOMAIN, budget=BUDGET)
    assert plan.event == CLAIM
    assert [step.share for step in plan.steps] == [1.0]
    assert json.loads(json.dumps(plan.job())) == plan.job()


def test_claims_protect_one_row_added_or_removed() -> None:
    for settings in ({"unit": rows(2)}, {"relation": REPLACE_ONE}):
        with pytest.raises(PlanError, match="claim to protect one row that is added or removed"):
            fake().plan(DOMAIN, budget=BUDGET, **settings)


def test_delta_is_needed_where_it_is_taken() -> None:
    with pytest.raises(PlanError, match="smartnoise-mst needs a delta above 0"):
        fake("mst").plan(DOMAIN, budget=Budget(epsilon=1.0, delta=0.0))
    assert fake("mwem").plan(DOMAIN, budget=Budget(epsilon=1.0, delta=0.0)).event == ForeignClaim(1.0, 0.0)


def test_rows_come_back_in_the_domain(tmp_path: Path) -> None:
    model = fit(fake(), tmp_path / "ledger", seed=None)
    assert isinstance(model, ForeignModel)
    table = model.sample(seed=0)
    assert list(table.columns) == [column.name for column in DOMAIN]
    assert len(table) == 300 == model.total
    assert table["age"].dropna().between(0, 90).all()
    assert model.sample(700, seed=1).equals(model.sample(700, seed=1))
    assert len(model.sample(0)) == 0
    assert model.project(("class", "age")).sum() == pytest.approx(300)
    assert model.project(("income",)).shape == (model.project(("income",)).size,)


def test_what_crosses_is_coded_on_public_cells(tmp_path: Path) -> None:
    table = chain(300)
    model = fit(fake(act="echo"), tmp_path / "ledger", table, letters(), seed=None)
    assert np.array_equal(model.rows, table.to_numpy().astype(int))
    assert model.grids == {}
    wide = fake().plan(DOMAIN, budget=BUDGET)
    assert {name: grid.size <= 32 + 4 for name, grid in wide.task.groupings.items()} == dict.fromkeys(
        ("age", "income", "score", "since"), True
    )


def test_the_claim_is_charged_before_a_row_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = tmp_path / "ledger"
    seen: list[Any] = []

    def look(self: Any, *arguments: Any) -> Any:
        seen.append(show(ledger)["accounts"][0]["spent"])
        return found(self, *arguments)

    table = opened(ledger, seed=None)
    found = type(table._PrivateTable__engine).batches
    monkeypatch.setattr(type(table._PrivateTable__engine), "batches", look)
    fake().plan(DOMAIN, budget=BUDGET).fit(table)
    assert seen == [1.0]


def test_the_ledger_verifies_and_replays(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    first = fit(fake(), ledger, seed=None)
    assert verify(ledger).ok
    second = fit(fake(), ledger, seed=None)
    assert np.array_equal(first.rows, second.rows)
    assert first.measurements[0].event_id == second.measurements[0].event_id
    (account,) = show(ledger)["accounts"]
    assert account["charges"] == 1
    facts = ledger_extract(opened(ledger, seed=None))
    assert facts["draws"][0]["query"]["parameters"]["synthesizer"] == "mst"
    assert facts["draws"][0]["mechanism"] == {"name": "claimed", "bridge": "smartnoise", "epsilon": 1.0, "delta": 1e-5}


def test_two_claims_add_up_and_a_cap_refuses_a_third(tmp_path: Path) -> None:
    ledger, cap = tmp_path / "ledger", Budget(epsilon=2.0, delta=2e-5)
    table = opened(ledger, seed=None, cap=cap)
    for name in ("mst", "aim"):
        fake(name).plan(DOMAIN, budget=BUDGET).fit(table)
    assert show(ledger)["accounts"][0]["spent"] == pytest.approx(2.0)
    with pytest.raises(BudgetRefused, match="The cap of the account"):
        fake("mwem").plan(DOMAIN, budget=BUDGET).fit(table)
    assert verify(ledger).ok


def test_a_claim_and_a_generator_of_ours_do_not_share_an_account(tmp_path: Path) -> None:
    table = opened(tmp_path / "ledger", seed=None, cap=Budget(epsilon=5.0, delta=1e-4))
    fake().plan(DOMAIN, budget=BUDGET).fit(table)
    with pytest.raises(AccountingError, match="another ledger"):
        generator_named("independent").plan(DOMAIN, budget=BUDGET).fit(table)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("die", "ended by signal 9"),
        ("garbage", "cannot be read"),
        ("outside", "gave rows outside the domain"),
        ("few", "gave no table of the asked number of rows"),
    ],
)
def test_what_fails_keeps_its_charge(act: str, words: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    with pytest.raises(BridgeError, match=words):
        fit(fake(act=act), ledger, seed=None)
    (account,) = show(ledger)["accounts"]
    assert account["spent"] == 1.0
    assert [charge["state"] for charge in show(ledger)["charges"]] == ["burned"]
    assert verify(ledger).ok


def test_a_model_is_saved_and_loaded(tmp_path: Path) -> None:
    model = fit(fake("dpgan"), tmp_path / "ledger", seed=None)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again, ForeignModel)
    assert again.sample(50, seed=3).equals(model.sample(50, seed=3))
    assert again.describe() == model.describe()
    assert again.warnings == model.warnings
    facts = json.loads((tmp_path / "model" / "model.json").read_text())
    (tmp_path / "model" / "model.json").write_text(json.dumps(facts | {"cannot_certify": ""}))
    with pytest.raises(BundleError, match="corrupt"):
        load(tmp_path / "model")


@pytest.mark.parametrize("name", NAMES)
def test_every_model_says_what_its_claim_is_worth(name: str, tmp_path: Path) -> None:
    model = fit(fake(name), tmp_path / "ledger", people(50), seed=None)
    gan = name.endswith("gan")
    assert "is its own claim, not checked here" in model.warnings[0]
    assert ("Claim not supported: can never certify." in model.warnings[-1]) is gan
    assert bool(model.describe()["cannot_certify"]) is gan
    assert "total" not in model.describe()


def test_bad_questions_of_a_model(tmp_path: Path) -> None:
    model = fit(fake(), tmp_path / "ledger", chain(50), letters(), seed=None)
    with pytest.raises(InputError, match="sample needs a whole n"):
        model.sample(-1)
    with pytest.raises(PlanError, match="not usable: z"):
        model.project(("z",))


def test_impossible_tasks_charge_nothing(tmp_path: Path) -> None:
    plan = fake(rows=0).plan(DOMAIN, budget=BUDGET)
    table = opened(tmp_path / "ledger", seed=None)
    with table.reserve(CLAIM, job={"a": 1}, budget=BUDGET) as grant:
        with pytest.raises(PlanError, match="gives from 1 to 10,000,000 rows"):
            grant.foreign(plan.task, plan.bridge, plan.claim)
        with pytest.raises(PlanError, match="A claim of others was given for the bridge smartnoise"):
            grant.foreign(plan.task, plan.bridge, Claimed("others", 1.0, 1e-5))
        with pytest.raises(AccountingError, match="does not hold this foreign_claim event"):
            good = fake().plan(DOMAIN, budget=BUDGET)
            grant.foreign(good.task, good.bridge, Claimed("smartnoise", 2.0, 1e-5))
    with pytest.raises(DpsynthError, match="NonPrivate"):
        table.reserve(NonPrivate("a"), job={}, budget=BUDGET)
    assert ADD_REMOVE is table.relation
