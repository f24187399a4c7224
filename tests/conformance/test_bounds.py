"""What every bound owes: a full answer, silence on private scores, more for more leakage, and clear refusals.

A new bound joins by its line in `privacy_audit.bounds.registry.BOUNDS`. Bounds that lie are run through the same checks
at the end, to show that the checks see them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from privacy_audit.bounds import BOUNDS, BoundMethod, EpsilonBound, Request
from privacy_audit.errors import AuditError, InputError

REQUEST = Request(delta=1e-5, replicates=499)
METHODS = list(BOUNDS.values())
AT_MOST = 6
"""Of 40 audits of perfectly private scores at alpha .05: P[Binomial(40, .05) > 6] is .003, over fixed seeds."""


def scores(shift: float, seed: int, runs: int = 400) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.random(runs) < 0.5
    values = generator.normal(0, 1, runs) + shift * (labels - 0.5)
    return values[labels], values[~labels]


def check_answer(method: BoundMethod) -> None:
    bound = method.run(*scores(3.0, 0), REQUEST)
    assert isinstance(bound, EpsilonBound)
    assert bound.delta == REQUEST.delta
    assert bound.confidence == pytest.approx(0.95)
    assert bound.valid == method.valid
    assert 0 < bound.epsilon <= bound.detectable * (1 + 1e-9)
    assert bound.assumptions
    assert 0 < bound.samples <= 400
    assert bound.violates(0.0) == method.valid
    assert json.loads(json.dumps(bound.to_dict()))["method"] == bound.method
    assert bound == method.run(*scores(3.0, 0), REQUEST)


def check_silence(method: BoundMethod) -> None:
    found = sum(method.run(*scores(0.0, seed), replace(REQUEST, seed=seed)).epsilon > 0 for seed in range(40))
    assert found <= AT_MOST


def check_monotone(method: BoundMethod) -> None:
    bounds = [method.run(*scores(shift, 7), REQUEST).epsilon for shift in (0.0, 1.0, 2.5, 5.0, 20.0)]
    assert bounds == sorted(bounds)
    assert bounds[-1] > 1.0
    alphas = [method.run(*scores(3.0, 7), replace(REQUEST, alpha=alpha)).epsilon for alpha in (0.01, 0.05, 0.2)]
    assert alphas == sorted(alphas)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_answer(method: BoundMethod) -> None:
    check_answer(method)


@pytest.mark.parametrize("method", [method for method in METHODS if method.valid], ids=lambda method: method.name)
def test_silence_on_private_scores(method: BoundMethod) -> None:
    check_silence(method)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_more_for_more_leakage(method: BoundMethod) -> None:
    check_monotone(method)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alpha": 0.0}, "alpha is 0"),
        ({"alpha": 1.0}, "alpha is 1"),
        ({"alpha": float("nan")}, "alpha is not a number"),
        ({"delta": 1.0}, "delta is 1"),
        ({"delta": -0.1}, "delta is -0.1"),
    ],
    ids=str,
)
def test_bad_claims_are_refused(method: BoundMethod, change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        method.run(*scores(1.0, 0), replace(REQUEST, **change))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda good: np.append(good, np.nan), "NaN among the scores"),
        (lambda _: np.empty(0), "an empty"),
        (lambda good: good.reshape(1, -1), "many-dimensional"),
        (lambda _: ["a", "b"], "are not numbers"),
    ],
    ids=["nan", "empty", "matrix", "text"],
)
def test_bad_scores_are_refused(method: BoundMethod, spoil: Callable, words: str) -> None:
    inside, outside = scores(1.0, 0)
    for arguments in ((spoil(inside), outside), (inside, spoil(outside))):
        with pytest.raises(AuditError, match=words) as caught:
            method.run(*arguments, REQUEST)
        assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_infinite_and_equal_scores_are_fine(method: BoundMethod) -> None:
    inside, outside = scores(6.0, 0)
    assert method.run(np.append(inside, np.inf), np.append(outside, -np.inf), REQUEST).epsilon > 0
    if method.valid:
        assert method.run(np.zeros(200), np.zeros(200), REQUEST).epsilon < 0.5


def _liar(change: Callable[[EpsilonBound], EpsilonBound]) -> BoundMethod:
    honest = BOUNDS["clopper_pearson"]
    return replace(honest, name="liar", run=lambda a, b, request: change(honest.run(a, b, request)))


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (check_silence, lambda bound: replace(bound, epsilon=bound.epsilon + 0.1)),
        (check_monotone, lambda bound: replace(bound, epsilon=-bound.epsilon)),
        (check_answer, lambda bound: replace(bound, detectable=0.0)),
        (check_answer, lambda bound: replace(bound, confidence=0.9)),
        (check_answer, lambda bound: replace(bound, valid=False)),
    ],
)
def test_liars_are_seen(check: Callable, change: Callable) -> None:
    with pytest.raises(AssertionError):
        check(_liar(change))
