"""Adaptive: one-ways and spikes, then the pairs that are worth their noise; a junction tree and row edits join them.

Written rules, all of public or paid quantities (mu is that of one row under add/remove, d the number of columns):

    one-ways    a first look for .06 of the budget, which also says about how many rows there are (n); for wide columns
                a search for spikes (dpsynth.generators.atoms); and a second look; in all of it
                clip(.2 (8700 / (mu n))^.3, .1, .65), and at least .03 for the second look
    scores      .03 for all pairs beside independent columns; .02 for all pairs beside a skeleton, the strongest
                spanning forest of pairs, which is measured first
    pairs       the rest
    coarse cells    at least clip(8 s / n, .001, .05) of the rows, at most clip(sqrt(n / (5 s)), 4, 48) per ordered
                    column, where s is the noise of a pair if 2 d pairs shared 80 % of the budget
    label           pairs with the declared label weigh 3
    tree            at most 300,000 cells; other chosen pairs are met by row edits
    binary tables   parities instead (dpsynth.generators.binary), unless a workload is given
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.accounting.calibrate import calibrate_mu
from dpsynth.accounting.events import GaussianFilter
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import PlanError
from dpsynth.gate import RoundedGaussian, with_slack
from dpsynth.generators.adaptive.planner import PairPlan
from dpsynth.generators.adaptive.waves import Waves
from dpsynth.generators.atoms import BRANCHES, look_again, search_depths
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.binary import is_binary, plan_binary
from dpsynth.generators.checks import budget_warnings, modelled_encoder, require_planned_for
from dpsynth.generators.marginal_model import MarginalModel, cell_maps
from dpsynth.generators.one_ways import (
    OneWays,
    combine_one_ways,
    denoise_one_ways,
    grid_of,
    one_way_parts,
    one_way_query,
    one_way_share,
    one_way_sigmas,
    read_one_ways,
)
from dpsynth.generators.pairs import (
    all_pairs,
    coarse_groups,
    denoise_pair,
    merge_repeats,
    refine_one_ways,
)
from dpsynth.generators.shares import GaussianShares
from dpsynth.pgm import rake

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable
    from dpsynth.gate.grant import Grant
    from dpsynth.measurement import Measurement

__all__ = ["Adaptive"]

FIRST_LOOK = 0.06
SECOND = 0.03
SCORE_SHARE = 0.03
SECOND_SCORE_SHARE = 0.02
LABEL_WEIGHT = 3.0
MOST_CELLS = 48
CELL_CAP = 300_000
SWEEPS = 40


@dataclass(frozen=True, slots=True)
class Adaptive(AbstractGenerator):
    """Measure every pair that is worth its noise; the flagship for tables of mixed columns.

    Attributes:
        workload: pairs of columns and how much each matters (default 1; pairs with the declared label 3).
        cell_cap: most cells of the junction tree.
    """

    workload: Mapping[tuple[str, str], float] | None = None
    cell_cap: int = CELL_CAP
    name = "adaptive"

    def __post_init__(self) -> None:
        if isinstance(self.cell_cap, bool) or not isinstance(self.cell_cap, int) or self.cell_cap < 1:
            raise PlanError("Adaptive needs a whole cell_cap of at least 1.")
        for weight in (self.workload or {}).values():
            if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
                raise PlanError("Workload weights must be finite numbers of at least 0.")

    def parameters(self) -> dict[str, Any]:
        """The workload and the cap."""
        workload = [[*pair, float(weight)] for pair, weight in sorted((self.workload or {}).items())]
        return {"workload": workload, "cell_cap": self.cell_cap}

    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> AbstractPlan:
        """Fix the whole privacy event; reads no row.

        Args:
            domain: public columns.
            budget: target (epsilon, delta).
            unit: unit of protection.
            relation: neighbouring relation.

        Returns:
            A plan whose event costs at most the budget; of parities if the domain is binary and no workload is given.

        Raises:
            PlanError: no column to model, or a workload that names unknown columns.
            BudgetError: a delta too small for Gaussian noise.

        Guarantee:
            Depends on public arguments only.
        """
        if not self.workload and is_binary(domain):
            return plan_binary(self, domain, budget=budget, unit=unit, relation=relation)
        encoder = modelled_encoder(domain)
        unknown = sorted({c for pair in self.workload or {} for c in pair} - set(encoder.names))
        if unknown:
            raise PlanError(f"The workload names columns that are not modelled: {', '.join(unknown[:10])}.")
        shares = GaussianShares(calibrate_mu(budget, relation=relation), unit, relation)
        grids = {name: grid_of(encoder.by_name(name), shares) for name in encoder.names}
        pairs = len(grids) * (len(grids) - 1) // 2
        cells = sum(grid.size for grid in grids.values())
        depths = search_depths(encoder, grids)
        first = one_way_parts(grids, FIRST_LOOK if pairs else 1 / 3)
        search = sum(first[name] for name in depths)
        steps = [Step("one-ways", sum(first.values()), cells, f"{len(grids)} columns, {cells} cells")]
        if depths:
            found = sum(2 * depth * BRANCHES for depth in depths.values())
            steps.append(Step("spikes", search, found, f"single values with many rows, in {len(depths)} wide columns"))
        rest = 1 - sum(step.share for step in steps)
        if pairs:
            steps.append(Step("scores", SCORE_SHARE, pairs, f"distance of {pairs} pairs to independence"))
            beside = f"distance of at most {pairs} pairs to what the strongest pairs say"
            steps.append(Step("second scores", SECOND_SCORE_SHARE, pairs, beside))
            most = cells + pairs * (MOST_CELLS + 4) ** 2
            detail = f"once more at {len(grids)} columns, then at most {pairs} pairs; split by the noisy number of rows"
            steps.append(Step("one-ways and pairs", rest - SCORE_SHARE - SECOND_SCORE_SHARE, most, detail))
        else:
            steps.append(Step("one-ways again", rest, cells, "on the grid that keeps spikes apart"))
        seconds = 0.3 + 0.01 * pairs
        return AdaptivePlan(
            generator=self,
            domain=domain,
            budget=budget,
            unit=unit,
            relation=relation,
            event=with_slack(GaussianFilter(shares.mu)),
            steps=tuple(steps),
            forecast=Forecast(self.cell_cap, 48 * self.cell_cap + 32 * steps[-1].answers, seconds),
            encoder=encoder,
            shares=shares,
            grids=grids,
            depths=depths,
            first=first,
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdaptivePlan(AbstractPlan):
    """A calibrated Adaptive under one GDP filter."""

    generator: Adaptive
    encoder: TableEncoder
    shares: GaussianShares
    grids: Mapping[str, Grouping]
    depths: Mapping[str, int]
    first: Mapping[str, float]

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> MarginalModel:
        """Measure one-ways, scores and the chosen pairs through the gate; denoise; join.

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
        share = {step.name: step.share for step in self.steps}
        with table.reserve(self.event, job=self.job(), purpose=self.generator.name, budget=self.budget) as grant:
            report("one-ways", 0.0)
            last = self.steps[-1].share
            encoder, one_ways, singles, room = self._look(grant, last, report)
            grids = one_ways.grids
            groups = self._coarsen(encoder, one_ways)
            asked: tuple[Measurement, ...] = ()
            measured: tuple[Measurement, ...] = ()
            plan = PairPlan((), {}, (), {}, 0.0, 0.0)
            if len(grids) > 1:
                waves = Waves(
                    self.shares,
                    (share["scores"], share["second scores"]),
                    room,
                    self._weights(),
                    self.generator.cell_cap,
                )
                plan, asked, measured = waves.measure(grant, one_ways, groups, report)
                if not plan.pairs:  # no pair is worth its noise: the rest of the budget goes to the one-ways again
                    again = one_way_sigmas(grids, self.shares, room + share["second scores"])
                    repeats = grant.release(one_way_query(grids), RoundedGaussian(tuple(again.values())))
                    known = {name: (one_ways.raw[name], one_ways.sigmas[name]) for name in grids}
                    one_ways = denoise_one_ways(encoder, grids, *combine_one_ways(known, repeats))
                    groups = {name: Grouping.identity(grid.size) for name, grid in grids.items()}
                    asked = (*asked, *repeats)
        report("estimate", 0.7)
        refined = refine_one_ways(one_ways, groups, measured)
        pairs = merge_repeats(measured)
        targets = {m.clique: denoise_pair(m, refined[m.clique[0]], refined[m.clique[1]]) for m in pairs}
        tree: dict[tuple[str, ...], np.ndarray] = {(name,): values for name, values in refined.items()}
        tree |= {pair: targets[pair] for pair in plan.tree}
        graph = rake(
            {name: group.size for name, group in groups.items()},
            tree,
            total=one_ways.total,
            tolerance=1e-5,
            max_iterations=SWEEPS,
        )
        report("done", 1.0)
        answers = (*singles, *asked)
        return MarginalModel(
            domain=encoder.domain,
            generator={"name": self.generator.name, "parameters": self.generator.parameters()},
            total=one_ways.total,
            graph=graph,
            cells=cell_maps(one_ways, groups),
            edits=targets,
            errors=plan.errors,
            measurements=answers,
            warnings=budget_warnings(self.budget, one_ways.total),
            private=all(a.private for a in answers),
        )

    def _look(
        self, grant: Grant, room: float, report: Progress
    ) -> tuple[TableEncoder, OneWays, tuple[Measurement, ...], float]:
        """One-ways on grids on which spikes of wide columns stand alone, from two looks.

        The first look says about how many rows there are, and so how much of the budget one-ways deserve.

        Args:
            grant: where to ask.
            room: share of the budget for the second look and for pairs.
            report: called with public stage names.

        Returns:
            The encoder of the grids, the one-ways, all answers, and the share that is left for pairs.
        """
        scales = tuple(self.shares.marginal_sigma_up(part) for part in self.first.values())
        answers = grant.release(one_way_query(self.grids), RoundedGaussian(scales))
        first = read_one_ways(self.encoder, self.grids, answers)
        spent = sum(self.first.values()) + sum(self.first[name] for name in self.depths)
        share = room
        if len(self.grids) > 1:
            share = min(max(one_way_share(self.shares, first.total) - spent, SECOND), room)
        report("spikes" if self.depths else "one-ways again", 0.1)
        search = {name: self.first[name] for name in self.depths}
        second = one_way_parts(self.grids, share)
        encoder, one_ways, more = look_again(grant, self.encoder, first, self.depths, self.shares, search, second)
        return encoder, one_ways, (*answers, *more), room - share

    def _coarsen(self, encoder: TableEncoder, one_ways: OneWays) -> dict[str, Grouping]:
        """Coarse cells that the noise of about 2 d pairs can carry."""
        if len(self.grids) == 1:
            return {name: Grouping.identity(grid.size) for name, grid in one_ways.grids.items()}
        sigma = self.shares.marginal_sigma_up(0.8 / (2 * len(self.grids)))
        total = one_ways.total
        least = total * float(np.clip(8 * sigma / total, 0.001, 0.05))
        most = float(np.clip(math.sqrt(total / (5 * sigma)), 4, MOST_CELLS))
        return coarse_groups(encoder, one_ways, least, most)

    def _weights(self) -> dict[tuple[str, str], float]:
        """How much each pair matters."""
        given = self.generator.workload or {}
        weights = {}
        for a, b in all_pairs(tuple(self.grids)):
            usual = LABEL_WEIGHT if self.domain.label in (a, b) else 1.0
            weights[a, b] = float(given.get((a, b), given.get((b, a), usual)))
        return weights
