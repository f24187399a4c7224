from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from privacy_audit.collapse import LOOPS, collapse
from privacy_audit.errors import InputError
from tests.unit.privacy_audit.utility.support import DOMAIN, people, shuffled


def steady(table: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Draws from the truth, whatever it is fitted on."""
    return people(rows, seed + 1)


def worn(table: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Loses a third of the dependence in each generation."""
    drawn = table.sample(rows, replace=True, random_state=seed).reset_index(drop=True)
    lost = np.random.default_rng(seed).random(rows) < 0.35
    return drawn.where(np.repeat(~lost[:, None], drawn.shape[1], 1), shuffled(drawn, seed)).astype(drawn.dtypes)


def test_a_generator_that_forgets_collapses_and_real_rows_slow_it() -> None:
    found = collapse(worn, people(1600, 1), domain=DOMAIN, generations=4, seed=2)
    assert found.verdict["synthetic"] == "collapses"
    lost = {loop: found.drift[loop][0] for loop in LOOPS}
    assert lost["synthetic"] > lost["fixed real"] + 10
    assert lost["synthetic"] > lost["fresh real"] + 10
    fidelity = [generation["coverage"] for generation in found.loops["synthetic"]]
    assert fidelity[-1] < fidelity[0]
    assert found.ceiling["k_marginal"] < found.floor["k_marginal"]


def test_a_steady_generator_is_stable() -> None:
    found = collapse(steady, people(1600, 1), domain=DOMAIN, generations=3, tolerance=40)
    assert set(found.verdict.values()) == {"stable"}
    for value, low, high in found.drift.values():
        assert low <= value <= high < 40


def test_too_few_repeats_for_a_verdict_are_inconclusive() -> None:
    found = collapse(worn, people(400, 1), domain=DOMAIN, generations=2, repeats=2, loops=["fixed real"], tolerance=15)
    _, low, high = found.drift["fixed real"]
    assert found.verdict["fixed real"] == (
        "inconclusive" if low <= 15 < high else "collapses" if low > 15 else "stable"
    )


def test_equal_seeds_give_equal_loops_and_strict_json() -> None:
    settings: dict[str, Any] = {"generations": 2, "repeats": 2, "domain": DOMAIN, "loops": ["synthetic", "fresh real"]}
    first, second = (collapse(worn, people(400, 1), seed=7, **settings).to_dict() for _ in range(2))
    assert first == second
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert set(first["loops"]) == {"synthetic", "fresh real"}
    assert all(math.isfinite(first["drift"][loop]["value"]) for loop in first["loops"])


def test_plot_has_one_curve_per_loop() -> None:
    found = collapse(steady, people(400, 1), domain=DOMAIN, generations=2, repeats=2)
    drawn = found.to_svg("coverage")
    assert drawn.startswith("<svg")
    assert drawn.count("<polyline") == 3
    assert found.to_svg("no such score") == ""


def test_each_step_is_told() -> None:
    told: list[str] = []
    collapse(steady, people(200, 1), domain=DOMAIN, generations=2, repeats=2, loops=["synthetic"], progress=told.append)
    assert told[-1] == "synthetic, run 2 of 2, generation 2 of 2"
    assert len(told) == 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"generations": 1}, "at least 2 generations"),
        ({"repeats": 1}, "2 repeats"),
        ({"share": 1.0}, "share between 0 and 1"),
        ({"loops": ["sideways"]}, "no loop 'sideways'"),
        ({"loops": []}, "no loop"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        collapse(steady, people(200, 1), **settings)


def test_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="at least 80 real rows and two columns"):
        collapse(steady, people(40, 1))


@pytest.mark.parametrize("made", [pd.DataFrame({"x": [1.0]}), people(0, 1)])
def test_wrong_output_of_the_generator_is_refused(made: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="other columns than it was given, or no rows"):
        collapse(lambda table, rows, seed: made, people(200, 1))
