"""Entropy of columns and of pairs, and repeated rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.views import View

__all__ = ["Duplicates", "Entropy", "entropy"]


def entropy(counts: NDArray[np.int64]) -> float:
    """Shannon entropy in nats of int64[cells] counts."""
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log(shares)).sum())


@final
class Entropy(AbstractMeasure):
    """Entropy of each column against the real one: the smaller by the larger, so that 1 is equal and less is worse."""

    name: ClassVar[str] = "entropy"
    ceiling: ClassVar[Literal["independent", "uniform"]] = "uniform"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        ratios = []
        for place, name in enumerate(bench.grid.names):
            real, mine = (entropy(np.bincount(view.codes[:, place])) for view in (bench.real, candidate))
            if max(real, mine) > 1e-9:
                ratios.append((min(real, mine) / max(real, mine), mine - real, name))
        if not ratios:
            return []
        worst = min(ratios)
        side = "less" if worst[1] < 0 else "more"
        return [
            Reading(
                "entropy_match_mean",
                float(np.mean([r for r, _, _ in ratios])),
                "higher",
                note="smaller entropy by larger",
            ),
            Reading("entropy_match_min", worst[0], "higher", note=f"{worst[2]}: {side} entropy than in the real table"),
        ]


@final
class Duplicates(AbstractMeasure):
    """Share of rows that repeat another row, in samples of one size, against the same share in the real table."""

    name: ClassVar[str] = "duplicates"
    floor: ClassVar[Literal["bootstrap", "subset", "fresh"]] = "fresh"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        rows = min(candidate.rows, bench.real.rows, bench.anchor.rows, bench.synthetic.rows)
        if rows < 2:
            return []
        mine = repeated(candidate.sample(rows, bench.rng("duplicates")))
        real = repeated(bench.real.sample(rows, bench.rng("duplicates real")))
        note = f"of {rows:,} rows: {mine:.4f}; of as many real rows: {real:.4f}"
        return [Reading("duplicate_excess", abs(mine - real), "lower", note=note)]


def repeated(view: View) -> float:
    """Share of rows that are equal to an earlier row."""
    numbers = np.where(np.isfinite(view.numbers), view.numbers, -np.inf)
    rows = np.ascontiguousarray(np.concatenate([view.codes.astype(np.float64), numbers], axis=1))
    kind = np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))
    return 1.0 - len(np.unique(rows.view(kind))) / max(1, view.rows)
