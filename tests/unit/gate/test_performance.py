"""Law: what is in Performance changes no event, no charge, no noise scale and no answer."""

from __future__ import annotations

import dataclasses

import pytest

from dpsynth.gate import Performance
from tests.gate.support import frame, opened, rows_of, run_job, same

VARIANTS = [Performance(), Performance(engine="memory"), Performance(engine="duckdb")]


def test_there_is_nothing_else_in_it() -> None:
    assert [field.name for field in dataclasses.fields(Performance)] == ["engine"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Performance().engine = "duckdb"  # type: ignore[misc]


def _volatile(body: dict) -> dict:
    """A row without what no two ledgers share: key, times, hashes of sketches."""
    return {k: v for k, v in body.items() if k not in ("time", "sealed", "key")}


def test_events_charges_and_answers_are_the_same(tmp_path) -> None:
    frame().to_csv(tmp_path / "t.csv", index=False)
    books, answers = [], []
    for i, performance in enumerate(VARIANTS):
        ledger = tmp_path / f"{i}.ledger"
        table = opened(ledger, tmp_path / "t.csv", performance=performance, seed_not_private=3)
        answers.append(run_job(table))
        books.append([_volatile(body) for body in rows_of(ledger)])
    assert all(same(found, answers[0]) for found in answers)
    assert all(book == books[0] for book in books)


def test_a_job_is_replayed_whatever_the_engine(tmp_path, ledger) -> None:
    frame().to_csv(tmp_path / "t.csv", index=False)
    first = run_job(opened(ledger, tmp_path / "t.csv", performance=VARIANTS[1]))
    assert same(run_job(opened(ledger, tmp_path / "t.csv", performance=VARIANTS[2])), first)
    assert [body["type"] for body in rows_of(ledger)].count("reserved") == 1
