"""What the tests of the generators share: a mixed table with dependence, its domain, and fits of it."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dpsynth.accounting.events import AbstractEvent, Gaussian, GaussianFilter, leaves
from dpsynth.accounting.quantities import Budget, Mu
from dpsynth.domain.columns import Boolean, Category, Datetime, Grid, Identifier, Integer, Outside, Real, Resolution
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, rows
from dpsynth.gate import PrivateTable, open_table
from dpsynth.generators import MST, Independent
from dpsynth.generators.base import AbstractFittedModel, AbstractGenerator
from dpsynth.generators.shares import GaussianShares
from dpsynth.measurement import Measurement

ADD_REMOVE, REPLACE_ONE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE
BUDGET = Budget(epsilon=1.0, delta=1e-5)
PLENTY = Budget(epsilon=50.0, delta=1e-5)
"""So little noise that what is measured shows."""

RECIPES: dict[str, AbstractGenerator] = {
    "independent": Independent(),
    "mst": MST(),
    "mst published": MST(selection="exponential"),
}

DOMAIN = Domain(
    (
        Identifier(name="key", prefix="person-"),
        Category(name="town", values=("north", "south", "east"), outside=Outside.OTHER, other_label="elsewhere"),
        Category(name="class", values=("low", "high"), required=True),
        Integer(name="age", minimum=0, maximum=90),
        Integer(name="income", minimum=0, maximum=100_000, special=(0, -1), grid=Grid("log")),
        Real(name="score", minimum=0.0, maximum=1.0),
        Boolean(name="member"),
        Datetime(name="since", minimum=datetime(2000, 1, 1), maximum=datetime(2019, 12, 31), resolution=Resolution.DAY),
    ),
    label="class",
)
"""Every kind of column; ages and incomes go with the class."""


def people(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """n rows of DOMAIN with missing, unheard-of and out-of-range cells."""
    rng = np.random.default_rng(seed)
    high = rng.random(n) < 0.4
    towns = np.array(["north", "south", "east", "atlantis", None], dtype=object)
    income = np.where(rng.random(n) < 0.3, 0, np.where(high, 60_000, 20_000) + rng.integers(-9_000, 9_000, n))
    return pd.DataFrame(
        {
            "key": [f"secret-{seed}-{i}" for i in range(n)],
            "town": towns[rng.choice(5, n, p=[0.5, 0.2, 0.1, 0.1, 0.1])],
            "class": np.where(high, "high", "low"),
            "age": np.where(high, 55, 25) + rng.integers(-15, 16, n),
            "income": income.astype(float),
            "score": np.where(rng.random(n) < 0.1, np.nan, rng.random(n)),
            "member": pd.array(high ^ (rng.random(n) < 0.1), dtype="boolean"),
            "since": pd.Timestamp("2000-01-01") + pd.to_timedelta(rng.integers(0, 7000, n), unit="D"),
        }
    )


def letters(names: str = "abcd", sizes: int = 3, required: bool = True) -> Domain:
    """A domain of small categories "0", "1", ..."""
    values = tuple(str(i) for i in range(sizes))
    return Domain(tuple(Category(name=name, values=values, required=required) for name in names))


def chain(n: int = 2000, names: str = "abcd", sizes: int = 3, seed: int = 0) -> pd.DataFrame:
    """Rows whose every column mostly repeats the one before it: the best tree is the chain."""
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, sizes, n)]
    for _ in names[1:]:
        columns.append(np.where(rng.random(n) < 0.8, columns[-1], rng.integers(0, sizes, n)))
    return pd.DataFrame({name: column.astype(str) for name, column in zip(names, columns, strict=True)})


def opened(
    ledger: Path, source: Any = None, domain: Domain = DOMAIN, seed: int | None = 1, **more: Any
) -> PrivateTable:
    """A table behind the gate; with a seed (NOT PRIVATE) so that tests repeat."""
    return open_table(
        people() if source is None else source, domain=domain, ledger=ledger, seed_not_private=seed, **more
    )


def fit(
    recipe: AbstractGenerator,
    ledger: Path,
    source: Any = None,
    domain: Domain = DOMAIN,
    budget: Budget = BUDGET,
    seed: int | None = 1,
    **settings: Any,
) -> Any:
    """Plan, open and fit; the settings are the unit and the relation."""
    plan = recipe.plan(domain, budget=budget, **settings)
    model: AbstractFittedModel = plan.fit(opened(ledger, source, domain, seed, **settings))
    return model


def shares_at(mu: float = 0.268, unit: Any = rows(1), relation: NeighbouringRelation = ADD_REMOVE) -> GaussianShares:
    """Shares of a GDP budget; 0.268 is that of epsilon 1 at delta 1e-5."""
    return GaussianShares(Mu(mu), unit, relation)


def answer(clique: tuple[str, ...], values: Any, sigma: float = 1.0, name: str = "marginal") -> Measurement:
    """A noisy answer made up for a test."""
    return Measurement(name, clique, np.asarray(values, dtype=np.int64), sigma, "rounded_gaussian", "")


def squared_mu(events: Any) -> Fraction:
    """Exact sum of squared_sensitivity / sigma^2 over all Gaussians of some events."""
    whole = Fraction(0)
    for event in events:
        for leaf, count in leaves(event):
            if isinstance(leaf, Gaussian):
                whole += count * Fraction(leaf.squared_sensitivity) / Fraction(leaf.sigma) ** 2
    return whole


def filter_of(event: AbstractEvent) -> GaussianFilter:
    """The one filter of an event."""
    (found,) = [leaf for leaf, _ in leaves(event) if isinstance(leaf, GaussianFilter)]
    return found
