"""Which rows to aim at, and the neighbouring tables that expose them most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from privacy_audit.errors import InputError
from privacy_audit.frames import Table, stack

__all__ = ["WorstPair", "vulnerability", "vulnerable", "worst_pair"]

NEAREST = 5
BLOCK = 512


def vulnerability(table: Table) -> np.ndarray:
    """Mean generalised cosine distance of each row to its five nearest other rows.

    Args:
        table: n >= 2 rows.

    Returns:
        float64[n]; rows with a high value are the easiest to find out about. Categories (as indicators) and numbers (on
        [0, 1], missing as 0) each have a cosine distance; they are weighted by their numbers of columns.

    Raises:
        InputError: fewer than two rows.

    Source: meeus2023achilles.
    """
    if table.rows < 2:
        raise InputError("The vulnerability of a row is about its neighbours.\nPass at least two rows.")
    numbers = np.nan_to_num(table.scaled()).astype(np.float32)
    numbers /= np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1e-12)
    p, q = table.numbers.shape[1], table.codes.shape[1]
    k = min(NEAREST, table.rows - 1)
    found = np.empty(table.rows)
    for start in range(0, table.rows, BLOCK):
        stop = min(start + BLOCK, table.rows)
        similar = np.zeros((stop - start, table.rows), np.float32)
        for j in range(q):  # indicators have norm sqrt(q), so their cosine is the share of equal categories
            similar += table.codes[start:stop, j, None] == table.codes[None, :, j]
        if p:
            similar += p * (numbers[start:stop] @ numbers.T)
        distance = 1 - similar / (p + q)
        distance[np.arange(stop - start), np.arange(start, stop)] = np.inf
        found[start:stop] = np.partition(distance, k - 1, axis=1)[:, :k].mean(axis=1)
    return found


def vulnerable(table: Table, count: int = 10) -> np.ndarray:
    """int64[count]: the rows with the highest vulnerability, highest first."""
    return np.argsort(-vulnerability(table), kind="stable")[:count]


@final
@dataclass(frozen=True, slots=True, eq=False)
class WorstPair:
    """Two tables that differ in one row.

    Attributes:
        with_target: the target and the rows around it.
        without: the same without one occurrence of the target.
        target: the row itself (one row).
    """

    with_target: Table
    without: Table
    target: Table


def worst_pair(table: Table, *, narrow: int | None = None, repeat: bool = True) -> WorstPair:
    """A tiny pair of neighbours around the most vulnerable row.

    The other rows disagree with the target everywhere, or on every other column, so that little hides it.

    Args:
        table: at least three rows to choose from.
        narrow: only the first so many columns, or None for all.
        repeat: whether the target is in both tables (twice in one), so that its categories are public and only the
            count differs.

    Raises:
        InputError: fewer than three rows.

    Source: annamalai2024what.
    """
    if narrow is not None:
        table = table.restrict([column.name for column in table.columns[:narrow]])
    if table.rows < 3:
        raise InputError("A worst pair is chosen from at least three rows.\nPass more rows.")
    row = vulnerable(table, 1)
    target = table.select(row)
    differs = (table.codes != target.codes).sum(axis=1) + (table.numbers != target.numbers).sum(axis=1)
    other = table.select(np.array([int(np.argmax(differs))]))
    halves = []
    for odd in (0, 1):
        numbers, codes = other.numbers.copy(), other.codes.copy()
        numbers[:, odd::2], codes[:, odd::2] = target.numbers[:, odd::2], target.codes[:, odd::2]
        halves.append(Table(table.columns, numbers, codes))
    rest = stack(other, *halves)
    without = stack(target, rest) if repeat else rest
    return WorstPair(stack(target, without), without, target)
