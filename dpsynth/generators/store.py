"""Saved marginal models: JSON for facts, safetensors for arrays, nothing that can run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.toml import from_dict, to_dict
from dpsynth.encoding.grouping import Grouping
from dpsynth.errors import BundleError, DomainError, OutputError
from dpsynth.generators.marginal_model import CellMap, MarginalModel
from dpsynth.measurement import Measurement
from dpsynth.pgm import GraphicalModel

__all__ = ["read_marginal_model", "write_marginal_model"]

SCHEMA = "dpsynth.marginal_model/1"


def write_marginal_model(model: MarginalModel, folder: Path) -> None:
    """Write model.json, arrays.safetensors and graph/ into a new folder.

    Raises:
        OutputError: the folder exists and is not empty, or cannot be written.
    """
    from safetensors.numpy import save_file

    arrays: dict[str, np.ndarray] = {}
    for position, maps in enumerate(model.cells.values()):
        arrays[f"cells.{position}.grid"] = np.ascontiguousarray(maps.grid.cells)
        arrays[f"cells.{position}.groups"] = np.ascontiguousarray(maps.groups.cells)
        arrays[f"cells.{position}.counts"] = np.ascontiguousarray(maps.counts, dtype=np.float64)
    for position, measurement in enumerate(model.measurements):
        arrays[f"measurement.{position}"] = np.ascontiguousarray(measurement.values)
    facts = {
        "schema": SCHEMA,
        "domain": to_dict(model.domain),
        "generator": dict(model.generator),
        "total": model.total,
        "columns": list(model.cells),
        "warnings": list(model.warnings),
        "private": model.private,
        "measurements": [
            {
                "name": m.name,
                "clique": list(m.clique),
                "sigma": m.sigma,
                "mechanism": m.mechanism,
                "event_id": m.event_id,
                "private": m.private,
                "groupings": list(m.groupings),
            }
            for m in model.measurements
        ],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(f"The folder {folder.name!r} is not empty. Name a new one for the model.")
        (folder / "model.json").write_bytes(canonical_json(facts) + b"\n")
        save_file(arrays, folder / "arrays.safetensors")
    except OSError as error:
        raise OutputError(f"The model cannot be written to {folder.name!r}: {error.strerror}.") from None
    model.graph.save(folder / "graph")


def read_marginal_model(folder: Path) -> MarginalModel:
    """Read what `write_marginal_model` wrote.

    Raises:
        BundleError: a file is missing, corrupt, or of another version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        facts: dict[str, Any] = json.loads((folder / "model.json").read_bytes())
        if facts.get("schema") != SCHEMA:
            raise BundleError(f"The model in {folder.name!r} has a schema that this release of dpsynth does not know.")
        arrays = load_file(folder / "arrays.safetensors")
        cells = {
            name: CellMap(
                _grouping(arrays[f"cells.{position}.grid"]),
                _grouping(arrays[f"cells.{position}.groups"]),
                arrays[f"cells.{position}.counts"],
            )
            for position, name in enumerate(facts["columns"])
        }
        measurements = tuple(
            Measurement(
                name=m["name"],
                clique=tuple(m["clique"]),
                values=arrays[f"measurement.{position}"],
                sigma=float(m["sigma"]),
                mechanism=m["mechanism"],
                event_id=m["event_id"],
                private=bool(m["private"]),
                groupings=tuple(m["groupings"]),
            )
            for position, m in enumerate(facts["measurements"])
        )
        return MarginalModel(
            domain=from_dict(facts["domain"], "model.json"),
            generator=facts["generator"],
            total=float(facts["total"]),
            graph=GraphicalModel.load(folder / "graph"),
            cells=cells,
            measurements=measurements,
            warnings=tuple(facts["warnings"]),
            private=bool(facts["private"]),
        )
    except FileNotFoundError as error:
        name = Path(error.filename).name if error.filename else "a file"
        raise BundleError(f"The model in {folder.name!r} lacks {name}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DomainError, SafetensorError):
        raise BundleError(f"The model in {folder.name!r} is corrupt. Restore it or release again.") from None


def _grouping(cells: np.ndarray) -> Grouping:
    return Grouping(cells, int(cells.max()) + 1)
