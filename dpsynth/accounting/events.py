"""What was done to private data, as immutable records that any accountant can interpret or refuse.

Append-only: the meaning of a kind and version never changes once released (golden files hold them since 0.1). JSON is
read through a whitelist (`event_from_json`); nothing named in the data is ever imported. All sensitivities are those of
the ledger's neighbouring relation and unit, already included in the event.

    Gaussian            rounded-Gaussian noise of scale sigma on an integer vector of squared L2 sensitivity s
    Laplace             discrete Laplace noise of scale b on an integer vector of L1 sensitivity s
    PureDP              any epsilon-DP step (permute-and-flip)
    BoundedRange        an epsilon-DP step whose losses between two tables span at most epsilon (exponential mechanism)
    GaussianFilter      adaptively chosen Gaussians whose sum of s / sigma^2 never exceeds mu^2 (a GDP filter)
    ZCDPFilter          adaptively chosen zCDP steps whose sum of rho never exceeds the total
    PoissonGaussian     `count` steps of Poisson sampling with probability q, then Gaussian noise (DP-SGD)
    TruncatedPoissonGaussian   the same with batches cut at `cap` of a table of public size `records`
    Slack               a total-variation distance s between the sampler that ran and the law accounted for; it costs
                        (1 + e^epsilon) s of delta (tables of the exact sampler)
    Composed            all of these, in order
    Repeated            one event, `count` times
    NonPrivate          a look without noise; no accountant gives it a finite epsilon
    ForeignClaim        a step of foreign code that claims (epsilon, delta)-DP; the claim is taken on trust
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from dpsynth.errors import AccountingError

__all__ = [
    "AbstractEvent",
    "BoundedRange",
    "Composed",
    "ForeignClaim",
    "Gaussian",
    "GaussianFilter",
    "Laplace",
    "NonPrivate",
    "PoissonGaussian",
    "PureDP",
    "Repeated",
    "Slack",
    "TruncatedPoissonGaussian",
    "ZCDPFilter",
    "event_from_json",
    "event_to_json",
    "leaves",
]


@dataclass(frozen=True, slots=True)
class AbstractEvent:
    """Base of all events. Every kind has a name and a version that its JSON carries."""

    kind: ClassVar[str] = ""
    version: ClassVar[int] = 1


def _positive(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise AccountingError(f"An event needs a positive finite {name}.")


def _count(name: str, value: int, least: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise AccountingError(f"An event needs a whole {name} of at least {least}.")


@dataclass(frozen=True, slots=True)
class Gaussian(AbstractEvent):
    """Rounded-Gaussian noise: mu = sqrt(squared_sensitivity) / sigma in GDP, exactly."""

    sigma: float
    squared_sensitivity: int = 1
    kind: ClassVar[str] = "gaussian"

    def __post_init__(self) -> None:
        _positive("sigma", self.sigma)
        _count("squared_sensitivity", self.squared_sensitivity)

    @property
    def squared_mu(self) -> float:
        """mu^2 = squared_sensitivity / sigma^2."""
        return self.squared_sensitivity / (self.sigma * self.sigma)


@dataclass(frozen=True, slots=True)
class Laplace(AbstractEvent):
    """Discrete Laplace noise P(k) ~ exp(-|k| / scale): epsilon = sensitivity / scale."""

    scale: float
    sensitivity: int = 1
    kind: ClassVar[str] = "laplace"

    def __post_init__(self) -> None:
        _positive("scale", self.scale)
        _count("sensitivity", self.sensitivity)


@dataclass(frozen=True, slots=True)
class PureDP(AbstractEvent):
    """An epsilon-DP step whose privacy loss lies in [-epsilon, epsilon]."""

    epsilon: float
    kind: ClassVar[str] = "pure_dp"

    def __post_init__(self) -> None:
        _positive("epsilon", self.epsilon)


@dataclass(frozen=True, slots=True)
class BoundedRange(AbstractEvent):
    """A step whose privacy loss between any two neighbours lies in an interval of length epsilon that holds 0."""

    epsilon: float
    kind: ClassVar[str] = "bounded_range"

    def __post_init__(self) -> None:
        _positive("epsilon", self.epsilon)


@dataclass(frozen=True, slots=True)
class GaussianFilter(AbstractEvent):
    """Adaptive Gaussians under a fixed total: the sum of squared_sensitivity / sigma^2 is at most mu^2."""

    mu: float
    kind: ClassVar[str] = "gaussian_filter"

    def __post_init__(self) -> None:
        _positive("mu", self.mu)


@dataclass(frozen=True, slots=True)
class ZCDPFilter(AbstractEvent):
    """Adaptive zCDP steps under a fixed total rho."""

    rho: float
    kind: ClassVar[str] = "zcdp_filter"

    def __post_init__(self) -> None:
        _positive("rho", self.rho)


@dataclass(frozen=True, slots=True)
class PoissonGaussian(AbstractEvent):
    """`count` DP-SGD steps: each unit joins with probability q; noise_multiplier = sigma / clip."""

    probability: float
    noise_multiplier: float
    count: int
    kind: ClassVar[str] = "poisson_gaussian"

    def __post_init__(self) -> None:
        _positive("probability", self.probability)
        _positive("noise_multiplier", self.noise_multiplier)
        _count("count", self.count)
        if self.probability > 1:
            raise AccountingError("An event needs a probability of at most 1.")


@dataclass(frozen=True, slots=True)
class TruncatedPoissonGaussian(AbstractEvent):
    """Poisson batches cut at `cap` units, from a table of public size `records`."""

    records: int
    probability: float
    cap: int
    noise_multiplier: float
    count: int
    kind: ClassVar[str] = "truncated_poisson_gaussian"

    def __post_init__(self) -> None:
        _count("records", self.records)
        _count("cap", self.cap)
        _count("count", self.count)
        _positive("probability", self.probability)
        _positive("noise_multiplier", self.noise_multiplier)
        if self.probability > 1:
            raise AccountingError("An event needs a probability of at most 1.")


@dataclass(frozen=True, slots=True)
class Slack(AbstractEvent):
    """A total-variation distance between the sampler that ran and the law that is accounted for.

    It is summed over all draws; `base.WithSlack` turns it into delta.
    """

    delta: float
    kind: ClassVar[str] = "slack"

    def __post_init__(self) -> None:
        _positive("delta", self.delta)


@dataclass(frozen=True, slots=True)
class Composed(AbstractEvent):
    """All of the events, each fixed before the first one runs (or a filter, which bounds its own adaptivity)."""

    events: tuple[AbstractEvent, ...]
    kind: ClassVar[str] = "composed"

    def __post_init__(self) -> None:
        if not all(isinstance(e, AbstractEvent) for e in self.events):
            raise AccountingError("A composed event holds events only.")


@dataclass(frozen=True, slots=True)
class Repeated(AbstractEvent):
    """One event, `count` times."""

    event: AbstractEvent
    count: int
    kind: ClassVar[str] = "repeated"

    def __post_init__(self) -> None:
        _count("count", self.count)


@dataclass(frozen=True, slots=True)
class NonPrivate(AbstractEvent):
    """A look at private data without noise."""

    reason: str
    kind: ClassVar[str] = "non_private"


@dataclass(frozen=True, slots=True)
class ForeignClaim(AbstractEvent):
    """A step of foreign code, priced at the whole (epsilon, delta) that its authors claim. Nothing of it is checked."""

    epsilon: float
    delta: float
    kind: ClassVar[str] = "foreign_claim"

    def __post_init__(self) -> None:
        _positive("epsilon", self.epsilon)
        if self.delta != 0:
            _positive("delta", self.delta)
        if self.delta >= 1:
            raise AccountingError("An event needs a delta below 1.")


_SCALARS: dict[str, tuple[type[AbstractEvent], dict[str, type]]] = {
    "gaussian": (Gaussian, {"sigma": float, "squared_sensitivity": int}),
    "laplace": (Laplace, {"scale": float, "sensitivity": int}),
    "pure_dp": (PureDP, {"epsilon": float}),
    "bounded_range": (BoundedRange, {"epsilon": float}),
    "gaussian_filter": (GaussianFilter, {"mu": float}),
    "zcdp_filter": (ZCDPFilter, {"rho": float}),
    "poisson_gaussian": (PoissonGaussian, {"probability": float, "noise_multiplier": float, "count": int}),
    "truncated_poisson_gaussian": (
        TruncatedPoissonGaussian,
        {"records": int, "probability": float, "cap": int, "noise_multiplier": float, "count": int},
    ),
    "slack": (Slack, {"delta": float}),
    "non_private": (NonPrivate, {"reason": str}),
    "foreign_claim": (ForeignClaim, {"epsilon": float, "delta": float}),
}

_DEEPEST = 32


def event_to_json(event: AbstractEvent) -> dict[str, Any]:
    """The event as plain JSON values: kind, version, and its fields.

    Raises:
        AccountingError: a class of events that is not in the whitelist.
    """
    head: dict[str, Any] = {"kind": event.kind, "version": event.version}
    if isinstance(event, Composed):
        return head | {"events": [event_to_json(e) for e in event.events]}
    if isinstance(event, Repeated):
        return head | {"event": event_to_json(event.event), "count": event.count}
    if event.kind not in _SCALARS:
        raise AccountingError("This event has no JSON form.")
    _, fields = _SCALARS[event.kind]
    return head | {name: kind(getattr(event, name)) for name, kind in fields.items()}


def event_from_json(value: Any) -> AbstractEvent:
    """Read an event through the whitelist.

    Raises:
        AccountingError: unknown kind or version, missing or unknown field, wrong type, impossible value, or more than
            32 levels of nesting.
    """
    return _read(value, 0)


def _read(value: Any, depth: int) -> AbstractEvent:
    if depth > _DEEPEST:
        raise AccountingError(f"An event is nested at most {_DEEPEST} levels deep.")
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise AccountingError("An event is a JSON object with a kind.")
    kind = value["kind"]
    if kind not in ("composed", "repeated") and kind not in _SCALARS:
        raise AccountingError("This event has a kind that this release of dpsynth does not know.")
    if type(value.get("version")) is not int or value["version"] != 1:
        raise AccountingError("This event has a version that this release of dpsynth does not know.")
    body = {k: v for k, v in value.items() if k not in ("kind", "version")}
    if kind == "composed":
        _check_fields(kind, body, {"events": list})
        return Composed(tuple(_read(e, depth + 1) for e in body["events"]))
    if kind == "repeated":
        _check_fields(kind, body, {"event": dict, "count": int})
        return Repeated(_read(body["event"], depth + 1), body["count"])
    cls, fields = _SCALARS[kind]
    _check_fields(kind, body, fields)
    make: Callable[..., AbstractEvent] = cls
    try:
        return make(**{name: want(body[name]) for name, want in fields.items()})
    except OverflowError:
        raise AccountingError(f"An event of kind {kind} holds a number that is too large.") from None


def _check_fields(kind: str, body: dict[str, Any], fields: dict[str, type]) -> None:
    if set(body) != set(fields):
        raise AccountingError(f"An event of kind {kind} needs exactly the fields {', '.join(sorted(fields))}.")
    for name, want in fields.items():
        ok = isinstance(body[name], (int, float) if want is float else want) and not isinstance(body[name], bool)
        if not ok:
            raise AccountingError(f"The field {name} of an event of kind {kind} has the wrong type.")


def leaves(event: AbstractEvent) -> Iterator[tuple[AbstractEvent, int]]:
    """All elementary events with their multiplicities, composition and repetition flattened."""
    if isinstance(event, Composed):
        for part in event.events:
            yield from leaves(part)
    elif isinstance(event, Repeated):
        for part, count in leaves(event.event):
            yield part, count * event.count
    else:
        yield event, 1
