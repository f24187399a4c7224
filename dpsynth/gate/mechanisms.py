"""How the gate answers: frozen specs of noise, and the privacy event of a question asked with one of them.

`event_of` needs no data and no reference table, only the kind of question and how many answers it has, so a plan
builds its event before a row is read, and the gate builds the same event again from the question that is asked.

                     RoundedGaussian                    DiscreteLaplace           Exponential | PermuteAndFlip
    Total            Gaussian(sigma, size^2)            Laplace(scale, size)      -
    Marginals (m)    m of Gaussian(sigma_i, u2)         m of Laplace(scale_i, u1) -
    Distances (m)    Gaussian(sigma, m u1^2)            Laplace(scale, m u1)      BoundedRange | PureDP
    ParitySums (m)   Gaussian(sigma, m u1^2)            Laplace(scale, m u1)      -

and of a gradient program under SampledGaussian, PoissonGaussian of one unit (dpsynth.accounting.sampled), and of a
foreign synthesizer what it claims,

with u1 = unit.l1(relation), u2 = unit.squared_l2(relation); where distances are weighted, the sum of the weights (of
their squares) stands for m (proofs: docs/proofs/{total,marginals,distances,parity_sums}.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Composed,
    ForeignClaim,
    Gaussian,
    Laplace,
    PureDP,
    Slack,
)
from dpsynth.accounting.sampled import poisson_steps
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.errors import AccountingError, PlanError
from dpsynth.gate.queries import Distances, Marginals, ParitySums, Total

__all__ = [
    "DRAWS_PER_RESERVATION",
    "DRAW_SLACK",
    "DRAW_TOTAL_VARIATION",
    "AbstractMechanism",
    "DiscreteLaplace",
    "Claimed",
    "Exponential",
    "PermuteAndFlip",
    "QueryShape",
    "RoundedGaussian",
    "SampledGaussian",
    "event_of",
    "shape_of",
    "with_slack",
]

DRAW_SLACK = 2.0**-80
"""The total-variation error that every reserved event carries for the tables of the exact sampler."""
DRAW_TOTAL_VARIATION = 2.0**-120
"""Proved bound on the total-variation error of one draw (docs/proofs of the noise room)."""
DRAWS_PER_RESERVATION = 2**40
"""DRAW_SLACK / DRAW_TOTAL_VARIATION: how many draws one reservation may make."""
KINDS = ("total", "marginals", "distances", "parities", "gradients", "foreign")
"""Kinds of questions."""
LARGEST_WEIGHT = 2**20
"""Of a distance: so that no score of fewer than 2^40 rows overflows an int64."""


@dataclass(frozen=True, slots=True)
class AbstractMechanism:
    """Base of all mechanism specs."""

    name: ClassVar[str] = ""


def _positive_all(what: str, values: tuple[float, ...]) -> None:
    if not isinstance(values, tuple) or not values:
        raise PlanError(f"A mechanism needs a tuple of at least one {what}.")
    for value in values:
        _positive(what, value)


def _positive(what: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise PlanError(f"A mechanism needs a positive finite {what}.")


@dataclass(frozen=True, slots=True)
class RoundedGaussian(AbstractMechanism):
    """Rounded Gaussian noise; one sigma (in rows) per clique, one for a total, or for a vector of distances or sums."""

    sigmas: tuple[float, ...]
    name: ClassVar[str] = "rounded_gaussian"

    def __post_init__(self) -> None:
        _positive_all("sigma", self.sigmas)


@dataclass(frozen=True, slots=True)
class DiscreteLaplace(AbstractMechanism):
    """Discrete Laplace noise P(k) ~ exp(-|k| / scale); scales as in RoundedGaussian, in rows."""

    scales: tuple[float, ...]
    name: ClassVar[str] = "discrete_laplace"

    def __post_init__(self) -> None:
        _positive_all("scale", self.scales)


@dataclass(frozen=True, slots=True)
class Exponential(AbstractMechanism):
    """Choose one clique of Distances, P(i) ~ exp(epsilon score_i / (2 u1)): the exponential mechanism.

    Where distances are weighted, the largest weight times u1 stands for u1.
    """

    epsilon: float
    name: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        _positive("epsilon", self.epsilon)


@dataclass(frozen=True, slots=True)
class PermuteAndFlip(AbstractMechanism):
    """Choose one clique of Distances by permute-and-flip, never worse than the exponential mechanism.

    Source: mckenna2020permute
    """

    epsilon: float
    name: ClassVar[str] = "permute_and_flip"

    def __post_init__(self) -> None:
        _positive("epsilon", self.epsilon)


@dataclass(frozen=True, slots=True)
class SampledGaussian(AbstractMechanism):
    """Steps of DP-SGD: Poisson batches, and rounded Gaussian noise on each sum of clipped gradients.

    Attributes:
        probability: with which each row joins a batch.
        noise_multiplier: sigma over the most that one row of a batch moves a sum, rounding included.
        steps: how many sums are noised.
    """

    probability: float
    noise_multiplier: float
    steps: int
    name: ClassVar[str] = "sampled_gaussian"

    def __post_init__(self) -> None:
        _positive("probability", self.probability)
        _positive("noise_multiplier", self.noise_multiplier)
        if self.probability > 1:
            raise PlanError("A mechanism needs a probability of at most 1.")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise PlanError("A mechanism needs at least one step.")


@dataclass(frozen=True, slots=True)
class Claimed(AbstractMechanism):
    """Whatever foreign code does, at what it claims to spend on one row added or removed. Trusted, not checked.

    Attributes:
        bridge: name of the bridge.
        epsilon: the whole epsilon.
        delta: the whole delta; may be 0.
    """

    bridge: str
    epsilon: float
    delta: float
    name: ClassVar[str] = "claimed"

    def __post_init__(self) -> None:
        _positive("epsilon", self.epsilon)
        if self.delta != 0:
            _positive("delta", self.delta)
        if not self.bridge or not isinstance(self.bridge, str) or self.delta >= 1:
            raise PlanError("A claim needs the name of a bridge and a delta below 1.")


@dataclass(frozen=True, slots=True)
class QueryShape:
    """What an event depends on of a question.

    Attributes:
        kind: one of KINDS.
        count: number of answers.
        weights: of distances, one per answer; none means that each is 1.
    """

    kind: str
    count: int = 1
    weights: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PlanError(f"Unknown kind of question {self.kind!r}: use {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise PlanError("A question needs at least one answer.")
        if self.kind == "total" and self.count != 1:
            raise PlanError("A total has one answer.")
        if self.weights and (self.kind != "distances" or len(self.weights) != self.count):
            raise PlanError("Weights are for distances: one for each, or none at all.")
        if any(isinstance(w, bool) or not isinstance(w, int) or not 1 <= w <= LARGEST_WEIGHT for w in self.weights):
            raise PlanError(f"A weight must be a whole number from 1 to {LARGEST_WEIGHT}.")


Query = Total | Marginals | Distances | ParitySums


def shape_of(query: Query | QueryShape) -> QueryShape:
    """The shape of a question; a shape is its own shape.

    Raises:
        PlanError: it is no question.
    """
    if isinstance(query, QueryShape):
        return query
    if isinstance(query, Total):
        return QueryShape("total")
    if isinstance(query, Marginals):
        return QueryShape("marginals", len(query.cliques))
    if isinstance(query, Distances):
        weights = tuple(query.weights.get(clique, 1) for clique in query.references) if query.weights else ()
        return QueryShape("distances", len(query.references), weights)
    if isinstance(query, ParitySums):
        return QueryShape("parities", len(query.sets))
    raise PlanError("The gate answers Total, Marginals, Distances and ParitySums only.")


def event_of(
    query: Query | QueryShape, mechanism: AbstractMechanism, unit: PrivacyUnit, relation: NeighbouringRelation
) -> AbstractEvent:
    """The privacy event of a question asked with a mechanism.

    Args:
        query: the question, or its shape.
        mechanism: the noise.
        unit: the unit of protection of the ledger account.
        relation: the neighbouring relation of the ledger.

    Returns:
        One event, or a Composed of one event per clique in order. The sampler's Slack is not included: a reservation
        carries it once, see `with_slack`.

    Raises:
        PlanError: the mechanism does not fit the question; a total under replace-one.

    Guarantee: depends on its arguments only; never on data.
    """
    shape = shape_of(query)
    if shape.kind == "total" and relation is NeighbouringRelation.REPLACE_ONE:
        raise PlanError(
            "A total was asked under replace-one, where the number of rows is public and no noise is due.\n"
            "Ask for Marginals instead; the total follows from them."
        )
    if (shape.kind == "gradients") != isinstance(mechanism, SampledGaussian):
        raise PlanError("A gradient program is answered by SampledGaussian, and by nothing else; it answers no other.")
    if (shape.kind == "foreign") != isinstance(mechanism, Claimed):
        raise PlanError("A foreign synthesizer is charged at what it claims, and nothing else is.")
    match mechanism:
        case Claimed(epsilon=epsilon, delta=delta):
            if unit != rows(1) or relation is not NeighbouringRelation.ADD_REMOVE:
                raise PlanError(
                    f"Foreign synthesizers claim to protect one row that is added or removed; asked was {unit}, "
                    f"{relation.value}.\nUse a generator of dpsynth's own."
                )
            return ForeignClaim(float(epsilon), float(delta))
        case SampledGaussian(probability=probability, noise_multiplier=noise, steps=steps):
            return poisson_steps(probability, noise, steps, unit)
        case RoundedGaussian(sigmas=values) | DiscreteLaplace(scales=values):
            want = shape.count if shape.kind == "marginals" else 1
            if len(values) != want:
                raise PlanError(f"{shape.kind.capitalize()} with {want} noise scale(s) was asked; found {len(values)}.")
            gaussian = isinstance(mechanism, RoundedGaussian)
            l1, squared_l2 = _sensitivities(shape, unit, relation)
            events = tuple(Gaussian(float(v), squared_l2) if gaussian else Laplace(float(v), l1) for v in values)
            return events[0] if len(events) == 1 else Composed(events)
        case Exponential(epsilon=epsilon) | PermuteAndFlip(epsilon=epsilon):
            if shape.kind != "distances":
                raise PlanError(f"A selection chooses among distances; {shape.kind} was asked.")
            # Weights of the exponential mechanism move by factors within e^(+-epsilon / 2): losses span epsilon.
            return (BoundedRange if isinstance(mechanism, Exponential) else PureDP)(float(epsilon))
        case _:
            raise PlanError("The gate knows RoundedGaussian, DiscreteLaplace, Exponential and PermuteAndFlip only.")


def _sensitivities(shape: QueryShape, unit: PrivacyUnit, relation: NeighbouringRelation) -> tuple[int, int]:
    """(L1, squared L2) of one noisy vector of the question: exact integers."""
    l1 = unit.l1(relation)
    if shape.kind == "total":
        return unit.size, unit.size * unit.size
    if shape.kind == "marginals":
        return l1, unit.squared_l2(relation)
    weights = shape.weights or (1,) * shape.count
    return sum(weights) * l1, sum(weight * weight for weight in weights) * l1 * l1


def with_slack(*events: AbstractEvent) -> Composed:
    """What a plan reserves: its events in order, then Slack(DRAW_SLACK) for the sampler's tables."""
    return Composed((*events, Slack(DRAW_SLACK)))


