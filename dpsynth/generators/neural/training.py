"""Plan and fit that the neural generators share: one-ways, DP-SGD, and cliques where they are measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.accounting.calibrate import calibrate_mu
from dpsynth.accounting.events import AbstractEvent, GaussianFilter, Repeated
from dpsynth.accounting.quantities import Budget, Mu, Sigma
from dpsynth.accounting.sampled import calibrate_noise, poisson_steps
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import PlanError
from dpsynth.gate import (
    Descent,
    GradientProgram,
    Grant,
    Marginals,
    RoundedGaussian,
    SampledGaussian,
    TrainingState,
    event_of,
    with_slack,
)
from dpsynth.gate.gradients import parameter_count
from dpsynth.gate.gradients_state import require_torch
from dpsynth.generators.atoms import BRANCHES, look_again, search_depths
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.checks import budget_warnings, modelled_encoder, require_planned_for
from dpsynth.generators.neural.model import NeuralModel
from dpsynth.generators.neural.network import Network, layers_of, start_of
from dpsynth.generators.neural.rules import SEGMENTS, Noise, clique_count, noise_rule, shape_rule
from dpsynth.generators.neural.selection import mutual_information
from dpsynth.generators.neural.weights import Noisy
from dpsynth.generators.one_ways import EQUAL_CELLS, OneWays, grid_of, one_way_parts, one_way_query, read_one_ways
from dpsynth.generators.shares import GaussianShares
from dpsynth.measurement import Measurement

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable

__all__ = ["AbstractNeuralGenerator", "NeuralPlan"]

CLIQUE_CELLS = 60_000
MOST_TOKENS = 220
"""Ordered columns with more measured cells than this get EQUAL_CELLS tokens."""
PROBED_ROWS = 60_000
WIDE_LOOK = 1 / 3
"""Of a wide column's one-way share: for the first look, for the search for spikes, and for the second look, each."""
LEAST_SEARCH_MU = 0.1
"""Below this mu no budget is spent on the search for spikes."""
LEAST_SHARE = 0.3
"""Rows that every token of the start counts as at least."""


