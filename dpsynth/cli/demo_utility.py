"""The utility table of the demo. It reads the bundled Adult table, which is public; a private table it would leak."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.domain.columns import AbstractColumn, Boolean, Category, Integer, Real
from dpsynth.domain.table import Domain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Errors", "compare"]

CELLS = 20
TRIPLES = 80
SEED = 20


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean total variation distance to the demo table over 1-, 2- and 3-column marginals (0 equal, 1 disjoint)."""

    name: str
    one: float
    two: float
    three: float


def compare(public: pd.DataFrame, synthetic: pd.DataFrame, domain: Domain) -> list[Errors]:
    """Errors of the synthetic table between two marks: independent columns and a bootstrap of the table itself.

    Args:
        public: the demo table.
        synthetic: its synthetic twin.
        domain: the columns; numeric ones are cut into `CELLS` equal cells of their declared bounds.

    Returns:
        Three lines: synthetic, independent columns without noise, bootstrap (what sampling alone costs).
    """
    columns = [c for c in domain if isinstance(c, (Category, Boolean, Integer, Real))]
    sizes = np.array([_size(c) for c in columns])
    real = np.stack([_codes(public[c.name], c) for c in columns])
    made = np.stack([_codes(synthetic[c.name], c) for c in columns])
    rng = np.random.default_rng(SEED)
    triples = list(itertools.combinations(range(len(columns)), 3))
    chosen = rng.choice(len(triples), size=min(TRIPLES, len(triples)), replace=False)
    cliques = [
        [(i,) for i in range(len(columns))],
        list(itertools.combinations(range(len(columns)), 2)),
        [triples[i] for i in sorted(chosen)],
    ]
    tables = {
        "synthetic": made,
        "independent columns": np.stack([rng.permutation(c) for c in real]),
        "bootstrap (floor)": real[:, rng.integers(0, real.shape[1], real.shape[1])],
    }
    return [Errors(name, *(_mean_tvd(real, codes, sizes, of) for of in cliques)) for name, codes in tables.items()]


def _size(column: AbstractColumn) -> int:
    """Cells of a column: missing first, then its values or cells."""
    if isinstance(column, Category):
        return 1 + len(column.values)
    if isinstance(column, Integer):
        return 1 + min(CELLS, column.maximum - column.minimum + 1)
    return 3 if isinstance(column, Boolean) else 1 + CELLS


def _codes(values: pd.Series, column: AbstractColumn) -> np.ndarray:
    """int64[n]: 0 where missing or undeclared."""
    import pandas as pd

    if isinstance(column, (Integer, Real)):
        numbers = np.asarray(pd.to_numeric(values, errors="coerce"), dtype=np.float64)
        width = column.maximum - column.minimum + isinstance(column, Integer)
        share = (numbers.clip(column.minimum, column.maximum) - column.minimum) / width
        cells = np.minimum(np.floor(np.nan_to_num(share) * (_size(column) - 1)), _size(column) - 2)
        return np.where(np.isnan(numbers), 0, 1 + cells).astype(np.int64)
    listed = [v.strip() for v in column.values] if isinstance(column, Category) else ["False", "True"]
    found = pd.Index(listed).get_indexer(pd.Index(values.astype("str").str.strip()))
    return np.asarray(found, dtype=np.int64) + 1


def _mean_tvd(a: np.ndarray, b: np.ndarray, sizes: np.ndarray, cliques: Sequence[tuple[int, ...]]) -> float:
    distances = []
    for clique in cliques:
        shape = tuple(int(sizes[i]) for i in clique)
        cells = int(np.prod(shape))
        first, second = (
            np.bincount(np.ravel_multi_index(tuple(table[i] for i in clique), shape), minlength=cells) / table.shape[1]
            for table in (a, b)
        )
        distances.append(0.5 * np.abs(first - second).sum())
    return float(np.mean(distances))
