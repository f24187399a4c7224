"""The counting kernel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dpsynth.engines import kernel
from dpsynth.engines.kernel import CELL_CAP, Counter, compact, counts
from dpsynth.errors import PlanError


def slow(columns: list[np.ndarray], sizes: list[int], clique: tuple[int, ...]) -> list[int]:
    if not clique:
        return [len(columns[0])]
    table = np.zeros([sizes[j] for j in clique], np.int64)
    np.add.at(table, tuple(columns[j] for j in clique), 1)
    return table.ravel().tolist()


@pytest.fixture
def columns() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [compact(rng.integers(0, size, 1000), size) for size in (3, 300, 2, 70_000)]


SIZES = [3, 300, 2, 70_000]


def test_histograms_end_to_end(columns: list[np.ndarray]) -> None:
    cliques = [(0,), (1, 0), (2, 1, 0), (3,), (0, 3)]
    found = counts(columns, SIZES, cliques)
    assert found.dtype == np.int64
    assert found.tolist() == [cell for clique in cliques for cell in slow(columns, SIZES, clique)]


def test_empty_clique_counts_rows(columns: list[np.ndarray]) -> None:
    assert counts(columns, SIZES, [()]).tolist() == [1000]


def test_equal_rows_are_merged_where_sizes_say_so(columns: list[np.ndarray]) -> None:
    """Many cliques on few joint cells take the short way; the counts are the same."""
    cliques = [c for r in range(4) for c in itertools.permutations(range(3), r)]
    assert len(cliques) >= 16
    merged = Counter(SIZES, cliques)
    assert merged._joint is not None
    assert Counter(SIZES, cliques[:15])._joint is None
    for part in np.array_split(np.arange(1000), 3):
        merged.add([column[part] for column in columns], rows=len(part))
    for clique, flat in zip(cliques, merged.split(), strict=True):
        assert flat.tolist() == slow(columns, SIZES, clique)


def test_whether_rows_are_merged_is_public() -> None:
    """The choice is made before any row is seen."""
    cliques = list(itertools.combinations(range(20), 2))
    assert Counter([2] * 20, cliques)._joint is not None
    assert Counter([2] * 21, list(itertools.combinations(range(21), 2)))._joint is None


def test_blocks_and_sparse_cliques_add_up(monkeypatch: pytest.MonkeyPatch, columns: list[np.ndarray]) -> None:
    monkeypatch.setattr(kernel, "_BLOCK", 64)
    monkeypatch.setattr(kernel, "_DENSE", 500)
    for clique in [(1,), (0, 1), (3,), (2, 3), ()]:
        assert counts(columns, SIZES, [clique]).tolist() == slow(columns, SIZES, clique)
    assert counts(columns, SIZES, [(), (0, 1)])[0] == 1000


def test_too_many_cells_are_refused_before_counting() -> None:
    with pytest.raises(PlanError, match=r"A marginal over 3 columns has 134,217,728 cells; the most is 67,108,864"):
        Counter([512] * 3, [(0, 1, 2)])
    with pytest.raises(PlanError, match="Ask for fewer columns or coarser groupings"):
        Counter([CELL_CAP + 1], [(0,)])
    assert len(Counter([4096, 4096], [(0, 1)]).total()) == 2**24


def test_no_rows() -> None:
    assert counts([np.empty(0, np.uint8)], [2], [(0,), ()]).tolist() == [0, 0, 0]


def test_compact_types() -> None:
    codes = np.array([0, 1])
    assert [compact(codes, size).dtype for size in (256, 257, 65_536, 65_537)] == [
        np.uint8,
        np.uint16,
        np.uint16,
        np.int32,
    ]
