"""The bench that all measures of a run share: real, held-out and synthetic rows, tables of floor and ceiling."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from privacy_audit.errors import InputError
from privacy_audit.utility.views import Grid, View, grid_of, number_cells, view_of

if TYPE_CHECKING:
    import pandas as pd

    from privacy_audit.frames import AlignedTables

__all__ = ["Bench", "Candidate", "Constraint", "make_bench"]

Candidate = Literal["synthetic", "bootstrap", "subset", "fresh", "independent", "uniform"]
Constraint = str | Callable[["pd.DataFrame"], Any]
"""A rule for rows: words in the language of `utility.expressions`, or a function from a frame to booleans."""

MOST_ROWS = 60_000
"""A longer table is judged by a sample of this size."""
LABEL_VALUES = (2, 20)
GROUP_VALUES = (2, 10)
MOST_GROUPINGS = 4


@final
@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What measures read.

    Attributes:
        grid: the cells of the columns.
        real: the private rows that the synthetic table was made from.
        source: the part of them that floors are drawn from and reference models are fitted on: all of them, or a half
            where no holdout is given.
        anchor: rows that the source does not hold: the holdout, or the other half.
        synthetic: the synthetic rows.
        held_out: whether `anchor` is a true holdout.
        label: position of the category that is to be predicted, or None.
        target: position of the number that is to be predicted, or None.
        groupings: positions of the categories whose values are subgroups.
        measured: cliques that the maker of the table says it has measured, as positions.
        constraints: rules for rows by name.
        seed: of every draw.
        notes: what a reader should know of all numbers.
    """

    grid: Grid
    real: View
    source: View
    anchor: View
    synthetic: View
    held_out: bool
    label: int | None
    target: int | None
    groupings: tuple[int, ...]
    measured: tuple[tuple[int, ...], ...]
    constraints: Mapping[str, Constraint]
    seed: int
    notes: tuple[str, ...] = ()
    kept: dict[Any, Any] = field(default_factory=dict)

    def rng(self, name: str) -> np.random.Generator:
        """A generator that depends on the seed and the name only."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @property
    def draws(self) -> int:
        """How many tables of each kind give floor and ceiling: more where tables are small and one draw is noisy."""
        return max(1, min(3, MOST_ROWS // (2 * self.synthetic.rows)))

    def candidate(self, kind: Candidate, draw: int = 0) -> View:
        """A table to judge; each is drawn once. All have as many rows as the synthetic one where there are so many."""
        if kind == "synthetic":
            return self.synthetic
        if kind == "fresh":
            return self.anchor
        return self.once((kind, draw), lambda: self._drawn(kind, self.rng(f"{kind} {draw}"), self.synthetic.rows))

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """The value that was made under this key before, or a new one."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def _drawn(self, kind: Candidate, rng: np.random.Generator, rows: int) -> View:
        if kind == "bootstrap":
            return self.source.take(rng.integers(self.source.rows, size=rows))
        if kind == "subset":
            return self.source.sample(rows, rng)
        return self._independent(rng, rows) if kind == "independent" else self._uniform(rng, rows)

    def _independent(self, rng: np.random.Generator, rows: int) -> View:
        codes = np.empty((rows, len(self.grid.names)), dtype=np.int64)
        quantiles, numbers = codes.copy(), np.empty((rows, len(self.grid.numeric)))
        for place in range(codes.shape[1]):
            drawn = rng.integers(self.source.rows, size=rows)
            codes[:, place] = self.source.codes[drawn, place]
            quantiles[:, place] = self.source.quantiles[drawn, place]
            if place in self.grid.numeric:
                column = self.grid.numeric.index(place)
                numbers[:, column] = self.source.numbers[drawn, column]
        return View(codes, quantiles, numbers)

    def _uniform(self, rng: np.random.Generator, rows: int) -> View:
        grid = self.grid
        codes = np.empty((rows, len(grid.names)), dtype=np.int64)
        numbers = np.empty((rows, len(grid.numeric)))
        for place in grid.categorical:
            codes[:, place] = rng.integers(max(1, len(grid.labels[place])), size=rows)
        quantiles = codes.copy()
        for column, place in enumerate(grid.numeric):
            drawn = rng.uniform(grid.lows[column], grid.highs[column], size=rows)
            numbers[:, column] = np.round(drawn) if grid.whole[column] else drawn
            codes[:, place], quantiles[:, place] = number_cells(numbers[:, column], grid, column)
        return View(codes, quantiles, numbers)


