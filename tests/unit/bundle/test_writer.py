"""From a table to a folder: whole or not at all, paid once, found again."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import SafetensorError

from dpsynth.bundle import Bundle, make_plan, read_bundle
from dpsynth.domain import NeighbouringRelation, read_domain_file, rows, write_domain
from dpsynth.errors import BudgetError, BudgetRefused, DomainError, InputError, OutputError, PlanError
from tests.unit.bundle.fakes import DOMAIN, FakeGate, FakeGenerator, FakeModel, FakePlan

Make = Callable[..., Bundle]


def _tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --------------------------------------------------------------------------------------------------- what is written


def test_a_release_holds_all_that_belongs_to_it(make: Make, tmp_path: Path) -> None:
    bundle = make(seed=5, unit=rows(2))
    assert sorted(_tree(bundle.path)) == ["domain.toml", "model/model.json", "release.json", "synthetic.csv"]
    facts = json.loads((bundle.path / "release.json").read_text())
    assert facts == bundle.facts
    assert facts["request"]["job"]["generator"] == "fake"
    assert facts["guarantee"]["unit"] == "rows(2)"
    assert facts["guarantee"]["relation"] == "add_remove"
    assert facts["guarantee"]["promised"] == {"epsilon": 1.0, "delta": 1e-5}
    assert facts["guarantee"]["certified"]["accountant"]
    assert facts["guarantee"]["event"]["kind"] == "gaussian"
    assert facts["steps"] == [{"name": "columns", "share": 1.0, "answers": 3, "detail": "every column once"}]
    assert facts["ledger"] == {"draws": [{"event_id": "event-1"}]}
    assert facts["sampling"] == {"rows": 50, "seed": 5}
    assert facts["private"] is True
    assert facts["entropy"] == "operating system"
    assert facts["warnings"] == []
    assert facts["domain"]["digest"] == DOMAIN.digest()
    assert facts["model"] == {"total": 50.0, "cliques": [["sex"]], "cells": 3}
    assert read_domain_file(bundle.path / "domain.toml").domain == DOMAIN
    assert read_domain_file(bundle.path / "domain.toml").unit == rows(2)
    assert len(bundle.synthetic()) == 50
    assert not any(p.name.startswith(".") for p in tmp_path.iterdir())


def test_parquet(make: Make) -> None:
    bundle = make(format="parquet", rows=7)
    assert bundle.table_path.name == "synthetic.parquet"
    assert bundle.synthetic().shape == (7, 2)


def test_equal_requests_with_a_seed_are_equal_byte_for_byte(make: Make, tmp_path: Path) -> None:
    first, second = make(seed=1), make(seed=1, out=tmp_path / "other")
    assert _tree(first.path) == _tree(second.path)
    assert _tree(make(seed=2, out=tmp_path / "third").path) != _tree(first.path)


def test_a_seed_that_is_not_given_is_fresh_and_recorded(make: Make, tmp_path: Path) -> None:
    seeds = {make(out=tmp_path / str(i)).facts["sampling"]["seed"] for i in range(3)}
    assert len(seeds) == 3
    bundle = read_bundle(tmp_path / "0")
    again = bundle.model().sample(50, seed=bundle.facts["sampling"]["seed"])
    assert again["age"].tolist() == bundle.synthetic()["age"].tolist()


def test_progress_names_public_stages(make: Make) -> None:
    heard: list[tuple[str, float]] = []
    make(progress=lambda stage, share: heard.append((stage, share)))
    assert [stage for stage, _ in heard] == ["measure", "sample", "write", "publish"]


# ----------------------------------------------------------------------------------------------------------- warnings


def test_warnings_of_a_release(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = FakePlan.fit

    def seeded(self: FakePlan, table: object, progress: object = None) -> FakeModel:
        model = fit(self, table)
        return replace(model, warnings=("from the model",), private=False)

    monkeypatch.setattr(FakePlan, "fit", seeded)
    bundle = make()
    assert bundle.facts["private"] is False
    assert bundle.facts["entropy"] == "seeded for a test: NOT PRIVATE"
    assert [w.partition(":")[0] for w in bundle.warnings] == ["from the model", "NOT PRIVATE"]


# -------------------------------------------------------------------------------------------- paid once, found again


def test_the_same_release_is_returned_as_it_stands_at_no_cost(make: Make, gate: FakeGate) -> None:
    first = make()
    before = _tree(first.path)
    again = make()
    assert again.release_id == first.release_id
    assert _tree(first.path) == before
    assert gate.charges == 1


def test_the_same_answers_may_be_sampled_elsewhere_at_no_cost(make: Make, gate: FakeGate, tmp_path: Path) -> None:
    first = make()
    second = make(out=tmp_path / "second", rows=10, format="parquet")
    assert second.release_id == first.release_id
    assert gate.charges == 1


@pytest.mark.parametrize(
    "change", [{"rows": 3}, {"seed": 3}, {"format": "parquet"}, {"epsilon": 2.0}, {"unit": rows(2)}, {"label": "sex"}]
)
def test_another_release_in_the_folder_is_kept_and_nothing_is_charged(
    make: Make, gate: FakeGate, change: dict[str, object]
) -> None:
    first = make()
    before = _tree(first.path)
    with pytest.raises(OutputError, match=r"it holds another release .*\nNothing was charged\."):
        make(**change)
    assert _tree(first.path) == before
    assert (gate.charges, gate.opened) == (1, 1)


def test_overwrite_lets_an_older_release_give_way(make: Make, tmp_path: Path) -> None:
    first = make()
    second = make(epsilon=2.0, overwrite=True)
    assert second.release_id != first.release_id
    assert read_bundle(first.path).release_id == second.release_id
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_overwrite_replaces_a_damaged_release_but_never_a_stranger(make: Make, tmp_path: Path) -> None:
    first = make()
    (first.path / "synthetic.csv").write_text("spoiled")
    assert make(overwrite=True).synthetic().shape == (50, 2)
    stranger = tmp_path / "photos"
    stranger.mkdir()
    (stranger / "a.jpg").write_text("a")
    with pytest.raises(OutputError, match="holds something other than a whole release"):
        make(out=stranger, overwrite=True)
    assert _tree(stranger) == {"a.jpg": b"a"}


@pytest.mark.parametrize("change", [{"source": "others.csv"}, {"ledger": "other.ledger"}])
def test_the_same_request_on_another_table_costs_nothing_and_never_replaces(
    make: Make, gate: FakeGate, change: dict[str, str]
) -> None:
    first = make()
    with pytest.raises(OutputError, match=r"the same request on another table or ledger\.\nNothing was charged\."):
        make(**change)
    assert read_bundle(first.path).release_id == first.release_id
    assert gate.charges == 1
    assert make(**change, overwrite=True).release_id != first.release_id


def test_a_changed_table_never_replaces_and_its_answers_are_kept(make: Make, gate: FakeGate, tmp_path: Path) -> None:
    first = make()
    gate.answers.clear()  # the account is the same, the job's key is not
    with pytest.raises(OutputError, match=r"an earlier state of this table\.\nChoose another folder: the new answers"):
        make()
    assert read_bundle(first.path).release_id == first.release_id
    make(out=tmp_path / "new")
    assert gate.charges == 2


def test_a_file_a_link_and_a_damaged_bundle_stand_in_the_way(make: Make, gate: FakeGate, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(OutputError, match="a file or link of that name exists"):
            make(out=tmp_path / name)
    damaged = make(out=tmp_path / "damaged").path
    (damaged / "domain.toml").unlink()
    with pytest.raises(OutputError, match="holds something other than a whole release"):
        make(out=damaged)
    assert gate.charges == 1


def test_an_empty_folder_is_free(make: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert make().path == tmp_path / "out"


# ------------------------------------------------------------------------------------------------- nothing half-written


def test_a_refused_budget_leaves_nothing(make: Make, gate: FakeGate, tmp_path: Path) -> None:
    gate.refuse = True
    with pytest.raises(BudgetRefused, match="Budget refused"):
        make(out=tmp_path / "deep" / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_found_before_the_charge(make: Make, gate: FakeGate, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Nothing was charged"):
        make(out=tmp_path / "file" / "out")
    assert (gate.charges, gate.opened) == (0, 0)


def test_a_disk_that_fills_up_later_costs_nothing_more(
    make: Make, gate: FakeGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    def unsaved(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr("pandas.DataFrame.to_csv", full)
        with pytest.raises(OutputError, match=r"the disk is full\.\nThe answers are stored in the ledger"):
            make()
    with monkeypatch.context() as patch:
        patch.setattr(FakeModel, "save", unsaved)
        with pytest.raises(OutputError, match=r"Cannot write the model into .*\nThe answers are stored in the ledger"):
            make()
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", full)
        with pytest.raises(OutputError, match=r"the disk is full\.\nThe answers are stored in the ledger"):
            make()
    assert list(tmp_path.iterdir()) == []
    make()
    assert gate.charges == 1


def test_an_interrupt_leaves_nothing_and_costs_nothing_more(
    make: Make, gate: FakeGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FakeModel, "sample", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make()
    assert list(tmp_path.iterdir()) == []
    make()
    assert gate.charges == 1


# --------------------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"epsilon": 0.0}, BudgetError, "epsilon must be above 0"),
        ({"epsilon": float("nan")}, BudgetError, "epsilon must be a finite number"),
        ({"delta": 1.0}, BudgetError, r"delta must lie in \[0, 1\)"),
        ({"rows": 0}, InputError, "synthetic rows must be a whole number of at least 1"),
        ({"rows": 2.5}, InputError, "synthetic rows must be a whole number of at least 1"),
        ({"rows": True}, InputError, "synthetic rows must be a whole number of at least 1"),
        ({"seed": -1}, InputError, "sampling seed must be a whole number from 0"),
        ({"seed": 2**53}, InputError, "sampling seed must be a whole number from 0"),
        ({"format": "xlsx"}, InputError, "There is no table format 'xlsx'"),
        ({"generator": "gan"}, PlanError, r"There is no generator 'gan'\. Known: "),
        ({"label": "income"}, DomainError, "The label 'income' is not a column"),
    ],
)
def test_an_argument_that_cannot_be_meant_costs_nothing(
    make: Make, gate: FakeGate, change: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make(**change)
    assert (gate.charges, gate.opened) == (0, 0)


def test_a_plan_needs_no_table_and_takes_the_unit_of_the_file(tmp_path: Path) -> None:
    write_domain(DOMAIN, tmp_path / "d.toml", unit=rows(3))
    settings = {"epsilon": 1.0, "delta": 1e-5, "generator": FakeGenerator()}
    plan = make_plan(tmp_path / "d.toml", **settings, relation=NeighbouringRelation.REPLACE_ONE, label="sex")
    assert (plan.unit, plan.domain.label) == (rows(3), "sex")
    assert make_plan(tmp_path / "d.toml", **settings, unit=rows(1)).unit == rows(1)
    assert make_plan(DOMAIN, **settings).unit == rows(1)
