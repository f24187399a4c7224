"""Privacy quantities as distinct types: passing a Rho where a Sigma is meant does not type-check.

They are `typing.NewType` over float (over int for squared sensitivities), so arithmetic costs nothing; what crosses a
function boundary is named. Rounding that touches privacy is spelled `_up` or `_down` in the function's name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import NewType

from dpsynth.errors import BudgetError

__all__ = ["Budget", "Delta", "Epsilon", "Mu", "Rho", "Sigma", "SquaredSensitivity", "format_epsilon_up"]

Epsilon = NewType("Epsilon", float)
Delta = NewType("Delta", float)
Rho = NewType("Rho", float)
"""zCDP parameter."""
Mu = NewType("Mu", float)
"""Gaussian differential privacy parameter."""
Sigma = NewType("Sigma", float)
"""Standard deviation of the noise, in the units of the statistic (rows)."""
SquaredSensitivity = NewType("SquaredSensitivity", int)
"""Squared L2 sensitivity, an exact integer (1 for a histogram under add/remove one row)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """An (epsilon, delta) budget. Both are stated: there are no defaults.

    Raises:
        BudgetError: epsilon is not a positive finite number, or delta is not in [0, 1).
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        for name in ("epsilon", "delta"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise BudgetError(f"{name} must be a finite number.")
        if self.epsilon <= 0:
            raise BudgetError(f"epsilon must be above 0; found {self.epsilon}. Common choices lie between 0.1 and 10.")
        if not 0 <= self.delta < 1:
            raise BudgetError(
                f"delta must lie in [0, 1); found {self.delta}. Choose it well below 1 / (number of people)."
            )

    def __str__(self) -> str:
        return f"(epsilon {format_epsilon_up(self.epsilon)}, delta {self.delta:g})"


def format_epsilon_up(epsilon: float, digits: int = 4) -> str:
    """Decimal text that is never below `epsilon`, at most `digits` decimals, no trailing zeros."""
    if not math.isfinite(epsilon):
        return "infinite"
    step = Decimal(1).scaleb(-digits)
    text = format(Decimal(epsilon).quantize(step, rounding=ROUND_CEILING, context=Context(prec=400)), "f")
    # A decimal literal such as 0.1 sits a hair above its double's print-out; do not round 0.1 up to 0.1001.
    short = repr(float(epsilon))
    if "e" not in short and len(short.partition(".")[2]) <= digits:
        text = short
    return text.rstrip("0").rstrip(".") if "." in text else text
