"""Golden ceilings, the choice of a threshold, and scores against counts."""

from __future__ import annotations

import numpy as np
import pytest

from privacy_audit.bounds.clopper_pearson import clopper_pearson, clopper_pearson_at, clopper_pearson_split
from privacy_audit.errors import InputError

CEILINGS = {
    50: 2.5696, 100: 3.2813, 200: 3.9838, 500: 4.9056, 1000: 5.6006, 2000: 6.2947, 5000: 7.2115, 10000: 7.9048,
    100000: 10.2076,
}  # fmt: skip


@pytest.mark.parametrize(("runs", "epsilon"), CEILINGS.items())
def test_ceiling_is_golden(runs: int, epsilon: float) -> None:
    bound = clopper_pearson(0, runs, 0, runs, delta=0.0)
    assert bound.epsilon == pytest.approx(epsilon, abs=1e-4)
    assert bound.detectable == bound.epsilon
    assert bound.valid


def test_ceiling_at_alpha_tenth() -> None:
    assert clopper_pearson(0, 1000, 0, 1000, delta=0.0, alpha=0.1).epsilon == pytest.approx(5.8091, abs=1e-4)


def test_all_wrong_gives_nothing() -> None:
    assert clopper_pearson(50, 50, 50, 50, delta=0.0).epsilon == 0.0
    assert clopper_pearson(512, 513, 0, 487, delta=1e-5, alpha=0.1).epsilon == 0.0


def test_both_directions_count() -> None:
    assert clopper_pearson(0, 500, 300, 500, delta=1e-5).epsilon == pytest.approx(
        clopper_pearson(300, 500, 0, 500, delta=1e-5).epsilon
    )


def test_scores_become_counts() -> None:
    bound = clopper_pearson_at([1.0, 2.0, 2.0, 5.0], [0.0, 2.0, 3.0], threshold=2.0, delta=0.0)
    assert bound == clopper_pearson(1, 3, 3, 4, delta=0.0)


def test_split_counts_only_the_rest() -> None:
    generator = np.random.default_rng(0)
    inside, outside = generator.normal(3, 1, 400), generator.normal(0, 1, 400)
    bound = clopper_pearson_split(inside, outside, delta=1e-5)
    assert bound.details["counted"] == 560
    assert 2.0 < bound.epsilon < bound.detectable < clopper_pearson(0, 400, 0, 400, delta=1e-5).epsilon


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((-1, 10, 0, 10), "false_positives is -1"),
        ((11, 10, 0, 10), "false_positives is 11"),
        ((0, 0, 0, 10), "nonmembers is 0"),
        ((0, 10, 0.5, 10), "false_negatives is 0.5"),
        ((0, 10, float("nan"), 10), "false_negatives is not a number"),
    ],
)
def test_bad_counts_are_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(InputError, match=words):
        clopper_pearson(*arguments, delta=0.0)


def test_split_needs_runs_and_a_share() -> None:
    with pytest.raises(InputError, match="Too few runs to split"):
        clopper_pearson_split(range(5), range(50), delta=0.0)
    with pytest.raises(InputError, match="share is 2"):
        clopper_pearson_split(range(50), range(50), delta=0.0, share=2.0)
