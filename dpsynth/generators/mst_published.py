"""MST as published: thirds of the budget, the exponential mechanism, compression at three sigma, least squares.

Kept as the baseline that papers compare with. Differences that do not touch privacy or the algorithm: exact integer
noise, integer scores, and the smallest sound accountant instead of zCDP alone.

Source: mckenna2021winning
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.accounting.calibrate import calibrate
from dpsynth.accounting.events import AbstractEvent, Repeated
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.encoding.table import TableEncoder
from dpsynth.gate import Distances, Exponential, Marginals, QueryShape, RoundedGaussian, event_of, with_slack
from dpsynth.generators.base import AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.checks import budget_warnings, modelled_encoder, require_planned_for
from dpsynth.generators.marginal_model import MarginalModel, cell_maps
from dpsynth.generators.one_ways import EQUAL_CELLS, OneWays, one_way_query, read_one_ways
from dpsynth.generators.pairs import (
    BYTES_PER_SCORED_CELL,
    Pair,
    all_pairs,
    coarse_counts,
    fine_groupings,
    pair_cell_bound,
    product_references,
    tree_cell_bound,
)
from dpsynth.pgm import GraphicalModel, Observation, estimate

if TYPE_CHECKING:
    from dpsynth.gate import Grant, PrivateTable
    from dpsynth.generators.mst import MST
    from dpsynth.measurement import Measurement

__all__ = ["plan_published"]


@dataclass(frozen=True, slots=True)
class _Scales:
    """Noise of the three thirds at one rho, in units of one row under add/remove."""

    one_way: float
    selection: float
    pair: float

    @classmethod
    def at(cls, rho: float, columns: int, squared_l2: int) -> _Scales:
        third = rho / 3
        edges = max(columns - 1, 1)
        return cls(
            one_way=math.sqrt(columns * squared_l2 / (2 * third)),
            selection=math.sqrt(8 * third / edges),
            pair=math.sqrt(edges * squared_l2 / (2 * third)),
        )


def _event(scales: _Scales, columns: int, unit: PrivacyUnit, relation: NeighbouringRelation) -> AbstractEvent:
    single = QueryShape("marginals", 1)
    parts: list[AbstractEvent] = [
        Repeated(event_of(single, RoundedGaussian((scales.one_way,)), unit, relation), columns)
    ]
    if columns > 1:
        choice = event_of(QueryShape("distances", 1), Exponential(scales.selection), unit, relation)
        parts.append(Repeated(choice, columns - 1))
        parts.append(Repeated(event_of(single, RoundedGaussian((scales.pair,)), unit, relation), columns - 1))
    return with_slack(*parts)


def plan_published(
    generator: MST, domain: Domain, *, budget: Budget, unit: PrivacyUnit, relation: NeighbouringRelation
) -> PublishedPlan:
    """Calibrate the three thirds together; reads no row.

    Args:
        generator: the recipe.
        domain: as in `MST.plan`.
        budget: as in `MST.plan`.
        unit: as in `MST.plan`.
        relation: as in `MST.plan`.
    """
    encoder = modelled_encoder(domain)
    columns = len(encoder.names)
    squared_l2 = unit.squared_l2(relation)
    rho = calibrate(
        lambda r: _event(_Scales.at(r, columns, squared_l2), columns, unit, relation),
        budget,
        relation,
        1e-6,
        10.0,
        cost_rises=True,
        tolerance=1e-4,
    )
    scales = _Scales.at(rho, columns, squared_l2)
    grids = {name: merge_adjacent(encoder.by_name(name), EQUAL_CELLS) for name in encoder.names}
    cells = sum(grid.size for grid in grids.values())
    sizes = [grid.size for grid in grids.values()]
    bound = tree_cell_bound(sizes)
    steps = (
        Step("one-ways", 1 / 3, cells, f"{columns} columns, {cells} cells"),
        Step("selection", 1 / 3, columns - 1, f"{columns - 1} draws of the exponential mechanism"),
        Step("tree", 1 / 3, bound, f"{columns - 1} pairs, at most {bound} cells"),
    )
    return PublishedPlan(
        generator=generator,
        domain=domain,
        budget=budget,
        unit=unit,
        relation=relation,
        event=_event(scales, columns, unit, relation),
        steps=steps,
        forecast=Forecast(
            bound,
            256 * max(bound, cells) + BYTES_PER_SCORED_CELL * pair_cell_bound(sizes),
            0.2 * columns + 1e-5 * bound,
        ),
        encoder=encoder,
        scales=scales,
        grids=grids,
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PublishedPlan(AbstractPlan):
    """A calibrated MST of the published kind."""

    encoder: TableEncoder
    scales: _Scales
    grids: Mapping[str, Grouping]

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> MarginalModel:
        """One-ways, compression, d - 1 selections, d - 1 pairs, least squares. See `AbstractPlan.fit`."""
        require_planned_for(self, table)
        report = progress or (lambda stage, done: None)
        names = tuple(self.grids)
        with table.reserve(self.event, job=self.job(), purpose=self.generator.name, budget=self.budget) as grant:
            report("one-ways", 0.0)
            noise = RoundedGaussian((self.scales.one_way,) * len(names))
            singles = grant.release(one_way_query(self.grids), noise)
            one_ways = read_one_ways(self.encoder, self.grids, singles, denoise=False)
            groups = {name: _compress(one_ways, name, self.scales.one_way) for name in names}
            groupings = fine_groupings(one_ways, groups)
            report("selection", 0.2)
            chosen, choices = self._select(grant, one_ways, groups, groupings)
            report("tree", 0.4)
            pairs: tuple[Measurement, ...] = ()
            if chosen:
                scales = RoundedGaussian((self.scales.pair,) * len(chosen))
                pairs = grant.release(Marginals(tuple(chosen), groupings), scales)
        report("estimate", 0.5)
        graph = self._estimate(one_ways, groups, pairs)
        report("done", 1.0)
        answers = (*singles, *choices, *pairs)
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

    def _select(
        self,
        grant: Grant,
        one_ways: OneWays,
        groups: Mapping[str, Grouping],
        groupings: Mapping[str, Grouping],
    ) -> tuple[list[Pair], list[Measurement]]:
        """Kruskal's algorithm with a private choice of every edge."""
        counts = coarse_counts(one_ways, groups)
        part = {name: position for position, name in enumerate(self.grids)}
        chosen: list[Pair] = []
        choices: list[Measurement] = []
        while len(set(part.values())) > 1:
            candidates = [(a, b) for a, b in all_pairs(tuple(self.grids)) if part[a] != part[b]]
            references = product_references(counts, one_ways.total, candidates)
            (choice,) = grant.release(Distances(references, groupings), Exponential(self.scales.selection))
            edge = candidates[choice.values.item()]
            chosen.append(edge)
            choices.append(choice)
            part = {name: part[edge[0]] if p == part[edge[1]] else p for name, p in part.items()}
        return chosen, choices

    def _estimate(
        self, one_ways: OneWays, groups: Mapping[str, Grouping], pairs: tuple[Measurement, ...]
    ) -> GraphicalModel:
        observations = []
        for name, group in groups.items():
            members = np.bincount(group.cells, minlength=group.size)
            values = group.aggregate(one_ways.raw[name])
            observations.append(Observation((name,), values, members * one_ways.sigmas[name] ** 2))
        observations += [Observation(p.clique, p.values.astype(np.float64), p.sigma**2) for p in pairs]
        return estimate({name: group.size for name, group in groups.items()}, observations, total=one_ways.total)


def _compress(one_ways: OneWays, name: str, sigma: float) -> Grouping:
    """Merge all cells whose noisy count is below three sigma into one."""
    light = one_ways.raw[name] < 3 * sigma
    if light.sum() <= 1 or light.all():
        return Grouping.identity(len(light)) if not light.all() else Grouping(np.zeros(len(light), np.int64), 1)
    cells = np.where(light, (~light).sum(), np.cumsum(~light) - 1)
    return Grouping(cells.astype(np.int64), int((~light).sum()) + 1)
