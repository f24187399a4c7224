"""Exact integer noise from the entropy of the operating system."""

from dpsynth.noise.discrete_laplace import discrete_laplace
from dpsynth.noise.entropy import AbstractEntropy, SeededEntropy, SystemEntropy
from dpsynth.noise.exponential import exponential
from dpsynth.noise.inversion import LARGEST_SCALE
from dpsynth.noise.noisy_argmax import noisy_argmax
from dpsynth.noise.permute_and_flip import permute_and_flip
from dpsynth.noise.rounded_gaussian import TOTAL_VARIATION_BOUND, rounded_gaussian

__all__ = [
    "LARGEST_SCALE",
    "TOTAL_VARIATION_BOUND",
    "AbstractEntropy",
    "SeededEntropy",
    "SystemEntropy",
    "discrete_laplace",
    "exponential",
    "noisy_argmax",
    "permute_and_flip",
    "rounded_gaussian",
]
