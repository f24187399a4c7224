from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain.canonical import canonical_json, number_text


def test_equal_values_have_equal_bytes() -> None:
    assert canonical_json({"b": 1, "a": [1.5, "é"]}) == '{"a":[1.5,"é"],"b":1}'.encode()
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": value})


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1.0, "1"), (-0.0, "0"), (0.5, "0.5"), (1e22, "1" + "0" * 22)])
def test_number_text(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_text_reads_back(value: float) -> None:
    assert float(number_text(value)) == value
    assert json.loads(canonical_json(value)) == value
