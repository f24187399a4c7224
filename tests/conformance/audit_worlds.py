"""Mechanisms that sit exactly on the boundary of their claim, and how often each bound exceeds the truth on them.

Shared by tests/bench/audit_bounds.py (10,000 trials) and tests/conformance/test_bounds_false_alarms.py (fewer). All
trials of a mechanism are drawn at once; each function returns bool[trials]: whether the bound exceeds the true epsilon.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from privacy_audit.bounds.binomial import proportion_at_most
from privacy_audit.bounds.clopper_pearson import clopper_pearson_split, epsilon_of_limits
from privacy_audit.bounds.clopper_pearson_band import FALSE_POSITIVE_SHARE, false_positive_band
from privacy_audit.bounds.curves import (
    AbstractCurve,
    GaussianCurve,
    approximate_curve,
    gdp_mu,
    laplace_curve,
)
from privacy_audit.bounds.group_canaries import group_delta
from privacy_audit.bounds.joint_beta import private_probability
from privacy_audit.bounds.label_walk import critical_counts, walk_counts, walk_ranks
from privacy_audit.bounds.mu_gdp import mu_of_limits
from privacy_audit.bounds.one_run_epsilon_delta import one_run_p_value
from privacy_audit.bounds.one_run_f_dp import refutes_curve
from privacy_audit.bounds.rank_test import rank_statistic, simulate_statistics
from privacy_audit.bounds.sequential.event_betting import event_bets, event_gains
from privacy_audit.bounds.sequential.order_betting import order_bets, order_gains
from privacy_audit.bounds.sequential.process import log_wealth_path

DELTA = 1e-5
ALPHA = 0.05


@dataclass(frozen=True)
class World:
    """A mechanism on two neighbours.

    Attributes:
        name: of the mechanism.
        truth: its exact epsilon at DELTA.
        pure: its exact epsilon at delta 0 (infinite for the Gaussian).
        curve: its own trade-off curve, or the claim it sits on.
        threshold: a good cut of its scores.
        draw: labels and a generator to scores.
        half: the exact epsilon, at DELTA, of one of two copies that together make this world.
    """

    name: str
    truth: float
    pure: float
    curve: AbstractCurve
    threshold: float
    draw: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    half: float


def _response(epsilon: float) -> World:
    p = 1 / (1 + math.exp(-epsilon))

    def draw(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return np.where(generator.random(labels.shape) < p, labels, ~labels).astype(float)

    truth = math.log((p - DELTA) / (1 - p))
    return World("randomized response", truth, epsilon, approximate_curve(epsilon), 0.5, draw, epsilon / 2)


def _laplace(epsilon: float) -> World:
    def draw(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return labels + generator.laplace(0, 1 / epsilon, labels.shape)

    truth = epsilon + 2 * math.log1p(-DELTA)
    return World("Laplace", truth, epsilon, laplace_curve(epsilon), 1.0, draw, epsilon / 2)


def _gaussian(epsilon: float) -> World:
    mu = gdp_mu(epsilon, DELTA) if epsilon else 0.0
    curve = GaussianCurve(mu)
    half = GaussianCurve(mu / 2).epsilon(DELTA)
    name = "Gaussian" if epsilon else "epsilon 0"
    return World(name, epsilon, math.inf if epsilon else 0.0, curve, mu / 2 + 0.5, curve.pair, half)


def _exponential(epsilon: float, candidates: int = 20) -> World:
    """One candidate is one better with the record, all others without it: selection weights exp(epsilon u / 2)."""
    weight = math.exp(epsilon / 2)
    p = weight / (weight + candidates - 1)
    q = 1 / (1 + (candidates - 1) * weight)

    def draw(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return (generator.random(labels.shape) < np.where(labels, p, q)).astype(float)

    pure = math.log(p / q)
    truth = max(math.log((p - DELTA) / q), math.log((1 - q - DELTA) / (1 - p)))
    return World("exponential", truth, pure, approximate_curve(pure), 0.5, draw, pure / 2)


def worlds(epsilon: float = 1.0) -> list[World]:
    return [_gaussian(0.0), _response(epsilon), _laplace(epsilon), _gaussian(epsilon), _exponential(epsilon)]


@dataclass(frozen=True)
class Trials:
    """Scores of many audits.

    Attributes:
        world: the mechanism.
        inside: float64[trials, n].
        outside: float64[trials, n].
        labels: bool[trials, 2 n], coin labels of another set of runs, by descending score.
    """

    world: World
    inside: np.ndarray
    outside: np.ndarray
    labels: np.ndarray


def draw_trials(world: World, trials: int, runs: int, seed: int) -> Trials:
    generator = np.random.default_rng(seed)
    inside = world.draw(np.ones((trials, runs), dtype=bool), generator)
    outside = world.draw(np.zeros((trials, runs), dtype=bool), generator)
    coins = generator.random((trials, 2 * runs)) < 0.5
    scores = world.draw(coins, generator)
    order = np.lexsort((generator.random(scores.shape), -scores), axis=-1)
    return Trials(world, inside, outside, np.take_along_axis(coins, order, axis=1))


def _errors(t: Trials) -> tuple[np.ndarray, np.ndarray]:
    return (t.outside > t.world.threshold).sum(1), (t.inside <= t.world.threshold).sum(1)


def _limits(t: Trials) -> tuple[np.ndarray, np.ndarray]:
    positive, negative = _errors(t)
    return (
        proportion_at_most(positive, t.outside.shape[1], ALPHA / 2),
        proportion_at_most(negative, t.inside.shape[1], ALPHA / 2),
    )


def clopper_pearson(t: Trials) -> np.ndarray:
    return epsilon_of_limits(*_limits(t), DELTA) > t.world.truth


def split(t: Trials) -> np.ndarray:
    rows = zip(t.inside, t.outside, strict=True)
    found = [clopper_pearson_split(a, b, delta=DELTA, alpha=ALPHA, seed=i).epsilon for i, (a, b) in enumerate(rows)]
    return np.array(found) > t.world.truth


def band(t: Trials) -> np.ndarray:
    ranks, limits = false_positive_band(t.outside.shape[1], FALSE_POSITIVE_SHARE * ALPHA)
    cuts = -np.sort(-t.outside, axis=1)[:, ranks]
    misses = np.stack([(t.inside <= cuts[:, [k]]).sum(1) for k in range(ranks.size)], axis=1)
    negative = proportion_at_most(misses, t.inside.shape[1], (1 - FALSE_POSITIVE_SHARE) * ALPHA / ranks.size)
    return epsilon_of_limits(np.broadcast_to(limits, negative.shape), negative, DELTA).max(1) > t.world.truth


def group(t: Trials) -> np.ndarray:
    """The worlds as if two copies made them: the truth is that of one copy."""
    positive, negative = _limits(t)
    growth, slack = math.exp(2 * t.world.half), group_delta(t.world.half, DELTA, 2)
    return (1 - negative > growth * positive + slack) | (1 - positive > growth * negative + slack)


def walk(t: Trials, two_sided: bool = True) -> np.ndarray:
    runs = t.labels.shape[1]
    critical = critical_counts(runs, t.world.truth, DELTA, alpha=ALPHA, two_sided=two_sided)
    return (walk_counts(t.labels, walk_ranks(runs, DELTA, ALPHA), two_sided=two_sided) >= critical).any(1)


def walk_one_sided(t: Trials) -> np.ndarray:
    return walk(t, two_sided=False)


def rank(t: Trials, replicates: int = 9_999) -> np.ndarray:
    null = np.sort(simulate_statistics(t.labels.shape[1], t.world.curve, replicates, seed=12345))
    critical = null[-int(ALPHA * (replicates + 1))]
    return rank_statistic(t.labels) > critical + 1e-9


def gdp(t: Trials) -> np.ndarray | None:
    if not isinstance(t.world.curve, GaussianCurve):
        return None
    return mu_of_limits(*_limits(t)) > t.world.curve.mu


def beta(t: Trials) -> np.ndarray:
    n, known = t.outside.shape[1], {}
    for pair in {*zip(*(counts.tolist() for counts in _errors(t)), strict=True)}:
        known[pair] = private_probability(pair[0], n, pair[1], n, t.world.truth, DELTA) < ALPHA / 2
    return np.array([known[pair] for pair in zip(*(counts.tolist() for counts in _errors(t)), strict=True)])


GUESS_SHARE = 0.2


def _correct(t: Trials) -> tuple[int, int, np.ndarray]:
    canaries = t.labels.shape[1]
    each = int(canaries * GUESS_SHARE / 2)
    return canaries, 2 * each, t.labels[:, :each].sum(1) + (~t.labels[:, -each:]).sum(1)


def one_run(t: Trials) -> np.ndarray:
    canaries, guesses, correct = _correct(t)
    table = [one_run_p_value(canaries, guesses, v, t.world.truth, DELTA) <= ALPHA for v in range(guesses + 1)]
    return np.array(table)[correct]


def one_run_curve(t: Trials) -> np.ndarray:
    canaries, guesses, correct = _correct(t)
    table = [refutes_curve(canaries, guesses, v, t.world.curve, ALPHA) for v in range(guesses + 1)]
    return np.array(table)[correct]


def event(t: Trials) -> np.ndarray:
    gains = event_gains(t.inside > t.world.threshold, t.outside > t.world.threshold, t.world.truth, DELTA)
    return log_wealth_path(gains, event_bets(t.world.truth, DELTA)).max(1) >= -math.log(ALPHA)


def order(t: Trials, block: int = 1) -> np.ndarray:
    gains = order_gains(t.inside, t.outside, t.world.curve, block)
    return log_wealth_path(gains, order_bets(t.world.curve)).max(1) >= -math.log(ALPHA)


def order_in_blocks(t: Trials) -> np.ndarray:
    return order(t, block=4)


METHODS: dict[str, Callable[[Trials], np.ndarray | None]] = {
    "clopper_pearson": clopper_pearson,
    "clopper_pearson_split": split,
    "clopper_pearson_band": band,
    "group_canaries": group,
    "label_walk": walk,
    "label_walk_one_sided": walk_one_sided,
    "rank_test": rank,
    "mu_gdp": gdp,
    "one_run_epsilon_delta": one_run,
    "one_run_f_dp": one_run_curve,
    "event_betting": event,
    "order_betting": order,
    "order_betting, blocks of 4": order_in_blocks,
    "joint_beta": beta,
}
"""Every bound of the registry, and variants; None where a bound refuses the mechanism."""


@lru_cache(maxsize=8)
def cached_worlds(epsilon: float) -> tuple[World, ...]:
    return tuple(worlds(epsilon))
