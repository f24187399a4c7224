"""Size before fitting."""

import tracemalloc

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm import Observation, estimate, forecast, rake
from dpsynth.pgm.forecast import OVERHEAD_BYTES, require_fits


def test_cells_are_those_of_the_maximal_cliques() -> None:
    found = forecast({"a": 10, "b": 20, "c": 30}, [("a", "b"), ("b", "c"), ("a",)])
    assert found.cells == 10 * 20 + 20 * 30
    assert found.bytes > forecast({"a": 10, "b": 20, "c": 30}, [("a", "b"), ("b", "c")], method="rake").bytes
    assert (found.bytes - OVERHEAD_BYTES) % (8 * found.cells) == 0


def test_the_refusal_names_the_need_the_largest_clique_and_what_fits() -> None:
    plan = forecast(dict.fromkeys("abc", 1000), [("a", "b", "c")])
    with pytest.raises(PlanError) as refused:
        require_fits(plan, 2**30)
    text = str(refused.value)
    assert "1,000,000,000 cells; the cap is 1,073,741,824 bytes" in text
    assert "largest clique is a, b, c with 1,000,000,000 cells" in text
    assert "cells fit:" in text
    assert text.count("\n") == 2
    require_fits(plan, plan.bytes)


CASES = {
    "pairs": ({"a": 300, "b": 200, "c": 250}, [("a", "b"), ("b", "c"), ("a",), ("b",), ("c",)]),
    "one": ({"a": 300, "b": 300}, [("a", "b")]),
    "triangle": ({"a": 40, "b": 35, "c": 38}, [("a", "b"), ("b", "c"), ("a", "c")]),
    "binary": (dict.fromkeys("abcdefghijklmno", 2), [(x, y) for x in "abcdefgh" for y in "ijklmno"]),
}


def peak_of(action) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("case", CASES)
def test_fits_take_no_more_than_was_forecast(case: str) -> None:
    sizes, cliques = CASES[case]
    rng = np.random.default_rng(0)
    given = [Observation(c, rng.normal(0, 9, [sizes[n] for n in c]), 81.0) for c in cliques]
    taken = peak_of(lambda: estimate(sizes, given, tolerance=1e-9, max_iterations=80))
    assert taken < forecast(sizes, cliques).bytes
    assert case == "binary" or taken > forecast(sizes, cliques).bytes / 4  # the forecast is not idle talk either
    targets = {o.clique: np.maximum(o.values, 0.0) + 1 for o in given}
    taken = peak_of(lambda: rake(sizes, targets, max_iterations=3))
    assert taken < forecast(sizes, cliques, method="rake").bytes
