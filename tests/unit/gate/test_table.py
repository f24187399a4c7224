"""A private table shows nothing by accident."""

from __future__ import annotations

import copy
import json
import math
import pickle  # noqa: TID251  (to see that it fails)
import re

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.errors import InputError, OpaqueError
from dpsynth.gate import PrivateTable
from tests.gate.support import ADD_REMOVE, BUDGET, DOMAIN, EVENT, opened

ATTEMPTS = {
    "len": len,
    "bool": bool,
    "iter": iter,
    "next": next,
    "list": list,
    "reversed": reversed,
    "in": lambda t: "red" in t,
    "item": lambda t: t["colour"],
    "slice": lambda t: t[:5],
    "set item": lambda t: t.__setitem__(0, 1),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "reduce": lambda t: t.__reduce_ex__(2),
    "getstate": lambda t: t.__getstate__(),
    "int": int,
    "float": float,
    "index": lambda t: range(t),
    "bytes": bytes,
    "memoryview": memoryview,
    "less": lambda t: t < 1,
    "plus": lambda t: t + 1,
    "np.array": np.array,
    "np.asarray": np.asarray,
    "np.sum": np.sum,
    "np.exp": np.exp,
    "array interface": lambda t: t.__array_interface__,
    "array struct": lambda t: t.__array_struct__,
    "math.sqrt": math.sqrt,
    "DataFrame": pd.DataFrame,
    "Series": pd.Series,
    "pd.concat": lambda t: pd.concat([t]),
    "from_dataframe": pd.api.interchange.from_dataframe,
    "pa.table": lambda t: __import__("pyarrow").table(t),
    "pa.array": lambda t: __import__("pyarrow").array(t),
    "polars": lambda t: __import__("polars").DataFrame(t),
    "narwhals": lambda t: __import__("narwhals").from_native(t),
    "arrow stream": lambda t: t.__arrow_c_stream__(),
    "dataframe protocol": lambda t: t.__dataframe__(),
    "json": json.dumps,
    "vars": vars,
    "dict": dict,
    "unpack": lambda t: [*t],
}
ALLOWED = (OpaqueError, TypeError, AttributeError)


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_an_attempt_to_look_fails_and_says_nothing(ledger, attempt) -> None:
    table = opened(ledger)
    with pytest.raises(Exception) as raised:
        attempt(table)
    error: BaseException | None = raised.value
    while error is not None:
        assert not re.search(r"\b(red|green|blue|plaid)\b", str(error))
        assert "200" not in str(error)
        error = error.__cause__
    if isinstance(raised.value, OpaqueError):
        assert "does not show its rows, their number or a copy of itself.\nAsk a noisy question" in str(raised.value)


@pytest.mark.parametrize("name", ["len", "bool", "iter", "in", "item", "copy", "deepcopy", "pickle", "np.asarray"])
def test_the_commonest_attempts_are_told_what_to_do(ledger, name) -> None:
    with pytest.raises(OpaqueError):
        ATTEMPTS[name](opened(ledger))


def test_a_grant_shows_nothing_either(ledger) -> None:
    with opened(ledger).reserve(EVENT, job={}, budget=BUDGET) as grant:
        for name in ("len", "bool", "iter", "copy", "pickle", "np.asarray"):
            with pytest.raises(OpaqueError, match="A Grant does not show"):
                ATTEMPTS[name](grant)
        assert repr(grant) == f"Grant(reservation {grant.reservation} of {ledger.name}, open)"
        assert grant.event == EVENT
        assert grant.private
    assert repr(grant).endswith("closed)")


def test_what_is_public(ledger) -> None:
    table = opened(ledger)
    assert table.domain == DOMAIN
    assert table.encoder.names == ("colour", "size")
    assert (table.account, str(table.unit), table.relation) == ("table-1", "rows(1)", ADD_REMOVE)
    assert table.ledger_path == ledger.resolve()
    assert table.private


def test_its_words_are_public(ledger) -> None:
    table = opened(ledger)
    expected = "PrivateTable(2 columns, account 'table-1', unit rows(1), add_remove, ledger test.ledger)"
    assert repr(table) == str(table) == f"{table}" == f"{table:>5}" == expected
    assert "NOT PRIVATE: seeded for a test" in repr(opened(ledger, seed_not_private=1))


def test_no_attribute_holds_a_row(ledger) -> None:
    table = opened(ledger)
    assert not hasattr(table, "__dict__")
    public = {"account", "domain", "encoder", "ledger_path", "private", "relation", "reserve", "unit"}
    assert set(dir(table)) == public
    assert {type(getattr(table, name)).__module__.split(".")[0] for name in public} <= {
        "builtins",
        "dpsynth",
        "pathlib",
    }


def test_nothing_can_be_hung_on_it(ledger) -> None:
    with pytest.raises(AttributeError):
        opened(ledger).rows = 1  # type: ignore[attr-defined]


def test_it_can_be_compared_and_kept_in_a_set(ledger) -> None:
    table = opened(ledger)
    assert len({table, table}) == 1
    assert isinstance(table, PrivateTable)


@pytest.mark.parametrize("job", [{"x": float("nan")}, {"x": {1, 2}}, {"x": np.zeros(2)}])
def test_a_job_is_plain_json(ledger, job) -> None:
    with pytest.raises(InputError, match="A job must be plain JSON"):
        opened(ledger).reserve(EVENT, job=job, budget=BUDGET)


def test_a_budget_per_reservation(ledger) -> None:
    table = opened(ledger, cap=Budget(epsilon=3.0, delta=1e-5))
    with table.reserve(EVENT, job={"n": 1}) as grant:
        assert not grant.replayed