def make_bench(
    tables: AlignedTables,
    *,
    label: str | None = None,
    target: str | None = None,
    subgroups: Sequence[str] | None = None,
    measured: Sequence[Sequence[str]] = (),
    constraints: Mapping[str, Constraint] | Sequence[Constraint] = (),
    seed: int = 0,
) -> Bench:
    """Put the tables on a bench.

    Args:
        tables: aligned real and synthetic tables, and a holdout if there is one.
        label: the category to predict (default: the last one with 2 to 20 values); a number is taken as target.
        target: the number to predict (default: the last one with more than 10 values).
        subgroups: the categories whose values are subgroups (default: four with fewest values, 2 to 10).
        measured: the cliques that the maker of the table measured, if it says so.
        constraints: rules for rows.
        seed: of every draw.

    Returns:
        The bench.

    Raises:
        InputError: a table has no row or no column, or a named column does not exist or is of the wrong kind.
    """
    if not tables.columns or not tables.real.rows or not tables.synthetic.rows:
        raise InputError("Utility needs at least one column, one real row and one synthetic row.")
    grid = grid_of(tables)
    rng = np.random.default_rng([seed, zlib.crc32(b"bench")])
    real, synthetic = (view_of(table, grid).sample(MOST_ROWS, rng) for table in (tables.real, tables.synthetic))
    notes = []
    if tables.real.rows > MOST_ROWS or tables.synthetic.rows > MOST_ROWS:
        notes.append(f"judged on samples of {MOST_ROWS:,} rows")
    held_out = tables.holdout is not None and tables.holdout.rows > 0
    if tables.holdout is not None and held_out:
        source, anchor = real, view_of(tables.holdout, grid).sample(MOST_ROWS, rng)
    else:
        order = rng.permutation(real.rows)
        half = max(1, real.rows // 2)
        source, anchor = real.take(np.sort(order[:half])), real.take(np.sort(order[half:] if real.rows > 1 else order))
        notes.append("no holdout: models are tested on real rows that the synthetic table may know")
    if label is not None and target is None and grid.position(label) in grid.numeric:
        label, target = None, label
    chosen = _named(grid, label, "category", "label") if label is not None else _default_label(grid, real)
    number = _named(grid, target, "number", "target") if target is not None else _default_target(grid, real)
    if subgroups is None:
        groupings = _default_groupings(grid, real, chosen)
    else:
        groupings = tuple(_named(grid, name, "category", "subgroup") for name in subgroups)
    cliques = tuple(tuple(sorted({_named(grid, name, "", "measured") for name in clique})) for clique in measured)
    if not isinstance(constraints, Mapping):
        constraints = {rule if isinstance(rule, str) else f"rule {i + 1}": rule for i, rule in enumerate(constraints)}
    return Bench(
        grid,
        real,
        source,
        anchor,
        synthetic,
        held_out,
        chosen,
        number,
        groupings,
        cliques,
        constraints,
        seed,
        tuple(notes),
    )


def _named(grid: Grid, name: str, kind: str, role: str) -> int:
    place = grid.position(name)
    if place < 0:
        raise InputError(
            f"There is no column {name!r} (given as {role}).\nThe columns are {', '.join(grid.names[:20])}."
        )
    wrong = {"category": grid.numeric, "number": grid.categorical}.get(kind, ())
    if place in wrong:
        raise InputError(f"Column {name!r} cannot be the {role}: a {kind} is needed.")
    return place


def _values(view: View, place: int) -> int:
    return len(np.unique(view.codes[:, place]))


def _default_label(grid: Grid, real: View) -> int | None:
    few, many = LABEL_VALUES
    return next((i for i in reversed(grid.categorical) if few <= _values(real, i) <= many), None)


def _default_target(grid: Grid, real: View) -> int | None:
    for place in reversed(grid.numeric):
        values = real.numbers[:, grid.numeric.index(place)]
        if len(np.unique(values[np.isfinite(values)])) > 10:
            return place
    return None


def _default_groupings(grid: Grid, real: View, label: int | None) -> tuple[int, ...]:
    few, many = GROUP_VALUES
    found = [(_values(real, i), i) for i in grid.categorical if i != label]
    return tuple(i for values, i in sorted(found) if few <= values <= many)[:MOST_GROUPINGS]
