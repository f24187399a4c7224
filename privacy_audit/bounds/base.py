"""What every bound returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

__all__ = ["COIN_RUNS", "INDEPENDENT_RUNS", "ONE_RUN", "EpsilonBound", "freeze"]

INDEPENDENT_RUNS = "the runs are independent of each other"
COIN_RUNS = "each run had the record in or out by its own fair coin, or comes from two fixed pools of independent runs"
ONE_RUN = "each canary was in or out by its own fair coin, in one run"


@final
@dataclass(frozen=True, slots=True)
class EpsilonBound:
    """A lower bound on epsilon at a delta.

    Attributes:
        epsilon: the bound, at least 0. A mechanism that is (epsilon', delta)-DP for an epsilon' below it produces such
            a bound with probability at most 1 - confidence, under the assumptions.
        delta: the delta it speaks of.
        confidence: 1 - alpha.
        method: name of the bound.
        valid: False for a credible interval, which no verdict may rest on.
        assumptions: what must be true of the design, in words.
        samples: runs, or canaries of one run.
        detectable: the largest epsilon that this design could have shown, by a perfect attack.
        details: further figures of the method.
    """

    epsilon: float
    delta: float
    confidence: float
    method: str
    valid: bool
    assumptions: tuple[str, ...]
    samples: int
    detectable: float
    details: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def violates(self, epsilon: float) -> bool:
        """Whether the bound refutes a claimed epsilon (at the same delta); a credible interval refutes nothing."""
        return self.valid and self.epsilon > epsilon

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; None for what is not finite."""
        return {
            "method": self.method,
            "epsilon": _plain(self.epsilon),
            "delta": self.delta,
            "confidence": self.confidence,
            "valid": self.valid,
            "samples": self.samples,
            "detectable": _plain(self.detectable),
            "assumptions": list(self.assumptions),
            "details": {name: _plain(value) for name, value in self.details.items()},
        }


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def freeze(**details: float) -> Mapping[str, float]:
    """Details as a read-only mapping of floats."""
    return MappingProxyType({name: float(value) for name, value in details.items()})
