"""The one door: from a table and a public description to a private table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.errors import InputError
from dpsynth.gate.accounts import account_for
from dpsynth.gate.ledger import Ledger
from dpsynth.gate.ledger_schema import default_ledger_path
from dpsynth.gate.opaque import without_words
from dpsynth.gate.performance import DEFAULT_PERFORMANCE, Performance
from dpsynth.gate.table import PrivateTable

__all__ = ["open_table"]


def open_table(
    source: Any,
    *,
    domain: Domain,
    unit: PrivacyUnit = rows(1),
    relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ledger: Path | str | None = None,
    account: str | None = None,
    cap: Budget | None = None,
    engine: str = "auto",
    performance: Performance = DEFAULT_PERFORMANCE,
    seed_not_private: int | None = None,
) -> PrivateTable:
    """Open a table behind the gate. Rows are read once, for their keyed identity inside the ledger.

    Args:
        source: a frame in memory, or a path or pattern of CSV or Parquet files.
        domain: the public description of the columns.
        unit: who is protected.
        relation: which tables count as neighbours; one per ledger.
        ledger: the file that remembers every charge; made where it does not exist. None means the file that
            DPSYNTH_LEDGER names, else ledger.sqlite in the user's data folder. There is no way without a ledger.
        account: the account to charge. None finds it by the rows: a copy or a slightly changed table is charged to the
            account that knows it; a sample of k from n distinct rows only where about 512 k / n is at least a few, so
            name the account of smaller ones. A name overrides the search, and is recorded.
        cap: what the account may spend in all. None: the budget of its first release.
        engine: "auto", "memory" or "duckdb"; the same as `performance.engine`.
        performance: what cannot change privacy.
        seed_not_private: a seed for tests. Everything released is stamped NOT PRIVATE and can never be certified.

    Raises:
        InputError: an argument that cannot be meant; a unit that is not built yet.
        SourceError: the table cannot be opened.
        LedgerError: the ledger cannot be used, or holds another relation, unit or cap.
    """
    if unit.kind != "rows":
        raise InputError(f"The unit {unit} is not built yet.\nMake one row per person and use rows(1), or use rows(k).")
    if account is not None and not account.strip():
        raise InputError("An account needs a name that is not empty. Leave it out to find the account by the rows.")
    if seed_not_private is not None and (isinstance(seed_not_private, bool) or not isinstance(seed_not_private, int)):
        raise InputError("seed_not_private must be a whole number, or None.")
    if engine == "auto":
        engine = performance.engine
    from dpsynth.engines.open import open_engine

    held = [source]
    del source  # An error keeps the frames that it passes through; this one shall not hold the table.
    opened = without_words(lambda: open_engine(held.pop(), domain, engine), "Nothing was charged.")
    book = Ledger.open(Path(ledger) if ledger is not None else default_ledger_path(), relation)
    with book.reading() as state:
        secret = state.secret
    fingerprint = without_words(lambda: opened.fingerprint(secret), "Nothing was charged.")
    name = account_for(book, fingerprint, unit, account, cap)
    return PrivateTable(opened, fingerprint, book, name, unit, relation, seed_not_private)
