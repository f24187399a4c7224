"""Wasserstein distance of every number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, final

import numpy as np

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.views import View

__all__ = ["Wasserstein"]

MOST_COLUMNS = 100


@final
class Wasserstein(AbstractMeasure):
    """Mean distance that a number must move to turn one distribution into the other, in real standard deviations."""

    name: ClassVar[str] = "wasserstein"
    ceiling: ClassVar[Literal["independent", "uniform"]] = "uniform"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        from scipy.stats import wasserstein_distance

        found = []
        for column, place in enumerate(bench.grid.numeric[:MOST_COLUMNS]):
            name = f"wasserstein[{bench.grid.names[place]}]"
            real, mine = (view.numbers[:, column] for view in (bench.real, candidate))
            missing = f"missing: {_missing(mine):.4f}, real: {_missing(real):.4f}"
            real, mine = real[np.isfinite(real)], mine[np.isfinite(mine)]
            spread = float(real.std()) if len(real) else 0.0
            if not len(real) or not len(mine):
                found.append(Reading(name, float("nan"), note=f"undefined: no number in one table; {missing}"))
                continue
            unit = spread if spread > 0 else 1.0
            distance = float(wasserstein_distance(real, mine)) / unit
            what = "in real standard deviations" if spread > 0 else "in its own unit (the real column is constant)"
            found.append(Reading(name, distance, note=f"{what}; {missing}"))
        return found


def _missing(values: np.ndarray) -> float:
    return float((~np.isfinite(values)).mean()) if len(values) else 0.0
