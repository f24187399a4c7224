"""All utility measures, and the one call that takes them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from privacy_audit.errors import InputError
from privacy_audit.utility.association import Association
from privacy_audit.utility.base import AbstractMeasure, Score
from privacy_audit.utility.bench import Bench, Constraint, make_bench
from privacy_audit.utility.categories import Categories, RarePairs
from privacy_audit.utility.constraints import Constraints
from privacy_audit.utility.detection import Detection
from privacy_audit.utility.diversity import Duplicates, Entropy
from privacy_audit.utility.fairness import Fairness
from privacy_audit.utility.importance import Importance
from privacy_audit.utility.intervals import Intervals
from privacy_audit.utility.manifold import Manifold
from privacy_audit.utility.marginals import KMarginal, Marginals, MeasuredMarginals, OneWay, Twentieths
from privacy_audit.utility.prediction import Prediction, Regression
from privacy_audit.utility.ranges import RangeQueries
from privacy_audit.utility.subgroups import Subgroups
from privacy_audit.utility.wasserstein import Wasserstein

if TYPE_CHECKING:
    from privacy_audit.frames import AlignedTables

__all__ = ["MEASURES", "measure", "measure_bench"]

MEASURES: dict[str, AbstractMeasure] = {
    kind.name: kind()
    for kind in (
        KMarginal,
        OneWay,
        Marginals,
        Twentieths,
        MeasuredMarginals,
        Association,
        RangeQueries,
        Intervals,
        Wasserstein,
        Categories,
        RarePairs,
        Entropy,
        Duplicates,
        Constraints,
        Manifold,
        Detection,
        Prediction,
        Regression,
        Importance,
        Subgroups,
        Fairness,
    )
}
"""Name -> measure, in the order in which they are taken and shown."""


def measure(
    tables: AlignedTables,
    *,
    label: str | None = None,
    target: str | None = None,
    subgroups: Sequence[str] | None = None,
    measured: Sequence[Sequence[str]] = (),
    constraints: Mapping[str, Constraint] | Sequence[Constraint] = (),
    seed: int = 0,
    only: Collection[str] | None = None,
    time_limit: float | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Score, ...]:
    """Take all utility measures, each with its floor and ceiling.

    Args:
        tables: aligned real and synthetic tables; a holdout makes the trained models honest.
        label: the category to predict (default: the last one with 2 to 20 values).
        target: the number to predict (default: the last one with more than 10 values).
        subgroups: the categories whose values are subgroups (default: four with fewest values, 2 to 10).
        measured: the cliques that the maker of the table measured, if it says so.
        constraints: rules for rows: words (see `utility.expressions`) or functions from a frame to booleans.
        seed: of every draw; equal seeds give equal numbers.
        only: names of measures (default: all).
        time_limit: seconds after which no further measure starts; those left out are listed with the value NaN.
        progress: is told, before each measure, its name, how many are done and how many there are.

    Returns:
        The scores in the order of `MEASURES`.

    Raises:
        InputError: a named measure or column does not exist, or a table is empty.
    """
    bench = make_bench(
        tables, label=label, target=target, subgroups=subgroups, measured=measured, constraints=constraints, seed=seed
    )
    return measure_bench(bench, only=only, time_limit=time_limit, progress=progress)


def measure_bench(
    bench: Bench,
    *,
    only: Collection[str] | None = None,
    time_limit: float | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Score, ...]:
    """Take measures on a bench that is already made.

    Args:
        bench: from `make_bench`.
        only: names of measures (default: all).
        time_limit: seconds after which no further measure starts.
        progress: is told, before each measure, its name, how many are done and how many there are.

    Returns:
        The scores.

    Raises:
        InputError: a named measure does not exist.
    """
    unknown = sorted(set(only or ()) - set(MEASURES))
    if unknown:
        raise InputError(f"There is no measure {unknown[0]!r}.\nThe measures are {', '.join(MEASURES)}.")
    started, found = time.monotonic(), []
    chosen = {name: kind for name, kind in MEASURES.items() if only is None or name in only}
    for done, (name, kind) in enumerate(chosen.items()):
        if time_limit is not None and time.monotonic() - started > time_limit:
            found.append(Score(name, math.nan, math.nan, math.nan, note="not taken: the time limit was reached"))
            continue
        if progress is not None:
            progress(name, done, len(chosen))
        found += kind.scores(bench)
    return tuple(found)
