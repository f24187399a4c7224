"""MST: noisy one-ways, then the pairs of a maximum spanning tree of dependence.

Two variants of one recipe:

    MST()                          all noise is Gaussian. Every pair is scored once by a noisy integer L1 distance to
                                   independence, accounted in GDP; one-ways and pairs are denoised (post-processing).
    MST(selection="exponential")   as published: thirds of the budget, d - 1 draws of the exponential mechanism,
                                   compression at three sigma, least squares on the raw noisy tables.

Source: mckenna2021winning
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
from dpsynth.gate import Distances, Marginals, RoundedGaussian, with_slack
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.checks import budget_warnings, modelled_encoder, require_planned_for
from dpsynth.generators.marginal_model import MarginalModel, cell_maps
from dpsynth.generators.one_ways import (
    OneWays,
    grid_of,
    one_way_query,
    one_way_share,
    one_way_sigmas,
    read_one_ways,
)
from dpsynth.generators.pairs import (
    BYTES_PER_SCORED_CELL,
    Pair,
    all_pairs,
    coarse_counts,
    coarse_groups,
    denoise_pair,
    error_per_sigma,
    fine_groupings,
    pair_cell_bound,
    product_references,
    refine_one_ways,
    split_by_cells,
    tree_cell_bound,
)
from dpsynth.generators.shares import GaussianShares
from dpsynth.pgm import maximum_spanning_tree, rake

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable

__all__ = ["MST"]

SCORE_SHARE = 0.05
LABEL_WEIGHT = 1.3  # an edge with the declared label counts this much more when the tree is chosen
MOST_CELLS = 48  # about as many coarse cells has an ordered column at most; see merge_light_cells


@dataclass(frozen=True, slots=True)
class MST(AbstractGenerator):
    """Maximum spanning tree of noisy pairs.

    Attributes:
        selection: "gaussian" (default) or "exponential" (the published algorithm).
    """

    selection: str = "gaussian"
    name = "mst"

    def __post_init__(self) -> None:
        if self.selection not in ("gaussian", "exponential"):
            raise PlanError(f"MST knows the selections gaussian and exponential; found {self.selection!r}.")

    def parameters(self) -> dict[str, Any]:
        """The selection."""
        return {"selection": self.selection}

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
            A plan whose event costs at most the budget.

        Raises:
            PlanError: no column to model.
            BudgetError: a delta too small for Gaussian noise.

        Guarantee:
            Depends on public arguments only.
        """
        if self.selection == "exponential":
            from dpsynth.generators.mst_published import plan_published

            return plan_published(self, domain, budget=budget, unit=unit, relation=relation)
        encoder = modelled_encoder(domain)
        shares = GaussianShares(calibrate_mu(budget, relation=relation), unit, relation)
        grids = {name: grid_of(encoder.by_name(name), shares) for name in encoder.names}
        pairs = len(grids) * (len(grids) - 1) // 2
        first = one_way_share(shares) if pairs else 1.0
        scores = SCORE_SHARE if pairs else 0.0
        cells = sum(grid.size for grid in grids.values())
        steps = [Step("one-ways", first, cells, f"{len(grids)} columns, {cells} cells")]
        sizes: list[int] = []
        if pairs:
            sizes = coarse_cell_bounds(encoder, grids)
            bound = tree_cell_bound(sizes)
            steps.append(Step("scores", scores, pairs, f"distance of {pairs} pairs to independence"))
            steps.append(Step("tree", 1 - first - scores, bound, f"{len(grids) - 1} pairs, at most {bound} cells"))
        return MSTPlan(
            generator=self,
            domain=domain,
            budget=budget,
            unit=unit,
            relation=relation,
            event=with_slack(GaussianFilter(shares.mu)),
            steps=tuple(steps),
            forecast=Forecast(
                steps[-1].answers,
                64 * max(s.answers for s in steps) + BYTES_PER_SCORED_CELL * pair_cell_bound(sizes),
                0.02 * len(grids) + 0.2,
            ),
            encoder=encoder,
            shares=shares,
            grids=grids,
        )


