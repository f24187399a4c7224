"""What an error that crossed the gate still holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dpsynth.engines.memory import MemoryEngine
from dpsynth.errors import BudgetRefused, DomainError, SourceError
from dpsynth.gate import grant as grant_module
from dpsynth.gate import open_table
from dpsynth.gate.opaque import without_words
from tests.gate.support import BUDGET, DOMAIN, EVENT, PAIR, PAIR_NOISE, frame, opened

CANARY = "canary-41ad"


class Hidden(BaseException):
    """No Exception, as polars' panics are."""


def _frames(error: BaseException) -> Iterator[FrameType]:
    """All frames that an error and what is chained to it keep, but for the test's own."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__:
            yield trace.tb_frame
        trace = trace.tb_next
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield from _frames(other)


def _inside(value: Any, depth: int = 4) -> Iterator[Any]:
    """A value and what its containers, closures and errors hold."""
    yield value
    if depth:
        inner: list[Any] = []
        if isinstance(value, (list, tuple, set)):
            inner = list(value)
        elif isinstance(value, dict):
            inner = list(value.values())
        elif isinstance(value, BaseException):
            inner = [*value.args, *(v for f in _frames(value) for v in f.f_locals.values())]
        elif callable(value) and getattr(value, "__closure__", None):
            inner = [cell.cell_contents for cell in value.__closure__ if cell != type(cell)()]
        for item in inner:
            yield from _inside(item, depth - 1)


def held(error: BaseException) -> list[Any]:
    """What of a table the frames of an error show: arrays, frames, Arrow objects, texts of cells."""
    kinds = (np.ndarray, pd.DataFrame, pd.Series, pa.Array, pa.ChunkedArray, pa.Table, pa.RecordBatch, memoryview)
    values = [v for f in _frames(error) for local in f.f_locals.values() for v in _inside(local)]
    return [v for v in values if isinstance(v, kinds) or (isinstance(v, (str, bytes)) and CANARY in str(v))]


def _deep(error: BaseException) -> Callable[[], Any]:
    """Raises the error from a frame that holds cells, itself while another is handled."""

    def act() -> None:
        counts, cell = np.arange(3), CANARY
        try:
            raise ValueError(cell, counts)
        except ValueError:
            raise error  # noqa: B904

    return act


OWN = SourceError("a public sentence")
ERRORS = [OWN, DomainError("a public sentence"), BudgetRefused("1", "2", "3", "hint"), ValueError(CANARY), Hidden(CANARY),
          SystemExit(CANARY), GeneratorExit(CANARY), KeyboardInterrupt(CANARY)]  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_no_frame_of_the_crossing_is_kept(error: BaseException) -> None:
    with pytest.raises(BaseException) as caught:
        without_words(_deep(error), "Nothing was charged.")
    assert caught.value is not error
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert [f.f_code.co_name for f in _frames(caught.value)] == ["without_words"]
    assert held(caught.value) == []
    assert CANARY not in str(caught.value)


def test_the_walk_finds_what_an_error_holds() -> None:
    """Negative control: the same error without the gate."""
    with pytest.raises(ValueError, match="broadcast") as caught:
        np.insert(np.arange(3), [0, 1], np.arange(4))
    assert len(held(caught.value)) > 0


def test_words_of_our_own_errors_pass() -> None:
    with pytest.raises(BudgetRefused, match="requested 1, remaining 2, short by 3") as refused:
        without_words(_deep(BudgetRefused("1", "2", "3", "hint")), "x")
    assert (refused.value.requested, refused.value.remaining, refused.value.short_by) == ("1", "2", "3")
    assert str(refused.value).endswith("\nhint")
    with pytest.raises(DomainError, match="^a public sentence$"):
        without_words(_deep(DomainError("a public sentence")), "x")


def test_only_the_built_in_kind_of_a_foreign_error_is_told() -> None:
    named = type(CANARY, (LookupError,), {})
    for error, kind in ((named(), "LookupError"), (Hidden(), "BaseException"), (SystemExit(CANARY), "SystemExit")):
        with pytest.raises(SourceError, match=rf"^The table could not be read \({kind}\)\.\nConsequence\. Check"):
            without_words(_deep(error), "Consequence.")


def test_an_interrupt_has_no_words() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        without_words(_deep(KeyboardInterrupt(CANARY)), "x")
    assert caught.value.args == ()


@pytest.mark.parametrize("error", [OWN, ValueError(CANARY), Hidden(CANARY)], ids=["own", "foreign", "outside"])
def test_a_release_that_fails_holds_no_count(ledger: Path, error: BaseException, monkeypatch: Any) -> None:
    """The sampler fails when the exact counts are at hand."""

    def fail(exact: Any, *_: Any) -> None:
        assert all(isinstance(table, np.ndarray) for table in exact)
        raise error

    table = opened(ledger)
    monkeypatch.setattr(grant_module, "add_noise", fail)
    with table.reserve(EVENT, job={"name": "x"}, budget=BUDGET) as grant:
        with pytest.raises(SourceError) as caught:
            grant.release(PAIR, PAIR_NOISE)
    assert held(caught.value) == []


@pytest.mark.parametrize("error", [OWN, ValueError(CANARY), Hidden(CANARY)], ids=["own", "foreign", "outside"])
@pytest.mark.parametrize("step", ["__init__", "fingerprint"])
def test_a_table_that_does_not_open_is_not_held(
    ledger: Path, error: BaseException, step: str, monkeypatch: Any
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(MemoryEngine, step, fail)
    with pytest.raises(SourceError) as caught:
        open_table(frame(), domain=DOMAIN, ledger=ledger)
    assert held(caught.value) == []
