"""Betting against a claim: a mixture of wealth processes whose expectation never grows while the claim is true.

The proof is docs/proofs/sequential.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import special

from privacy_audit.errors import InputError

__all__ = ["ConformanceTest", "EProcess", "log_wealth_path", "start"]


def log_wealth_path(gains: np.ndarray, bets: np.ndarray) -> np.ndarray:
    """The log of the mixture's wealth after each step, from wealth 1.

    Args:
        gains: float64[..., t]: what a bet of 1 wins at each step, at least -1 / max(bets).
        bets: float64[b]: stakes, mixed equally.

    Returns:
        float64[..., t].
    """
    paths = np.cumsum(np.log1p(gains[..., None, :] * bets[:, None]), axis=-1)
    return special.logsumexp(paths, axis=-2) - math.log(bets.size)


@final
@dataclass(frozen=True, slots=True)
class EProcess:
    """The state of a betting test between looks, small enough to keep beside the nightly results.

    Attributes:
        bets: stakes, mixed equally.
        log_wealths: log of the wealth of each stake.
        steps: pairs seen.
        log_peak: the largest log of the mixture's wealth so far.
    """

    bets: tuple[float, ...]
    log_wealths: tuple[float, ...]
    steps: int = 0
    log_peak: float = 0.0

    @property
    def log_e(self) -> float:
        """Log of the e-value now."""
        return float(special.logsumexp(self.log_wealths)) - math.log(len(self.bets))

    def after(self, gains: Any) -> EProcess:
        """The state after more steps.

        Args:
            gains: float64[t], what a bet of 1 wins at each.

        Raises:
            InputError: NaN among them.
        """
        won = np.asarray(gains, dtype=np.float64).reshape(-1)
        if np.isnan(won).any():
            raise InputError("NaN among the gains.\nGive each pair a result; a failed run needs the worst one.")
        if not won.size:
            return self
        bets = np.asarray(self.bets)
        paths = np.asarray(self.log_wealths)[:, None] + np.cumsum(np.log1p(won[None, :] * bets[:, None]), axis=1)
        mixed = special.logsumexp(paths, axis=0) - math.log(bets.size)
        return EProcess(
            self.bets, tuple(paths[:, -1].tolist()), self.steps + won.size, max(self.log_peak, float(mixed.max()))
        )

    def rejects(self, alpha: float) -> bool:
        """Whether the claim is refuted: the wealth once reached 1 / alpha (Ville).

        Source: ville1939etude
        """
        return self.log_peak >= -math.log(alpha)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; `from_dict` reads it."""
        return {
            "bets": list(self.bets),
            "log_wealths": list(self.log_wealths),
            "steps": self.steps,
            "log_peak": self.log_peak,
        }

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> EProcess:
        """The state that `to_dict` wrote."""
        return EProcess(
            tuple(stored["bets"]), tuple(stored["log_wealths"]), int(stored["steps"]), float(stored["log_peak"])
        )


def start(bets: Sequence[float] | np.ndarray) -> EProcess:
    """Wealth 1 on each stake."""
    stakes = tuple(float(bet) for bet in bets)
    return EProcess(stakes, (0.0,) * len(stakes))


@final
@dataclass(frozen=True, slots=True)
class ConformanceTest:
    """A test of our own code against the law it says it draws from: no statement about a privacy claim.

    Attributes:
        name: of the test.
        rejected: whether the law is refuted at alpha.
        alpha: false-alarm rate.
        p_value: of the law; min(1, 1 / peak) for an e-value.
        log_e: log of the e-value after the last observation, or None.
        samples: observations.
        first_rejection: after how many observations a sequential test first rejected, or None.
    """

    name: str
    rejected: bool
    alpha: float
    p_value: float
    log_e: float | None
    samples: int
    first_rejection: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "name": self.name,
            "rejected": self.rejected,
            "alpha": self.alpha,
            "p_value": self.p_value,
            "log_e": self.log_e,
            "samples": self.samples,
            "first_rejection": self.first_rejection,
        }
