"""Reconstruction: which rows do noisy marginals give away?

Many random tables are fitted to the released marginals, each from another start; rows that most of them contain are
the guesses. Against the holdout as baseline, the share of right guesses over epsilon is the curve to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from privacy_audit.attacks.base import AttackResult, Figure
from privacy_audit.attacks.summary import exact_rate
from privacy_audit.errors import InputError

__all__ = ["Marginal", "reconstruct", "reconstruction_attack"]

STEPS = 150
RATE = 0.2


@final
@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """A released table of noisy counts.

    Attributes:
        columns: the columns of the clique, ascending.
        values: float64, one axis per column.
        sigma: standard deviation of the noise.
    """

    columns: tuple[int, ...]
    values: np.ndarray
    sigma: float = 1.0


def reconstruct(
    sizes: Sequence[int], marginals: Sequence[Marginal], *, rows: int, runs: int = 20, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Candidate rows in order of how many fitted tables hold them.

    Args:
        sizes: number of codes of each column.
        marginals: over one or two columns each.
        rows: size of the fitted tables (a released or estimated total; at most some thousands).
        runs: fitted tables.
        seed: of their starts.

    Returns:
        (int64[candidates, columns], float64[candidates] share of runs that hold the row), best first.

    Raises:
        InputError: a marginal of another order or shape, or nothing to fit.

    Source: dick2023confidence.
    """
    if not marginals or rows < 1 or runs < 1:
        raise InputError("There is nothing to reconstruct from.\nPass marginals, rows >= 1 and runs >= 1.")
    for one in marginals:
        shape = tuple(sizes[i] for i in one.columns)
        if len(shape) not in (1, 2) or one.values.shape != shape:
            raise InputError("A marginal has another shape than its columns.\nPass marginals over one or two columns.")
    found: dict[bytes, int] = {}
    for run in range(runs):
        table = _fit(sizes, marginals, rows, np.random.default_rng([seed, run]))
        for row in np.unique(table, axis=0):
            key = row.astype(np.int64).tobytes()
            found[key] = found.get(key, 0) + 1
    keys = sorted(found, key=lambda key: (-found[key], key))
    table = np.array([np.frombuffer(key, np.int64) for key in keys])
    return table, np.array([found[key] / runs for key in keys])


def _fit(sizes: Sequence[int], marginals: Sequence[Marginal], rows: int, rng: np.random.Generator) -> np.ndarray:
    """One relaxed table (a distribution per row and column) by Adam on the squared errors, then rounded."""
    logits = [rng.normal(size=(rows, size)) for size in sizes]
    first, second = ([np.zeros_like(x) for x in logits] for _ in range(2))
    for step in range(1, STEPS + 1):
        shares = [_softmax(x) for x in logits]
        slopes = [np.zeros_like(x) for x in logits]
        for one in marginals:
            weight = 2.0 / max(one.sigma, 1e-3) ** 2
            if len(one.columns) == 1:
                (i,) = one.columns
                slopes[i] += weight * (shares[i].sum(axis=0) - one.values)
            else:
                i, j = one.columns
                error = weight * (shares[i].T @ shares[j] - one.values)
                slopes[i] += shares[j] @ error.T
                slopes[j] += shares[i] @ error
        for i, share in enumerate(shares):
            slope = share * (slopes[i] - (share * slopes[i]).sum(axis=1, keepdims=True))
            first[i] = 0.9 * first[i] + 0.1 * slope
            second[i] = 0.99 * second[i] + 0.01 * slope**2
            scale = np.sqrt(second[i] / (1 - 0.99**step)) + 1e-12
            logits[i] -= RATE * first[i] / (1 - 0.9**step) / scale
    return np.column_stack([x.argmax(axis=1) for x in logits])


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def reconstruction_attack(
    sizes: Sequence[int],
    marginals: Sequence[Marginal],
    real: np.ndarray,
    holdout: np.ndarray,
    *,
    top: int = 100,
    runs: int = 20,
    seed: int = 0,
) -> AttackResult:
    """How many of the best guesses are members, against how many are holdout rows.

    Args:
        sizes: number of codes of each column.
        marginals: what was released about `real`.
        real: int64[n, columns], the rows behind the marginals.
        holdout: int64[k, columns], other rows of the same source.
        top: guesses looked at.
        runs: fitted tables.
        seed: of their starts.

    Returns:
        The rate of guesses that are rows of `real`, its baseline on the holdout (cut to the same size), and both as
        a test; members that also occur in the holdout say nothing and count in both.

    Raises:
        InputError: see `reconstruct`.
    """
    from scipy import stats

    count = min(len(real), len(holdout))
    rng = np.random.default_rng([seed, 3])
    sides = [t[np.sort(rng.permutation(len(t))[:count])].astype(np.int64) for t in (real, holdout)]
    guesses, shares = reconstruct(sizes, marginals, rows=len(real), runs=runs, seed=seed)
    guesses = guesses[:top]
    held = [{row.tobytes() for row in side} for side in sides]
    inside = np.array([[row.tobytes() in rows for rows in held] for row in guesses])
    hits, controls = (int(column.sum()) for column in inside.T)
    only = int((inside[:, 0] & ~inside[:, 1]).sum())  # without a leak a guess in one side only is in either by a coin
    p = float(stats.binom.sf(only - 1, only + int((inside[:, 1] & ~inside[:, 0]).sum()), 0.5)) if only else 1.0
    figures = {
        "rate": Figure(hits / len(guesses), *exact_rate(hits, len(guesses)), controls / len(guesses)),
        "excess": Figure((hits - controls) / len(guesses), baseline=0.0),
        "share of runs": Figure(float(shares[: len(guesses)].mean())),
    }
    verdict = "leak" if p <= 1e-4 else "inconclusive" if p <= 0.01 else "no leak found"
    note = f"the {len(guesses)} rows that most of {runs} fitted tables hold"
    return AttackResult("reconstruction", "reconstruction", figures, verdict, note, p_value=p)
