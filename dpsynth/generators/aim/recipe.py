"""AIM: measure, round by round, the marginal that the present model gets most wrong for its cost.

Two variants of one recipe:

    AIM()                        as published: one-ways, then rounds of the exponential mechanism (coefficient 1/2) and
                                 a Gaussian measurement, under one zCDP filter; noise is halved when a measurement
                                 moves the model by no more than its noise; the last round spends what is left
    AIM(selection="gaussian")    all noise is Gaussian, under one GDP filter: every candidate is scored once, each
                                 round scores the sixteen best again and measures the best of them

Kept close to the publication, as the baseline that papers compare with. What differs: exact integer noise and scores,
a filter in exact fractions, the true junction tree under the size cap, least squares instead of 1,000 steps of mirror
descent. What the publication leaves open is how wide columns become small ones: they are cut into about 32 coarse
cells at most, each of three sigma of rows (neighbours are merged; light categories share one), read off noisy one-ways
of a public grid; synthetic values are drawn inside the cells from the same one-ways. For this use the one-ways of wide
ordered columns are measured with half the noise; with `smooth=True` they are also smoothed.

Source: mckenna2022aim
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dpsynth.accounting.calibrate import calibrate, calibrate_mu
from dpsynth.accounting.events import GaussianFilter, ZCDPFilter
from dpsynth.accounting.quantities import Budget, Mu
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import PlanError
from dpsynth.gate import RoundedGaussian, with_slack
from dpsynth.generators.aim.candidates import bounded_candidates
from dpsynth.generators.aim.choice import ExponentialChoice, GaussianChoice
from dpsynth.generators.aim.purse import MEASURE_SHARE, SELECT_SHARE, Purse
from dpsynth.generators.aim.rounds import Frame, run_rounds
from dpsynth.generators.aim.workload import Clique, check_workload, closure_of, default_workload
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.checks import budget_warnings, modelled_encoder, require_planned_for
from dpsynth.generators.compression import merge_light_cells
from dpsynth.generators.marginal_model import MarginalModel, cell_maps
from dpsynth.generators.one_ways import OneWays, grid_of, one_way_query, read_one_ways
from dpsynth.generators.pairs import fine_groupings
from dpsynth.generators.shares import GaussianShares

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable

__all__ = ["AIM"]

ROUNDS_PER_COLUMN = 16
MODEL_MEGABYTES = 80.0
MOST_CELLS = 32  # coarse cells of an ordered column, about
WIDE_SHARE = 4  # budget of the one-way of a column that is cut into coarse cells, in measurements of a round
LEAST_SIGMAS = 3  # smallest mass of a coarse cell, in standard deviations of a one-way's noise


@dataclass(frozen=True, slots=True)
class AIM(AbstractGenerator):
    """The adaptive and iterative mechanism.

    Attributes:
        selection: "exponential" (the published algorithm) or "gaussian".
        workload: cliques of columns and how much each matters; all marginals of three columns by default (of two, where
            there are more than about 48 columns).
        rounds: how many rounds the budget would last without annealing; 16 per column by default.
        model_megabytes: most memory of the junction tree's tables; a part of it in proportion to the budget spent
            is allowed in each round.
        smooth: cut coarse cells, and draw values inside them, by one-ways that are smoothed on their public grid. The
            rounds work on the tables as they were measured either way. Not part of the publication.
    """

    selection: str = "exponential"
    workload: Mapping[Clique, float] | None = None
    rounds: int | None = None
    model_megabytes: float = MODEL_MEGABYTES
    smooth: bool = False
    name = "aim"

    def __post_init__(self) -> None:
        if self.selection not in ("exponential", "gaussian"):
            raise PlanError(f"AIM knows the selections exponential and gaussian; found {self.selection!r}.")
        check_workload(self.workload)
        if self.rounds is not None and (isinstance(self.rounds, bool) or not isinstance(self.rounds, int)):
            raise PlanError("AIM needs a whole number of rounds, or None for 16 per column.")
        size = self.model_megabytes
        if isinstance(size, bool) or not isinstance(size, (int, float)) or not 0 < size < math.inf:
            raise PlanError("AIM needs model_megabytes above 0.")

    def parameters(self) -> dict[str, Any]:
        """All hyper-parameters."""
        workload = None
        if self.workload is not None:
            workload = [[list(clique), float(weight)] for clique, weight in sorted(self.workload.items())]
        return {
            "selection": self.selection,
            "workload": workload,
            "rounds": self.rounds,
            "model_megabytes": float(self.model_megabytes),
            "smooth": bool(self.smooth),
        }

    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> AIMPlan:
        """Fix the whole privacy event; reads no row.

        Args:
            domain: public columns.
            budget: target (epsilon, delta).
            unit: unit of protection.
            relation: neighbouring relation.

        Returns:
            A plan whose event costs at most the budget.

        Raises:
            PlanError: no column to model, a workload that names unknown columns or is too large, too few rounds.
            BudgetError: a delta too small for Gaussian noise.

        Guarantee:
            Depends on public arguments only.
        """
        encoder = modelled_encoder(domain)
        columns = len(encoder.names)
        closure = closure_of(encoder.names, self.workload or default_workload(encoder.names))
        rounds = ROUNDS_PER_COLUMN * columns if self.rounds is None else self.rounds
        filter_ = _filter(self.selection, budget, relation)
        mu = filter_.mu if isinstance(filter_, GaussianFilter) else math.sqrt(2 * filter_.rho)
        grids = {name: grid_of(encoder.by_name(name), GaussianShares(Mu(mu), unit, relation)) for name in encoder.names}
        shares = {name: _one_way_share(encoder.by_name(name), grid) for name, grid in grids.items()}
        taken = sum(shares.values())
        if rounds < 2 * taken:
            raise PlanError(
                f"AIM was asked for {rounds} rounds. The one-ways of {columns} columns take {taken} of them; "
                f"ask for at least {2 * taken}."
            )
        return AIMPlan(
            generator=self,
            domain=domain,
            budget=budget,
            unit=unit,
            relation=relation,
            event=with_slack(filter_),
            steps=_steps(self.selection, shares, rounds, len(closure), sum(grid.size for grid in grids.values())),
            forecast=_forecast(self.model_megabytes, columns, len(closure)),
            encoder=encoder,
            grids=grids,
            closure=closure,
            one_way_shares=shares,
            rounds=rounds,
            filter=filter_,
        )


def _filter(selection: str, budget: Budget, relation: NeighbouringRelation) -> ZCDPFilter | GaussianFilter:
    """The largest filter that the budget allows, beside the sampler's slack."""
    mu = calibrate_mu(budget, relation=relation)  # says what is wrong with a delta
    if selection == "gaussian":
        return GaussianFilter(mu)
    low, high = 0.1 * mu * mu, 0.6 * mu * mu  # rho is below mu^2 / 2
    rho = calibrate(lambda r: with_slack(ZCDPFilter(r)), budget, relation, low, high, cost_rises=True)
    return ZCDPFilter(rho)


