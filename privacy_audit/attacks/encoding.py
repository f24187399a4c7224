"""Rows as matrices for classifiers: fixed by the synthetic table alone, never fitted on members."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from privacy_audit.attacks.base import NotApplicable
from privacy_audit.attacks.context import View
from privacy_audit.frames import Table, stack

__all__ = ["balanced", "encoder", "log_odds", "ordinal", "quiet"]

FREQUENT = 20
"""Categories of a column that get an indicator of their own; the rest share one."""


def encoder(synthetic: Table) -> Callable[[Table], np.ndarray]:
    """How to turn rows into float32[n, features].

    Args:
        synthetic: what decides which categories get an indicator.
    """
    kept = []
    for j, column in enumerate(synthetic.categorical):
        counts = np.bincount(synthetic.codes[:, j], minlength=column.size)
        kept.append(np.argsort(-counts, kind="stable")[: min(FREQUENT, column.size)])

    def encode(table: Table) -> np.ndarray:
        gaps = np.isnan(table.numbers)
        parts = [np.where(gaps, 0.5, table.scaled()), gaps]
        parts += [table.codes[:, j, None] == codes for j, codes in enumerate(kept)]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    return encode


def ordinal(table: Table) -> np.ndarray:
    """float32[n, columns]: numbers, -1 where missing, then codes: enough for trees."""
    return np.concatenate(
        [np.where(np.isnan(table.numbers), -1.0, table.scaled()), table.codes], axis=1, dtype=np.float32
    )


def balanced(view: View, most: int) -> tuple[Table, np.ndarray]:
    """Equally many synthetic and reference rows, with labels 1 and 0.

    Args:
        view: with a reference.
        most: largest number of rows of each.

    Returns:
        Rows and their labels.

    Raises:
        NotApplicable: fewer than ten of either.
    """
    assert view.reference is not None
    count = min(most, view.synthetic.rows, view.reference.rows)
    if count < 10:
        raise NotApplicable("too few synthetic or reference rows to train a classifier")
    rng = np.random.default_rng(view.seed)
    mine = view.synthetic.select(rng.choice(view.synthetic.rows, count, replace=False))
    theirs = view.reference.select(rng.choice(view.reference.rows, count, replace=False))
    return stack(mine, theirs), np.repeat([1, 0], count)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), finite."""
    p = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


@contextmanager
def quiet() -> Iterator[None]:
    """A network that stops after its share of steps has not converged, on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
