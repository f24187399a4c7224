"""Fixtures of the neural generators' tests."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from dpsynth.accounting.sampled import calibrate_noise

_KNOWN: dict[Any, float] = {}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small products: threads would only wait for each other."""
    with contextlib.suppress(ImportError):
        import torch

        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def calibrate_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal plans are calibrated once for all tests that are not about calibration."""
    if "budget" in request.node.name or "explodes" in request.node.name:
        return

    def calibrated(make_event: Any, budget: Any, relation: Any) -> float:
        key = (make_event(1.0), budget, relation)
        if key not in _KNOWN:
            _KNOWN[key] = calibrate_noise(make_event, budget, relation)
        return _KNOWN[key]

    monkeypatch.setattr("dpsynth.generators.neural.training.calibrate_noise", calibrated)
