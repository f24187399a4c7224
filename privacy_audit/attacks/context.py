"""What attacks share within one battery: the tables on ranks, neighbours found once, splits, seeds.

Numbers are put on their mid-ranks in the *union* of all tables: heavy tails do not hide neighbours, equal cells stay
equal, and members and non-members are treated alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from privacy_audit.attacks.base import NotApplicable
from privacy_audit.distances import Neighbours, nearest, nearest_others
from privacy_audit.errors import ResourceError
from privacy_audit.frames import AlignedTables, Table, hash_rows, likely_at_most, stack

__all__ = ["NEAREST", "Claim", "Context", "View", "distinct", "ranked"]

NEAREST = 50
"""Neighbours kept of each row; the reference of a split is one half of the holdout, so about 25 of them remain."""


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """The (epsilon, delta) that the maker of the table claims for one unit."""

    epsilon: float
    delta: float = 0.0


@final
@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a membership attack sees: unlabelled targets, the synthetic table, a reference.

    Attributes:
        targets: rows to score.
        synthetic: the table under audit.
        reference: rows that are no targets, or None.
        seed: for attacks that draw.
        to_synthetic: neighbours of the targets in the synthetic table, at most NEAREST.
        to_reference: k -> float64[targets, k] distances to the reference (inf where fewer are known).
        synthetic_to_reference: the same for the rows of the synthetic table.
        among_synthetic: neighbours of synthetic rows among the other synthetic rows.
    """

    targets: Table
    synthetic: Table
    reference: Table | None
    seed: int
    to_synthetic: Neighbours
    to_reference: Callable[[int], np.ndarray]
    synthetic_to_reference: Callable[[int], np.ndarray]
    among_synthetic: Callable[[], Neighbours]


def ranked(tables: AlignedTables) -> AlignedTables:
    """The same tables with every number on its mid-rank in the union, scaled to [0, 1]."""
    present = [t for t in (tables.real, tables.synthetic, tables.holdout, tables.reference) if t is not None]
    union = np.concatenate([t.numbers for t in present])
    made = np.empty(union.shape)
    for j in range(union.shape[1]):
        column = union[:, j]
        values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        ranks = (np.cumsum(counts) - counts / 2) / max(1, counts.sum())
        where = np.searchsorted(values, column)
        made[:, j] = np.where(np.isnan(column), np.nan, np.append(ranks, np.nan)[np.minimum(where, len(values))])
    columns = tuple(replace(c, low=0.0, high=1.0) if c.kind == "number" else c for c in tables.columns)
    parts = iter(np.split(made, np.cumsum([t.rows for t in present])[:-1]))

    def renew(table: Table | None) -> Table | None:
        return None if table is None else Table(columns, next(parts), table.codes)

    real, synthetic = renew(tables.real), renew(tables.synthetic)
    assert real is not None
    assert synthetic is not None
    return AlignedTables(columns, real, synthetic, renew(tables.holdout), renew(tables.reference), tables.notes)


def distinct(tables: AlignedTables) -> tuple[AlignedTables, str]:
    """Keep one of equal real rows, where twins are more frequent within the members than natural twins explain.

    Natural twins are people who happen to agree; they are as frequent between members and holdout as within each.
    More of them within are one person's rows, which are no independent targets.

    Returns:
        The tables, and a note (empty where nothing was done).
    """
    if tables.holdout is None:
        return tables, ""
    for mine, other in ((tables.real, tables.holdout), (tables.holdout, tables.real)):
        _, back, counts = np.unique(hash_rows(mine), return_inverse=True, return_counts=True)
        twins = int((counts[back] > 1).sum())
        shared = int(np.isin(hash_rows(mine), hash_rows(other)).sum())
        rate = min(1.0, (shared + 1) / (mine.rows + 1) * max(1.0, mine.rows / other.rows))
        if twins > likely_at_most(mine.rows, rate):
            break
    else:
        return tables, ""
    once = [t.select(np.sort(np.unique(hash_rows(t), return_index=True)[1])) for t in (tables.real, tables.holdout)]
    return replace(tables, real=once[0], holdout=once[1]), "repeated real rows are counted once"


