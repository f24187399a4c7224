"""What the tests of the gate share: a small table, its domain, questions and events."""

from __future__ import annotations

import contextlib
import copy
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.fingerprint import Fingerprint
from dpsynth.gate import (
    Marginals,
    PrivateTable,
    RoundedGaussian,
    Total,
    event_of,
    open_table,
    with_slack,
)
from dpsynth.gate.accounts import account_for
from dpsynth.gate.charges import Charge, Wish, reserve
from dpsynth.gate.grant import Grant
from dpsynth.gate.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
ADD_REMOVE = NeighbouringRelation.ADD_REMOVE
REPLACE_ONE = NeighbouringRelation.REPLACE_ONE

DOMAIN = Domain((Category(name="colour", values=("red", "green", "blue")), Integer(name="size", minimum=0, maximum=4)))
BUDGET = Budget(epsilon=1.0, delta=1e-5)
PAIR = Marginals((("colour",), ("colour", "size")))
PAIR_NOISE = RoundedGaussian((12.0, 15.0))
TOTAL_NOISE = RoundedGaussian((20.0,))
EVENT = with_slack(event_of(PAIR, PAIR_NOISE, rows(1), ADD_REMOVE), event_of(Total(), TOTAL_NOISE, rows(1), ADD_REMOVE))
"""What PAIR and then Total cost: about epsilon 0.5 at delta 1e-5."""
TINY = with_slack(event_of(Total(), RoundedGaussian((2000.0,)), rows(1), ADD_REMOVE))
"""An event of which an account affords tens of thousands."""


def frame(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """n rows of the domain, no two seeds alike; `note` is not in the domain and never read."""
    rng = np.random.default_rng(seed)
    colours = np.array(["red", "green", "blue", "plaid", None], dtype=object)
    return pd.DataFrame(
        {
            "note": [f"note-{seed}-{i}" for i in range(n)],
            "colour": rng.choice(colours, n),
            "size": rng.integers(-1, 6, n),
        }
    )


def wide_domain(columns: int = 6) -> Domain:
    """Integers with many values, so that nearly every row of a table is its own."""
    return Domain(tuple(Integer(name=f"c{i}", minimum=0, maximum=999_999) for i in range(columns)))


def wide_frame(n: int = 2000, seed: int = 0, columns: int = 6) -> pd.DataFrame:
    """n rows, all different."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.integers(0, 1_000_000, (n, columns)), columns=[f"c{i}" for i in range(columns)])


def opened(ledger: Path, source: Any = None, **settings: Any) -> PrivateTable:
    """The small table behind the gate."""
    return open_table(frame() if source is None else source, **({"domain": DOMAIN, "ledger": ledger} | settings))


def run_job(table: PrivateTable, name: str = "job", budget: Budget | None = BUDGET) -> list[Any]:
    """PAIR, then Total, under EVENT: the values of the three measurements."""
    with table.reserve(EVENT, job={"name": name}, purpose="test", budget=budget) as grant:
        measured = (*grant.release(PAIR, PAIR_NOISE), *grant.release(Total(), TOTAL_NOISE))
    return [m.values for m in measured]


def same(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    """Whether two runs gave the same answers."""
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


class FakeEngine(AbstractEngine):
    """Counts from a function; the identity is a number."""

    def __init__(self, domain: Domain = DOMAIN, identity: int = 1, during: Any = None) -> None:
        self.encoder = TableEncoder(domain)
        self.identity = identity
        self.during = during
        self.asked: list[tuple[tuple[str, ...], ...]] = []

    def on_grids(self, encoder: TableEncoder) -> FakeEngine:
        other = copy.copy(self)
        other.encoder = encoder
        return other

    def values(self) -> Iterator[Any]:
        raise NotImplementedError

    def batches(self) -> Iterator[list[np.ndarray]]:
        raise NotImplementedError

    def counts(self, cliques: Sequence[tuple[str, ...]], groupings: Mapping[str, Any]) -> list[np.ndarray]:
        self.asked.append(tuple(cliques))
        if self.during is not None:
            self.during()
        sizes = self.encoder.sizes
        return [np.full([groupings[n].size if n in groupings else sizes[n] for n in c], 100, np.int64) for c in cliques]

    def fingerprint(self, key: bytes) -> Fingerprint:
        return identity(self.identity)


def identity(number: int) -> Fingerprint:
    """A table identity that overlaps with no other number's."""
    base = np.uint64(number * 1_000_000)
    return Fingerprint(np.arange(300, dtype=np.uint64) + base, number.to_bytes(16, "big"), bytes(16))


def behind_gate(
    ledger: Path,
    engine: FakeEngine,
    seed: int | None = None,
    unit: PrivacyUnit = rows(1),
    relation: NeighbouringRelation = ADD_REMOVE,
) -> PrivateTable:
    """A private table on a fake engine."""
    book = Ledger.open(ledger, relation)
    fingerprint = engine.fingerprint(b"")
    return PrivateTable(engine, fingerprint, book, account_for(book, fingerprint, unit), unit, relation, seed)


def charge(
    book: Ledger, number: int = 1, name: str = "job", event: Any = EVENT, budget: Budget | None = BUDGET
) -> Charge:
    """Reserve for the table of that identity."""
    account = account_for(book, identity(number), rows(1))
    return reserve(book, account, identity(number), Wish(event, {"name": name}, "test", budget, None))


def rows_of(ledger: Path) -> list[dict[str, Any]]:
    """The bodies of all committed rows, read by a second connection."""
    import json
    import sqlite3

    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        return [json.loads(text) for (text,) in connection.execute("SELECT body FROM rows ORDER BY seq")]


def kinds_of(ledger: Path) -> list[str]:
    """The types of all committed rows."""
    return [body["type"] for body in rows_of(ledger)]


def python(code: str, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run a script in a child process, from the root of the repository."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert expect is None or done.returncode == expect, done.stdout + done.stderr
    return done


__all__ = [name for name in dir() if not name.startswith("_")] + ["Grant"]
