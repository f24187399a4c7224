"""The generators under test, and the checks that any of them must pass."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Gaussian,
    GaussianFilter,
    PureDP,
    Slack,
    ZCDPFilter,
    leaves,
)
from dpsynth.domain.columns import AbstractColumn, Boolean, Category, Datetime, Identifier, Integer, Outside
from dpsynth.domain.table import Domain
from dpsynth.generators import AIM, GENERATORS, MST, AbstractGenerator

VARIANTS: dict[str, AbstractGenerator] = {
    "mst published": MST(selection="exponential"),
    "aim gaussian": AIM(selection="gaussian"),
}
NEURAL = ("autoregressive", "hybrid")
"""They need PyTorch and seconds per fit: their suite is tests/unit/generators/neural."""
RECIPES: dict[str, AbstractGenerator] = {n: recipe() for n, recipe in GENERATORS.items() if n not in NEURAL} | VARIANTS

CANARY = "canary-8Wq2"
NUMBERS = ("8172635.25", "91827364", "2011-09-17")
"""Cells that are numbers and dates, by the texts that would betray them."""


def check_within(event: AbstractEvent, drawn: list[AbstractEvent]) -> None:
    """Assert that the draws fit the event."""
    fixed: Counter[AbstractEvent] = Counter()
    squared_mu, rho = Fraction(0), Fraction(0)
    for leaf, count in leaves(event):
        if isinstance(leaf, GaussianFilter):
            squared_mu += count * Fraction(leaf.mu) ** 2
        elif isinstance(leaf, ZCDPFilter):
            rho += count * Fraction(leaf.rho)
        elif not isinstance(leaf, Slack):
            fixed[leaf] += count
    for part in drawn:
        for leaf, count in leaves(part):
            for _ in range(count):
                if fixed[leaf]:
                    fixed[leaf] -= 1
                elif isinstance(leaf, Gaussian) and squared_mu:
                    squared_mu -= Fraction(leaf.squared_sensitivity) / Fraction(leaf.sigma) ** 2
                elif isinstance(leaf, Gaussian):
                    rho -= Fraction(leaf.squared_sensitivity) / Fraction(leaf.sigma) ** 2 / 2
                elif isinstance(leaf, BoundedRange | PureDP):
                    rho -= Fraction(leaf.epsilon) ** 2 / (8 if isinstance(leaf, BoundedRange) else 2)
                else:
                    pytest.fail(f"{leaf.kind} was never reserved")
    assert squared_mu >= 0
    assert rho >= 0


def check_silent(files: list[Path], words: str) -> None:
    """Assert that no canary is in any file or in what was said."""
    for canary in (CANARY, *NUMBERS):
        assert canary not in words
        for path in files:
            content = path.read_bytes()
            assert canary.encode() not in content, path.name
            assert canary.encode("utf-16-le") not in content, path.name


def check_in_domain(made: pd.DataFrame, domain: Domain, n: int) -> None:
    """Assert that every cell is one that its column declares."""
    assert tuple(made.columns) == domain.names
    assert len(made) == n
    for column in domain:
        values = made[column.name]
        if isinstance(column, Identifier):
            assert values.is_unique, column.name
            assert all(str(value).startswith(column.prefix) for value in values), column.name
            continue
        assert not (column.required and values.isna().any()), column.name
        present = values.dropna()
        assert len(present) == 0 or _allowed(column, present).all(), column.name


def _allowed(column: AbstractColumn, values: pd.Series) -> np.ndarray:
    match column:
        case Category():
            listed = {*column.values, *([column.other_label] if column.outside is Outside.OTHER else [])}
            return values.isin(listed).to_numpy()
        case Boolean():
            return values.isin([True, False]).to_numpy()
        case Datetime():
            return values.between(column.minimum, column.maximum).to_numpy()
        case _:
            numbers = values.to_numpy().astype(float)
            whole = numbers == np.rint(numbers) if isinstance(column, Integer) else True
            return (
                (numbers >= column.minimum) & (numbers <= column.maximum) | np.isin(numbers, column.special)
            ) & whole
