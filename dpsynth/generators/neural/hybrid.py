"""Hybrid: the autoregressive network and noisy marginals in one budget."""

from __future__ import annotations

from dataclasses import dataclass

from dpsynth.generators.neural.training import AbstractNeuralGenerator

__all__ = ["Hybrid"]


@dataclass(frozen=True, slots=True)
class Hybrid(AbstractNeuralGenerator):
    """Rows of the network, weighted and chosen so that they meet noisy one-ways and the cliques that matter most.

    Which cliques are measured follows from the trained network at no cost; the counts are paid for.

    Source: germain2015made, abadi2016deep, deming1940least
    """

    hybrid = True
    name = "hybrid"
