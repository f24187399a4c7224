"""Forecasts before a run."""

from __future__ import annotations

import pytest

from privacy_audit.bounds.curves import laplace_curve
from privacy_audit.bounds.power import power
from privacy_audit.bounds.registry import Request
from privacy_audit.errors import InputError


def test_forecast_of_the_label_walk() -> None:
    found = power("label_walk", epsilon=2, samples=1000, request=Request(delta=1e-5), claim=0.3, trials=25)
    assert 0.5 < found.mean < 0.85
    assert found.low <= found.mean <= found.high < found.detectable
    assert found.refutes > 0.8
    assert found.to_dict()["method"] == "label_walk"


def test_more_runs_show_more() -> None:
    means = [
        power("one_run_epsilon_delta", epsilon=4, samples=m, request=Request(delta=1e-5), trials=10).mean
        for m in (100, 1000, 10_000)
    ]
    assert means == sorted(means)


def test_other_mechanisms_by_their_curve() -> None:
    found = power(
        "label_walk", epsilon=1, samples=1000, request=Request(delta=0.0), curve=laplace_curve(1.0), trials=10
    )
    assert 0.3 < found.mean < 1.0


def test_refusals() -> None:
    with pytest.raises(InputError, match="No bound is called 'walk'"):
        power("walk", epsilon=1, samples=100, request=Request(delta=1e-5))
    with pytest.raises(InputError, match="no finite epsilon at delta 0"):
        power("label_walk", epsilon=1, samples=100, request=Request(delta=0.0))
    with pytest.raises(InputError, match="samples is 2"):
        power("label_walk", epsilon=1, samples=2, request=Request(delta=1e-5))
