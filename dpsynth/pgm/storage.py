"""A model on disk: JSON for the structure, safetensors for the tables, a hash between them. Never pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.errors import BundleError, OutputError
from dpsynth.pgm.junction_tree import JunctionTree

__all__ = ["SCHEMA", "read_model", "write_model"]

SCHEMA = "dpsynth-graphical-model/1"
STRUCTURE = "graphical_model.json"
TABLES = "graphical_model.safetensors"


def write_model(folder: Path, tree: JunctionTree, marginals: Sequence[np.ndarray], facts: Mapping[str, Any]) -> None:
    """Write a model into a folder that holds none yet.

    Args:
        folder: made if it does not exist.
        tree: structure.
        marginals: one float64 table of probabilities per node.
        facts: JSON values to keep beside them.

    Raises:
        OutputError: the folder holds a model already, or cannot be written.

    Guarantee: the JSON file, which makes a model readable, is put in place last; post-processing.
    """
    from safetensors.numpy import save

    if (folder / STRUCTURE).exists():
        raise OutputError(f"A model was to be saved in {folder}, which holds one already. Name a new folder.")
    tables = save({f"node_{node}": np.ascontiguousarray(table) for node, table in enumerate(marginals)})
    document = {
        "schema": SCHEMA,
        "columns": [{"name": name, "cells": cells} for name, cells in tree.sizes.items()],
        "nodes": [
            {"columns": list(clique), "parent": parent, "separator": list(separator)}
            for clique, parent, separator in zip(tree.cliques, tree.parents, tree.separators, strict=True)
        ],
        "facts": dict(facts),
        "tables": {"file": TABLES, "sha256": hashlib.sha256(tables).hexdigest()},
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode()
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in ((TABLES, tables), (STRUCTURE, text)):
            partial = folder / (name + ".partial")
            made += [partial, folder / name]
            partial.write_bytes(content)
            os.replace(partial, folder / name)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise OutputError(
            f"A model could not be saved in {folder}: {error.strerror}.\nName a folder that can be written."
        ) from None


def read_model(folder: Path) -> tuple[JunctionTree, tuple[np.ndarray, ...], dict[str, Any]]:
    """Read and check what `write_model` wrote.

    Args:
        folder: where the model is.

    Returns:
        The tree, one float64 table of probabilities per node, and the facts kept beside them.

    Raises:
        BundleError: a file is missing, damaged, of another version, or does not hold a distribution.

    Guarantee: what is returned is a calibrated model, or an error was raised; nothing is executed.
    """
    try:
        document = json.loads((folder / STRUCTURE).read_bytes())
    except (OSError, ValueError, RecursionError):
        raise BundleError(f"No readable model in {folder}: {STRUCTURE} is missing or damaged.") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BundleError(
            f"The model in {folder} is not of the version that this program reads ({SCHEMA}).\n"
            "Use the version of dpsynth that wrote it."
        )
    try:
        tree = _tree(document)
        marginals = _marginals(folder, document, tree)
        facts = document["facts"]
        total, fit = float(facts["total"]), facts["fit"]
        if not (np.isfinite(total) and total > 0 and isinstance(fit, dict)):
            raise ValueError("the total is not a number above 0")
        str(fit["method"]), int(fit["iterations"]), float(fit["residual"]), bool(fit["converged"])
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise BundleError(
            f"The model in {folder} is damaged: {_reason(error)}.\nCopy it again from its source."
        ) from None
    return tree, marginals, facts


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the entry {error.args[0]!r} is missing"
    if isinstance(error, OSError):
        return f"{TABLES} cannot be read"
    return str(error)


def _tree(document: dict[str, Any]) -> JunctionTree:
    sizes = {}
    for column in document["columns"]:
        name, cells = column["name"], column["cells"]
        if not isinstance(name, str) or type(cells) is not int or cells < 1 or name in sizes:
            raise ValueError("a column has no name or no cells, or is there twice")
        sizes[name] = cells
    nodes = document["nodes"]
    if any(type(node["parent"]) is not int for node in nodes):
        raise ValueError("a parent is not a whole number")
    tree = JunctionTree(
        sizes,
        tuple(tuple(node["columns"]) for node in nodes),
        tuple(node["parent"] for node in nodes),
        tuple(tuple(node["separator"]) for node in nodes),
    )
    tree.check()
    return tree


def _marginals(folder: Path, document: dict[str, Any], tree: JunctionTree) -> tuple[np.ndarray, ...]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = (folder / TABLES).read_bytes()
    if hashlib.sha256(content).hexdigest() != document["tables"]["sha256"]:
        raise ValueError(f"{TABLES} does not have the recorded hash")
    try:
        tables = load(content)
    except SafetensorError:
        raise ValueError(f"{TABLES} is not a safetensors file") from None
    if set(tables) != {f"node_{node}" for node in range(len(tree.cliques))}:
        raise ValueError("there is not one table per node")
    marginals = tuple(tables[f"node_{node}"] for node in range(len(tree.cliques)))
    for node, table in enumerate(marginals):
        if table.dtype != np.float64 or table.shape != tree.shape(node):
            raise ValueError("a table does not have the shape of its columns")
        if not (np.isfinite(table).all() and (table >= 0).all() and abs(table.sum() - 1) < 1e-6):
            raise ValueError("a table does not hold probabilities")
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            width = len(tree.separators[node])
            own = marginals[node].sum(axis=tuple(range(width, marginals[node].ndim)))
            drop = tuple(a for a, name in enumerate(tree.cliques[parent]) if name not in tree.separators[node])
            if np.abs(own - marginals[parent].sum(axis=drop)).max(initial=0.0) > 1e-6:
                raise ValueError("neighbouring tables do not agree")
    return marginals
