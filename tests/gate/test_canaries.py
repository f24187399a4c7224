"""Strings that occur in the private table and nowhere else: no error, log, repr, output or file ever holds one."""

from __future__ import annotations

import json
import logging
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dpsynth.cli.app import main
from dpsynth.domain.columns import Category, Identifier, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.gate import ledger_extract, open_table, raise_cap, show, verify
from dpsynth.gate.identity import unpack_fingerprint
from dpsynth.gate.pages import scan
from tests.gate.support import BUDGET, EVENT, PAIR, PAIR_NOISE, TOTAL_NOISE, Total

CANARY = "canary-5Q0vTz"
NUMBERS = (77_777_123, 313.370_42)
DOMAIN = Domain(
    (
        Identifier(name="person"),
        Category(name="colour", values=("red", "green", "blue")),
        Integer(name="size", minimum=0, maximum=4),
        Real(name="weight", minimum=0.0, maximum=200.0),
    )
)
FORBIDDEN = (CANARY, "77777123", "77_777_123", "313.37042")


def _table() -> pd.DataFrame:
    n = 120
    return pd.DataFrame(
        {
            "person": [f"{CANARY}-id-{i}" for i in range(n)],
            "colour": (["red", f"{CANARY}-colour", None, "blue"] * n)[:n],
            "size": ([1, f"{CANARY}-size", NUMBERS[0], 3.0] * n)[:n],
            "weight": ([NUMBERS[1], float("nan"), f"{CANARY}-weight", -1] * n)[:n],
            "diary": [f"{CANARY}-diary-{i}" for i in range(n)],
        },
        dtype=object,
    )


def _csv(folder: Path) -> Path:
    path = folder / "private" / "t.csv"
    path.parent.mkdir()
    _table().to_csv(path, index=False)
    return path


SOURCES: dict[str, Callable[[Path], object]] = {"frame": lambda _: _table(), "csv": _csv}


@pytest.fixture
def heard(caplog, capfd):
    """Everything that was logged, warned of, printed or raised inside `attempt`."""
    caplog.set_level(logging.DEBUG)
    words: list[str] = []

    class Heard:
        def attempt(self, act: Callable[[], object]) -> object:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                try:
                    return act()
                except Exception as error:
                    words.extend(traceback.format_exception(error))
                    words.append(repr(error))
                    return None
                finally:
                    words.extend(str(w.message) for w in warned)

        def all(self) -> str:
            out, err = capfd.readouterr()
            return "\n".join([*words, *(r.getMessage() for r in caplog.records), out, err])

        def add(self, value: object) -> None:
            words.append(value if isinstance(value, str) else repr(value))

    return Heard()


def _everything(heard, source: object, ledger: Path) -> None:
    """A whole job, its replay, every report, and everything that can go wrong."""
    table = heard.attempt(lambda: open_table(source, domain=DOMAIN, ledger=ledger))
    heard.add(table)
    for _ in range(2):
        with table.reserve(EVENT, job={"n": 1}, purpose="p", budget=BUDGET) as grant:
            heard.add(grant)
            measured = (*grant.release(PAIR, PAIR_NOISE), *grant.release(Total(), TOTAL_NOISE))
            heard.attempt(lambda g=grant: g.release(PAIR, PAIR_NOISE))
    for m in measured:
        heard.add(m)
    for i in range(6):
        heard.attempt(lambda k=i: table.reserve(EVENT, job={"k": k}, purpose="p"))
    for look in (len, list, str, dict, vars, pd.DataFrame, lambda t: t["colour"], lambda t: {} | t):
        heard.attempt(lambda act=look: act(table))
    heard.attempt(lambda: open_table(source, domain=DOMAIN, ledger=ledger, account="other", cap=BUDGET))
    heard.attempt(lambda: raise_cap(ledger, "nobody", BUDGET))
    heard.add(json.dumps(show(ledger)))
    heard.add(json.dumps(ledger_extract(table, [m.event_id for m in measured])))
    heard.add(verify(ledger))
    for words in (["show"], ["verify"], ["show", "--json"], ["verify", "--json"]):
        main(["ledger", words[0], str(ledger), *words[1:]])


@pytest.mark.parametrize("source", SOURCES)
def test_no_cell_is_ever_told(source, tmp_path, ledger, heard) -> None:
    _everything(heard, SOURCES[source](tmp_path), ledger)
    told = heard.all()
    assert "table-1" in told  # it did listen
    assert "Budget refused" in told
    assert [word for word in FORBIDDEN if word in told] == []


@pytest.mark.parametrize("source", SOURCES)
def test_no_cell_is_in_any_file(source, tmp_path, ledger, heard) -> None:
    _everything(heard, SOURCES[source](tmp_path), ledger)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "private"]
    assert files == [ledger]
    for path in files:
        for word in FORBIDDEN:
            assert word.encode() not in path.read_bytes()
            assert word.encode("utf-16-le") not in path.read_bytes()


def test_key_sketches_and_job_keys_leave_the_file_in_no_form(tmp_path, ledger, heard) -> None:
    _everything(heard, _table(), ledger)
    told = heard.all()
    secrets: list[str] = []
    for row in scan(ledger.read_bytes()).rows:
        body = row.body
        if body["type"] == "ledger":
            secrets.append(row.payload.hex())
        if body["type"] == "identity":
            sketch, digest = unpack_fingerprint(row.payload)
            secrets += [digest.hex(), *map(str, sketch.tolist()), *(f"{h:016x}" for h in sketch.tolist())]
        secrets += [body[name] for name in ("key", "sealed") if name in body]
    assert len(secrets) > 20
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize("what", ["counts", "fingerprint"])
def test_an_error_deep_in_an_engine_loses_its_words(tmp_path, ledger, heard, monkeypatch, what) -> None:
    from dpsynth.engines.memory import MemoryEngine

    def fail(*_: object) -> None:
        raise ValueError(f"cannot parse {CANARY}")

    if what == "fingerprint":
        monkeypatch.setattr(MemoryEngine, "fingerprint", fail)
        heard.attempt(lambda: open_table(_table(), domain=DOMAIN, ledger=ledger))
    else:
        table = open_table(_table(), domain=DOMAIN, ledger=ledger)
        grant = table.reserve(EVENT, job={}, budget=BUDGET)
        monkeypatch.setattr(MemoryEngine, "counts", fail)
        heard.attempt(lambda: grant.release(PAIR, PAIR_NOISE))
    told = heard.all()
    assert "SourceError" in told
    assert CANARY not in told
    assert CANARY.encode() not in ledger.read_bytes()


def test_a_canary_that_is_told_would_be_heard(heard) -> None:
    """Negative control: what is raised, warned, logged or printed is heard."""

    def tell() -> None:
        warnings.warn("by warning", stacklevel=1)
        logging.getLogger("x").debug("by log")
        print("by print")
        raise ValueError("by error")

    heard.attempt(tell)
    told = heard.all()
    assert all(f"by {how}" in told for how in ("warning", "log", "print", "error"))