def sensitivity_of_score(query: Query | QueryShape, unit: PrivacyUnit, relation: NeighbouringRelation) -> int:
    """The most that any one score of distances can move between neighbours: u1 times the largest weight."""
    return max(shape_of(query).weights, default=1) * unit.l1(relation)


def mechanism_to_json(mechanism: AbstractMechanism) -> dict[str, Any]:
    """The spec as plain JSON values, for the ledger.

    Raises:
        AccountingError: an unknown mechanism.
    """
    match mechanism:
        case RoundedGaussian(sigmas=values):
            return {"name": mechanism.name, "sigmas": list(values)}
        case DiscreteLaplace(scales=values):
            return {"name": mechanism.name, "scales": list(values)}
        case Exponential(epsilon=epsilon) | PermuteAndFlip(epsilon=epsilon):
            return {"name": mechanism.name, "epsilon": epsilon}
        case Claimed(bridge=bridge, epsilon=epsilon, delta=delta):
            return {"name": mechanism.name, "bridge": bridge, "epsilon": epsilon, "delta": delta}
        case SampledGaussian(probability=probability, noise_multiplier=noise, steps=steps):
            return {"name": mechanism.name, "probability": probability, "noise_multiplier": noise, "steps": steps}
        case _:
            raise AccountingError("This mechanism has no JSON form.")


def mechanism_from_json(value: dict[str, Any]) -> AbstractMechanism:
    """What `mechanism_to_json` wrote.

    Raises:
        PlanError: an unknown name or impossible parameters.
    """
    match value:
        case {"name": "rounded_gaussian", "sigmas": list(values)}:
            return RoundedGaussian(tuple(values))
        case {"name": "discrete_laplace", "scales": list(values)}:
            return DiscreteLaplace(tuple(values))
        case {"name": "exponential", "epsilon": epsilon}:
            return Exponential(epsilon)
        case {"name": "permute_and_flip", "epsilon": epsilon}:
            return PermuteAndFlip(epsilon)
        case {"name": "claimed", "bridge": bridge, "epsilon": epsilon, "delta": delta}:
            return Claimed(bridge, epsilon, delta)
        case {"name": "sampled_gaussian", "probability": probability, "noise_multiplier": noise, "steps": steps}:
            return SampledGaussian(probability, noise, steps)
        case _:
            raise PlanError("The gate knows RoundedGaussian, DiscreteLaplace, Exponential and PermuteAndFlip only.")
