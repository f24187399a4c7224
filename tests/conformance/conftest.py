"""Fixtures of the conformance suites."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dpsynth.engines.base import AbstractEngine
from dpsynth.generators import AbstractGenerator
from tests.conformance.generators import RECIPES


@pytest.fixture(params=list(RECIPES))
def recipe(request: pytest.FixtureRequest) -> AbstractGenerator:
    """Each generator in turn."""
    return RECIPES[request.param]


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], ...]]:
    """The cliques of every pass over rows, as they are counted."""
    passes: list[tuple[tuple[str, ...], ...]] = []
    real = AbstractEngine.counts

    def counts(self: AbstractEngine, cliques: Any, groupings: Any) -> list[np.ndarray]:
        passes.append(tuple(cliques))
        return real(self, cliques, groupings)

    monkeypatch.setattr(AbstractEngine, "counts", counts)
    return passes
