"""Cells of true and false."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from dpsynth.domain.columns import Boolean
from dpsynth.encoding.boolean import BooleanEncoder
from dpsynth.encoding.values import MissingPolicy

ENCODER = BooleanEncoder(Boolean(name="c"), MissingPolicy.of(("", "n")))
REQUIRED = BooleanEncoder(Boolean(name="c", required=True), MissingPolicy.of(("",)))


def test_spellings() -> None:
    assert ENCODER.encode(pa.array(["true", "T", " yes ", "Y", "1", "1.0"])).tolist() == [2] * 6
    assert ENCODER.encode(pa.array(["False", "f", "NO", "0", "-0"])).tolist() == [1] * 5
    assert ENCODER.encode(pa.array(["n", "N", "2", "", "ja", "tru", None])).tolist() == [0, 1, 0, 0, 0, 0, 0]


def test_types() -> None:
    assert ENCODER.encode(pa.array([True, False, None])).tolist() == [2, 1, 0]
    assert ENCODER.encode(pa.array([1, 0, 2])).tolist() == [2, 1, 0]
    assert ENCODER.encode(pa.array([1.0, -0.0, 0.5, np.nan])).tolist() == [2, 1, 0, 0]
    assert ENCODER.encode(pa.array([date(1970, 1, 1)])).tolist() == [0]


def test_required_takes_false() -> None:
    assert REQUIRED.encode(pa.array([None, "x", "true"])).tolist() == [0, 0, 1]
    assert (REQUIRED.size, REQUIRED.missing, REQUIRED.labels()) == (2, None, ["false", "true"])


def test_decode() -> None:
    assert ENCODER.labels() == ["missing", "false", "true"]
    assert ENCODER.decode(np.array([0, 1, 2]), np.random.default_rng(0)).tolist() == [None, False, True]
    assert REQUIRED.decode(np.array([0, 1]), np.random.default_rng(0)).dtype == bool
