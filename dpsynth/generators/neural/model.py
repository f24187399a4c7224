"""The fitted model of the neural generators: a network over tokens and noisy counts that rows are held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.domain.toml import from_dict, to_dict
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder, encode_column
from dpsynth.errors import DomainError, InputError, PlanError
from dpsynth.generators.base import AbstractFittedModel
from dpsynth.generators.checks import start_sampling
from dpsynth.generators.neural.network import Network
from dpsynth.generators.neural.selection import select_rows
from dpsynth.generators.neural.weights import Noisy, rake_pool
from dpsynth.generators.store import (
    corrupt,
    pack_measurements,
    read_model_folder,
    unpack_measurements,
    write_model_folder,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "NeuralModel"]

SCHEMA = "dpsynth.neural_model/1"
POOL = 5
"""Rows of the pool per row wanted."""
SMALLEST_POOL = 20_000
LARGEST_BASE = 100_000
CANDIDATES = 32
"""Rows drawn for each row wanted under a condition that the order of columns does not begin with."""
PROJECTED_ROWS = 50_000
PROJECTION_CAP = 10_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NeuralModel(AbstractFittedModel):
    """A trained network over the tokens of all columns. Post-processing from here on; needs no PyTorch.

    Attributes:
        generator: name and parameters of the recipe that made it.
        order: modelled columns in the order of generation.
        grids: fine cells -> tokens of each column.
        network: the trained network.
        noisy: noisy histograms that sampled rows are held to (column numbers are those of `order`); none for a network
            alone.
    """

    generator: Mapping[str, Any]
    order: tuple[str, ...]
    grids: Mapping[str, Grouping]
    network: Network
    noisy: tuple[Noisy, ...] = ()

    def sample(
        self, n: int | None = None, *, seed: int | None = None, given: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Draw synthetic rows.

        Args:
            n: number of rows; the estimated total by default.
            seed: a whole number >= 0; equal seeds give equal rows. None draws a fresh one.
            given: values that every row has, by modelled column. Rows then follow the network alone: noisy histograms
                do not hold them.

        Returns:
            DataFrame[n, columns of the domain].

        Raises:
            InputError: n or seed is negative or not whole, or `given` names a column that is not modelled.

        Guarantee: post-processing. Under a condition that the order of columns does not begin with, rows are chosen
            among CANDIDATES draws each by the probability of what is given.
        """
        rows, rng = start_sampling(n, seed, round(self.total))
        encoder = TableEncoder(self.domain)
        fixed = self._encode_given(encoder, given or {})
        tokens = self._tokens_given(rows, fixed, rng) if fixed else self._tokens(rows, rng)
        fine = np.empty((rows, len(encoder.names)), dtype=np.int32)
        for position, name in enumerate(encoder.names):
            column = tokens[:, self.order.index(name)]
            fine[:, position] = fixed[name] if name in fixed else _inside(self.grids[name], column, rng)
        return encoder.decode(fine, rng)

    def log_prob(self, frame: pd.DataFrame) -> np.ndarray:
        """Log probability of rows under the network, over the fine cells of all modelled columns.

        Args:
            frame: rows with all modelled columns.

        Returns:
            float64[rows], in nats.

        Raises:
            InputError: a modelled column is missing.

        Guarantee: post-processing. Noisy histograms of a hybrid are not part of it.
        """
        encoder = TableEncoder(self.domain)
        missing = [name for name in encoder.names if name not in frame.columns]
        if missing:
            raise InputError(f"log_prob needs all modelled columns; missing: {', '.join(missing[:10])}.")
        given, spread = {}, np.zeros(len(frame))
        for j, name in enumerate(self.order):
            grid = self.grids[name]
            given[j] = grid.cells[_encode(encoder, name, frame[name])]
            spread -= np.log(np.bincount(grid.cells, minlength=grid.size))[given[j]]
        return self.network.draw(len(frame), np.random.Generator(np.random.PCG64(0)), given)[1] + spread

    def project(self, columns: tuple[str, ...]) -> np.ndarray:
        """Expected counts over the fine cells of the named columns, from PROJECTED_ROWS rows of the network.

        Args:
            columns: modelled column names, without repetition.

        Returns:
            float64 array, one axis per column, summing to `total`.

        Raises:
            PlanError: an unknown or repeated column, or more cells than fit in memory.

        Guarantee: post-processing; equal calls give equal counts.
        """
        columns = (columns,) if isinstance(columns, str) else tuple(columns)
        unknown = [c for c in columns if c not in self.grids]
        if unknown or len(set(columns)) != len(columns):
            raise PlanError(
                f"project needs different modelled columns; not usable: {', '.join(unknown) or 'a repeated name'}."
            )
        if prod(len(self.grids[c].cells) for c in columns) > PROJECTION_CAP:
            raise PlanError(f"A projection on {len(columns)} columns would hold more than {PROJECTION_CAP:,} cells.")
        pool, weights = self.pool(PROJECTED_ROWS, np.random.Generator(np.random.PCG64(0)))
        shape = [self.grids[c].size for c in columns]
        numbers = [pool[:, self.order.index(c)] for c in columns]
        values = np.bincount(np.ravel_multi_index(numbers, shape), weights=weights, minlength=prod(shape)).reshape(
            shape
        )
        for axis, name in enumerate(columns):
            cells = self.grids[name].cells
            share = 1 / np.bincount(cells, minlength=self.grids[name].size)[cells]
            values = np.take(values, cells, axis=axis) * share.reshape(
                [-1 if a == axis else 1 for a in range(len(shape))]
            )
        return values

    def pool(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the network, and weights that hold them to the noisy histograms.

        Args:
            count: rows.
            rng: draws them.

        Returns:
            int32[count, columns] tokens in `order`, float64[count] weights summing to `total`.
        """
        rows, _ = self.network.draw(count, rng)
        if not self.noisy or not count:
            return rows, np.full(count, self.total / max(count, 1))
        return rows, rake_pool(rows, self.network.sizes, self._ordered_from(), self.noisy, self.total)

    def _ordered_from(self) -> list[int | None]:
        encoder = TableEncoder(self.domain)
        starts = [encoder.by_name(name).ordered_from for name in self.order]
        return [None if s is None else int(self.grids[n].cells[s]) for s, n in zip(starts, self.order, strict=True)]

    def _tokens(self, n: int, rng: np.random.Generator) -> np.ndarray:
        if not self.noisy or not n:
            return self.network.draw(n, rng)[0]
        base = min(n, LARGEST_BASE)
        pool, weights = self.pool(max(POOL * base, SMALLEST_POOL), rng)
        chosen = select_rows(pool, weights, self.network.sizes, base, rng)
        return pool[chosen[np.arange(n) * base // n]]

    def _tokens_given(self, n: int, fixed: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
        tokens = {self.order.index(name): int(self.grids[name].cells[cell]) for name, cell in fixed.items()}
        begins = sorted(tokens) == list(range(len(tokens)))
        each = 1 if begins else CANDIDATES
        rows, logs = self.network.draw(n * each, rng, {j: np.full(n * each, t) for j, t in tokens.items()})
        keys = logs + rng.gumbel(size=len(logs))
        best = keys.reshape(n, each).argmax(1) if n else np.zeros(0, int)
        return rows.reshape(n, each, -1)[np.arange(n), best]

    def _encode_given(self, encoder: TableEncoder, given: Mapping[str, Any]) -> dict[str, int]:
        unknown = [name for name in given if name not in self.grids]
        if unknown:
            raise InputError(f"given names columns that are not modelled: {', '.join(map(str, unknown[:10]))}.")
        return {name: int(_encode(encoder, name, [value])[0]) for name, value in given.items()}

    def describe(self) -> dict[str, Any]:
        """Public facts for reports."""
        return {
            "generator": dict(self.generator),
            "total": self.total,
            "order": list(self.order),
            "cells": {name: grid.size for name, grid in self.grids.items()},
            "hidden": self.network.hidden,
            "parameters": len(self.network.parameters),
            "cliques": [[self.order[j] for j in h.columns] for h in self.noisy if len(h.columns) > 1],
            "measured": [list(m.clique) for m in self.measurements if m.name == "marginal"],
        }

    def save(self, folder: Path | str) -> None:
        """Write the model into a new folder: model.json and arrays.safetensors.

        Raises:
            OutputError: the folder is not empty, or cannot be written.
        """
        facts, arrays = pack_measurements(self.measurements)
        arrays["network"] = self.network.parameters
        arrays |= {f"grid.{position}": self.grids[name].cells for position, name in enumerate(self.order)}
        arrays |= {f"noisy.{position}": h.counts for position, h in enumerate(self.noisy)}
        document = {
            "schema": SCHEMA,
            "domain": to_dict(self.domain),
            "generator": dict(self.generator),
            "total": self.total,
            "order": list(self.order),
            "network": {"width": self.network.width, "hidden": self.network.hidden},
            "noisy": [{"columns": list(h.columns), "sigma": h.sigma} for h in self.noisy],
            "warnings": list(self.warnings),
            "private": self.private,
            "measurements": facts,
        }
        write_model_folder(Path(folder), document, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> NeuralModel:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is missing, corrupt, or of another version.
        """
        folder = Path(folder)
        facts, arrays = read_model_folder(folder, SCHEMA)
        try:
            order = tuple(facts["order"])
            cells = [arrays[f"grid.{position}"] for position in range(len(order))]
            grids = {name: Grouping(c, int(c.max()) + 1) for name, c in zip(order, cells, strict=True)}
            sizes = tuple(grid.size for grid in grids.values())
            network = Network(sizes, int(facts["network"]["width"]), int(facts["network"]["hidden"]), arrays["network"])
            model = cls(
                domain=from_dict(facts["domain"], "model.json"),
                generator=facts["generator"],
                total=float(facts["total"]),
                order=order,
                grids=grids,
                network=network,
                noisy=tuple(
                    Noisy(tuple(h["columns"]), arrays[f"noisy.{position}"], float(h["sigma"]))
                    for position, h in enumerate(facts["noisy"])
                ),
                measurements=unpack_measurements(facts["measurements"], arrays),
                warnings=tuple(facts["warnings"]),
                private=bool(facts["private"]),
            )
            model._check()
            return model
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, DomainError, PlanError):
            raise corrupt(folder) from None

    def _check(self) -> None:
        """Raise ValueError unless the parts fit each other."""
        encoder = TableEncoder(self.domain)
        if sorted(self.order) != sorted(encoder.names) or not 0 < self.total < float("inf"):
            raise ValueError("the columns are not those of the domain")
        if any(len(self.grids[name].cells) != encoder.sizes[name] for name in self.order):
            raise ValueError("the cells of a column do not nest")
        if self.network.parameters.dtype != np.float32 or not np.isfinite(self.network.parameters).all():
            raise ValueError("the network holds no parameters")
        self.network.arrays()
        for h in self.noisy:
            shape = tuple(self.network.sizes[j] for j in h.columns)
            if h.counts.shape != shape or not np.isfinite(h.counts).all() or not 0 < h.sigma < float("inf"):
                raise ValueError("a noisy histogram does not fit its columns")


def _inside(grid: Grouping, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A fine cell inside every token, uniformly: int32[rows]."""
    members = np.argsort(grid.cells, kind="stable")
    width = np.bincount(grid.cells, minlength=grid.size)
    first = np.concatenate([[0], np.cumsum(width)[:-1]])
    return members[first[tokens] + (rng.random(len(tokens)) * width[tokens]).astype(np.int64)].astype(np.int32)


def _encode(encoder: TableEncoder, name: str, values: Any) -> np.ndarray:
    """int32[rows]: fine cells of values of one column."""
    import pandas as pd
    import pyarrow as pa

    series = pd.Series(values)
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        texts = [None if pd.isna(value) else str(value) for value in series]
        array = pa.array(texts, pa.string())
    return encode_column(encoder.by_name(name), array)
