"""Tables with named axes: the few array moves that inference is made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from dpsynth.errors import PlanError

__all__ = ["AxisSum", "Factor", "contract", "expand", "marginalize"]


class AxisSum:
    """Sums a contiguous table over some of its axes, several times faster than `np.add.reduce` does on short axes.

    Args:
        shape: of the tables that it will be called with.
        drop: axes to sum.

    Guarantee: equal to `values.sum(axis=drop)` up to rounding; post-processing.
    """

    __slots__ = ("_shape", "_steps")

    def __init__(self, shape: Sequence[int], drop: Collection[int]) -> None:
        self._shape = tuple(size for axis, size in enumerate(shape) if axis not in drop)
        # Neighbouring axes that share a fate become one; each step then sums the middle of (before, middle, after).
        runs: list[tuple[bool, int]] = []
        for axis, size in enumerate(shape):
            dropped = axis in drop
            if runs and runs[-1][0] == dropped:
                runs[-1] = dropped, runs[-1][1] * size
            else:
                runs.append((dropped, size))
        self._steps: list[tuple[tuple[int, ...], np.ndarray, bool]] = []
        while any(dropped for dropped, _ in runs):
            middle = max((i for i, (dropped, _) in enumerate(runs) if dropped), key=lambda i: (runs[i][1], i))
            before = prod(size for _, size in runs[:middle])
            after = prod(size for _, size in runs[middle + 1 :])
            size = runs[middle][1]
            if after <= 4 and before >= 32:  # one product with a thin matrix of zeros and ones
                self._steps.append(((before, size * after), np.tile(np.eye(after), (size, 1)), False))
            else:
                self._steps.append(((before, size, after), np.ones((1, size)), True))
            del runs[middle]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The sums, a new contiguous float64 table (the input itself where nothing is dropped)."""
        for shape, matrix, left in self._steps:
            table = values.reshape(shape)
            values = np.matmul(matrix, table) if left else np.matmul(table, matrix)
        return values.reshape(self._shape)


def expand(values: np.ndarray, clique: Sequence[str], onto: Sequence[str]) -> np.ndarray:
    """A view of a table that broadcasts against tables over a larger clique.

    Args:
        values: float64 table with one axis per column of `clique`.
        clique: names of the axes; all of them are in `onto`.
        onto: the larger clique.

    Returns:
        A view with one axis per column of `onto`, of length 1 where the column is not in `clique`.

    Guarantee: `(expand(v, c, o) + zeros(o))[x] == v[x restricted to c]`; post-processing.
    """
    order = sorted(range(len(clique)), key=lambda axis: onto.index(clique[axis]))
    present = {clique[axis]: values.shape[axis] for axis in order}
    return values.transpose(order).reshape([present.get(name, 1) for name in onto])


def marginalize(values: np.ndarray, clique: Sequence[str], onto: Sequence[str]) -> np.ndarray:
    """Sum a table down to some of its columns, in the order asked for.

    Args:
        values: float64 table with one axis per column of `clique`.
        clique: names of the axes.
        onto: columns to keep, in the order of the result's axes.

    Returns:
        float64 table over `onto`.

    Guarantee: the sum over all cells is kept; post-processing.
    """
    dropped = tuple(axis for axis, name in enumerate(clique) if name not in onto)
    summed = np.add.reduce(values, axis=dropped) if dropped else values
    kept = [name for name in clique if name in onto]
    return summed.transpose([kept.index(name) for name in onto])


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A table over named columns.

    Attributes:
        clique: names of the axes.
        values: float64 table, one axis per column.
    """

    clique: tuple[str, ...]
    values: np.ndarray

    def marginal(self, onto: Sequence[str]) -> Factor:
        """The sum down to `onto`, in that order."""
        return Factor(tuple(onto), marginalize(self.values, self.clique, onto))


def contract(left: Factor, right: Factor, keep: Collection[str], cell_cap: int) -> Factor:
    """The product of two factors, summed over every column that is not kept.

    Args:
        left: one factor.
        right: the other.
        keep: columns that stay; those of neither factor are ignored.
        cell_cap: most cells that the result may have (public).

    Returns:
        Factor over the kept columns of both.

    Raises:
        PlanError: the result would have more cells than the cap.

    Guarantee: equal to the broadcast product and sum; no table larger than the two inputs and the result is made.
    """
    left = left.marginal([n for n in left.clique if n in keep or n in right.clique])
    right = right.marginal([n for n in right.clique if n in keep or n in left.clique])
    size = dict(zip(left.clique, left.values.shape, strict=True)) | dict(
        zip(right.clique, right.values.shape, strict=True)
    )
    shared = [n for n in left.clique if n in right.clique]
    batch = [n for n in shared if n in keep]
    summed = [n for n in shared if n not in keep]
    only_left = [n for n in left.clique if n not in right.clique]
    only_right = [n for n in right.clique if n not in left.clique]
    clique = batch + only_left + only_right
    cells = prod(size[n] for n in clique)
    if cells > cell_cap:
        raise PlanError(
            f"A marginal over {', '.join(sorted(keep))} was asked for, which needs a table over {', '.join(clique)}.\n"
            f"That table has {cells:,} cells; the cap is {cell_cap:,}.\n"
            "Ask for fewer columns, or raise cell_cap."
        )
    width = prod(size[n] for n in batch), prod(size[n] for n in summed)
    a = left.marginal(batch + only_left + summed).values.reshape(width[0], -1, width[1])
    b = right.marginal(batch + summed + only_right).values.reshape(width[0], width[1], -1)
    return Factor(tuple(clique), np.matmul(a, b).reshape([size[n] for n in clique]))
