"""How AIM chooses what to measure next: by the exponential mechanism, or by the largest of noisy scores.

The score of a candidate r is w_r (||M_r(D) - M_r(model)||_1 - expected noise), in whole rows: how much error a
measurement would take away beyond the error that it brings. The model, the noise and the weights are public.

Source: mckenna2022aim
"""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, final

import numpy as np

from dpsynth.encoding.grouping import Grouping
from dpsynth.gate import Distances, Exponential, RoundedGaussian
from dpsynth.generators.aim.candidates import project_all
from dpsynth.generators.aim.purse import SELECT_SHARE, Purse
from dpsynth.generators.aim.workload import Clique

if TYPE_CHECKING:
    from dpsynth.gate import Grant
    from dpsynth.measurement import Measurement
    from dpsynth.pgm import GraphicalModel

__all__ = ["AbstractChoice", "ExponentialChoice", "GaussianChoice", "expected_noise"]

SHORTLIST = 16  # candidates that are scored again in a round
FIRST_SCORES = Fraction(1, 2)  # part of one round that the scores of all candidates take


def expected_noise(sigma: float, cells: int) -> float:
    """Expected L1 norm of Gaussian noise on a table, in rows."""
    return math.sqrt(2 / math.pi) * sigma * cells


class AbstractChoice(ABC):
    """A rule that names the next clique to measure, and pays for it.

    Args:
        weights: whole weight by candidate.
        groupings: public fine cells -> coarse cells.
        purse: who pays.
    """

    def __init__(self, weights: Mapping[Clique, int], groupings: Mapping[str, Grouping], purse: Purse) -> None:
        self._weights = weights
        self._groupings = groupings
        self._purse = purse
        self.answers: list[Measurement] = []
        """Everything that was released for choosing."""

    def begin(self, grant: Grant, graph: GraphicalModel) -> None:  # noqa: B027  (most rules have nothing to do)
        """Spend what the rule needs before the first round."""

    @abstractmethod
    def choose(
        self, grant: Grant, graph: GraphicalModel, candidates: list[Clique], sigma: float, share: Fraction
    ) -> tuple[Clique, np.ndarray]:
        """The next clique to measure.

        Args:
            grant: the right to ask.
            graph: the present model.
            candidates: affordable cliques.
            sigma: noise of the measurement to come.
            share: budget of this round.

        Returns:
            The clique, and the model's expected counts for it.
        """

    def _ask(self, grant: Grant, query: Distances, mechanism: Exponential | RoundedGaussian) -> Measurement:
        self._purse.pay(query, mechanism)
        (answer,) = grant.release(query, mechanism)
        self.answers.append(answer)
        return answer


@final
class ExponentialChoice(AbstractChoice):
    """The exponential mechanism with coefficient 1/2 over all affordable candidates, as published."""

    def choose(
        self, grant: Grant, graph: GraphicalModel, candidates: list[Clique], sigma: float, share: Fraction
    ) -> tuple[Clique, np.ndarray]:
        tables = project_all(graph, candidates)
        query = Distances(
            {clique: np.rint(values).astype(np.int64) for clique, values in tables.items()},
            self._groupings,
            {clique: round(expected_noise(sigma, values.size)) for clique, values in tables.items()},
            {clique: self._weights[clique] for clique in tables},
        )
        chosen = self._ask(grant, query, Exponential(self._purse.selection_epsilon(SELECT_SHARE * share))).clique
        return chosen, tables[chosen]


@final
class GaussianChoice(AbstractChoice):
    """The largest noisy score. All candidates are scored once, against independence; a round scores the best again.

    What is ranked is the latest noisy distance of each candidate; the noise on a vector of distances is charged for
    all of its entries.
    """

    def __init__(self, weights: Mapping[Clique, int], groupings: Mapping[str, Grouping], purse: Purse) -> None:
        super().__init__(weights, groupings, purse)
        self._distances: dict[Clique, float] = {}

    def begin(self, grant: Grant, graph: GraphicalModel) -> None:
        self._measure(grant, project_all(graph, list(self._weights)), FIRST_SCORES * self._purse.round)

    def choose(
        self, grant: Grant, graph: GraphicalModel, candidates: list[Clique], sigma: float, share: Fraction
    ) -> tuple[Clique, np.ndarray]:
        def score(clique: Clique) -> float:
            gain = self._distances[clique] - expected_noise(sigma, graph.tree.clique_cells(clique))
            return self._weights[clique] * gain

        scored = [clique for clique in candidates if clique in self._distances]
        tables = project_all(graph, heapq.nlargest(SHORTLIST, scored, key=score))
        self._measure(grant, tables, SELECT_SHARE * share)
        chosen = max(tables, key=score)
        return chosen, tables[chosen]

    def _measure(self, grant: Grant, tables: Mapping[Clique, np.ndarray], share: Fraction) -> None:
        references = {clique: np.rint(values).astype(np.int64) for clique, values in tables.items()}
        noise = RoundedGaussian((self._purse.distances_sigma(share, len(references)),))
        answer = self._ask(grant, Distances(references, self._groupings), noise)
        self._distances |= dict(zip(references, answer.values.astype(float).tolist(), strict=True))
