"""The fitted model of all marginal generators: a graphical model over coarse cells, one-ways to decode inside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.domain.toml import from_dict, to_dict
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import DomainError, PlanError
from dpsynth.generators.base import AbstractFittedModel
from dpsynth.generators.checks import start_sampling
from dpsynth.generators.one_ways import OneWays
from dpsynth.generators.store import (
    corrupt,
    pack_measurements,
    read_model_folder,
    unpack_measurements,
    write_model_folder,
)
from dpsynth.pgm import GraphicalModel
from dpsynth.pgm.edit import edit_rows
from dpsynth.pgm.sample import draw_column, order_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CellMap", "MarginalModel", "cell_maps"]

SCHEMA = "dpsynth.marginal_model/1"
SMALLEST_BASE = 10_000  # rows that are edited at least, where more are asked for
LARGEST_BASE = 200_000
PROJECTION_CAP = 10_000_000  # cells of one projection: 80 MB


@dataclass(frozen=True, slots=True, eq=False)
class CellMap:
    """How one column's cells nest, and how rows spread inside a coarse cell.

    Attributes:
        grid: fine cells -> measured cells.
        groups: measured cells -> coarse cells.
        counts: float64[measured], denoised one-way (expected rows).
    """

    grid: Grouping
    groups: Grouping
    counts: np.ndarray

    @property
    def fine_to_coarse(self) -> Grouping:
        """Fine cells -> coarse cells."""
        return Grouping(self.groups.cells[self.grid.cells], self.groups.size)

    def spread(self) -> np.ndarray:
        """float64[fine]: share of each fine cell inside its coarse cell (each coarse cell sums to 1)."""
        per_measured = np.bincount(self.grid.cells, minlength=self.grid.size)
        weights = (self.counts + 1e-12)[self.grid.cells] / per_measured[self.grid.cells]
        coarse = self.fine_to_coarse
        return weights / coarse.aggregate(weights)[coarse.cells]


def cell_maps(one_ways: OneWays, groups: Mapping[str, Grouping]) -> dict[str, CellMap]:
    """The cell maps of all columns, in their order."""
    return {name: CellMap(grid, groups[name], one_ways.counts[name]) for name, grid in one_ways.grids.items()}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MarginalModel(AbstractFittedModel):
    """Noisy marginals joined into one distribution. Post-processing from here on.

    Attributes:
        generator: name and parameters of the recipe that made it.
        graph: graphical model over the coarse cells of every modelled column.
        cells: how each column's cells nest.
        edits: denoised marginals (float64 tables by clique) that rows are edited toward after the tree has drawn them;
            the way to honour marginals that no junction tree of affordable size holds.
        errors: predicted total variation distance to the private table by pair of columns, on the coarse cells; empty
            where the generator predicts none.
    """

    generator: Mapping[str, Any]
    graph: GraphicalModel
    cells: Mapping[str, CellMap]
    edits: Mapping[tuple[str, ...], np.ndarray] = field(default_factory=dict)
    errors: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def sample(self, n: int | None = None, *, seed: int | None = None) -> pd.DataFrame:
        """Draw synthetic rows.

        Args:
            n: number of rows; the estimated total by default.
            seed: a whole number >= 0; equal seeds give equal rows on every machine. None draws a fresh one.

        Returns:
            DataFrame[n, columns of the domain].

        Raises:
            InputError: n or seed is negative or not whole.

        Guarantee:
            Post-processing: costs nothing, however often it is called.
        """
        rows, rng = start_sampling(n, seed, round(self.total))
        encoder = TableEncoder(self.domain)
        coarse = self._coarse_rows(rows, rng)
        order = order_rows(coarse, list(self.graph.sizes.values()), rng)
        fine = np.empty((rows, len(encoder.names)), dtype=np.int32, order="F")
        for position, name in enumerate(encoder.names):
            fine[:, position] = self._refine(name, coarse[:, position], order, rng)
        return encoder.decode(fine, rng)

    def _coarse_rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Rows over the coarse cells, edited toward the marginals that the tree does not hold.

        Edits cost time in proportion to rows, so more than a base of rows is an even resample of the edited base.
        """
        if not self.edits:
            return self.graph.sample(n, rng)
        base = min(n, max(round(self.total), SMALLEST_BASE), LARGEST_BASE)
        rows = self.graph.sample(base, rng)
        sizes = list(self.graph.sizes.values())
        position = {name: index for index, name in enumerate(self.graph.names)}
        edit_rows(rows, sizes, {tuple(position[c] for c in k): v for k, v in self.edits.items()}, rng)
        if base == n:
            return rows
        order = order_rows(rows, sizes, rng)
        return np.asfortranarray(rows[order[np.arange(n) * base // n]])

    def _refine(self, name: str, coarse: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Fine cells of one column, stratified inside every coarse cell."""
        cells = self.cells[name]
        measured = _measured_cells(cells, coarse, order, rng)
        members = np.argsort(cells.grid.cells, kind="stable")
        width = np.bincount(cells.grid.cells, minlength=cells.grid.size)
        first = np.concatenate([[0], np.cumsum(width)[:-1]])
        inside = (rng.random(len(coarse)) * width[measured]).astype(np.int64)
        return members[first[measured] + inside].astype(np.int32)

    def project(self, columns: tuple[str, ...]) -> np.ndarray:
        """Expected counts over the fine cells of the named columns (see `TableEncoder` for their labels).

        Args:
            columns: modelled column names, without repetition.

        Returns:
            float64 array, one axis per column, summing to `total`.

        Raises:
            PlanError: an unknown or repeated column, or more cells than fit in memory.

        Guarantee:
            Post-processing.
        """
        columns = (columns,) if isinstance(columns, str) else tuple(columns)
        unknown = [c for c in columns if c not in self.cells]
        if unknown or len(set(columns)) != len(columns):
            raise PlanError(
                f"project needs different modelled columns; not usable: {', '.join(unknown) or 'a repeated name'}."
            )
        if prod(len(self.cells[c].grid.cells) for c in columns) > PROJECTION_CAP:
            raise PlanError(f"A projection on {len(columns)} columns would hold more than {PROJECTION_CAP:,} cells.")
        values = self.graph.project(columns)
        for axis, name in enumerate(columns):
            maps = self.cells[name]
            shape = [1] * len(columns)
            shape[axis] = -1
            values = np.take(values, maps.fine_to_coarse.cells, axis=axis) * maps.spread().reshape(shape)
        return values

    def error(self, pair: tuple[str, str]) -> float:
        """Predicted total variation distance between the model and the private table on a pair of columns.

        Args:
            pair: two modelled columns in any order.

        Returns:
            By noise where the pair was measured, by bias where it was left out; on the coarse cells, before rows are
            drawn. A prediction from noisy answers, not a bound: `python -m tests.bench.calibration` compares it.

        Raises:
            PlanError: nothing is predicted for these columns.

        Guarantee:
            Post-processing.
        """
        first, second = (*pair, "", "")[:2]
        for key in ((first, second), (second, first)):
            if key in self.errors:
                return self.errors[key]
        raise PlanError("Errors are predicted for pairs of columns that the generator weighed; this is none of them.")

    def _predicted_error(self) -> dict[str, dict[str, Any]]:
        """Mean predicted error of measured and of unmeasured pairs."""
        measured = {m.clique for m in self.measurements if m.name == "marginal"}
        groups: dict[str, list[float]] = {"measured": [], "unmeasured": []}
        for pair, error in self.errors.items():
            groups["measured" if pair in measured else "unmeasured"].append(error)
        return {
            name: {"pairs": len(found), "mean": float(np.mean(found)) if found else None}
            for name, found in groups.items()
        }

    def describe(self) -> dict[str, Any]:
        """Public facts for reports: cliques, coarse cells, estimated total, convergence."""
        return {
            "generator": dict(self.generator),
            "total": self.total,
            "cliques": [list(c) for c in self.graph.cliques],
            "measured": [list(m.clique) for m in self.measurements if m.name == "marginal"],
            "cells": {name: maps.groups.size for name, maps in self.cells.items()},
            "memory_bytes": self.graph.memory_bytes,
            "converged": self.graph.diagnostics.converged,
            "predicted_error": self._predicted_error(),
        }

    def save(self, folder: Path | str) -> None:
        """Write the model into a new folder: model.json, arrays.safetensors, graph/.

        Raises:
            OutputError: the folder is not empty, or cannot be written.
        """
        folder = Path(folder)
        facts, arrays = pack_measurements(self.measurements)
        for position, maps in enumerate(self.cells.values()):
            arrays[f"cells.{position}.grid"] = maps.grid.cells
            arrays[f"cells.{position}.groups"] = maps.groups.cells
            arrays[f"cells.{position}.counts"] = maps.counts
        arrays |= {f"edits.{position}": table for position, table in enumerate(self.edits.values())}
        document = {
            "schema": SCHEMA,
            "domain": to_dict(self.domain),
            "generator": dict(self.generator),
            "total": self.total,
            "columns": list(self.cells),
            "edits": [list(clique) for clique in self.edits],
            "errors": [[*pair, error] for pair, error in self.errors.items()],
            "warnings": list(self.warnings),
            "private": self.private,
            "measurements": facts,
        }
        write_model_folder(folder, document, arrays)
        self.graph.save(folder / "graph")

    def _check(self) -> None:
        """Raise ValueError unless the parts fit each other."""
        encoder = TableEncoder(self.domain)
        if not encoder.names == tuple(self.cells) == self.graph.names:
            raise ValueError("the columns are not those of the domain")
        if not self.total == self.graph.total > 0:
            raise ValueError("the parts have different totals")
        for name, maps in self.cells.items():
            fine, measured, coarse = encoder.sizes[name], maps.grid.size, self.graph.sizes[name]
            if (len(maps.grid.cells), len(maps.groups.cells), maps.groups.size) != (fine, measured, coarse):
                raise ValueError("the cells of a column do not nest")
            if maps.counts.shape != (measured,) or maps.counts.dtype != np.float64:
                raise ValueError("a one-way does not have the shape of its cells")
            if not (np.isfinite(maps.counts) & (maps.counts >= 0)).all():
                raise ValueError("a one-way holds no counts")
        for clique, table in self.edits.items():
            if len(set(clique)) != len(clique) or table.shape != tuple(self.graph.sizes[name] for name in clique):
                raise ValueError("a marginal to edit toward does not have the shape of its columns")
            if table.dtype != np.float64 or not (np.isfinite(table) & (table >= 0)).all():
                raise ValueError("a marginal to edit toward holds no counts")

    @classmethod
    def load(cls, folder: Path | str) -> MarginalModel:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is missing, corrupt, or of another version.
        """
        folder = Path(folder)
        facts, arrays = read_model_folder(folder, SCHEMA)
        try:
            cells = {
                name: CellMap(
                    _grouping(arrays[f"cells.{position}.grid"]),
                    _grouping(arrays[f"cells.{position}.groups"]),
                    arrays[f"cells.{position}.counts"],
                )
                for position, name in enumerate(facts["columns"])
            }
            model = cls(
                domain=from_dict(facts["domain"], "model.json"),
                generator=facts["generator"],
                total=float(facts["total"]),
                graph=GraphicalModel.load(folder / "graph"),
                cells=cells,
                edits={tuple(clique): arrays[f"edits.{position}"] for position, clique in enumerate(facts["edits"])},
                errors={(str(a), str(b)): float(error) for a, b, error in facts["errors"]},
                measurements=unpack_measurements(facts["measurements"], arrays),
                warnings=tuple(facts["warnings"]),
                private=bool(facts["private"]),
            )
            model._check()
            return model
        except (ValueError, KeyError, TypeError, AttributeError, DomainError):
            raise corrupt(folder) from None


def _measured_cells(cells: CellMap, coarse: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A measured cell inside every row's coarse cell; int64[rows].

    Only coarse cells of several measured cells are drawn for: a wide column whose cells all stand alone needs no table.
    """
    width = np.bincount(cells.groups.cells, minlength=cells.groups.size)
    first = np.zeros(cells.groups.size, dtype=np.int64)
    first[cells.groups.cells[::-1]] = np.arange(cells.grid.size)[::-1]
    measured = first[coarse]
    several = np.flatnonzero(width > 1)
    if not len(several):
        return measured
    place = np.full(cells.groups.size, -1, dtype=np.int64)
    place[several] = np.arange(len(several))
    inside = np.flatnonzero(place[cells.groups.cells] >= 0)
    table = np.zeros((len(several), len(inside)))
    table[place[cells.groups.cells[inside]], np.arange(len(inside))] = cells.counts[inside] + 1e-12
    rows = order[width[coarse[order]] > 1]
    group = place[coarse[rows]].astype(np.min_scalar_type(len(several)))
    measured[rows] = inside[draw_column(group, table, np.arange(len(rows)), rng)]
    return measured


def _grouping(cells: np.ndarray) -> Grouping:
    return Grouping(cells, int(cells.max()) + 1)
