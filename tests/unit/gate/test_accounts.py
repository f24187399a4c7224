"""Which account a table is charged to: a copy cannot reset its budget."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import rows
from dpsynth.errors import InputError, LedgerError
from dpsynth.gate import open_table
from dpsynth.gate.accounts import account_for, book_non_private, set_cap
from dpsynth.gate.ledger import Ledger
from tests.gate.support import (
    ADD_REMOVE,
    BUDGET,
    DOMAIN,
    frame,
    identity,
    kinds_of,
    opened,
    rows_of,
    wide_domain,
    wide_frame,
)


def _account(ledger, source, **settings) -> str:
    return open_table(source, domain=wide_domain(), ledger=ledger, **settings).account


def _changed(table: pd.DataFrame) -> pd.DataFrame:
    changed = table.copy()
    changed.iloc[:200, 0] = (changed.iloc[:200, 0] + 1) % 1_000_000
    return changed


SAME_TABLE = {
    "a copy": lambda t: t.copy(),
    "another order": lambda t: t.sample(frac=1, random_state=1),
    "another index": lambda t: t.set_index(np.arange(len(t)) + 7),
    "another order of columns": lambda t: t[t.columns[::-1]],
    "as floats": lambda t: t.astype(float),
    "as text": lambda t: t.astype(str),
    "as objects": lambda t: t.astype(object),
    "as Arrow": lambda t: __import__("pyarrow").Table.from_pandas(t),
    "as polars": lambda t: __import__("polars").from_pandas(t),
    "with a column more": lambda t: t.assign(extra=1),
    "every row twice": lambda t: pd.concat([t, t]),
    "a tenth of its rows": lambda t: t.iloc[::10],
    "rows added": lambda t: pd.concat([t, wide_frame(1500, seed=9)]),
    "a cell of every tenth row changed": _changed,
}


@pytest.mark.parametrize("change", SAME_TABLE.values(), ids=SAME_TABLE)
def test_the_same_table_in_another_form_is_charged_to_the_same_account(ledger, change) -> None:
    table = wide_frame()
    first = _account(ledger, table)
    assert _account(ledger, change(table)) == first
    assert _account(ledger, wide_frame(seed=77)) != first  # and a table of other rows is not


def test_a_file_is_the_same_table_as_its_frame(ledger, tmp_path) -> None:
    table = wide_frame()
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    names = {_account(ledger, source) for source in (table, tmp_path / "t.csv", str(tmp_path / "t.parquet"))}
    assert names == {"table-1"}
    assert kinds_of(ledger) == ["ledger", "account", "identity"]  # one identity: the digests agree


def test_a_chain_of_small_changes_stays_with_its_account(ledger) -> None:
    table = wide_frame()
    names = {_account(ledger, table)}
    for start in range(0, 2000, 400):
        table.iloc[start : start + 400, 0] = (table.iloc[start : start + 400, 0] + 1) % 1_000_000
        names.add(_account(ledger, table))
    assert names == {"table-1"}


def test_a_sliding_window_stays_with_its_account(ledger) -> None:
    rows_ever = wide_frame(2000 + 40 * 100)
    names = {_account(ledger, rows_ever.iloc[day * 100 : day * 100 + 2000]) for day in range(40)}
    assert names == {"table-1"}
    assert kinds_of(ledger).count("identity") == 40
    assert _account(ledger, rows_ever.iloc[:2000]) == "table-1"  # the first window is still known, by its digest
    assert kinds_of(ledger).count("identity") == 40


def test_a_window_that_was_not_opened_meanwhile_is_another_table(ledger) -> None:
    rows_ever = wide_frame(4000)
    assert _account(ledger, rows_ever.iloc[:2000]) == "table-1"
    assert _account(ledger, rows_ever.iloc[1900:3900]) == "table-2"


def test_a_small_sample_of_a_large_table_may_be_declared_and_a_large_one_is_recognised(ledger) -> None:
    """512 k / n rows of a sample are expected in the table's sketch: 0.1 of four rows, 26 of a thousand."""
    table = wide_frame(20_000)
    assert _account(ledger, table) == "table-1"
    assert _account(ledger, table.iloc[4:8], account="table-1") == "table-1"
    assert _account(ledger, table.iloc[::20]) == "table-1"  # 512 k / n = 26


def test_opening_a_known_table_writes_nothing(ledger) -> None:
    opened(ledger)
    before = ledger.read_bytes()
    opened(ledger, frame().iloc[::-1])
    assert ledger.read_bytes() == before


def test_a_declared_account_overrides_the_search_and_is_recorded(ledger) -> None:
    assert opened(ledger).account == "table-1"
    assert opened(ledger, account="census 2026").account == "census 2026"
    account = rows_of(ledger)[-2]
    assert (account["type"], account["declared"], account["overrides"]) == ("account", True, "table-1")
    assert opened(ledger).account == "table-1"


def test_a_declared_account_takes_tables_that_have_nothing_in_common(ledger) -> None:
    assert _account(ledger, wide_frame(), account="both") == "both"
    assert _account(ledger, wide_frame(seed=5), account="both") == "both"
    assert _account(ledger, wide_frame(seed=5)) == "both"


def test_new_names_do_not_collide_with_declared_ones(ledger) -> None:
    book = Ledger.open(ledger, ADD_REMOVE)
    assert account_for(book, identity(1), rows(1), declared="table-2") == "table-2"
    assert account_for(book, identity(2), rows(1)) == "table-3"


def test_a_unit_is_fixed_per_account(ledger) -> None:
    opened(ledger)
    with pytest.raises(LedgerError, match=r"protects rows\(1\); rows\(2\) was asked\.\nUse the unit of the account"):
        opened(ledger, unit=rows(2))
    assert opened(ledger, unit=rows(2), account="twos").unit == rows(2)


def test_a_cap_is_set_once_and_then_on_purpose(ledger) -> None:
    cap = Budget(epsilon=3.0, delta=1e-6)
    opened(ledger, cap=cap)
    opened(ledger, cap=cap)
    assert kinds_of(ledger).count("cap") == 1
    with pytest.raises(
        LedgerError, match=r"has the cap \(epsilon 3, delta 1e-06\); \(epsilon 1, delta 1e-05\) was asked"
    ):
        opened(ledger, cap=BUDGET)
    set_cap(Ledger.open(ledger), "table-1", BUDGET, "more people")
    assert opened(ledger, cap=BUDGET).account == "table-1"
    assert rows_of(ledger)[-1]["reason"] == "more people"


def test_unknown_accounts_are_refused(ledger) -> None:
    opened(ledger)
    with pytest.raises(InputError, match=r"no account 'tabel-1'\.\nAccounts: table-1"):
        set_cap(Ledger.open(ledger), "tabel-1", BUDGET)
    with pytest.raises(InputError, match="no account"):
        book_non_private(Ledger.open(ledger), "other", "audit")


def test_a_look_without_noise_is_booked(ledger) -> None:
    opened(ledger)
    book_non_private(Ledger.open(ledger), "table-1", "internal audit page")
    assert kinds_of(ledger)[-1] == "non_private"


def test_one_relation_per_ledger_however_the_account_is_named(ledger) -> None:
    from tests.gate.support import REPLACE_ONE

    opened(ledger)
    with pytest.raises(LedgerError, match="One ledger has one neighbouring relation"):
        open_table(frame(seed=3), domain=DOMAIN, ledger=ledger, relation=REPLACE_ONE, account="new")
