"""The fitted model of foreign synthesizers: the rows that they drew, in cells of the public domain."""

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
from dpsynth.generators.store import (
    corrupt,
    pack_measurements,
    read_model_folder,
    unpack_measurements,
    write_model_folder,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "ForeignModel"]

SCHEMA = "dpsynth.foreign_model/1"
PROJECTION_CAP = 10_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ForeignModel(AbstractFittedModel):
    """Rows of foreign code. `total` is their chosen number: it says nothing of the private table.

    Attributes:
        generator: name and parameters of the recipe.
        grids: public maps from fine cells to the cells of the rows; without one a column's rows hold fine cells.
        cannot_certify: why the claim cannot stand, or "".
    """

    generator: Mapping[str, Any]
    grids: Mapping[str, Grouping] = field(default_factory=dict)
    cannot_certify: str = ""

    @property
    def rows(self) -> np.ndarray:
        """int64[rows, modelled columns], cells as they crossed."""
        return self.measurements[0].values

    def sample(self, n: int | None = None, *, seed: int | None = None) -> pd.DataFrame:
        """Synthetic rows: some of the foreign ones without repetition; where more are asked for, all of them evenly.

        Args:
            n: number of rows; as many as there are by default.
            seed: a whole number >= 0; equal seeds give equal rows. None draws a fresh one.

        Returns:
            DataFrame[n, columns of the domain].

        Raises:
            InputError: n or seed is negative or not whole.

        Guarantee: post-processing of the foreign rows.
        """
        wanted, rng = start_sampling(n, seed, len(self.rows))
        encoder = TableEncoder(self.domain)
        turns = -(-wanted // len(self.rows))
        picked = np.concatenate([np.empty(0, np.int64), *(rng.permutation(len(self.rows)) for _ in range(turns))])
        coarse = self.rows[picked[:wanted]]
        fine = np.empty(coarse.shape, dtype=np.int32, order="F")
        for place, name in enumerate(encoder.names):
            fine[:, place] = self._refine(name, coarse[:, place], rng)
        return encoder.decode(fine, rng)

    def _refine(self, name: str, coarse: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A fine cell of each coarse one, uniformly."""
        grid = self.grids.get(name)
        if grid is None:
            return coarse
        members = np.argsort(grid.cells, kind="stable")
        width = np.bincount(grid.cells, minlength=grid.size)
        first = np.concatenate([[0], np.cumsum(width)[:-1]])
        return members[first[coarse] + (rng.random(len(coarse)) * width[coarse]).astype(np.int64)]

    def project(self, columns: tuple[str, ...]) -> np.ndarray:
        """Counts of the foreign rows over the fine cells of the named columns, even inside a coarse cell.

        Raises:
            PlanError: an unknown or repeated column, or more cells than fit in memory.

        Guarantee: post-processing of the foreign rows.
        """
        columns = (columns,) if isinstance(columns, str) else tuple(columns)
        encoder = TableEncoder(self.domain)
        unknown = [c for c in columns if c not in encoder.names]
        if unknown or len(set(columns)) != len(columns) or not columns:
            raise PlanError(
                f"project needs different modelled columns; not usable: {', '.join(unknown) or 'a repeated name'}."
            )
        if prod(encoder.sizes[c] for c in columns) > PROJECTION_CAP:
            raise PlanError(f"A projection on {len(columns)} columns would hold more than {PROJECTION_CAP:,} cells.")
        grids = [self.grids.get(c) or Grouping.identity(encoder.sizes[c]) for c in columns]
        shape = tuple(grid.size for grid in grids)
        codes = np.ravel_multi_index([self.rows[:, encoder.names.index(c)] for c in columns], shape)
        values = np.bincount(codes, minlength=prod(shape)).astype(np.float64).reshape(shape)
        for axis, grid in enumerate(grids):
            around = [1] * len(columns)
            around[axis] = -1
            width = np.bincount(grid.cells, minlength=grid.size)
            values = np.take(values, grid.cells, axis=axis) / width[grid.cells].reshape(around)
        return values

    def describe(self) -> dict[str, Any]:
        """Public facts for reports. No total: how many rows were drawn says nothing of the private table."""
        return {
            "generator": dict(self.generator),
            "foreign": "rows of foreign code, under its own claim, which is not checked here",
            "cannot_certify": self.cannot_certify or None,
            "rows": len(self.rows),
        }

    def save(self, folder: Path | str) -> None:
        """Write model.json and arrays.safetensors into a new folder.

        Raises:
            OutputError: the folder is not empty, or cannot be written.
        """
        facts, arrays = pack_measurements(self.measurements)
        arrays |= {f"grid.{place}": grid.cells for place, grid in enumerate(self.grids.values())}
        document = {
            "schema": SCHEMA,
            "domain": to_dict(self.domain),
            "generator": dict(self.generator),
            "grids": list(self.grids),
            "warnings": list(self.warnings),
            "private": self.private,
            "cannot_certify": self.cannot_certify,
            "measurements": facts,
        }
        write_model_folder(Path(folder), document, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> ForeignModel:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is missing, corrupt, or of another version.
        """
        folder = Path(folder)
        facts, arrays = read_model_folder(folder, SCHEMA)
        try:
            measurements = unpack_measurements(facts["measurements"], arrays)
            cells = {name: arrays[f"grid.{place}"] for place, name in enumerate(facts["grids"])}
            model = cls(
                domain=from_dict(facts["domain"], "model.json"),
                generator=facts["generator"],
                total=float(len(measurements[0].values)),
                grids={name: Grouping(found, int(found.max()) + 1) for name, found in cells.items()},
                measurements=measurements,
                warnings=tuple(facts["warnings"]),
                private=bool(facts["private"]),
                cannot_certify=str(facts["cannot_certify"]),
            )
            model._check()
            return model
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, DomainError):
            raise corrupt(folder) from None

    def _check(self) -> None:
        """Raise ValueError unless the parts fit each other."""
        encoder = TableEncoder(self.domain)
        if len(self.measurements) != 1 or self.measurements[0].clique != encoder.names or self.rows.ndim != 2:
            raise ValueError("the rows are not those of the domain")
        grids = {name: self.grids.get(name) for name in encoder.names}
        if any(grid is not None and len(grid.cells) != encoder.sizes[name] for name, grid in grids.items()):
            raise ValueError("a grid is not one of its column")
        sizes = [encoder.sizes[name] if grid is None else grid.size for name, grid in grids.items()]
        if self.rows.shape[1] != len(sizes) or not len(self.rows) or not ((self.rows >= 0) & (self.rows < sizes)).all():
            raise ValueError("a row lies outside the domain")
