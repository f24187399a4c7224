"""What an event guarantees, said in every way that a reader asks for: post-processing of the event alone.

Every figure is an upper bound: it comes from the certified profile delta(epsilon), each point of which is sound.

    trade-off   true-positive rate <= min over epsilon of min(e^epsilon f + delta, 1 - e^-epsilon (1 - delta - f)) of a
                test with false-positive rate f: the whole profile at once
    posterior   the loss L of the noise exceeds x with probability at most delta(epsilon) / (1 - e^(epsilon - x)) for
                every epsilon < x; outside that event, a prior p moves to at most p e^x / (1 - p + p e^x)
    groups      k units: Gaussians have k mu exactly; else (k epsilon, delta (e^(k epsilon) - 1) / (e^epsilon - 1))
"""

from __future__ import annotations

import math
from typing import Any

from dpsynth.accounting.base import Parts
from dpsynth.accounting.certify import CertifiedProfile, profile
from dpsynth.accounting.events import AbstractEvent, Composed, GaussianFilter, Slack
from dpsynth.accounting.gdp import is_gaussian, squared_mu_up
from dpsynth.accounting.quantities import Delta, Epsilon, format_epsilon_up
from dpsynth.accounting.rounding import next_up, square_root_up
from dpsynth.domain.unit import NeighbouringRelation

__all__ = ["FALSE_POSITIVE_RATES", "GROUPS", "PRIORS", "guarantee_of", "true_positive_rate_up"]

PRIORS = (0.5, 0.1, 0.01)
FALSE_POSITIVE_RATES = (0.001, 0.01, 0.1)
GROUPS = (2, 5, 10)
_EPSILONS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0)
_DELTAS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)
_CURVE = (0.0, 0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_POINTS = 160
_WIDEST = 60.0
"""Where no finite epsilon is near: enough for every curve that is not trivial."""


def guarantee_of(event: AbstractEvent, delta: float, relation: NeighbouringRelation) -> dict[str, Any]:
    """Everything that follows from the event, as plain JSON.

    Args:
        event: everything that was charged.
        delta: the delta that epsilon is stated at, in [0, 1).
        relation: the neighbouring relation.

    Returns:
        "epsilon", "accountant", "mu", "rho", "profile", "trade_off", "groups", "posteriors", "true_positive_rates".

    Guarantee: depends on its arguments only; every figure is an upper bound.
    """
    certified = profile(event, relation)
    at_delta = certified.epsilon_up(Delta(delta))
    points = _grid(certified, delta)
    parts = Parts.of(event)
    gaussian = bool(parts.leaves) and not parts.non_private and all(is_gaussian(leaf) for leaf in parts.leaves)
    mu = square_root_up(squared_mu_up(parts.leaves, relation)) if gaussian else None
    loss = _loss_up(points, delta)
    return {
        "epsilon": _finite(at_delta.epsilon),
        "epsilon_text": format_epsilon_up(at_delta.epsilon),
        "accountant": at_delta.accountant,
        "mu": mu,
        "rho": None if mu is None else next_up(mu * mu / 2),
        "profile": {
            "delta_at_epsilon": [[e, certified.delta_up(Epsilon(e)).delta] for e in _EPSILONS],
            "epsilon_at_delta": [[d, _finite(certified.epsilon_up(Delta(d)).epsilon)] for d in _DELTAS],
        },
        "trade_off": [[f, true_positive_rate_up(points, f)] for f in _CURVE],
        "groups": [_group(k, certified, points, mu, parts.slack, delta, relation) for k in GROUPS],
        "posteriors": [
            {"prior": p, "posterior": _posterior_up(p, loss), "except_with_probability": delta} for p in PRIORS
        ],
        "true_positive_rates": [
            {"false_positive_rate": f, "true_positive_rate": true_positive_rate_up(points, f)}
            for f in FALSE_POSITIVE_RATES
        ],
    }


def true_positive_rate_up(points: list[tuple[float, float]], false_positive_rate: float) -> float:
    """The most that a membership test with that false-positive rate can catch.

    Args:
        points: (epsilon, delta) pairs that hold.
        false_positive_rate: in [0, 1].

    Guarantee: never below the trade-off that the pairs allow.
    Source: kairouz2015composition, dong2022gaussian
    """
    best = 1.0
    for epsilon, delta in points:
        growth = math.exp(min(epsilon, 700.0))
        upper = growth * false_positive_rate + delta
        lower = 1 - (1 - delta - false_positive_rate) / growth
        best = min(best, upper * (1 + 1e-12), lower + 1e-12)
    return max(0.0, min(1.0, best))


def _grid(certified: CertifiedProfile, delta: float) -> list[tuple[float, float]]:
    """(epsilon, delta) pairs, from epsilon 0 to where delta is far below what is asked about."""
    ends = (certified.epsilon_up(Delta(d)).epsilon for d in (min(delta, 1e-9) / 10, delta) if d > 0)
    end = next((e for e in ends if math.isfinite(e)), None)
    pure = certified.epsilon_up(Delta(0.0)).epsilon
    end = min(e for e in (end, pure, _WIDEST) if e is not None and math.isfinite(e))
    epsilons = [end * i / _POINTS for i in range(_POINTS + 1)]
    return [(e, certified.delta_up(Epsilon(e)).delta) for e in epsilons]


def _loss_up(points: list[tuple[float, float]], probability: float) -> float:
    """A privacy loss that the noise exceeds with at most this probability."""
    found = math.inf
    for epsilon, delta in points:
        if delta == 0:
            found = min(found, epsilon)
        elif delta < probability:
            found = min(found, epsilon - math.log1p(-delta / probability))
    return found


def _posterior_up(prior: float, loss: float) -> float:
    if not math.isfinite(loss):
        return 1.0
    return min(1.0, next_up(next_up(prior / (prior + (1 - prior) * math.exp(-loss)))))


def _group(
    k: int,
    certified: CertifiedProfile,
    points: list[tuple[float, float]],
    mu: float | None,
    slack: float,
    delta: float,
    relation: NeighbouringRelation,
) -> dict[str, Any]:
    if mu is not None:
        parts = (GaussianFilter(next_up(k * mu)), *((Slack(slack),) if slack > 0 else ()))
        epsilon = profile(Composed(parts), relation).epsilon_up(Delta(delta)).epsilon
        return {"units": k, "epsilon": _finite(epsilon), "delta": delta, "how": "k mu, exact for Gaussian noise"}
    fitting = [k * e for e, d in points if _group_delta_up(k, e, d) <= delta]
    pure = certified.epsilon_up(Delta(0.0)).epsilon
    epsilon = min([*fitting, k * pure], default=math.inf)
    return {"units": k, "epsilon": _finite(epsilon), "delta": delta, "how": "k epsilon along the whole profile"}


def _group_delta_up(k: int, epsilon: float, delta: float) -> float:
    if delta == 0:
        return 0.0
    if epsilon == 0:
        return k * delta
    if k * epsilon > 700:
        return math.inf
    return delta * math.expm1(k * epsilon) / math.expm1(epsilon) * (1 + 1e-12)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
