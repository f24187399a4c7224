"""The fitted model of a table of two-valued columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.domain.toml import from_dict, to_dict
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import DomainError, PlanError
from dpsynth.generators.base import AbstractFittedModel
from dpsynth.generators.binary.law import AbstractLaw, law_from_arrays
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

__all__ = ["SCHEMA", "BinaryModel"]

SCHEMA = "dpsynth.binary_model/1"
MOST_PROJECTED = 20  # columns of one projection: a million cells


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BinaryModel(AbstractFittedModel):
    """Noisy parity sums joined into one distribution. Post-processing from here on.

    Attributes:
        generator: name and parameters of the recipe that made it.
        law: a joint of all columns, or base rows.
        sets: for each measurement, which parities it holds: int16[m, order], column places.
        errors: predicted mean total variation distance to the private table, by number of columns from 1 to 5.
    """

    generator: Mapping[str, Any]
    law: AbstractLaw
    sets: tuple[np.ndarray, ...]
    errors: Mapping[int, float]

    def sample(self, n: int | None = None, *, seed: int | None = None) -> pd.DataFrame:
        """Draw synthetic rows.

        Args:
            n: number of rows; the estimated total by default.
            seed: a whole number >= 0; equal seeds give equal rows. None draws a fresh one.

        Returns:
            DataFrame[n, columns of the domain].

        Raises:
            InputError: n or seed is negative or not whole.

        Guarantee:
            Post-processing: costs nothing, however often it is called.
        """
        rows, rng = start_sampling(n, seed, round(self.total))
        codes = np.asfortranarray(self.law.rows(rows, rng).astype(np.int32))
        return TableEncoder(self.domain).decode(codes, rng)

    def project(self, columns: tuple[str, ...]) -> np.ndarray:
        """Expected counts over the cells of the named columns.

        Args:
            columns: modelled column names, without repetition.

        Returns:
            float64 array, one axis of length 2 per column, summing to `total`.

        Raises:
            PlanError: an unknown or repeated column, or more cells than fit in memory.

        Guarantee:
            Post-processing.
        """
        columns, names = self._known(columns), TableEncoder(self.domain).names
        if len(columns) > MOST_PROJECTED:
            raise PlanError(f"A projection on {len(columns)} columns would hold more than 2^{MOST_PROJECTED} cells.")
        return self.total * self.law.project(tuple(names.index(c) for c in columns))

    def error(self, columns: tuple[str, ...]) -> float:
        """Predicted total variation distance between the model and the private table on some columns.

        Args:
            columns: 1 to 5 modelled column names, without repetition.

        Returns:
            The expected mean over all marginals of so many columns. A prediction from noisy answers, not a bound.

        Raises:
            PlanError: unknown or repeated columns, or more of them.

        Guarantee:
            Post-processing.
        """
        columns = self._known(columns)
        if len(columns) not in self.errors:
            raise PlanError(f"Errors are predicted for {min(self.errors)} to {max(self.errors)} columns.")
        return self.errors[len(columns)]

    def _known(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns; PlanError where they are not modelled or repeat."""
        columns = (columns,) if isinstance(columns, str) else tuple(columns)
        names = TableEncoder(self.domain).names
        unknown = [c for c in columns if c not in names]
        if unknown or len(set(columns)) != len(columns):
            raise PlanError(
                f"project needs different modelled columns; not usable: {', '.join(unknown) or 'a repeated name'}."
            )
        return columns

    def describe(self) -> dict[str, Any]:
        """Public facts for reports: what was measured, the kind of model, predicted errors."""
        orders: dict[int, int] = {}
        for sets in self.sets:
            orders[sets.shape[1]] = orders.get(sets.shape[1], 0) + len(sets)
        return {
            "generator": dict(self.generator),
            "total": self.total,
            "columns": self.law.columns,
            "model": self.law.kind,
            "measured": {str(order): orders[order] for order in sorted(orders)},
            "memory_bytes": sum(array.nbytes for array in self.law.arrays().values()),
            "predicted_error": {str(ways): error for ways, error in self.errors.items()},
        }

    def save(self, folder: Path | str) -> None:
        """Write the model into a new folder: model.json, arrays.safetensors.

        Raises:
            OutputError: the folder is not empty, or cannot be written.
        """
        facts, arrays = pack_measurements(self.measurements)
        arrays |= {f"sets.{position}": sets for position, sets in enumerate(self.sets)}
        arrays |= {f"law.{name}": array for name, array in self.law.arrays().items()}
        document = {
            "schema": SCHEMA,
            "domain": to_dict(self.domain),
            "generator": dict(self.generator),
            "total": self.total,
            "law": self.law.kind,
            "columns": self.law.columns,
            "errors": [[ways, error] for ways, error in self.errors.items()],
            "warnings": list(self.warnings),
            "private": self.private,
            "measurements": facts,
        }
        write_model_folder(Path(folder), document, arrays)

    def _check(self) -> None:
        """Raise ValueError unless the parts fit each other."""
        names = TableEncoder(self.domain).names
        if self.law.columns != len(names):
            raise ValueError("the columns are not those of the domain")
        if not 0 < self.total < math.inf:
            raise ValueError("no number of rows")
        if not all(0 <= error < math.inf for error in self.errors.values()):
            raise ValueError("no errors")
        for sets, answer in zip(self.sets, self.measurements, strict=True):
            if sets.ndim != 2 or sets.dtype != np.int16 or answer.values.shape != (len(sets),):
                raise ValueError("the sets of parities are not those of the answers")
            if not ((sets >= 0) & (sets < len(names))).all():
                raise ValueError("a parity of no columns")

    @classmethod
    def load(cls, folder: Path | str) -> BinaryModel:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is missing, corrupt, or of another version.
        """
        folder = Path(folder)
        facts, arrays = read_model_folder(folder, SCHEMA)
        try:
            law = {name.removeprefix("law."): array for name, array in arrays.items() if name.startswith("law.")}
            model = cls(
                domain=from_dict(facts["domain"], "model.json"),
                generator=facts["generator"],
                total=float(facts["total"]),
                law=law_from_arrays(facts["law"], int(facts["columns"]), law),
                sets=tuple(arrays[f"sets.{position}"] for position in range(len(facts["measurements"]))),
                errors={int(ways): float(error) for ways, error in facts["errors"]},
                measurements=unpack_measurements(facts["measurements"], arrays),
                warnings=tuple(facts["warnings"]),
                private=bool(facts["private"]),
            )
            model._check()
            return model
        except (ValueError, KeyError, TypeError, AttributeError, DomainError):
            raise corrupt(folder) from None