@dataclass(frozen=True, slots=True)
class AbstractNeuralGenerator(AbstractGenerator):
    """Hyper-parameters that the neural generators share; the defaults are the rules of dpsynth.generators.neural.rules.

    Attributes:
        steps: DP-SGD steps; None leaves it to the rule.
        expected_rows: a rough number of rows, from public knowledge; large tables then train faster. None says nothing.
    """

    steps: int | None = None
    expected_rows: int | None = None
    hybrid = False

    def __post_init__(self) -> None:
        for name in ("steps", "expected_rows"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise PlanError(f"A neural generator needs a whole {name} of at least 1, or None.")

    def parameters(self) -> dict[str, Any]:
        """Steps and the rough number of rows."""
        return {"steps": self.steps, "expected_rows": self.expected_rows}

    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> NeuralPlan:
        """Fix the whole privacy event, the noise of the training by one PLD with all else; reads no row.

        Args:
            domain: public columns.
            budget: target (epsilon, delta).
            unit: unit of protection.
            relation: neighbouring relation.

        Returns:
            A plan whose event costs at most the budget.

        Raises:
            PlanError: no column to model, or PyTorch is not installed.
            BudgetError: a delta too small for Gaussian noise, or an epsilon at which gradients drown in noise.

        Guarantee: depends on public arguments only.
        """
        encoder = modelled_encoder(domain)
        require_torch()
        shares = GaussianShares(calibrate_mu(budget, relation=relation), unit, relation)
        grids = {name: _tokens_of(encoder.by_name(name), shares) for name in encoder.names}
        noise = noise_rule(
            shares.effective_mu, len(grids), hybrid=self.hybrid, steps=self.steps, rows=self.expected_rows
        )
        worth = shares.effective_mu >= LEAST_SEARCH_MU
        depths = search_depths(encoder, grids) if self.hybrid and len(grids) > 1 and worth else {}
        parts = one_way_parts(grids, noise.one_ways)
        looks_at = {n: WIDE_LOOK if n in depths else 1 / 2 for n in parts} if depths else dict.fromkeys(parts, 1.0)
        sigmas = {n: shares.marginal_sigma_up(p * looks_at[n]) for n, p in parts.items()}
        clique_mu = shares.mu * math.sqrt(noise.cliques)
        looks = event_of(one_way_query(grids), RoundedGaussian(tuple(sigmas.values())), unit, relation)
        head: list[AbstractEvent] = [GaussianFilter(shares.mu * math.sqrt(noise.one_ways))] if depths else [looks]
        tail: list[AbstractEvent] = [GaussianFilter(clique_mu)] if noise.cliques else []
        pieces = noise.steps // SEGMENTS

        def whole(multiplier: float) -> AbstractEvent:
            steps = poisson_steps(noise.probability, multiplier, pieces, unit)
            return with_slack(*head, Repeated(steps, SEGMENTS), *tail)

        multiplier = calibrate_noise(whole, budget, relation)
        cells = sum(grid.size for grid in grids.values())
        shape = shape_rule(shares.effective_mu, 1e6)
        largest = parameter_count(layers_of([g.size for g in grids.values()], shape.width, shape.hidden), _sizes(grids))
        rest = 1 - noise.one_ways - noise.cliques
        told = f"noise multiplier {multiplier:.3g}, each row joins with probability {noise.probability:.3g}"
        searched = WIDE_LOOK * sum(parts[name] for name in depths)
        steps = [
            Step("one-ways", noise.one_ways - searched, cells, f"{len(grids)} columns, {cells} cells"),
            Step("gradients", rest, noise.steps * largest, f"{noise.steps} steps of DP-SGD; {told}"),
        ]
        if depths:
            most = sum(depths.values()) * BRANCHES**2
            steps.append(Step("spikes", searched, most, f"single values with many rows, in {len(depths)} wide columns"))
        if noise.cliques:
            steps.append(Step("cliques", noise.cliques, 60 * CLIQUE_CELLS, "at most 60, chosen by the network"))
        seconds = 2 + noise.steps * (0.03 + 6e-8 * largest)
        return NeuralPlan(
            generator=self,
            domain=domain,
            budget=budget,
            unit=unit,
            relation=relation,
            event=whole(multiplier),
            steps=tuple(steps),
            forecast=Forecast(largest, 100 * largest + 2**28, seconds),
            encoder=encoder,
            shares=shares,
            grids=grids,
            sigmas=sigmas,
            parts=parts,
            depths=depths,
            noise=noise,
            mechanism=SampledGaussian(noise.probability, multiplier, pieces),
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NeuralPlan(AbstractPlan):
    """A calibrated neural generator.

    Attributes:
        encoder: of the domain.
        shares: of the budget.
        grids: public map of each column's fine cells to tokens.
        sigmas: noise of the one-ways at first look.
        parts: share of the budget of each column's one-way, the search for spikes included.
        depths: levels of that search by wide column.
        noise: probability, steps and shares.
        mechanism: of one piece of the training.
    """

    generator: AbstractNeuralGenerator
    encoder: TableEncoder
    shares: GaussianShares
    grids: Mapping[str, Grouping]
    sigmas: Mapping[str, Sigma]
    parts: Mapping[str, float]
    depths: Mapping[str, int]
    noise: Noise
    mechanism: SampledGaussian

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> NeuralModel:
        """Measure one-ways, train by DP-SGD, measure chosen cliques: all through the gate.

        Args:
            table: an opened private table with this plan's domain, unit and relation.
            progress: called with public stage names; never with a loss.

        Returns:
            The fitted model.

        Raises:
            PlanError: the table was opened with another domain, unit or relation; nothing was charged.
            BudgetRefused: the ledger has less left than the plan costs; nothing was read.

        Guarantee: reads the table through the grant only, under this plan's event.
        """
        require_planned_for(self, table)
        require_torch()
        report = progress or (lambda stage, done: None)
        with table.reserve(self.event, job=self.job(), purpose=self.generator.name, budget=self.budget) as grant:
            report("one-ways", 0.0)
            encoder, one_ways, singles = self._look(grant, report)
            model = self._train(grant, encoder, one_ways, report)
            model = replace(
                model,
                measurements=singles,
                warnings=budget_warnings(self.budget, one_ways.total),
                private=all(s.private for s in singles),
            )
            if self.generator.hybrid:
                alone = (Noisy((j,), one_ways.raw[n], one_ways.sigmas[n]) for j, n in enumerate(model.order))
                model = replace(model, noisy=tuple(alone))
            if self.noise.cliques:
                report("cliques", 0.9)
                found = self._measure(grant, model)
                model = replace(
                    model, measurements=(*singles, *found), noisy=(*model.noisy, *_noisy(model.order, found))
                )
        report("done", 1.0)
        return model

    def _look(self, grant: Grant, report: Progress) -> tuple[TableEncoder, OneWays, tuple[Measurement, ...]]:
        """One-ways, for a hybrid on grids on which spikes of wide columns stand alone."""
        answers = grant.release(one_way_query(self.grids), RoundedGaussian(tuple(self.sigmas.values())))
        first = read_one_ways(self.encoder, self.grids, answers)
        if not self.depths:
            return self.encoder, first, answers
        report("spikes", 0.02)
        search = {name: WIDE_LOOK * self.parts[name] for name in self.depths}
        second = {n: p * (WIDE_LOOK if n in self.depths else 1 / 2) for n, p in self.parts.items()}
        encoder, one_ways, more = look_again(grant, self.encoder, first, self.depths, self.shares, search, second)
        return encoder, one_ways, (*answers, *more)

    def _train(self, grant: Grant, encoder: TableEncoder, one_ways: OneWays, report: Progress) -> NeuralModel:
        total = max(one_ways.total, 1.0)
        label, grids = self.domain.label, one_ways.grids
        order = sorted(grids, key=lambda n: (n != label, grids[n].size, encoder.names.index(n)))
        sizes = tuple(grids[name].size for name in order)
        shape = shape_rule(self.shares.effective_mu, total)
        program = GradientProgram(
            columns=tuple(order),
            layers=layers_of(sizes, shape.width, shape.hidden),
            descent=Descent(
                rate=shape.rate,
                steps=self.noise.steps,
                divisor=self.noise.probability * total,
                warm=min(20, self.noise.steps // 4),
                average=shape.average,
            ),
            groupings=dict(grids),
        )
        state = TrainingState.start(
            start_of(
                sizes,
                shape.width,
                shape.hidden,
                [one_ways.counts[n] + LEAST_SHARE for n in order],
            )
        )
        for piece in range(SEGMENTS):
            report("training", 0.05 + 0.85 * piece / SEGMENTS)
            state = grant.train(program, self.mechanism, state)
        return NeuralModel(
            domain=encoder.domain,
            generator={"name": self.generator.name, "parameters": self.generator.parameters()},
            total=total,
            order=tuple(order),
            grids={name: grids[name] for name in order},
            network=Network(sizes, shape.width, shape.hidden, state.average),
            measurements=(),
            warnings=(),
            private=grant.private,
        )

    def _measure(self, grant: Grant, model: NeuralModel) -> tuple[Measurement, ...]:
        """Noisy counts of the cliques that the network finds most dependent, each with the label where there is one."""
        count = int(min(PROBED_ROWS, max(5 * model.total, 10_000)))
        pool, weights = model.pool(count, np.random.Generator(np.random.PCG64(0)))
        label = model.order.index(self.domain.label) if self.domain.label in model.order else None
        wanted = clique_count(self.shares.effective_mu, model.total)
        pairs = [(a, b) for _, a, b in mutual_information(pool, weights, model.network.sizes)]
        cliques = [tuple(model.order[j] for j in c) for c in _choose(pairs, model.network.sizes, label, wanted)]
        if not cliques:
            return ()
        shares = GaussianShares(Mu(self.shares.mu), self.unit, self.relation)
        sigma = shares.marginal_sigma_up(self.noise.cliques / len(cliques))
        groupings = {name: model.grids[name] for clique in cliques for name in clique}
        return grant.release(Marginals(tuple(cliques), groupings), RoundedGaussian((sigma,) * len(cliques)))


def _tokens_of(encoder: AbstractColumnEncoder, shares: GaussianShares) -> Grouping:
    """Fine cells to tokens: the grid of the one-way, but coarser where it has many ordered cells."""
    grid = grid_of(encoder, shares)
    return grid if grid.size <= MOST_TOKENS or encoder.ordered_from is None else merge_adjacent(encoder, EQUAL_CELLS)


def _choose(
    pairs: Sequence[tuple[int, int]], sizes: Sequence[int], label: int | None, wanted: int
) -> list[tuple[int, ...]]:
    """The first pairs, with the label where that is not too large; pairs with the label are in those."""
    found: list[tuple[int, ...]] = []
    for a, b in pairs:
        clique: tuple[int, ...] = (a, b)
        if label is not None and label in clique and len(sizes) > 2:
            continue
        if label is not None and label not in clique and math.prod(sizes[j] for j in (label, a, b)) <= CLIQUE_CELLS:
            clique = (label, a, b)
        if math.prod(sizes[j] for j in clique) <= CLIQUE_CELLS:
            found.append(clique)
        if len(found) == wanted:
            break
    return found


def _noisy(order: Sequence[str], answers: Sequence[Measurement]) -> tuple[Noisy, ...]:
    return tuple(Noisy(tuple(order.index(c) for c in m.clique), m.values.astype(np.float64), m.sigma) for m in answers)


def _sizes(grids: Mapping[str, Grouping]) -> list[int]:
    return [grid.size for grid in grids.values()]