@final
@dataclass(slots=True)
class Context:
    """Tables, settings and what was computed once for all attacks.

    Attributes:
        raw: the tables as given, repeated rows of a person once, large tables sampled.
        tables: the same on ranks.
        full: the same on ranks, before sampling.
        note: what was left out, or nothing.
        claim: the claimed guarantee, or None.
        splits: twice the number of times the holdout is halved into non-members and reference, if none is given.
        seed: of everything that is drawn.
        alpha: family-wise false-alarm rate.
        threads: for neighbours.
        deadline: a reading of `time.monotonic`, or None.
        cliques: cliques that the generator is known to use, or None.
        subgroups: categorical columns whose values are reported as strata.
        most_rows: rows of each table that attacks look at; larger tables are sampled (copies are looked for in all).
    """

    raw: AlignedTables
    claim: Claim | None = None
    splits: int = 10
    seed: int = 0
    alpha: float = 1e-4
    threads: int = 1
    deadline: float | None = None
    cliques: tuple[tuple[str, ...], ...] | None = None
    subgroups: tuple[str, ...] = ()
    most_rows: int = 10_000
    full: AlignedTables = field(init=False)
    tables: AlignedTables = field(init=False)
    note: str = field(init=False)
    _kept: dict[str, Neighbours] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.raw, note = distinct(self.raw)
        self.full = ranked(self.raw)
        self.raw, self.tables, sampled = self._sampled()
        self.note = "; ".join(words for words in (note, sampled) if words)

    def check_time(self) -> None:
        """Stop an attack whose battery has run out of time.

        Raises:
            ResourceError: the time limit is reached.
        """
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise ResourceError("The time limit of the battery is reached.\nRaise time_limit or name fewer attacks.")

    def _sampled(self) -> tuple[AlignedTables, AlignedTables, str]:
        rng = self.rng("sample")
        kept: dict[str, np.ndarray] = {}
        for name in ("real", "synthetic", "holdout", "reference"):
            table = getattr(self.full, name)
            if table is not None and table.rows > self.most_rows:
                kept[name] = np.sort(rng.permutation(table.rows)[: self.most_rows])
        raw, ranks = (
            replace(tables, **{name: getattr(tables, name).select(rows) for name, rows in kept.items()})
            for tables in (self.raw, self.full)
        )
        note = f"{self.most_rows} sampled rows of: {', '.join(kept)}" if kept else ""
        return raw, ranks, note

    @property
    def holdout(self) -> Table:
        """The non-members, on ranks.

        Raises:
            NotApplicable: there is no holdout.
        """
        if self.tables.holdout is None:
            raise NotApplicable("no holdout: nothing tells a leak from rows that are merely likely")
        return self.tables.holdout

    @property
    def targets(self) -> Table:
        """Members, then non-members."""
        return stack(self.tables.real, self.holdout)

    def rng(self, name: str) -> np.random.Generator:
        """A generator of this battery's seed and a name's own stream."""
        return np.random.default_rng([self.seed, *name.encode()])

    def neighbours(self, name: str) -> Neighbours:
        """Neighbours that several attacks need, found once.

        Args:
            name: queries and pool: "targets synthetic", "synthetic synthetic", "real real", "synthetic holdout", ...;
                equal names leave each row itself out.
        """
        if name not in self._kept:
            self.check_time()
            left, right = (self._table(part) for part in name.split())
            k = min(NEAREST, right.rows)
            same = len(set(name.split())) == 1
            if same and right.rows < 2:
                raise NotApplicable("a table of one row has no neighbours in itself")
            self._kept[name] = (
                nearest_others(right, k, threads=self.threads)
                if same
                else nearest(left, right, k, threads=self.threads)
            )
        return self._kept[name]

    def _table(self, name: str) -> Table:
        if name == "targets":
            return self.targets
        if name == "holdout":
            return self.holdout
        table = getattr(self.tables, name)
        assert isinstance(table, Table)
        return table

    def _target_neighbours_in_holdout(self) -> Neighbours:
        mine, own = self.neighbours("real holdout"), self.neighbours("holdout holdout")
        k = min(mine.distances.shape[1], own.distances.shape[1])
        return Neighbours(
            np.concatenate([mine.distances[:, :k], own.distances[:, :k]]),
            np.concatenate([mine.indices[:, :k], own.indices[:, :k]]),
        )

    def views(self, *, reference: bool, most: int | None = None) -> Iterator[list[tuple[np.ndarray, View]]]:
        """Repeats of a membership attack; in each, every target is scored once.

        Args:
            reference: whether the attack needs one. Without a reference table the holdout is halved, and each half is
                the reference for the other half and for a random half of the members: both kinds are treated alike.
            most: largest number of repeats (of costly attacks).

        Yields:
            Views with the target rows they hold.
        """
        rows = self.targets.rows
        if not reference or self.tables.reference is not None:
            yield [(np.arange(rows), self._view(np.arange(rows), None, self.seed))]
            return
        members, others = self.tables.real.rows, self.holdout.rows
        rng = self.rng("splits")
        for repeat in range(min(max(1, self.splits // 2), most or self.splits)):
            mine, theirs = rng.permutation(members), rng.permutation(others)
            folds = []
            for fold in (0, 1):
                targets = np.concatenate([np.sort(mine[fold::2]), members + np.sort(theirs[fold::2])])
                folds.append((targets, self._view(targets, np.sort(theirs[1 - fold :: 2]), self.seed + repeat)))
            yield folds

    def _view(self, rows: np.ndarray, half: np.ndarray | None, seed: int) -> View:
        found = self.neighbours("targets synthetic")
        near = Neighbours(found.distances[rows], found.indices[rows])
        if half is None:
            reference = self.tables.reference
            target_distances = lambda k: self.neighbours("targets reference").distances[rows][:, :k]  # noqa: E731
            synthetic_distances = lambda k: self.neighbours("synthetic reference").distances[:, :k]  # noqa: E731
        else:
            reference = self.holdout.select(half)
            chosen = np.zeros(self.holdout.rows, bool)
            chosen[half] = True
            target_distances = lambda k: _within(self._target_neighbours_in_holdout(), chosen, k)[rows]  # noqa: E731
            synthetic_distances = lambda k: _within(self.neighbours("synthetic holdout"), chosen, k)  # noqa: E731
        return View(
            self.targets.select(rows),
            self.tables.synthetic,
            reference,
            seed,
            near,
            target_distances,
            synthetic_distances,
            lambda: self.neighbours("synthetic synthetic"),
        )


def _within(found: Neighbours, chosen: np.ndarray, k: int) -> np.ndarray:
    """float64[n, k]: distances to the k nearest chosen pool rows; inf where fewer are among the known neighbours."""
    distances = np.where(chosen[found.indices], found.distances, np.inf)
    return np.sort(distances, axis=1)[:, :k]
