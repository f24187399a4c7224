"""AIM: round by round, the marginal that the present model gets most wrong for its cost."""

from dpsynth.generators.aim.recipe import AIM

__all__ = ["AIM"]
