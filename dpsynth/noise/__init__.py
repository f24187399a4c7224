"""Exact integer noise from the entropy of the operating system."""

from dpsynth.noise.entropy import AbstractEntropy, SeededEntropy, SystemEntropy
from dpsynth.noise.rounded_gaussian import LARGEST_SIGMA, TOTAL_VARIATION_BOUND, rounded_gaussian

__all__ = [
    "LARGEST_SIGMA",
    "TOTAL_VARIATION_BOUND",
    "AbstractEntropy",
    "SeededEntropy",
    "SystemEntropy",
    "rounded_gaussian",
]
