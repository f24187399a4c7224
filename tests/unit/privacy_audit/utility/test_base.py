import json
import math

import pytest

from privacy_audit.utility.base import Score


def test_lost_lies_between_floor_and_ceiling() -> None:
    assert Score("x", 0.3, 0.1, 0.5).lost == pytest.approx(0.5)
    assert Score("x", 0.8, 0.9, 0.5, better="higher").lost == pytest.approx(0.25)
    assert Score("x", 0.05, 0.1, 0.5).lost < 0


@pytest.mark.parametrize("score", [Score("x", 0.5, 0.5, 0.5), Score("x", math.nan, 0, 1), Score("x", 0.5, 0.5, 0.504)])
def test_lost_is_undefined_where_nothing_is_between(score: Score) -> None:
    assert math.isnan(score.lost)


def test_dictionary_is_strict_json() -> None:
    words = Score("x", math.nan, math.inf, 0.5, low=None, high=0.7, note="n").to_dict()
    assert json.loads(json.dumps(words, allow_nan=False)) == {
        "name": "x",
        "value": None,
        "floor": None,
        "ceiling": 0.5,
        "low": None,
        "high": 0.7,
        "lost": None,
        "better": "lower",
        "note": "n",
    }
