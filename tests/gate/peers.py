"""What the tests of leaks that peers had share: the recipes, a tape of noisy answers, draw rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.gate.answers import add_noise
from dpsynth.generators import AIM, MST, AbstractGenerator, Adaptive, Independent
from tests.gate.support import rows_of

RECIPES: dict[str, AbstractGenerator] = {
    "independent": Independent(),
    "mst": MST(),
    "mst published": MST(selection="exponential"),
    "adaptive": Adaptive(),
    "aim": AIM(),
}


def draws_of(ledger: Path) -> list[dict[str, Any]]:
    """The draw rows of a ledger."""
    return [body for body in rows_of(ledger) if body["type"] == "running"]


class Tape:
    """Stands where noise is added: keeps the noisy answers of one fit, then gives them out for another table."""

    def __init__(self) -> None:
        self.noisy: list[list[np.ndarray]] = []
        self.exact: list[list[np.ndarray]] = []
        self.place: int | None = None

    def __call__(self, exact: list[np.ndarray], *rest: Any) -> list[np.ndarray]:
        if self.place is None:
            self.exact.append(exact)
            self.noisy.append(add_noise(exact, *rest))
            return self.noisy[-1]
        self.place += 1
        return self.noisy[self.place - 1]
