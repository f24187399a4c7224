"""Flaws that a prototype and other programs had, as regressions of the gate (F1 to F7 name the prototype's)."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dpsynth.gate
from dpsynth.errors import BudgetRefused, OpaqueError
from dpsynth.gate import Marginals, RoundedGaussian, event_of, open_table, show, with_slack
from dpsynth.gate.open import open_table as door
from tests.gate.support import BUDGET, DOMAIN, EVENT, PAIR, PAIR_NOISE, FakeEngine, behind_gate, frame, opened, run_job

TRASH = [None, float("nan"), float("inf"), -0.0, "", "unheard of", "12x", 10**40, b"\xff", (1,), pd.NaT, True, object()]


def _seeded_counts(ledger: Path, source: pd.DataFrame, **settings) -> list[np.ndarray]:
    """Marginals under a test seed: equal exactly where the counts are equal."""
    table = open_table(source, domain=DOMAIN, ledger=ledger, seed_not_private=1, **settings)
    with table.reserve(EVENT, job={"n": 1}, budget=BUDGET) as grant:
        return [m.values for m in grant.release(PAIR, PAIR_NOISE)]


@pytest.mark.parametrize("bad", TRASH, ids=repr)
def test_f1_no_cell_raises(tmp_path, bad) -> None:
    """F1: a value outside the domain raised, so the exception told two neighbours apart."""
    source = frame(20).astype(object)
    for column in ("colour", "size"):
        source[column] = source[column].astype(object)
        source.at[3, column] = bad
    whole = _seeded_counts(tmp_path / "a", source)
    without = _seeded_counts(tmp_path / "b", source.drop(index=3))
    assert [np.abs(one - two).sum() for one, two in zip(whole, without, strict=True)] == [1, 1]


@pytest.mark.parametrize("bad", TRASH, ids=repr)
def test_f2_one_bad_cell_changes_no_other_row(tmp_path, bad) -> None:
    """F2: one NaN made a whole column floats, and every row another code."""
    clean = frame(20)
    dirty = clean.astype(object)
    dirty["size"] = dirty["size"].astype(object)
    dirty.at[3, "size"] = bad
    one, two = _seeded_counts(tmp_path / "a", clean), _seeded_counts(tmp_path / "b", dirty)
    assert all(np.abs(x - y).sum() <= 2 for x, y in zip(one, two, strict=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.astype({"size": float}),
        lambda t: t.astype({"size": str}),
        lambda t: t.astype({"size": "Int64", "colour": "category"}),
        lambda t: t.iloc[::-1],
        lambda t: t.set_index("note"),
        lambda t: t.convert_dtypes(),
    ],
)
def test_f2_the_same_table_in_another_form_gives_the_same_counts(tmp_path, change) -> None:
    one, two = _seeded_counts(tmp_path / "a", frame()), _seeded_counts(tmp_path / "b", change(frame()))
    assert all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))


def test_f3_nothing_that_is_handed_out_holds_a_generator(ledger) -> None:
    """F3: the fitted object kept the noise generator, which could be rolled back to the exact counts."""
    table = opened(ledger)
    with table.reserve(EVENT, job={}, budget=BUDGET) as grant:
        measured = grant.release(PAIR, PAIR_NOISE)
        slots = [
            (obj, name)
            for obj in (table, grant)
            for name in vars(type(obj))
            if name.startswith(f"_{type(obj).__name__}__")
        ]
        held = [getattr(obj, name) for obj, name in slots if not callable(getattr(obj, name))]
    assert len(held) > 10
    fields = [getattr(m, name) for m in measured for name in ("values", "event_id", "mechanism", "clique")]
    assert not any(isinstance(value, np.random.Generator | np.random.BitGenerator) for value in [*held, *fields])
    assert b"seed" not in ledger.read_bytes()


def test_f4_there_is_no_default_seed(tmp_path) -> None:
    """F4: the release was a deterministic function of the table."""
    assert inspect.signature(door).parameters["seed_not_private"].default is None
    runs = [run_job(opened(tmp_path / name)) for name in ("a", "b")]
    assert not np.array_equal(runs[0][1], runs[1][1])


def test_f5_answers_are_whole_numbers(ledger) -> None:
    """F5: floating-point noise on integer counts ruled out neighbours by its low bits."""
    assert {values.dtype for values in run_job(opened(ledger))} == {np.dtype(np.int64)}


def test_f6_a_second_fit_is_charged_or_refused(ledger) -> None:
    """F6: fitting twice spent the budget twice and reported it once."""
    table = opened(ledger)
    spent = []
    for name in ("first", "second"):
        run_job(table, name)
        spent.append(show(ledger)["accounts"][0]["spent"])
    assert spent[0] < spent[1] <= BUDGET.epsilon
    for i in range(3):
        run_job(table, f"more {i}")
    with pytest.raises(BudgetRefused):
        run_job(opened(ledger), "one more")


def test_f6_another_handle_or_copy_of_the_table_is_the_same_purse(ledger) -> None:
    for i in range(5):
        run_job(opened(ledger, frame().copy()), f"{i}")
    with pytest.raises(BudgetRefused):
        run_job(opened(ledger, frame().sample(frac=1, random_state=1)), "one more")


def test_f7_no_check_of_the_gate_is_an_assert() -> None:
    """F7: the ledger check was an assert after the draws, gone under -O."""
    folder = Path(dpsynth.gate.__file__).parent
    for path in folder.glob("*.py"):
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text()))), path.name


def test_f7_no_clock_decides(ledger) -> None:
    """F7: fitting stopped on CPU time. The gate reads the clock for the record only."""
    folder = Path(dpsynth.gate.__file__).parent
    clocks = {
        path.name
        for path in folder.glob("*.py")
        if "datetime.now" in path.read_text() or "import time" in path.read_text()
    }
    assert clocks == {"ledger.py"}


def test_the_exact_count_is_nowhere(ledger) -> None:
    """Exact row counts were default sample sizes, log lines and noise parameters elsewhere."""
    n = 41_719
    source = pd.DataFrame({"colour": ["red"] * n, "size": [1] * n})
    table = opened(ledger, source)
    run_job(table)
    told = repr(table) + str(show(ledger)) + str(vars(type(table)).keys())
    assert "41719" not in told
    assert b"41719" not in ledger.read_bytes()
    with pytest.raises(OpaqueError):
        len(table)


def test_each_question_is_answered_once(ledger) -> None:
    """A generator that re-measured at every sample spent epsilon again: here a second answer needs a second event."""
    engine = FakeEngine()
    query, noise = Marginals((("size",),)), RoundedGaussian((12.0,))
    table = behind_gate(ledger, engine)
    with table.reserve(with_slack(event_of(query, noise, table.unit, table.relation)), job={}, budget=BUDGET) as grant:
        grant.release(query, noise)
        with pytest.raises(Exception, match="used up"):
            grant.release(query, noise)
    assert len(engine.asked) == 1


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_tiny_tables_go_the_same_way(ledger, rows) -> None:
    """No branch on the number of rows: an empty table is charged, answered and booked like any other."""
    values = run_job(opened(ledger, frame(rows)))
    assert [v.shape for v in values] == [(4,), (4, 6), ()]
    assert any(v.any() for v in values)
