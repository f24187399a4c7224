"""The defaults of the neural generators as written rules.

What decides noise depends on the budget alone and is fixed before a row is read: mu is the total GDP parameter that one
row would have under add/remove. What decides the network depends on noisy answers too; s = mu times the noisy number of
rows says how much there is to learn.

                                mu = .0325      .268        2.0      (epsilon .1, 1, 10 at delta 1e-5)
    probability of a row        .0157           .0315       .09      in between: straight lines in log mu
    steps                       256             800         400
    learning rate               .014            .008        .008
    averaging                   .99             .995        .99
    hybrid: share of one-ways   .35             .25         .05      of mu^2; the rest of both is for the network
    hybrid: share of cliques    .10             .15         .15
    autoregressive: one-ways    .20             .10         .05
    hidden units                64 (s / 1000)^(1/3), from 32 to 256, a multiple of 16; embeddings a sixteenth of that
    measured cliques            4 (s / 1000)^.55, from 1 to 60
    tokens of a column          its measured cells; at most about 128 ordered ones
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["SEGMENTS", "Noise", "Shape", "clique_count", "noise_rule", "shape_rule"]

SEGMENTS = 8
"""Pieces of the training; the ledger keeps the state after each."""

_MU = (0.0325, 0.268, 2.0)
_PROBABILITY = (0.0157, 0.0315, 0.09)
_STEPS = (256.0, 800.0, 400.0)
_RATE = (0.014, 0.008, 0.008)
_AVERAGE = (0.99, 0.995, 0.99)
_ONE_WAYS = (0.35, 0.25, 0.05)
_CLIQUES = (0.10, 0.15, 0.15)
_ALONE = (0.20, 0.10, 0.05)


@dataclass(frozen=True, slots=True)
class Noise:
    """What is fixed before a row is read.

    Attributes:
        probability: of a row to join a step.
        steps: number of steps, a multiple of SEGMENTS.
        one_ways: share of mu^2 for one-ways.
        cliques: share of mu^2 for cliques that are chosen later.
    """

    probability: float
    steps: int
    one_ways: float
    cliques: float


@dataclass(frozen=True, slots=True)
class Shape:
    """What depends on noisy answers.

    Attributes:
        hidden: units of each hidden layer.
        width: numbers per embedded token.
        rate: largest learning rate.
        average: of the averaged weights.
    """

    hidden: int
    width: int
    rate: float
    average: float


def _at(mu: float, values: tuple[float, float, float]) -> float:
    return float(np.interp(math.log(mu), np.log(_MU), values))


def _at_log(mu: float, values: tuple[float, float, float]) -> float:
    return math.exp(float(np.interp(math.log(mu), np.log(_MU), np.log(values))))


def noise_rule(mu: float, columns: int, *, hybrid: bool, steps: int | None = None, rows: int | None = None) -> Noise:
    """Shares, probability and steps.

    Args:
        mu: effective total GDP parameter.
        columns: modelled columns.
        hybrid: whether cliques are measured too.
        steps: overrides the rule.
        rows: a rough public number of rows; a table of more than 100,000 then joins with a smaller probability, since
            the noise hardly depends on it and the time does.

    Guarantee: depends on its arguments only.
    """
    probability = _at_log(mu, _PROBABILITY)
    if rows is not None and rows > 100_000:
        probability *= max(100_000 / rows, 1e-3)
    wanted = _at_log(mu, _STEPS) if steps is None else steps
    pieces = max(1, round(wanted / SEGMENTS)) * SEGMENTS
    if columns == 1:  # there is nothing but one distribution, which the one-way holds
        return Noise(probability, SEGMENTS, 0.9, 0.0)
    if hybrid:
        return Noise(probability, pieces, _at(mu, _ONE_WAYS), _at(mu, _CLIQUES))
    return Noise(probability, pieces, _at(mu, _ALONE), 0.0)


def shape_rule(mu: float, total: float) -> Shape:
    """Network and descent.

    Args:
        mu: effective total GDP parameter.
        total: noisy number of rows.
    """
    strength = mu * max(total, 1.0) / 1000
    hidden = 16 * int(np.clip(round(4 * strength ** (1 / 3)), 2, 16))
    return Shape(hidden, hidden // 16, _at_log(mu, _RATE), _at(mu, _AVERAGE))


def clique_count(mu: float, total: float) -> int:
    """How many cliques are worth their noise."""
    return int(np.clip(round(4 * (mu * max(total, 1.0) / 1000) ** 0.55), 1, 60))
