"""The self-consuming loop: what becomes of a generator that is fitted on its own output, again and again?

Generation 1 is fitted on real rows. Every later one is fitted on a table of the same size made of the last generation's
rows alone ("synthetic"), with a fixed share of the first real rows ("fixed real"), or with as many real rows that no
generation has seen before ("fresh real"). Quality and diversity are tracked by the numbers of `utility`.

Source: alemohammad2024self
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from privacy_audit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from privacy_audit.utility.bench import Bench

__all__ = ["LOOPS", "QUALITY", "Collapse", "FitSample", "collapse"]

FitSample = Callable[["pd.DataFrame", int, int], "pd.DataFrame"]
"""Fit on a table and draw n rows: fit_sample(table, n, seed) -> table."""
Loop = Literal["synthetic", "fixed real", "fresh real"]
LOOPS: tuple[Loop, ...] = ("synthetic", "fixed real", "fresh real")
QUALITY = {
    "k_marginal": "k_marginal",
    "tvd2_mean": "marginals",
    "precision": "manifold",
    "coverage": "manifold",
    "entropy_match_mean": "entropy",
    "rare_recall": "categories",
}
"""What is tracked: score -> the measure that takes it. The first one gives the verdict."""
FEWEST_REPEATS = 2
FEWEST_ROWS = 80


@final
@dataclass(frozen=True, slots=True, eq=False)
class Collapse:
    """What the loops did.

    Attributes:
        loops: loop -> per generation, score -> mean over the repeats.
        floor: score -> what fresh real rows get.
        ceiling: score -> what columns without dependence (or uniform ones) get.
        drift: loop -> (estimate, low, high) of the k-marginal score lost from the first generation to the last; the
            95 % interval is Student's over the repeats.
        verdict: loop -> "collapses" (the interval of what is lost lies above the tolerance), "stable" (below it), or
            "inconclusive".
        tolerance: loss of k-marginal score that counts as none, in points of 1,000.
        repeats: how many runs of each loop there were.
    """

    loops: Mapping[str, Sequence[Mapping[str, float]]]
    floor: Mapping[str, float]
    ceiling: Mapping[str, float]
    drift: Mapping[str, tuple[float, float, float]]
    verdict: Mapping[str, str]
    tolerance: float
    repeats: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""

        def plain(value: float) -> float | None:
            return float(value) if math.isfinite(value) else None

        def scores(found: Mapping[str, float]) -> dict[str, float | None]:
            return {name: plain(value) for name, value in found.items()}

        return {
            "loops": {loop: [scores(generation) for generation in found] for loop, found in self.loops.items()},
            "floor": scores(self.floor),
            "ceiling": scores(self.ceiling),
            "drift": {
                loop: dict(zip(("value", "low", "high"), map(plain, d), strict=True)) for loop, d in self.drift.items()
            },
            "verdict": dict(self.verdict),
            "tolerance": self.tolerance,
            "repeats": self.repeats,
        }

    def to_svg(self, score: str = "k_marginal") -> str:
        """A plot of one score over the generations, as text of an svg element; colours are those of the page."""
        from privacy_audit.report.plots import collapse_plot

        return collapse_plot(self.loops, score)


def collapse(
    fit_sample: FitSample,
    real: Any,
    *,
    generations: int = 5,
    rows: int | None = None,
    share: float = 0.5,
    loops: Sequence[str] = LOOPS,
    repeats: int = 3,
    tolerance: float = 20.0,
    domain: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Collapse:
    """Run the self-consuming loops of a generator.

    A quarter of the real rows starts all loops, a quarter judges all generations and trains none, and half is the
    supply of fresh rows (it starts again where it runs out).

    Args:
        fit_sample: fit on a table, draw n rows with a seed.
        real: a frame, a relation or the path of a CSV or Parquet file.
        generations: fits in each loop, at least 2.
        rows: of each training table (default and most: a quarter of the real rows).
        share: of real rows in the two loops that have some, between 0 and 1.
        loops: which of "synthetic", "fixed real", "fresh real".
        repeats: runs of each loop with other seeds; the interval needs at least 2.
        tolerance: loss of k-marginal score that counts as none, in points of 1,000.
        domain: public description of the columns; see `privacy_audit.frames.align`.
        seed: of the draws.
        progress: is told each step.

    Returns:
        Scores by loop and generation, drift and verdict. The scores are functions of the real rows: not for release.

    Raises:
        InputError: a setting is impossible, or the generator returns other columns or no rows.
    """
    from privacy_audit.cells import read_frame
    from privacy_audit.frames import align
    from privacy_audit.utility.bench import make_bench
    from privacy_audit.utility.registry import measure_bench

    unknown = sorted(set(loops) - set(LOOPS))
    if unknown or not loops:
        raise InputError(
            f"There is no loop {unknown[0] if unknown else '(none named)'!r}.\nThe loops are {', '.join(LOOPS)}."
        )
    if generations < 2 or repeats < FEWEST_REPEATS or not 0 < share < 1:
        raise InputError("A loop needs at least 2 generations and 2 repeats, and a share between 0 and 1.")
    frame = read_frame(real, "real")
    if len(frame) < FEWEST_ROWS or frame.shape[1] < 2:
        raise InputError(f"A loop needs at least {FEWEST_ROWS} real rows and two columns.")
    order = np.random.default_rng(seed).permutation(len(frame))
    part = len(frame) // 4
    first, judge, fresh = (
        frame.iloc[places].reset_index(drop=True)
        for places in (order[:part], order[part : 2 * part], order[2 * part :])
    )
    size = min(part, rows or part)
    runs: dict[str, list[list[dict[str, float]]]] = {loop: [] for loop in loops}
    floor: dict[str, float] = {}
    ceiling: dict[str, float] = {}
    for repeat in range(repeats):
        for loop in loops:
            found = []
            table = first.sample(size, random_state=seed + repeat)
            for generation in range(generations):
                if progress is not None:
                    progress(f"{loop}, run {repeat + 1} of {repeats}, generation {generation + 1} of {generations}")
                # The seed is shared by the loops, so that they differ by their tables alone.
                step = (seed * 1_000 + repeat) * 1_000 + generation
                made = _checked(fit_sample(table.reset_index(drop=True), size, step), list(frame.columns))
                bench = make_bench(align(judge, made, domain=domain), seed=seed)
                if not floor:
                    scores = measure_bench(bench, only=set(QUALITY.values()))
                    floor |= {score.name: score.floor for score in scores if score.name in QUALITY}
                    ceiling |= {score.name: score.ceiling for score in scores if score.name in QUALITY}
                found.append(_values(bench))
                table = _mixed(loop, made, first, fresh, share, size, step, generation)
            runs[loop].append(found)
    drift = {loop: _drift(found) for loop, found in runs.items()}
    means = {
        loop: [
            {name: float(np.mean([run[g][name] for run in found])) for name in found[0][g]} for g in range(generations)
        ]
        for loop, found in runs.items()
    }
    verdict = {loop: _verdict(low, high, tolerance) for loop, (_, low, high) in drift.items()}
    return Collapse(means, floor, ceiling, drift, verdict, tolerance, repeats)


def _checked(made: Any, columns: list[str]) -> pd.DataFrame:
    """The generator's table.

    Raises:
        InputError: it has other columns, or no rows.
    """
    from privacy_audit.cells import read_frame

    frame = read_frame(made, "generated")
    if sorted(frame.columns) != sorted(columns) or not len(frame):
        raise InputError("The generator returned other columns than it was given, or no rows.")
    return frame[columns]


def _values(bench: Bench) -> dict[str, float]:
    """The tracked scores of the synthetic table on a bench, without floor and ceiling."""
    from privacy_audit.utility.registry import MEASURES

    readings = [one for name in sorted(set(QUALITY.values())) for one in MEASURES[name].read(bench, bench.synthetic)]
    found = {reading.name: reading.value for reading in readings if reading.name in QUALITY}
    return {name: found[name] for name in QUALITY if name in found}


def _mixed(
    loop: str,
    made: pd.DataFrame,
    first: pd.DataFrame,
    fresh: pd.DataFrame,
    share: float,
    size: int,
    seed: int,
    turn: int,
) -> pd.DataFrame:
    """The table that the next generation is fitted on."""
    import pandas as pd

    if loop == "synthetic":
        return made
    count = max(1, round(share * size))
    if loop == "fixed real":
        real = first.iloc[:count]
    else:  # a window that moves on, and starts again where fresh rows run out
        places = np.arange(turn * count, (turn + 1) * count) % len(fresh)
        real = fresh.iloc[places]
    kept = made.sample(max(0, min(len(made), size - count)), random_state=seed % 2**32)
    return pd.concat([kept, real], ignore_index=True)


def _drift(runs: Sequence[Sequence[Mapping[str, float]]]) -> tuple[float, float, float]:
    """k-marginal points lost from the first generation to the last, with Student's 95 % interval over the runs."""
    from scipy import special

    lost = np.array([run[0]["k_marginal"] - run[-1]["k_marginal"] for run in runs])
    spread = float(lost.std(ddof=1)) / math.sqrt(len(lost))
    half = float(special.stdtrit(len(lost) - 1, 0.975)) * spread
    return float(lost.mean()), float(lost.mean()) - half, float(lost.mean()) + half


def _verdict(low: float, high: float, tolerance: float) -> str:
    if low > tolerance:
        return "collapses"
    return "stable" if high <= tolerance else "inconclusive"
