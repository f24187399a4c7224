"""A measurement is a frozen record."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dpsynth.measurement import Measurement


def test_it_is_frozen_with_its_values() -> None:
    values = np.arange(6).reshape(2, 3)
    made = Measurement("marginal", ("a", "b"), values, 2.0, "rounded_gaussian", "")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.sigma = 0.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        made.values[0, 0] = 1
    values[0, 0] = 7  # the caller's own array stays writable
    assert made.values.shape == (2, 3)
    assert made.private


def test_measurements_are_told_apart_by_identity() -> None:
    one, two = (Measurement("total", (), np.array(5), 1.0, "rounded_gaussian", "") for _ in range(2))
    assert one != two
    assert len({one, two}) == 2
