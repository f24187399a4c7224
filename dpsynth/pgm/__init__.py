"""Graphical models fitted to noisy marginals. Everything here is post-processing: it sees measurements, never rows."""

from __future__ import annotations

from pathlib import Path

from dpsynth.pgm.estimate import estimate, estimate_total
from dpsynth.pgm.forecast import MEMORY_CAP_BYTES, ModelForecast, forecast
from dpsynth.pgm.junction_tree import JunctionTree, junction_tree, maximum_spanning_tree
from dpsynth.pgm.model import Diagnostics, GraphicalModel
from dpsynth.pgm.observation import Observation
from dpsynth.pgm.rake import rake

__all__ = [
    "MEMORY_CAP_BYTES",
    "Diagnostics",
    "GraphicalModel",
    "JunctionTree",
    "ModelForecast",
    "Observation",
    "estimate",
    "estimate_total",
    "forecast",
    "junction_tree",
    "load",
    "maximum_spanning_tree",
    "rake",
]


def load(folder: Path | str) -> GraphicalModel:
    """Read a saved graphical model; raises BundleError where it cannot be trusted."""
    return GraphicalModel.load(folder)
