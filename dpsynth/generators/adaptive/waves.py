"""Which pairs are measured, asked in two waves: a skeleton of strong pairs, then what the skeleton does not explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.encoding.grouping import Grouping
from dpsynth.gate import Distances, Marginals, RoundedGaussian
from dpsynth.generators.adaptive.planner import PairPlan, chance_distance, pair_biases, plan_pairs
from dpsynth.generators.adaptive.skeleton import forest_references, spanning_forest
from dpsynth.generators.base import Progress
from dpsynth.generators.one_ways import OneWays
from dpsynth.generators.pairs import (
    Pair,
    all_pairs,
    coarse_counts,
    denoise_pair,
    fine_groupings,
    product_references,
    refine_one_ways,
)
from dpsynth.generators.shares import GaussianShares

if TYPE_CHECKING:
    from dpsynth.gate.grant import Grant
    from dpsynth.measurement import Measurement

__all__ = ["Waves"]


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """What both waves go by.

    Attributes:
        shares: the budget.
        score_shares: its shares for the scores of the first and of the second wave.
        pair_share: its share for all pairs.
        weights: how much each pair matters.
        cell_cap: most cells of the junction tree.
    """

    shares: GaussianShares
    score_shares: tuple[float, float]
    pair_share: float
    weights: Mapping[Pair, float]
    cell_cap: int

    def measure(
        self, grant: Grant, one_ways: OneWays, groups: Mapping[str, Grouping], report: Progress
    ) -> tuple[PairPlan, tuple[Measurement, ...], tuple[Measurement, ...]]:
        """Score all pairs, measure a skeleton, score again beside it, measure the rest.

        Args:
            grant: where to ask.
            one_ways: denoised one-ways.
            groups: measured cells -> coarse cells.
            report: called with public stage names.

        Returns:
            The plan (without pairs: nothing was measured and `pair_share` is left), all answers in the order in which
            they were asked, and the measured pairs among them (some of them twice).

        Guarantee:
            Reads the table through `grant.release` only.
        """
        groupings = fine_groupings(one_ways, groups)
        pairs = all_pairs(tuple(groups))
        report("scores", 0.2)
        references = product_references(coarse_counts(one_ways, groups), one_ways.total, pairs)
        scores, biases = self._score(grant, references, groupings, self.score_shares[0], one_ways.total)
        plan = self._plan(biases, groups, one_ways.total)
        if not plan.pairs:
            return plan, scores, ()
        report("skeleton", 0.3)
        strength = {pair: self.weights[pair] * biases[pair] for pair in plan.pairs}
        skeleton = spanning_forest(plan.pairs, strength)
        measured = self._ask(grant, skeleton, plan.shares, groupings)
        answers = (*scores, *measured)
        rest = [pair for pair in pairs if pair not in set(skeleton)]
        if len(skeleton) == len(plan.pairs) or not rest:
            return plan, answers, measured
        report("second scores", 0.4)
        refined = refine_one_ways(one_ways, groups, measured)
        forest: dict[Pair, np.ndarray] = {
            (a, b): denoise_pair(m, refined[a], refined[b]) for (a, b), m in zip(skeleton, measured, strict=True)
        }
        references = forest_references(refined, forest, rest)
        again, residual = self._score(grant, references, groupings, self.score_shares[1], one_ways.total)
        known = {pair: plan.shares[pair] for pair in skeleton}
        plan = self._plan(biases | residual, groups, one_ways.total, known)
        report("pairs", 0.5)
        parts = {pair: share - known.get(pair, 0.0) for pair, share in plan.shares.items()}
        second = tuple(pair for pair in plan.pairs if parts[pair] > 0)
        more = self._ask(grant, second, parts, groupings)
        return plan, (*answers, *again, *more), (*measured, *more)

    def _score(
        self,
        grant: Grant,
        references: Mapping[tuple[str, ...], np.ndarray],
        groupings: Mapping[str, Grouping],
        share: float,
        total: float,
    ) -> tuple[tuple[Measurement, ...], dict[Pair, float]]:
        """Noisy distances to the references, and the bias of leaving each pair as the reference has it."""
        noise = self.shares.distances_sigma_up(share, len(references))
        scores = grant.release(Distances(references, groupings), RoundedGaussian((noise,)))
        pair_noise = self.shares.marginal_sigma_up(self.pair_share / (2 * len(groupings)))
        chance = np.array([chance_distance(table, pair_noise) for table in references.values()])
        distances = pair_biases(scores[0].values, noise, chance) / (2 * total)
        return scores, {(a, b): float(bias) for (a, b), bias in zip(references, distances, strict=True)}

    def _plan(
        self,
        biases: Mapping[Pair, float],
        groups: Mapping[str, Grouping],
        total: float,
        known: Mapping[Pair, float] | None = None,
    ) -> PairPlan:
        return plan_pairs(
            biases,
            {name: group.size for name, group in groups.items()},
            sigma_of_all=self.shares.marginal_sigma_up(self.pair_share),
            total=total,
            weights=self.weights,
            cell_cap=self.cell_cap,
            known=known,
        )

    def _ask(
        self, grant: Grant, pairs: tuple[Pair, ...], parts: Mapping[Pair, float], groupings: Mapping[str, Grouping]
    ) -> tuple[Measurement, ...]:
        scales = tuple(self.shares.marginal_sigma_up(self.pair_share * parts[pair]) for pair in pairs)
        return grant.release(Marginals(pairs, groupings), RoundedGaussian(scales)) if pairs else ()