def _one_way_share(encoder: AbstractColumnEncoder, grid: Grouping) -> int:
    """How many rounds' measurements one column's one-way takes: four (half the noise) where coarse cells are cut."""
    return WIDE_SHARE if encoder.ordered_from is not None and grid.size > MOST_CELLS else 1


def _steps(selection: str, one_ways: Mapping[str, int], rounds: int, candidates: int, cells: int) -> tuple[Step, ...]:
    """The waterfall: shares of the filter."""
    columns = len(one_ways)
    first = MEASURE_SHARE * sum(one_ways.values()) / rounds
    scores = Fraction(1, 2 * rounds) if selection == "gaussian" else Fraction(0)
    rest = 1 - first - scores
    steps = [Step("one-ways", float(first), cells, f"{columns} columns, {cells} cells")]
    if scores:
        steps.append(Step("scores", float(scores), candidates, f"distance of {candidates} marginals to independence"))
    each = 16 if selection == "gaussian" else 1
    detail = "noisy scores of the sixteen best" if selection == "gaussian" else "draws of the exponential mechanism"
    most = rounds - columns
    steps.append(Step("selection", float(SELECT_SHARE * rest), each * most, f"{detail}, at most {most} times"))
    steps.append(Step("marginals", float(MEASURE_SHARE * rest), most, f"at most {most} of {candidates} marginals"))
    return tuple(steps)


