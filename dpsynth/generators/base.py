"""Recipe -> plan -> fitted model: three types, so that "not calibrated" and "not fitted" do not exist.

A recipe (for instance `MST()`) is hyper-parameters only. `plan(domain, ...)` fixes the whole privacy event and
forecasts cost without reading a row. `plan.fit(table)` reserves that event in the ledger and measures through the
gate. The fitted model is made of released values only: sampling, projecting and saving it are post-processing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.accounting.events import AbstractEvent
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows

if TYPE_CHECKING:
    import pandas as pd

    from dpsynth.gate import PrivateTable
    from dpsynth.measurement import Measurement

__all__ = ["AbstractFittedModel", "AbstractGenerator", "AbstractPlan", "Forecast", "Progress", "Step"]

Progress = Callable[[str, float], None]
"""Called with (stage name, share done in 0..1). Stages are public; nothing learned from rows is ever passed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the budget waterfall.

    Attributes:
        name: what is measured.
        share: share of the budget in mu^2 (0..1).
        answers: how many noisy numbers it gives (an upper bound where it depends on earlier answers).
        detail: a public sentence.
    """

    name: str
    share: float
    answers: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a fit will take: a bound on model cells and memory, and a rough time on one thread."""

    cells: int
    memory_bytes: int
    seconds: float


class AbstractGenerator(ABC):
    """A recipe. Subclasses are frozen dataclasses of hyper-parameters."""

    name: str

    @abstractmethod
    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> AbstractPlan:
        """Fix the privacy event for this domain and budget; reads no row.

        Raises:
            PlanError: the domain or budget cannot carry this generator; says what would.
        """

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """The hyper-parameters as plain JSON values."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AbstractPlan(ABC):
    """A calibrated plan: its event costs at most the budget, certified before any row is read.

    Attributes:
        generator: the recipe.
        domain: public columns.
        budget: the target (epsilon, delta).
        unit: unit of protection.
        relation: neighbouring relation.
        event: everything that a fit may spend, slack included.
        steps: the budget waterfall, in order.
        forecast: bounds on cells and memory, and a rough time.
    """

    generator: AbstractGenerator
    domain: Domain
    budget: Budget
    unit: PrivacyUnit
    relation: NeighbouringRelation
    event: AbstractEvent
    steps: tuple[Step, ...]
    forecast: Forecast

    def job(self) -> dict[str, Any]:
        """What identifies this release in the ledger: the same job on the same table is replayed at no cost."""
        from dpsynth.version import __version__

        return {
            "dpsynth": __version__,
            "generator": self.generator.name,
            "parameters": self.generator.parameters(),
            "domain": self.domain.digest(),
            "epsilon": self.budget.epsilon,
            "delta": self.budget.delta,
        }

    @abstractmethod
    def fit(self, table: PrivateTable, progress: Progress | None = None) -> AbstractFittedModel:
        """Reserve the event, measure through the gate, estimate.

        Raises:
            PlanError: the table was opened with another domain, unit or relation; nothing was charged.
            BudgetRefused: the ledger has less left than the plan's event costs; nothing was read.
        """


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AbstractFittedModel(ABC):
    """Released values only. Everything it does is post-processing.

    Attributes:
        domain: the public domain.
        total: the estimated number of rows (from noisy answers).
        measurements: the noisy answers it was built from.
        warnings: public sentences for the person (for instance delta against the noisy total).
        private: False where a seeded test entropy was used; such a model can never be certified.
    """

    domain: Domain
    total: float
    measurements: tuple[Measurement, ...]
    warnings: tuple[str, ...]
    private: bool

    @abstractmethod
    def sample(self, n: int | None = None, *, seed: int | None = None) -> pd.DataFrame:
        """n synthetic rows (default: the estimated total); equal seeds give equal rows."""

    @abstractmethod
    def project(self, columns: tuple[str, ...]) -> np.ndarray:
        """Expected counts over the model's cells of the named columns."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write JSON and safetensors into a new folder."""

    @abstractmethod
    def describe(self) -> Mapping[str, Any]:
        """Public facts for reports: cliques, cells, estimated total."""
