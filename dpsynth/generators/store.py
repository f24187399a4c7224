"""Saved models: JSON for facts, safetensors for arrays, one hash over both, nothing that can run code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError, OutputError
from dpsynth.measurement import Measurement

__all__ = [
    "corrupt",
    "model_schema",
    "pack_measurements",
    "read_model_folder",
    "unpack_measurements",
    "write_model_folder",
]


def write_model_folder(folder: Path, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write model.json and arrays.safetensors into a new or empty folder.

    Args:
        folder: where to.
        facts: plain JSON values, with a "schema".
        arrays: by name.

    Raises:
        OutputError: the folder is not empty, or cannot be written.

    Guarantee:
        Post-processing; holds what it is given and nothing else.
    """
    from safetensors.numpy import save

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(f"The folder {folder.name!r} is not empty. Name a new one for the model.")
        content = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
        (folder / "arrays.safetensors").write_bytes(content)
        (folder / "model.json").write_bytes(canonical_json({**facts, "sha256": _digest(facts, content)}) + b"\n")
    except OSError as error:
        raise OutputError(f"The model cannot be written to {folder.name!r}: {error.strerror}.") from None


def _digest(facts: Mapping[str, Any], content: bytes) -> str:
    return hashlib.sha256(canonical_json(facts) + content).hexdigest()


def model_schema(folder: Path) -> str:
    """The schema that a model names itself; "" where it names none, for `read_model_folder` to say why."""
    try:
        facts = json.loads((folder / "model.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    schema = facts.get("schema") if isinstance(facts, dict) else None
    return schema if isinstance(schema, str) else ""


def read_model_folder(folder: Path, schema: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_model_folder` wrote.

    Args:
        folder: where from.
        schema: the schema that the caller understands.

    Returns:
        Facts and arrays.

    Raises:
        BundleError: a file is missing or corrupt, or the schema is another one.

    Guarantee:
        What is returned is what was written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        facts = json.loads((folder / "model.json").read_bytes())
        content = (folder / "arrays.safetensors").read_bytes()
    except FileNotFoundError as error:
        name = Path(error.filename).name if error.filename else "a file"
        raise BundleError(f"The model in {folder.name!r} lacks {name}.") from None
    except (OSError, ValueError, RecursionError):
        raise corrupt(folder) from None
    if not isinstance(facts, dict) or facts.get("schema") != schema:
        raise BundleError(f"The model in {folder.name!r} has a schema that this release of dpsynth does not know.")
    try:
        if facts.pop("sha256", None) != _digest(facts, content):
            raise corrupt(folder)
        return facts, load(content)
    except (ValueError, SafetensorError):
        raise corrupt(folder) from None


def corrupt(folder: Path) -> BundleError:
    """The error for a model that cannot be what was written."""
    return BundleError(f"The model in {folder.name!r} is corrupt. Restore it or release again.")


def pack_measurements(measurements: Sequence[Measurement]) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Facts and arrays of noisy answers, for saving."""
    facts = [
        {
            "name": m.name,
            "clique": list(m.clique),
            "sigma": m.sigma,
            "mechanism": m.mechanism,
            "event_id": m.event_id,
            "private": m.private,
            "groupings": list(m.groupings),
        }
        for m in measurements
    ]
    return facts, {f"measurement.{position}": m.values for position, m in enumerate(measurements)}


def unpack_measurements(
    facts: Sequence[Mapping[str, Any]], arrays: Mapping[str, np.ndarray]
) -> tuple[Measurement, ...]:
    """What `pack_measurements` packed; KeyError, TypeError or ValueError where it is not that."""
    return tuple(
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
        for position, m in enumerate(facts)
    )
