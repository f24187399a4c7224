"""What a fitted model of two-valued columns is made of: a joint of few columns, or base rows of many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from dpsynth.generators.binary.flips import flip_rows
from dpsynth.generators.binary.joint import Joint
from dpsynth.generators.binary.walsh import all_sets
from dpsynth.pgm.sample import order_rows

__all__ = ["AbstractLaw", "JointLaw", "RowsLaw", "law_from_arrays"]

MOST_ROWS = 100_000  # rows that are drawn one by one; more are an even resample of so many
FLIP_ORDERS = (1, 2, 3)
FLIP_SWEEPS = 12
FLIP_WEIGHTS = {1: 4.0, 2: 1.0, 3: 0.5}


class AbstractLaw(ABC):
    """A distribution of rows of bits (true: the second cell)."""

    kind: str

    @property
    @abstractmethod
    def columns(self) -> int:
        """Number of columns."""

    @abstractmethod
    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """bool[n, columns] in random order."""

    @abstractmethod
    def project(self, places: tuple[int, ...]) -> np.ndarray:
        """Probabilities of the cells of the columns at `places`, one axis of length 2 each."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved."""


@dataclass(frozen=True, slots=True, eq=False)
class JointLaw(AbstractLaw):
    """Probabilities float64[2^columns], column 0 most significant."""

    probabilities: np.ndarray
    kind = "joint"

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.probabilities).bit_length() - 1

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """A systematic sample, edited until the parities of low orders are those of the joint."""
        base = min(n, MOST_ROWS)
        if base == 0:
            return np.zeros((n, self.columns), bool)
        cumulative = np.cumsum(self.probabilities)
        points = (np.arange(base) + rng.random()) / base * cumulative[-1]
        last = int(np.flatnonzero(self.probabilities)[-1])
        cells = np.minimum(np.searchsorted(cumulative, points, side="right"), last)
        bits = (cells >> np.arange(self.columns - 1, -1, -1)[:, None]) & 1
        signs = np.where(bits, -1, 1).astype(np.float32)
        moments = Joint(np.zeros(self.columns))
        wanted = base * moments.moments(self.probabilities / cumulative[-1])
        sets = {k: all_sets(self.columns, k) for k in FLIP_ORDERS if k <= self.columns}
        targets = {order: wanted[moments.places_of(places)] for order, places in sets.items()}
        flip_rows(signs, sets, targets, FLIP_WEIGHTS, rng, sweeps=FLIP_SWEEPS)
        return _resample(signs.T < 0, n, rng)

    def project(self, places: tuple[int, ...]) -> np.ndarray:
        """Sums over the other columns."""
        table = self.probabilities.reshape((2,) * self.columns)
        others = tuple(axis for axis in range(self.columns) if axis not in places)
        kept = sorted(places)
        return table.sum(axis=others).transpose([kept.index(place) for place in places])

    def arrays(self) -> dict[str, np.ndarray]:
        """The probabilities."""
        return {"probabilities": self.probabilities}


@dataclass(frozen=True, slots=True, eq=False)
class RowsLaw(AbstractLaw):
    """Base rows bool[rows, columns], all equally likely."""

    base: np.ndarray
    kind = "rows"

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.base.shape[1]

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """The base itself in another order, or an even resample of it."""
        return _resample(self.base, n, rng)

    def project(self, places: tuple[int, ...]) -> np.ndarray:
        """Shares of the base rows."""
        index = np.zeros(len(self.base), np.intp)
        for place in places:
            index = 2 * index + self.base[:, place]
        counts = np.bincount(index, minlength=2 ** len(places))
        return (counts / len(self.base)).reshape((2,) * len(places))

    def arrays(self) -> dict[str, np.ndarray]:
        """The rows, eight bits to a byte."""
        return {"base": np.packbits(self.base, axis=1)}


def _resample(base: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n rows in random order, taken evenly along a lexicographic order of the base."""
    if n != len(base):
        order = order_rows(base, [2] * base.shape[1], rng)
        base = base[order[(np.arange(n) * len(base) + int(rng.integers(len(base)))) // max(n, 1) % len(base)]]
    return base[rng.permutation(n)]


def law_from_arrays(kind: str, columns: int, arrays: dict[str, np.ndarray]) -> AbstractLaw:
    """What `arrays` of a law was taken from; ValueError or KeyError where it is not that."""
    if kind == JointLaw.kind:
        probabilities = arrays["probabilities"]
        good = probabilities.shape == (2**columns,) and probabilities.dtype == np.float64
        if not good or not (np.isfinite(probabilities) & (probabilities >= 0)).all() or not probabilities.any():
            raise ValueError("no probabilities")
        return JointLaw(probabilities)
    if kind == RowsLaw.kind:
        packed = arrays["base"]
        if packed.ndim != 2 or packed.dtype != np.uint8 or not len(packed) or packed.shape[1] != (columns + 7) // 8:
            raise ValueError("no rows")
        return RowsLaw(np.unpackbits(packed, axis=1, count=columns).astype(bool))
    raise ValueError("no law")