def coarse_cell_bounds(encoder: TableEncoder, grids: Mapping[str, Grouping]) -> list[int]:
    """The most coarse cells that each column can have: known before a row is read."""
    sizes = []
    for name, grid in grids.items():
        ordered_from = encoder.by_name(name).ordered_from
        alone = grid.size if ordered_from is None else int(grid.cells[ordered_from])
        sizes.append(min(grid.size, alone + (0 if ordered_from is None else 2 * MOST_CELLS + 1)))
    return sizes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MSTPlan(AbstractPlan):
    """A calibrated all-Gaussian MST under one GDP filter."""

    encoder: TableEncoder
    shares: GaussianShares
    grids: Mapping[str, Grouping]

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> MarginalModel:
        """Measure one-ways, scores and the tree's pairs through the gate; denoise; join.

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
            sigmas = one_way_sigmas(self.grids, self.shares, share["one-ways"])
            singles = grant.release(one_way_query(self.grids), RoundedGaussian(tuple(sigmas.values())))
            one_ways = read_one_ways(self.encoder, self.grids, singles)
            groups, edges, answers = {}, [], singles
            if "tree" in share:
                report("scores", 0.25)
                groups = self._coarsen(one_ways, share["tree"])
                groupings = fine_groupings(one_ways, groups)
                counts = coarse_counts(one_ways, groups)
                pairs = all_pairs(tuple(self.grids))
                references = product_references(counts, one_ways.total, pairs)
                noise = self.shares.distances_sigma_up(share["scores"], len(pairs))
                scores = grant.release(Distances(references, groupings), RoundedGaussian((noise,)))
                edges = choose_tree(pairs, scores[0].values, noise, self.domain.label)
                report("tree", 0.5)
                measured = ()
                if edges:
                    split = split_by_cells({e: error_per_sigma((len(counts[e[0]]), len(counts[e[1]]))) for e in edges})
                    scales = tuple(self.shares.marginal_sigma_up(share["tree"] * split[e]) for e in edges)
                    measured = grant.release(Marginals(tuple(edges), groupings), RoundedGaussian(scales))
                answers = (*singles, *scores, *measured)
        report("estimate", 0.75)
        if not groups:
            groups = {name: Grouping.identity(grid.size) for name, grid in self.grids.items()}
        tables = answers[len(singles) + 1 :]
        refined = refine_one_ways(one_ways, groups, tables)
        targets: dict[tuple[str, ...], np.ndarray] = {(name,): values for name, values in refined.items()}
        for pair in tables:
            targets[pair.clique] = denoise_pair(pair, refined[pair.clique[0]], refined[pair.clique[1]])
        graph = rake({name: group.size for name, group in groups.items()}, targets, total=one_ways.total)
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

    def _coarsen(self, one_ways: OneWays, share: float) -> dict[str, Grouping]:
        """Coarse cells that the tree's noise can carry: about six sigmas of mass, and sqrt(n / (3.5 sigma)) cells."""
        sigma = self.shares.marginal_sigma_up(share / max(len(self.grids) - 1, 1))
        total = one_ways.total
        least = total * float(np.clip(6.0 * sigma / total, 0.001, 0.05))
        most = float(np.clip(math.sqrt(total / (3.5 * sigma)), 4, MOST_CELLS))
        return coarse_groups(self.encoder, one_ways, least, most)


def choose_tree(pairs: Sequence[Pair], scores: np.ndarray, sigma: float, label: str | None) -> list[Pair]:
    """The maximum spanning forest of the pairs whose noisy score stands out of its noise.

    Args:
        pairs: pairs in the order of `scores`.
        scores: int64[pairs], noisy L1 distances to independence, in rows.
        sigma: their noise.
        label: the declared label; its pairs count LABEL_WEIGHT times.

    Returns:
        The chosen pairs.

    Guarantee:
        Post-processing.
    """
    weights = {
        pair: float(score) * (LABEL_WEIGHT if label in pair else 1.0)
        for pair, score in zip(pairs, scores, strict=True)
        if score > 0.8 * sigma  # the expected |noise| alone
    }
    return list(maximum_spanning_tree(weights))
