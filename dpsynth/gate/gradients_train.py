"""DP-SGD steps behind the gate: Poisson batches, clipped sums, exact integer noise, and the descent on what crossed.

What crosses is the noised sum of each step and nothing else; parameters, moments and averages are made of those, so the
state that is returned is public (docs/proofs/dp_sgd.md).

Source: abadi2016deep (noised sums of clipped gradients), kingma2015adam (descent), polyak1992acceleration (averages)
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch

from dpsynth.engines.base import AbstractEngine
from dpsynth.errors import PlanError
from dpsynth.gate.gradients import GradientProgram
from dpsynth.gate.gradients_state import Descent, TrainingState
from dpsynth.gate.gradients_sum import SUM_ROWS, ClippedSums
from dpsynth.gate.mechanisms import SampledGaussian
from dpsynth.noise.entropy import AbstractEntropy
from dpsynth.noise.inversion import LARGEST_SCALE
from dpsynth.noise.rounded_gaussian import rounded_gaussian

__all__ = ["GRID", "Training", "poisson_batch", "sensitivity_up"]

GRID = 2.0**21
"""Grid steps per bound of a row's gradient: sums are whole numbers of bound / GRID."""
_UNIT = 2.0**-24
"""Unit roundoff of float32."""
_SEEN_APART: set[tuple] = set()
"""Networks whose products were seen to keep rows apart in this process."""


def sensitivity_up(parameters: int) -> float:
    """By how much one row of a batch moves the rounded sum, in grid steps, in L2.

    Args:
        parameters: length of the vector of sums.

    Returns:
        The row's own part, the float32 rounding of the two products of SUM_ROWS rows that a row joins or leaves (once
        with and once without it), an allowance for float64, and the rounding to the grid of two partial sums.

    Guarantee: docs/proofs/dp_sgd.md, lemma 2.
    """
    product = SUM_ROWS * _UNIT / (1 - SUM_ROWS * _UNIT) * SUM_ROWS
    return (GRID * (1 + 4 * product + 2.0**-19) + 2 * math.sqrt(parameters)) * (1 + 2.0**-40)


def poisson_batch(rows: int, probability: float, entropy: AbstractEntropy) -> np.ndarray:
    """Row numbers of one Poisson batch in uniformly random order: int64[batch].

    Args:
        rows: how many there are.
        probability: with which each joins, independently; rounded down to a multiple of 2^-64.
        entropy: source of uniform words.

    Guarantee: exact for the rounded probability.
    """
    limit = math.floor(probability * 2.0**64)
    joins = np.arange(rows) if limit >= 2**64 else np.flatnonzero(entropy.words(rows) < np.uint64(limit))
    while True:
        keys = entropy.words(len(joins))
        order = np.argsort(keys)
        ordered = keys[order]
        if not (ordered[1:] == ordered[:-1]).any():  # equal keys would favour an order
            return joins[order]


class Training:
    """The steps of one draw, ready to run: all that can be refused is refused here, before a row is read.

    Args:
        program: checked against the domain.
        sizes: tokens of each column.
        mechanism: probability, noise and number of steps.
        state: where the training stands.

    Raises:
        PlanError: the state does not fit the program, the noise is out of range, or this machine's products depend on
            the place of a row.
    """

    def __init__(
        self, program: GradientProgram, sizes: tuple[int, ...], mechanism: SampledGaussian, state: TrainingState
    ) -> None:
        self._program, self._sizes, self._mechanism, self._state = program, sizes, mechanism, state
        if torch.get_float32_matmul_precision() != "highest":
            raise PlanError(
                "torch multiplies float32 numbers in less than float32 here, so that no bound holds.\n"
                'Call torch.set_float32_matmul_precision("highest").'
            )
        self._sums = _fastest(program, sizes, state)
        self._sigma = math.nextafter(mechanism.noise_multiplier * sensitivity_up(self._sums.parameters), math.inf)
        if self._sigma > LARGEST_SCALE:
            raise PlanError("The noise of this training is out of the sampler's range. Use a larger budget.")

    def run(self, engine: AbstractEngine, entropy: AbstractEntropy) -> TrainingState:
        """The state after the steps: public.

        Args:
            engine: the rows. PRIVATE.
            entropy: where batches and noise come from.

        Guarantee: the event of `event_of` for the mechanism (docs/proofs/dp_sgd.md).
        """
        program, mechanism, sums = self._program, self._mechanism, self._sums
        with torch.inference_mode():
            codes = _tokens(engine, program, self._sizes)
            moving = _Moving(program.descent, self._state)
            for _ in range(mechanism.steps):
                sums.set_parameters(moving.parameters)
                batch = codes[poisson_batch(len(codes), mechanism.probability, entropy)]
                exact = sums.total(batch, GRID / program.bound)
                noisy = exact + rounded_gaussian(self._sigma, exact.shape, entropy)
                moving.step(noisy * (program.bound / GRID))
            return moving.state()


