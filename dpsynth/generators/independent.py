"""Independent: noisy one-ways and nothing else. The floor that every other generator must beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dpsynth.accounting.calibrate import calibrate_mu
from dpsynth.accounting.quantities import Budget, Sigma
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.gate import RoundedGaussian, event_of, with_slack
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.checks import budget_warnings, modelled_encoder, require_planned_for
from dpsynth.generators.marginal_model import MarginalModel, cell_maps
from dpsynth.generators.one_ways import grid_of, one_way_query, one_way_sigmas, read_one_ways
from dpsynth.generators.shares import GaussianShares
from dpsynth.pgm import rake

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable

__all__ = ["Independent"]


@dataclass(frozen=True, slots=True)
class Independent(AbstractGenerator):
    """All of the budget on one-ways; columns are drawn independently."""

    name = "independent"

    def parameters(self) -> dict[str, Any]:
        """No hyper-parameters."""
        return {}

    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> IndependentPlan:
        """Fix the noise of every one-way; reads no row.

        Args:
            domain: public columns.
            budget: target (epsilon, delta).
            unit: unit of protection.
            relation: neighbouring relation.

        Returns:
            A plan whose event costs at most the budget.

        Raises:
            PlanError: no column to model.
            BudgetError: a delta too small for Gaussian noise.

        Guarantee:
            Depends on public arguments only.
        """
        encoder = modelled_encoder(domain)
        shares = GaussianShares(calibrate_mu(budget, relation=relation), unit, relation)
        grids = {name: grid_of(encoder.by_name(name), shares) for name in encoder.names}
        sigmas = one_way_sigmas(grids, shares, 1.0)
        event = event_of(one_way_query(grids), RoundedGaussian(tuple(sigmas.values())), unit, relation)
        cells = sum(grid.size for grid in grids.values())
        return IndependentPlan(
            generator=self,
            domain=domain,
            budget=budget,
            unit=unit,
            relation=relation,
            event=with_slack(event),
            steps=(Step("one-ways", 1.0, cells, f"{len(grids)} columns, {cells} cells"),),
            forecast=Forecast(cells, 64 * cells, 0.1),
            encoder=encoder,
            grids=grids,
            sigmas=sigmas,
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class IndependentPlan(AbstractPlan):
    """A calibrated Independent."""

    encoder: TableEncoder
    grids: Mapping[str, Grouping]
    sigmas: Mapping[str, Sigma]

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> MarginalModel:
        """Measure all one-ways through the gate and denoise them.

        Args:
            table: an opened private table with this plan's domain, unit and relation.
            progress: called with public stage names.

        Returns:
            The fitted model.

        Raises:
            PlanError: the table was opened with another domain, unit or relation; nothing was charged.
            BudgetRefused: the ledger has less left than the plan costs; nothing was read.

        Guarantee:
            Reads the table through `grant.release` only, under this plan's event.
        """
        require_planned_for(self, table)
        report = progress or (lambda stage, done: None)
        report("one-ways", 0.0)
        with table.reserve(self.event, job=self.job(), purpose=self.generator.name, budget=self.budget) as grant:
            answers = grant.release(one_way_query(self.grids), RoundedGaussian(tuple(self.sigmas.values())))
        report("estimate", 0.5)
        one_ways = read_one_ways(self.encoder, self.grids, answers)
        groups = {name: Grouping.identity(grid.size) for name, grid in self.grids.items()}
        graph = rake(
            {name: grid.size for name, grid in self.grids.items()},
            {(name,): counts for name, counts in one_ways.counts.items()},
            total=one_ways.total,
        )
        report("done", 1.0)
        return MarginalModel(
            domain=self.domain,
            generator={"name": self.generator.name, "parameters": self.generator.parameters()},
            total=one_ways.total,
            graph=graph,
            cells=cell_maps(one_ways, groups),
            measurements=answers,
            warnings=budget_warnings(self.budget, one_ways.total),
            private=all(a.private for a in answers),
        )
