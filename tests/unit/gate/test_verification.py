"""A ledger whose hashes are right can still lie: what verification checks beyond the bytes."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.accounting.events import Gaussian, event_to_json
from dpsynth.accounting.quantities import Budget
from dpsynth.errors import LedgerError
from dpsynth.gate import ledger_schema, raise_cap, verify, with_slack
from dpsynth.gate.answers import pack
from dpsynth.gate.chain import stored_digest
from dpsynth.gate.charges import draw
from dpsynth.gate.ledger import Ledger
from tests.gate.support import ADD_REMOVE, BUDGET, EVENT, TINY, charge, opened, python, run_job
from tests.unit.gate.test_charges import FACTS


def _append(ledger: Path, body: dict[str, Any], payload: bytes | None = None) -> None:
    """A row that the gate would never write, with the right hash."""
    with Ledger.open(ledger).writing() as book:
        book.append(body, payload)


@pytest.fixture
def busy(ledger) -> Path:
    """A ledger with a done job and an open one."""
    table = opened(ledger)
    run_job(table)
    table.reserve(TINY, job={"open": True})
    return ledger


def _reserved(**changes: Any) -> dict[str, Any]:
    return {
        "type": "reserved",
        "account": "table-1",
        "event": event_to_json(EVENT),
        "job": {},
        "purpose": "",
        "budget": None,
        "key": "00",
        "private": True,
        "dpsynth": "0.1.0",
        "time": "2026-01-01T00:00:00Z",
    } | changes


def test_a_sound_ledger(busy) -> None:
    report = verify(str(busy))
    assert report.ok
    assert (report.problems, report.warnings) == ((), ())
    assert (report.rows, report.charges) == (11, 2)
    with Ledger.open(busy).reading() as state:
        assert report.head == state.head.hex()


def test_verification_writes_nothing(busy) -> None:
    before = busy.read_bytes(), busy.stat().st_mtime_ns
    verify(busy)
    assert (busy.read_bytes(), busy.stat().st_mtime_ns) == before
    assert list(busy.parent.iterdir()) == [busy]


def test_a_charge_above_its_cap_is_found(busy) -> None:
    for i in range(6):
        _append(busy, _reserved(key=f"{i}"))
    (problem,) = verify(busy).problems
    assert problem.startswith("The account table-1 has spent epsilon 1.")
    assert problem.endswith("above its cap (epsilon 1, delta 1e-05).")


def test_a_charge_above_an_earlier_cap_is_found_however_the_cap_was_raised_later(busy) -> None:
    for i in range(6):
        _append(busy, _reserved(key=f"{i}"))
    raise_cap(busy, None, Budget(epsilon=9.0, delta=1e-5))
    raise_cap(busy, "table-1", Budget(epsilon=9.0, delta=1e-5))
    assert verify(busy).problems[0].startswith("The account table-1 has spent epsilon 1.")


def test_a_charge_above_the_cap_of_the_whole_ledger_is_found(busy) -> None:
    raise_cap(busy, None, Budget(epsilon=0.3, delta=1e-5))
    assert verify(busy).ok
    _append(busy, _reserved(event=event_to_json(TINY)))
    assert verify(busy).problems[0].startswith("The whole ledger has spent epsilon 0.4")


def test_a_charge_without_a_cap_is_found(ledger) -> None:
    opened(ledger)
    _append(ledger, _reserved())
    assert verify(ledger).problems == ("Row 4 charges an account that has no cap.",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"event": {"kind": "gaussian", "version": 1, "sigma": 1.0, "squared_sensitivity": 1}},
            "not what was reserved",
        ),
        ({"mechanism": {"name": "rounded_gaussian", "sigmas": [1.0]}}, "not what was reserved"),
        ({"draws": 2**41}, "not what was reserved"),
        ({"private": False}, "not what was reserved"),
        ({"mechanism": {"name": "none"}}, "cannot be accounted for"),
        ({"query": {"kind": "rows", "cliques": [[]]}}, "cannot be accounted for"),
        ({"query": {"kind": "total"}}, r"A row lacks what its kind needs, or holds it in another form \(KeyError\)"),
        ({"query": ["total"]}, "TypeError"),
        ({"query": {"kind": "paritysums", "orders": [[1, 2], [2, 1]]}}, "not what was reserved"),
    ],
)
def test_a_draw_that_is_not_what_was_reserved_is_found(busy, changes, message) -> None:
    charge_row = 11
    _append(busy, {"type": "running", "reservation": charge_row, "index": 0, **(FACTS | changes)})
    problems = verify(busy).problems
    assert len(problems) == 1
    assert re.search(message, problems[0])


def test_a_draw_that_was_never_reserved_is_found(busy) -> None:
    first = {"type": "running", "reservation": 11, "index": 0, **FACTS}
    facts, payload = pack([np.array(5)])
    _append(busy, first)
    _append(busy, {"type": "answer", "reservation": 11, "index": 0, **facts, "stored": stored_digest(payload)}, payload)
    assert verify(busy).ok
    _append(busy, first | {"index": 1})
    assert verify(busy).problems == ("The draws of reservation 11 are not what was reserved.",)


def test_a_swapped_answer_is_found(busy) -> None:
    with contextlib.closing(sqlite3.connect(busy)) as connection:
        connection.execute("DROP TRIGGER rows_never_change")
        payload = connection.execute("SELECT payload FROM rows WHERE seq = 7").fetchone()[0]
        connection.execute("UPDATE rows SET payload = ? WHERE seq = 9", (payload,))
        connection.execute(ledger_schema.SCHEMA[1][3])
        connection.commit()
    assert verify(busy).problems


def test_a_payload_that_belongs_to_no_row_is_found(busy) -> None:
    _append(busy, {"type": "cap", "account": "table-1", "epsilon": 2.0, "delta": 1e-5}, b"hidden")
    assert verify(busy).problems == ("What is stored beside row 12 has been changed.",)


def test_a_reserved_event_without_slack_is_found(busy) -> None:
    _append(busy, _reserved(event={"kind": "gaussian", "version": 1, "sigma": 90.0, "squared_sensitivity": 1}))
    (problem,) = verify(busy).problems
    assert "must hold Slack" in problem


def test_a_missing_ledger_is_an_error_and_not_a_finding(tmp_path) -> None:
    with pytest.raises(LedgerError, match=r"There is no ledger .*\nName the file, or set DPSYNTH_LEDGER"):
        verify(tmp_path / "none.ledger")
    with pytest.raises(LedgerError, match="There is no ledger"):
        verify(tmp_path)


def test_a_locked_ledger_is_an_error_and_not_a_finding(busy, monkeypatch) -> None:
    monkeypatch.setattr(ledger_schema, "BUSY_SECONDS", 0.05)
    with contextlib.closing(sqlite3.connect(busy, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="is locked"):
            verify(busy)
        holder.execute("ROLLBACK")
    assert verify(busy).ok


def test_a_crash_inside_a_commit_is_rolled_back_before_it_is_judged(busy) -> None:
    """A hot journal beside the file belongs to it."""
    before = verify(busy).head
    python(
        """
        import os, signal, sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        for i in range(12, 60):
            connection.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", (i, "{}" + "x" * 20000, bytes(32), None))
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        str(busy),
        expect=-9,
    )
    assert busy.with_name(busy.name + "-journal").exists()
    report = verify(busy)
    assert report.ok, report.problems
    assert report.head == before
    assert not busy.with_name(busy.name + "-journal").exists()


