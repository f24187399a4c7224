"""How parameters follow from noised sums, and the public state of a training between two draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dpsynth.errors import LedgerError, PlanError

__all__ = ["Descent", "TrainingState", "require_torch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """How parameters follow from noised sums: Adam, a warm-up, a cosine, averaged weights. Post-processing.

    Attributes:
        rate: largest learning rate.
        steps: length of the whole schedule.
        divisor: public number by which every noised sum is divided; about the rows of a batch.
        warm: steps of linear warm-up.
        last: learning rate of the last step over the largest.
        momentum: of the first moment.
        memory: of the second moment.
        average: of the averaged weights; smaller in the first steps.
    """

    rate: float
    steps: int
    divisor: float
    warm: int = 20
    last: float = 0.1
    momentum: float = 0.9
    memory: float = 0.99
    average: float = 0.99

    def __post_init__(self) -> None:
        for name in ("rate", "divisor"):
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
                raise PlanError(f"A descent needs a positive finite {name}.")
        if self.steps < 1 or self.warm < 0:
            raise PlanError("A descent needs at least one step and no negative warm-up.")
        if not all(0 <= getattr(self, name) < 1 for name in ("momentum", "memory", "average")):
            raise PlanError("A descent needs momentum, memory and average in [0, 1).")
        if not 0 <= self.last <= 1:
            raise PlanError("A descent ends with a learning rate of 0 to 1 times the largest.")

    def rate_at(self, step: int) -> float:
        """Learning rate of a step, from 0."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(step, self.steps) / self.steps))
        return self.rate * min(1.0, (step + 1) / max(self.warm, 1)) * (self.last + (1 - self.last) * cosine)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """Where a training stands: public, since it is made of a public start and noised sums.

    Attributes:
        step: steps done.
        parameters, first, second, average: float32[parameters]: the weights, Adam's moments, the averaged weights.
    """

    step: int
    parameters: np.ndarray
    first: np.ndarray
    second: np.ndarray
    average: np.ndarray

    @classmethod
    def start(cls, parameters: np.ndarray) -> TrainingState:
        """The state before the first step; float32[parameters], chosen without looking at rows."""
        parameters = np.ascontiguousarray(parameters, dtype=np.float32)
        zeros = np.zeros_like(parameters)
        return cls(0, parameters, zeros, zeros, parameters)

    def pack(self) -> list[np.ndarray]:
        """The state as int64 words, for the ledger."""
        arrays = (self.parameters, self.first, self.second, self.average)
        flat = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)
        return [np.array([self.step], np.int64), np.frombuffer(flat, "<i8").astype(np.int64)]

    def after(self, words: Sequence[np.ndarray], steps: int) -> TrainingState:
        """The state that `pack` packed after `steps` more steps; where they were lost (no words), this one later.

        Raises:
            LedgerError: the words are not a state of this network.
        """
        if not words or not words[0].size:
            return replace(self, step=self.step + steps)
        length = len(self.parameters)
        if len(words) != 2 or words[1].shape != (2 * length,) or words[0].tolist() != [self.step + steps]:
            raise LedgerError("A state stored in the ledger is not one of this training.\nName the job anew.")
        arrays = np.split(np.frombuffer(words[1].astype("<i8").tobytes(), "<f4").astype(np.float32), 4)
        return TrainingState(int(words[0][0]), *arrays)


def require_torch() -> None:
    """Refuse to plan or train where PyTorch is not installed.

    Raises:
        PlanError: says what to install.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise PlanError(
            "Neural generators need PyTorch, which is not installed.\n"
            "Install it: pip install 'dpsynth[neural]' (without a GPU: pip install torch==2.13.0 first)."
        ) from None
