"""What a design could show, before a single run is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from privacy_audit.bounds.checks import read_count, read_epsilon
from privacy_audit.bounds.curves import AbstractCurve, GaussianCurve, gdp_mu
from privacy_audit.bounds.registry import BOUNDS, Request
from privacy_audit.errors import InputError

__all__ = ["PowerForecast", "power"]


@final
@dataclass(frozen=True, slots=True)
class PowerForecast:
    """Forecast of a bound.

    Attributes:
        method: name of the bound.
        epsilon: the real epsilon that was assumed.
        samples: runs or canaries in all.
        mean: of the bound over the simulated audits.
        low: its 10 % quantile.
        high: its 90 % quantile.
        refutes: share of the simulated audits that refute the claim.
        claim: the claimed epsilon.
        detectable: the most that the design can show, by a perfect attack.
        trials: simulated audits.
    """

    method: str
    epsilon: float
    samples: int
    mean: float
    low: float
    high: float
    refutes: float
    claim: float
    detectable: float
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def power(
    method: str,
    *,
    epsilon: float,
    samples: int,
    request: Request,
    claim: float = 0.0,
    curve: AbstractCurve | None = None,
    trials: int = 50,
    seed: int = 0,
) -> PowerForecast:
    """Simulate audits of a mechanism by the best possible attack, and forecast the bound.

    Args:
        method: a name of `BOUNDS`.
        epsilon: the real epsilon, at the request's delta.
        samples: runs (or canaries) in all, each in or out by a fair coin.
        request: what will be fixed beforehand; its threshold is in units of the canonical observation.
        claim: the claimed epsilon that the audit hopes to refute.
        curve: the mechanism's own curve; None for a Gaussian mechanism that is exactly (epsilon, delta)-DP.
        trials: simulated audits.
        seed: of the simulation.

    Returns:
        The forecast: a real attack can only do worse.

    Raises:
        InputError: an unknown method, delta 0 without a curve, or from the checks.
    """
    if method not in BOUNDS:
        raise InputError(f"No bound is called {method!r}.\nChoose one of {', '.join(BOUNDS)}.")
    epsilon, claim = read_epsilon(epsilon), read_epsilon(claim, "claim")
    samples = read_count("samples", samples, least=8)
    trials = read_count("trials", trials, least=1)
    if curve is None:
        if request.delta <= 0:
            raise InputError("A Gaussian mechanism has no finite epsilon at delta 0.\nGive a delta, or a curve.")
        curve = GaussianCurve(gdp_mu(epsilon, request.delta))
    generator = np.random.default_rng(seed)
    settings = replace(request, coin_labels=True)
    bounds = []
    for trial in range(trials):
        labels = generator.random(samples) < 0.5
        scores = curve.pair(labels, generator)
        bounds.append(BOUNDS[method].run(scores[labels], scores[~labels], replace(settings, seed=trial)))
    values = np.array([bound.epsilon for bound in bounds])
    low, high = np.quantile(values, (0.1, 0.9))
    return PowerForecast(
        method=method,
        epsilon=epsilon,
        samples=samples,
        mean=float(values.mean()),
        low=float(low),
        high=float(high),
        refutes=float((values > claim).mean()),
        claim=claim,
        detectable=float(np.median([bound.detectable for bound in bounds])),
        trials=trials,
    )
