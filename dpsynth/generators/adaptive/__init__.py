"""Adaptive: a planner that weighs the noise of measuring a pair against the bias of leaving it out."""

from dpsynth.generators.adaptive.recipe import Adaptive

__all__ = ["Adaptive"]