def test_a_ledger_that_was_set_back_is_sound_and_has_another_head(busy) -> None:
    """What cannot be seen from inside the file: keep the head elsewhere (docs/threat-model.md)."""
    old, head = busy.read_bytes(), verify(busy).head
    run_job(opened(busy), "later")
    assert verify(busy).head != head
    busy.write_bytes(old)
    assert verify(busy).ok
    assert verify(busy).head == head


def test_many_events_are_verified_in_little_time(ledger) -> None:
    """200 charges here; tests/bench/ledger.py measures 1,000."""
    book = Ledger.open(ledger, ADD_REMOVE)
    for i in range(200):
        charge(book, name=f"{i}", event=TINY, budget=BUDGET)
    start = time.process_time()
    report = verify(ledger)
    assert time.process_time() - start < 1.0
    assert (report.ok, report.charges) == (True, 200)


@pytest.mark.parametrize(("weights", "sound"), [({"weights": [1, 3]}, True), ({"weights": [1, 2]}, False), ({}, False)])
def test_weights_of_distances_are_part_of_the_event(ledger, weights, sound) -> None:
    book = Ledger.open(ledger, ADD_REMOVE)
    event = Gaussian(90.0, 1 + 9)
    made = charge(book, event=with_slack(event))
    query = {
        "kind": "distances",
        "cliques": [["colour"], ["size"]],
        "groupings": {},
        "references": ["00", "11"],
    } | weights
    noise = {"name": "rounded_gaussian", "sigmas": [90.0]}
    draw(book, made.seq, 0, FACTS | {"query": query, "mechanism": noise, "draws": 2, "event": event_to_json(event)})
    assert verify(ledger).ok is sound


def test_parities_are_checked_by_their_number(ledger) -> None:
    """A row describes thousands of sets by how many there are of each order: the event must be of that many."""
    book = Ledger.open(ledger, ADD_REMOVE)
    made = charge(book, event=with_slack(Gaussian(90.0, 3)))
    query = {"kind": "paritysums", "columns": ["colour"], "orders": [[1, 2], [2, 1]], "sets": "00", "signs": {}}
    draw(
        book,
        made.seq,
        0,
        FACTS
        | {"query": query, "mechanism": {"name": "rounded_gaussian", "sigmas": [90.0]}, "draws": 3}
        | {"event": event_to_json(Gaussian(90.0, 3))},
    )
    assert verify(ledger).ok