def _forecast(megabytes: float, columns: int, candidates: int) -> Forecast:
    """A bound on the model, and what rounds usually take: about three per column."""
    cells = max(1, int(megabytes * 2**20 / 8))
    return Forecast(cells, 8 * 40 * cells + 2**28, 1.0 + 3 * columns * (0.1 + 0.001 * candidates))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AIMPlan(AbstractPlan):
    """A calibrated AIM under one filter."""

    generator: AIM
    encoder: TableEncoder
    grids: Mapping[str, Grouping]
    closure: Mapping[Clique, int]
    one_way_shares: Mapping[str, int]
    rounds: int
    filter: ZCDPFilter | GaussianFilter

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> MarginalModel:
        """Measure one-ways, then marginals round by round through the gate.

        Args:
            table: an opened private table with this plan's domain, unit and relation.
            progress: called with public stage names.

        Returns:
            The fitted model.

        Raises:
            PlanError: the table was opened with another domain, unit or relation; nothing was charged.
            BudgetRefused: the ledger has less left than the plan costs; nothing was read.

        Guarantee:
            Reads the table through `grant.release` only, under this plan's event. The model is a function of the
            answers, bit by bit, whatever the number of threads of the linear algebra: stored answers replay.
        """
        from threadpoolctl import threadpool_limits

        require_planned_for(self, table)
        report = progress or (lambda stage, done: None)
        purse = Purse(self.filter, self.rounds, self.unit, self.relation)
        with table.reserve(self.event, job=self.job(), purpose=self.generator.name, budget=self.budget) as grant:
            report("one-ways", 0.0)
            share = MEASURE_SHARE * purse.round
            sigmas = tuple(purse.marginal_sigma(self.one_way_shares[name] * share) for name in self.grids)
            query, noise = one_way_query(self.grids), RoundedGaussian(sigmas)
            purse.pay(query, noise)
            singles = grant.release(query, noise)
            one_ways = read_one_ways(self.encoder, self.grids, singles, denoise=self.generator.smooth)
            groups = self._coarsen(one_ways)
            weights, left_out = bounded_candidates({name: group.size for name, group in groups.items()}, self.closure)
            groupings = fine_groupings(one_ways, groups)
            frame = Frame(one_ways, groups, groupings, weights, self.generator.model_megabytes * 2**20 / 8)
            rule = GaussianChoice if self.generator.selection == "gaussian" else ExponentialChoice
            choice = rule(weights, groupings, purse)
            with threadpool_limits(limits=1, user_api="blas"):  # the tables are small; more threads only wait
                graph, marginals = run_rounds(frame, choice, purse, grant, report)
        report("done", 1.0)
        answers = (*singles, *choice.answers, *marginals)
        skipped = (f"{left_out} marginals of the workload were too large to be candidates.",) if left_out else ()
        return MarginalModel(
            domain=self.domain,
            generator={"name": self.generator.name, "parameters": self.generator.parameters()},
            total=one_ways.total,
            graph=graph,
            cells=cell_maps(one_ways, groups),
            measurements=answers,
            warnings=(*budget_warnings(self.budget, one_ways.total), *skipped),
            private=all(a.private for a in answers),
        )

    def _coarsen(self, one_ways: OneWays) -> dict[str, Grouping]:
        """Coarse cells of every column: three standard deviations of its own noise, and not many of them."""
        groups = {}
        for name, grid in one_ways.grids.items():
            ordered_from = self.encoder.by_name(name).ordered_from
            start = None if ordered_from is None else int(grid.cells[ordered_from])
            least = LEAST_SIGMAS * one_ways.sigmas[name]
            cells = merge_light_cells(one_ways.counts[name], start, least, MOST_CELLS)
            groups[name] = Grouping(cells, int(cells.max()) + 1)
        return groups
