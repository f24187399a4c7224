"""Shadow models find one-bit leaks that no distance shows; targets and worst pairs are the exposed ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privacy_audit.attacks.queries import Queries
from privacy_audit.attacks.shadow import ShadowAttack, ShadowRuns, shadow_attack, shadow_runs
from privacy_audit.attacks.targets import vulnerability, vulnerable, worst_pair
from privacy_audit.errors import InputError, ResourceError
from privacy_audit.frames import align, stack
from tests.unit.privacy_audit.attacks.planted import generators, population

FULL = population(1600, 5)
TABLE = align(FULL[:800], FULL[800:]).real
TARGET = TABLE.select(vulnerable(TABLE, 1))
REST = TABLE.select(np.delete(np.arange(800), vulnerable(TABLE, 1)))
GENERATORS = generators(FULL[800:], TARGET.frame())


@pytest.mark.parametrize("name", ["sign shift", "leaked n", "copied target"])
def test_a_leaked_bit_is_found(name: str) -> None:
    generator, replace = GENERATORS[name]
    found = shadow_attack(generator, REST, TARGET, rows=120, runs=40, test_runs=30, replace=replace)
    assert found.verdict == "leak"
    assert found.figures["accuracy"].value > 0.9


def test_a_silent_generator_is_no_leak() -> None:
    generator, replace = GENERATORS["no leak"]
    found = shadow_attack(generator, REST, TARGET, rows=120, runs=40, test_runs=30, replace=replace)
    assert found.verdict == "no leak found"
    assert found.p_value is not None
    assert found.p_value > 1e-3


def test_wrong_calls_raise() -> None:
    generator, _ = GENERATORS["no leak"]
    with pytest.raises(InputError, match="one target row and at least 20 runs"):
        shadow_attack(generator, REST, REST, runs=60)
    with pytest.raises(InputError, match="as many rows to draw from"):
        shadow_attack(generator, REST, TARGET, rows=5000)
    with pytest.raises(ResourceError, match="time limit of the shadow runs"):
        shadow_attack(generator, REST, TARGET, rows=200, time_limit=0.0)
    with pytest.raises(InputError, match="same label"):
        ShadowAttack().train(ShadowRuns(np.zeros((5, 2)), np.ones(5, bool)))


def test_runs_toss_a_coin_and_keep_the_size() -> None:
    sizes = []

    def generator(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
        sizes.append(len(rows))
        return rows

    queries = Queries.draw(TARGET, REST, seed=0)
    runs = shadow_runs(generator, REST, TARGET, queries, rows=100, runs=40, seed=0)
    assert set(sizes) == {100}
    assert 8 < runs.labels.sum() < 32
    sizes.clear()
    shadow_runs(generator, REST, TARGET, queries, rows=100, runs=40, seed=0, replace=False)
    assert set(sizes) == {100, 101}


def test_queries_count_matching_rows_like_a_loop() -> None:
    queries = Queries.draw(TARGET, REST, seed=1, count=60)
    table = REST.select(np.arange(50))
    p = table.numbers.shape[1]
    expected = []
    for mask, below, equal in zip(queries.masks, queries.below, queries.equal, strict=True):
        count = 0
        for numbers, codes in zip(table.numbers, table.codes, strict=True):
            good = all(
                (numbers[j] <= TARGET.numbers[0, j] if below[j] else numbers[j] >= TARGET.numbers[0, j])
                for j in range(p)
                if mask[j]
            ) and all((codes[j] == TARGET.codes[0, j]) == equal[j] for j in range(len(codes)) if mask[p + j])
            count += good
        expected.append(count)
    assert queries.answer(table)[-60:].tolist() == expected
    assert queries.answer(table)[0] == 50


def test_vulnerability_equals_the_loop_and_picks_the_odd_row() -> None:
    rows = pd.DataFrame(
        {"c": ["a"] * 9 + ["b"], "d": ["x"] * 9 + ["y"], "n": [1.0] * 9 + [0.0], "m": [0.0] * 9 + [1.0]}
    )
    table = align(rows, rows).real
    found = vulnerability(table)
    assert found[:9].max() < 1e-6
    assert found[9] == pytest.approx(1.0)
    assert vulnerable(table, 1).tolist() == [9]
    with pytest.raises(InputError, match="at least two rows"):
        vulnerability(table.select(np.array([0])))


def test_worst_pair_differs_in_one_row_that_stands_alone() -> None:
    pair = worst_pair(TABLE, narrow=3)
    assert pair.with_target.rows == pair.without.rows + 1 == 5
    assert len(pair.target.columns) == 3
    same = (pair.with_target.numbers == pair.target.numbers).all(axis=1)
    assert same.sum() == 2  # once is public, twice is the question
    alone = worst_pair(TABLE, repeat=False)
    assert alone.without.rows == 3
    both = stack(alone.target, alone.without)
    assert (both.codes[1] != both.codes[0]).sum() + (both.numbers[1] != both.numbers[0]).sum() >= 10
    with pytest.raises(InputError, match="at least three rows"):
        worst_pair(TABLE.select(np.arange(2)))