def _fastest(program: GradientProgram, sizes: tuple[int, ...], state: TrainingState) -> ClippedSums:
    """Sums whose rows were seen to keep apart: in bfloat16 on the way where the processor has it, else in float32."""
    quick = bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())
    for half in (True, False) if quick else (False,):
        sums = ClippedSums(program, sizes, half=half)
        _require_state(state, sums.parameters)
        network = (program.layers, sizes, torch.get_num_threads(), half)
        if network in _SEEN_APART:
            return sums
        try:
            with torch.inference_mode():
                sums.set_parameters(torch.from_numpy(state.parameters))
                sums.require_rows_apart()
        except PlanError:
            if half:
                continue
            raise
        _SEEN_APART.add(network)
        return sums
    raise AssertionError


def _require_state(state: TrainingState, parameters: int) -> None:
    arrays = (state.parameters, state.first, state.second, state.average)
    if any(array.shape != (parameters,) or array.dtype != np.float32 for array in arrays):
        raise PlanError(f"The state of this training must be float32 vectors of {parameters} numbers.")
    if not all(np.isfinite(array).all() for array in arrays):
        raise PlanError("The state of this training holds numbers that are not finite.")


def _tokens(engine: AbstractEngine, program: GradientProgram, sizes: tuple[int, ...]) -> np.ndarray:
    """Tokens of all rows, in the smallest type that holds them: integers[rows, columns]. PRIVATE."""
    kind = np.int16 if max(sizes) <= 2**15 else np.int32
    maps: Mapping[str, np.ndarray] = {n: g.cells.astype(kind) for n, g in program.groupings.items()}
    parts = [np.empty((0, len(sizes)), kind)]
    for batch in engine.batches(program.columns):
        columns = [maps[n][c] if n in maps else c for n, c in zip(program.columns, batch, strict=True)]
        parts.append(np.stack(columns, axis=1).astype(kind, copy=False))
    return np.concatenate(parts)


class _Moving:
    """The descent, on noised sums only."""

    def __init__(self, descent: Descent, state: TrainingState) -> None:
        self._descent = descent
        self._done = state.step
        arrays = (state.parameters, state.first, state.second, state.average)
        self.parameters, self._first, self._second, self._average = (torch.from_numpy(a.copy()) for a in arrays)

    def step(self, noisy: np.ndarray) -> None:
        """Move by one noised sum: float64[parameters]."""
        how, number = self._descent, self._done
        slope = torch.from_numpy(noisy).mul_(1 / how.divisor).float()
        self._first.lerp_(slope, 1 - how.momentum)
        self._second.mul_(how.memory).addcmul_(slope, slope, value=1 - how.memory)
        scale = (self._second / (1 - how.memory ** (number + 1))).sqrt_().add_(1e-8)
        self.parameters.addcdiv_(self._first, scale, value=-how.rate_at(number) / (1 - how.momentum ** (number + 1)))
        self._average.lerp_(self.parameters, 1 - min(how.average, (number + 1) / (number + 10)))
        self._done += 1

    def state(self) -> TrainingState:
        """float32 arrays of their own."""
        arrays = (self.parameters, self._first, self._second, self._average)
        return TrainingState(self._done, *(array.numpy().copy() for array in arrays))
