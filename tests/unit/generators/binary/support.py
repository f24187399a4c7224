"""What the tests of binary tables share: a made table of yes / no columns, its domain, and exact parities."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from dpsynth.domain.table import Domain
from dpsynth.generators.binary.sums import Sums
from dpsynth.generators.binary.walsh import all_sets
from tests.unit.generators.support import letters

NAMES = "abcdefghijklmnopqrstuvwxyz"


def bits(n: int = 3000, columns: int = 5, seed: int = 0) -> np.ndarray:
    """bool[n, columns]: each column follows two before it, and their product."""
    rng = np.random.default_rng(seed)
    made = np.zeros((n, columns), bool)
    for j in range(columns):
        logit = np.full(n, rng.normal(-0.5, 0.5))
        if j >= 2:
            one, two = (1 - 2.0 * made[:, j - 1]), (1 - 2.0 * made[:, j - 2])
            logit += 0.8 * one - 0.4 * two + 0.7 * one * two
        made[:, j] = rng.random(n) < 1 / (1 + np.exp(-logit))
    return made


def frame(rows: np.ndarray) -> pd.DataFrame:
    """The rows as texts."""
    return pd.DataFrame({NAMES[j]: rows[:, j].astype(int).astype(str) for j in range(rows.shape[1])})


def domain(columns: int = 5, required: bool = True) -> Domain:
    """Its domain."""
    return letters(NAMES[:columns], 2, required)


def parities(rows: np.ndarray, sets: np.ndarray, centres: np.ndarray | None = None) -> np.ndarray:
    """float64[sets]: sums over rows of products of (centred) signs, one by one."""
    signs = 1.0 - 2.0 * rows - (0 if centres is None else centres)
    return np.array([np.prod(signs[:, s], axis=1).sum() for s in sets])


def exact_sums(rows: np.ndarray, orders: int, variance: float) -> Sums:
    """Exact parities of orders 0..orders, as if measured with a noise of that variance."""
    columns = rows.shape[1]
    sets = {k: all_sets(columns, k) for k in range(orders + 1)}
    values = {k: parities(rows, s) for k, s in sets.items()}
    return Sums(columns, values, {k: np.full(len(s), variance) for k, s in sets.items()})


def subsets(places: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All subsets, the empty one included."""
    return [s for size in range(len(places) + 1) for s in itertools.combinations(places, size)]
