"""Autoregressive: a masked network trained by DP-SGD on whole rows, started from noisy one-ways."""

from __future__ import annotations

from dataclasses import dataclass

from dpsynth.generators.neural.training import AbstractNeuralGenerator

__all__ = ["Autoregressive"]


@dataclass(frozen=True, slots=True)
class Autoregressive(AbstractNeuralGenerator):
    """A network that generates column after column; a missing cell is a value like any other.

    Source: germain2015made, abadi2016deep
    """

    name = "autoregressive"
