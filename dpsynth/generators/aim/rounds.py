"""The rounds of AIM: choose, measure, fit again, anneal.

Source: mckenna2022aim
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.encoding.grouping import Grouping
from dpsynth.gate import Marginals, RoundedGaussian
from dpsynth.generators.aim.candidates import ModelSizes
from dpsynth.generators.aim.choice import AbstractChoice, expected_noise
from dpsynth.generators.aim.purse import MEASURE_SHARE, Purse
from dpsynth.generators.aim.workload import Clique
from dpsynth.generators.one_ways import OneWays
from dpsynth.pgm import GraphicalModel, Observation, estimate

if TYPE_CHECKING:
    from dpsynth.gate import Grant
    from dpsynth.measurement import Measurement

__all__ = ["Frame", "run_rounds"]

# A refit between rounds need only be as good as the noise of the next choice asks.
ROUGH_TOLERANCE = 0.3  # standard deviations, over all cells together
ROUGH_RAKING = 2e-3  # total variation distance
ROUGH_ITERATIONS = 120
FINAL_TOLERANCE = 0.1
FINAL_RAKING = 1e-3
FINAL_ITERATIONS = 600
"""The last fit; what it leaves undone is far below the noise."""
_NO_CAP = 2**60  # the junction tree is held below AIM's own cap before anything is measured


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What does not change from round to round. Public.

    Attributes:
        one_ways: the first measurements.
        groups: measured cells -> coarse cells, by column.
        groupings: fine cells -> coarse cells.
        weights: whole weight by candidate.
        largest: most cells of the junction tree when the whole budget is spent.
    """

    one_ways: OneWays
    groups: Mapping[str, Grouping]
    groupings: Mapping[str, Grouping]
    weights: Mapping[Clique, int]
    largest: float

    @property
    def sizes(self) -> dict[str, int]:
        """Coarse cells by column."""
        return {name: group.size for name, group in self.groups.items()}

    def observations(self) -> list[Observation]:
        """The one-ways on the coarse cells."""
        found = []
        for name, group in self.groups.items():
            members = np.bincount(group.cells, minlength=group.size)
            values = group.aggregate(self.one_ways.raw[name].astype(np.float64))
            found.append(Observation((name,), values, members * self.one_ways.sigmas[name] ** 2))
        return found


def run_rounds(
    frame: Frame, choice: AbstractChoice, purse: Purse, grant: Grant, report: Callable[[str, float], None]
) -> tuple[GraphicalModel, list[Measurement]]:
    """Spend the purse: measure marginals, one a round, each chosen against the model of all before it.

    Args:
        frame: what does not change.
        choice: how the next marginal is chosen; holds what was released for choosing.
        purse: the budget that is left after the one-ways.
        grant: the right to ask.
        report: progress.

    Returns:
        The fitted model, and the measured marginals in order.

    Guarantee:
        The junction tree never has more than `frame.largest` cells times the part of the budget that is spent (or what
        one-ways alone take). Deterministic given the answers, so an interrupted fit goes on from the stored ones.
    """
    total = frame.one_ways.total
    observations = frame.observations()
    measured: list[Clique] = [(name,) for name in frame.groups]
    answers: list[Measurement] = []
    tree_sizes = ModelSizes(frame.sizes)
    graph = estimate(frame.sizes, observations, total=total)
    choice.begin(grant, graph)
    last = False
    while not last:
        report("rounds", purse.used)
        share, last = purse.next_round()
        sigma = purse.marginal_sigma(MEASURE_SHARE * share)
        candidates = tree_sizes.affordable(measured, frame.weights, frame.largest * purse.used_after(share))
        clique, before = choice.choose(grant, graph, candidates, sigma, share)
        query, noise = Marginals((clique,), frame.groupings), RoundedGaussian((sigma,))
        purse.pay(query, noise)
        (answer,) = grant.release(query, noise)
        answers.append(answer)
        measured.append(clique)
        observations.append(Observation(clique, answer.values.astype(np.float64), sigma**2))
        graph = estimate(
            frame.sizes,
            observations,
            total=total,
            tolerance=ROUGH_TOLERANCE,
            rake_tolerance=ROUGH_RAKING,
            max_iterations=ROUGH_ITERATIONS,
            start=graph,
            memory_cap_bytes=_NO_CAP,
        )
        if np.abs(graph.project(clique) - before).sum() <= expected_noise(sigma, before.size):
            purse.anneal()
    report("estimate", 1.0)
    graph = estimate(
        frame.sizes,
        observations,
        total=total,
        tolerance=FINAL_TOLERANCE,
        rake_tolerance=FINAL_RAKING,
        max_iterations=FINAL_ITERATIONS,
        start=graph,
        memory_cap_bytes=_NO_CAP,
    )
    return graph, answers
