"""All bounds behind one interface, for the conformance suite, `power` and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, final

import numpy as np

from privacy_audit.bounds.base import EpsilonBound
from privacy_audit.bounds.checks import read_scores
from privacy_audit.bounds.clopper_pearson import clopper_pearson_at, clopper_pearson_split
from privacy_audit.bounds.clopper_pearson_band import clopper_pearson_band
from privacy_audit.bounds.group_canaries import group_canaries
from privacy_audit.bounds.joint_beta import joint_beta
from privacy_audit.bounds.label_walk import label_walk
from privacy_audit.bounds.mu_gdp import mu_gdp
from privacy_audit.bounds.one_run_epsilon_delta import count_correct, one_run_epsilon_delta
from privacy_audit.bounds.one_run_f_dp import one_run_f_dp
from privacy_audit.bounds.rank_test import rank_test
from privacy_audit.bounds.sequential.event_betting import event_betting
from privacy_audit.bounds.sequential.order_betting import order_betting

__all__ = ["BOUNDS", "BoundMethod", "Request"]


@final
@dataclass(frozen=True, slots=True)
class Request:
    """What is fixed before the runs.

    Attributes:
        delta: of the claim.
        alpha: false-alarm rate.
        threshold: a score above it says "in".
        guess_share: of canaries that a one-run bound guesses.
        copies: rows by which the worlds differ (group canaries).
        coin_labels: each run or canary had its own fair coin.
        replicates: simulated tables of the rank test.
        seed: of ties, splits, coins, tables.
    """

    delta: float
    alpha: float = 0.05
    threshold: float = 0.0
    guess_share: float = 0.2
    copies: int = 1
    coin_labels: bool = True
    replicates: int = 9_999
    seed: int = 0


Run = Callable[[Any, Any, Request], EpsilonBound]


@final
@dataclass(frozen=True, slots=True)
class BoundMethod:
    """A bound that takes scores.

    Attributes:
        name: its name.
        run: members' scores, non-members' scores and a request to a bound.
        design: "runs" for independent runs of two worlds, "one run" for canaries of one.
        claim: "epsilon-delta" where nothing else is assumed, "gaussian" where the caller must declare a Gaussian
            mechanism (calling `run` from here declares it).
        valid: False for credible intervals.
    """

    name: str
    run: Run
    design: Literal["runs", "one run"]
    claim: Literal["epsilon-delta", "gaussian"]
    valid: bool = True


def _counts(members: Any, nonmembers: Any, request: Request) -> tuple[int, int, int, int]:
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    return (
        int((outside > request.threshold).sum()),
        outside.size,
        int((inside <= request.threshold).sum()),
        inside.size,
    )


def _guesses(members: Any, nonmembers: Any, request: Request) -> tuple[int, int, int]:
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    labels = np.repeat([1, 0], [inside.size, outside.size])
    guesses = max(1, round(request.guess_share * labels.size))
    correct = count_correct(labels, np.concatenate([inside, outside]), guesses, seed=request.seed)
    return labels.size, guesses, correct


def _threshold(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    cut, delta, alpha = request.threshold, request.delta, request.alpha
    return clopper_pearson_at(members, nonmembers, threshold=cut, delta=delta, alpha=alpha)


def _split(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    return clopper_pearson_split(members, nonmembers, delta=request.delta, alpha=request.alpha, seed=request.seed)


def _band(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    return clopper_pearson_band(members, nonmembers, delta=request.delta, alpha=request.alpha)


def _group(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    counts = _counts(members, nonmembers, request)
    return group_canaries(*counts, copies=request.copies, delta=request.delta, alpha=request.alpha)


def _walk(two_sided: bool) -> Run:
    def run(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
        return label_walk(
            members,
            nonmembers,
            delta=request.delta,
            alpha=request.alpha,
            two_sided=two_sided,
            coin_labels=request.coin_labels,
            seed=request.seed,
        )

    return run


def _rank(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    return rank_test(
        members,
        nonmembers,
        delta=request.delta,
        gaussian_mechanism=True,
        alpha=request.alpha,
        coin_labels=request.coin_labels,
        replicates=request.replicates,
        seed=request.seed,
    )


def _gdp(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    counts = _counts(members, nonmembers, request)
    return mu_gdp(*counts, gaussian_mechanism=True, delta=request.delta, alpha=request.alpha)


def _beta(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    return joint_beta(*_counts(members, nonmembers, request), delta=request.delta, alpha=request.alpha)


def _one_run(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    counts = _guesses(members, nonmembers, request)
    return one_run_epsilon_delta(*counts, delta=request.delta, alpha=request.alpha)


def _one_run_curve(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    counts = _guesses(members, nonmembers, request)
    return one_run_f_dp(*counts, delta=request.delta, gaussian_mechanism=True, alpha=request.alpha)


def _pairs(members: Any, nonmembers: Any) -> tuple[np.ndarray, np.ndarray]:
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    pairs = min(inside.size, outside.size)
    return inside[:pairs], outside[:pairs]


def _event(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    inside, outside = _pairs(members, nonmembers)
    cut = request.threshold
    return event_betting(inside > cut, outside > cut, delta=request.delta, alpha=request.alpha)


def _order(members: Any, nonmembers: Any, request: Request) -> EpsilonBound:
    inside, outside = _pairs(members, nonmembers)
    return order_betting(inside, outside, delta=request.delta, gaussian_mechanism=True, alpha=request.alpha)


BOUNDS: Mapping[str, BoundMethod] = MappingProxyType(
    {
        method.name: method
        for method in (
            BoundMethod("clopper_pearson", _threshold, "runs", "epsilon-delta"),
            BoundMethod("clopper_pearson_split", _split, "runs", "epsilon-delta"),
            BoundMethod("clopper_pearson_band", _band, "runs", "epsilon-delta"),
            BoundMethod("group_canaries", _group, "runs", "epsilon-delta"),
            BoundMethod("label_walk", _walk(True), "runs", "epsilon-delta"),
            BoundMethod("label_walk_one_sided", _walk(False), "runs", "epsilon-delta"),
            BoundMethod("rank_test", _rank, "runs", "gaussian"),
            BoundMethod("mu_gdp", _gdp, "runs", "gaussian"),
            BoundMethod("joint_beta", _beta, "runs", "epsilon-delta", valid=False),
            BoundMethod("one_run_epsilon_delta", _one_run, "one run", "epsilon-delta"),
            BoundMethod("one_run_f_dp", _one_run_curve, "one run", "gaussian"),
            BoundMethod("event_betting", _event, "runs", "epsilon-delta"),
            BoundMethod("order_betting", _order, "runs", "gaussian"),
        )
    }
)
"""Every bound, by name; a new one joins by its line here."""
