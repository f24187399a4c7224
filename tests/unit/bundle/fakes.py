"""A generator without mathematics behind the real contracts: the bundle's own duties, tested in milliseconds.

`FakeGate` stands in for the gate: it answers from a dictionary that plays the ledger, so equal jobs get equal answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dpsynth.accounting.events import Gaussian
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.errors import BudgetRefused, LedgerError
from dpsynth.generators.base import AbstractFittedModel, AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.measurement import Measurement

DOMAIN = Domain(
    (Category(name="sex", values=("F", "M")), Integer(name="age", minimum=0, maximum=99)), missing_values=("", "?")
)


@dataclass
class FakeGate:
    """Opens anything. `calls` counts charges; `refuse` makes the ledger empty."""

    answers: dict[str, np.ndarray] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    charges: int = 0
    opened: int = 0
    refuse: bool = False
    total: float = 50.0

    def open_table(self, source: Any, **settings: Any) -> FakeTable:
        self.opened += 1
        return FakeTable(self, json.dumps([str(source), str(settings.get("ledger"))]), settings)

    def extract(self, table: FakeTable, event_ids: list[str]) -> Mapping[str, Any]:
        known = [event for key, event in self.events.items() if key.startswith(table.key)]
        if not set(event_ids) <= set(known):
            raise LedgerError("The account does not hold one of the draws asked for.")
        return {"draws": [{"event_id": event} for event in event_ids]}


@dataclass
class FakeTable:
    gate: FakeGate
    key: str
    settings: dict[str, Any]

    def ask(self, job: Mapping[str, Any]) -> tuple[np.ndarray, str]:
        if self.gate.refuse:
            raise BudgetRefused("epsilon 1", "epsilon 0.5", "epsilon 0.5")
        key = self.key + json.dumps(job, sort_keys=True)
        if key not in self.gate.answers:
            self.gate.charges += 1
            rng = np.random.default_rng(self.gate.charges)
            self.gate.answers[key] = rng.integers(0, 100, 3)
            self.gate.events[key] = f"event-{self.gate.charges}"
        return self.gate.answers[key], self.gate.events[key]


@dataclass(frozen=True)
class FakeGenerator(AbstractGenerator):
    sigma: float = 20.0
    name = "fake"

    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> AbstractPlan:
        return FakePlan(
            generator=self,
            domain=domain,
            budget=budget,
            unit=unit,
            relation=relation,
            event=Gaussian(self.sigma, unit.squared_l2(relation)),
            steps=(Step("columns", 1.0, 3, "every column once"),),
            forecast=Forecast(3, 1 << 20, 0.1),
        )

    def parameters(self) -> dict[str, Any]:
        return {"sigma": self.sigma}


class FakePlan(AbstractPlan):
    def fit(self, table: Any, progress: Progress | None = None) -> AbstractFittedModel:
        if progress is not None:
            progress("measure", 1.0)
        values, event = table.ask(self.job())
        measurement = Measurement("marginal", ("sex",), values, 20.0, "rounded_gaussian", event)
        return FakeModel(
            domain=self.domain, total=table.gate.total, measurements=(measurement,), warnings=(), private=True
        )


class FakeModel(AbstractFittedModel):
    def sample(self, n: int | None = None, *, seed: int | None = None) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        size = round(self.total) if n is None else n
        sex = rng.choice(np.array(["F", "M", None], dtype=object), size)
        return pd.DataFrame({"sex": sex, "age": pd.array(rng.integers(0, 100, size), dtype="Int64")})

    def project(self, columns: tuple[str, ...]) -> np.ndarray:
        return self.measurements[0].values.astype(float)

    def save(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "model.json").write_text(json.dumps({"total": self.total}))

    def describe(self) -> Mapping[str, Any]:
        return {"total": np.float64(self.total), "cliques": [("sex",)], "cells": np.int64(3)}


def load_fake(folder: Path) -> FakeModel:
    """What `load_model` is for real generators."""
    total = json.loads((folder / "model.json").read_text())["total"]
    return FakeModel(domain=DOMAIN, total=total, measurements=(), warnings=(), private=True)
