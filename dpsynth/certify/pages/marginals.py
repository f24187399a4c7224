"""Measured one-way marginals as charts: what was released, with the error bars of its noise."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.certify.pages.svg import bars
from dpsynth.certify.structure import Answer

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle

__all__ = ["marginal_charts"]

MOST_BARS = 60
MOST_CHARTS = 40


def marginal_charts(bundle: Bundle, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """One chart for each column that was measured alone (the first answer about it): "name", "noise", "svg".

    Guarantee: post-processing of released answers and the public domain.
    """
    from dpsynth.encoding.table import TableEncoder

    encoder = TableEncoder(bundle.domain())
    maps = _maps(bundle)
    charts: dict[str, dict[str, Any]] = {}
    for answer in answers:
        if answer.name != "marginal" or len(answer.clique) != 1 or answer.clique[0] in charts:
            continue
        (name,) = answer.clique
        labels = _labels(encoder.by_name(name).labels(), maps.get("".join(answer.groupings)), len(answer.values))
        if labels is None:
            continue
        names, values, counted = _merge(labels, answer.values.astype(float))
        errors = [1.96 * answer.sigma * math.sqrt(k) for k in counted]
        charts[name] = {
            "name": name,
            "noise": f"standard deviation {answer.sigma:.1f} rows in each of {len(answer.values)} cells",
            "svg": bars(names, values, errors, title=f"Noisy counts of {name} with 95 % error bars"),
        }
        if len(charts) == MOST_CHARTS:
            break
    return list(charts.values())


def _maps(bundle: Bundle) -> Mapping[str, np.ndarray]:
    """Digest -> map from fine to coarse cells, as far as the model keeps them; "" is the identity."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load((bundle.path / "model" / "arrays.safetensors").read_bytes())
    except (OSError, SafetensorError):
        return {}
    whole = [np.ascontiguousarray(a, dtype=np.int64) for n, a in arrays.items() if a.dtype.kind == "i" and a.ndim == 1]
    return {hashlib.sha256(array.tobytes()).hexdigest(): array for array in whole}


def _labels(fine: list[str], coarse: np.ndarray | None, cells: int) -> list[str] | None:
    """A text for each measured cell; None where the model does not keep how cells were merged."""
    if coarse is None:
        return fine if len(fine) == cells else None
    if len(coarse) != len(fine) or int(coarse.max()) + 1 != cells:
        return None
    inside: list[list[str]] = [[] for _ in range(cells)]
    for label, cell in zip(fine, coarse.tolist(), strict=True):
        inside[cell].append(label)
    return [part[0] if len(part) == 1 else f"{part[0]} … {part[-1]}" for part in inside]


def _merge(labels: list[str], values: np.ndarray) -> tuple[list[str], list[float], list[int]]:
    """At most MOST_BARS bars: neighbours are added up where there are more cells; how many went into each."""
    if len(labels) <= MOST_BARS:
        return labels, values.tolist(), [1] * len(labels)
    # Equal numbers of cells in every bar but the last: unequal ones would draw a shape that is not there.
    width = -(-len(labels) // MOST_BARS)
    groups = np.split(np.arange(len(labels)), range(width, len(labels), width))
    names = [labels[g[0]] if len(g) == 1 else f"{labels[g[0]]} … {labels[g[-1]]}" for g in groups]
    return names, [float(values[g].sum()) for g in groups], [len(g) for g in groups]
