"""The engine for tables in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.domain.columns import Category, Identifier, Integer
from dpsynth.domain.table import Domain
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.memory import MemoryEngine
from dpsynth.errors import DomainError, SourceError

DOMAIN = Domain(
    (Identifier(name="key"), Category(name="c", values=("a", "b")), Integer(name="i", minimum=0, maximum=999))
)


def engine(source: Any) -> MemoryEngine:
    return MemoryEngine(source, TableEncoder(DOMAIN))


FRAME = pd.DataFrame({"c": ["a", "b", "x", "a"], "i": [0, 999, 5, None], "more": [object()] * 4})


def test_counts() -> None:
    one, pair, total = engine(FRAME).counts([("c",), ("i", "c"), ()], {})
    assert one.tolist() == [1, 2, 1]
    assert pair.shape == (engine(FRAME).encoder.sizes["i"], 3)
    assert pair.sum(0).tolist() == [1, 2, 1]
    assert total.shape == ()
    assert int(total) == 4


def test_counts_after_grouping() -> None:
    found = engine(FRAME)
    grouping = merge_adjacent(found.encoder.by_name("i"), 2)
    assert found.counts([("i",)], {"i": grouping, "c": merge_adjacent(found.encoder.by_name("c"), 1)})[0].tolist() == [
        1,
        2,
        1,
    ]
    with pytest.raises(ValueError, match="the grouping of 'c' maps another number of cells"):
        found.counts([("c",)], {"c": grouping})


def test_no_clique_and_no_row() -> None:
    assert engine(FRAME).counts([], {}) == []
    empty = engine(FRAME[:0]).counts([(), ("c",)], {})
    assert [int(table.sum()) for table in empty] == [0, 0]


def test_unknown_column_of_a_clique() -> None:
    with pytest.raises(DomainError, match="There is no modelled column 'key'"):
        engine(FRAME).counts([("key",)], {})


def test_codes_are_kept_small_after_the_first_pass() -> None:
    source = FRAME.copy()
    found = engine(source)
    (first,) = found.batches()
    assert [codes.dtype for codes in first] == [np.uint8, np.uint16]
    source.loc[0, "c"] = "b"
    (second,) = found.batches()
    assert second[0] is first[0]
    (some,) = found.batches(["i"])
    assert some[0] is first[1]


def test_a_column_that_cannot_be_read_is_named_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    found = engine(FRAME)

    def fail() -> None:
        raise ValueError("canary")

    monkeypatch.setitem(found._readers, "c", fail)
    with pytest.raises(
        SourceError, match="Column 'c' cannot be read from this kind of frame.\nPass a pandas"
    ) as caught:
        found.counts([("c",)], {})
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("error", [SystemExit("canary"), GeneratorExit("canary"), ValueError("canary")])
def test_what_a_reader_says_when_it_fails_is_not_passed_on(error: BaseException) -> None:
    def fail() -> Any:
        raise error

    found = engine(FRAME)
    found._readers["c"] = fail
    with pytest.raises(SourceError, match="Column 'c' cannot be read from this kind of frame") as caught:
        list(found.batches(["c"]))
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "canary" not in str(caught.value)
