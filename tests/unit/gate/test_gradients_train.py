"""Batches, noise and steps of DP-SGD behind the gate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.domain.columns import Category
from dpsynth.domain.table import Domain
from dpsynth.engines.open import open_engine
from dpsynth.errors import PlanError
from dpsynth.gate import SampledGaussian, TrainingState
from dpsynth.gate.gradients import parameter_count
from dpsynth.noise.entropy import AbstractEntropy, SeededEntropy, SystemEntropy
from tests.unit.gate.gradients_support import NAMES, NETWORKS, SIZES, program, rows

pytest.importorskip("torch", reason="PyTorch is not here").set_num_threads(1)
train = pytest.importorskip("dpsynth.gate.gradients_train", reason="PyTorch is not here")

DOMAIN = Domain(
    tuple(
        Category(name=name, values=tuple(str(i) for i in range(size)), required=True)
        for name, size in zip(NAMES, SIZES, strict=True)
    )
)
COUNT = parameter_count(NETWORKS["all"], SIZES)


def engine(count: int, seed: int = 0) -> Any:
    frame = pd.DataFrame({n: rows(count, seed)[:, j].astype(str) for j, n in enumerate(NAMES)})
    return open_engine(frame, DOMAIN)


def start() -> TrainingState:
    return TrainingState.start(np.random.default_rng(3).normal(0, 0.3, COUNT).astype(np.float32))


def run(source: Any, mechanism: SampledGaussian, entropy: Any, state: TrainingState | None = None) -> TrainingState:
    return train.Training(program(), SIZES, mechanism, state or start()).run(source, entropy)


# ----------------------------------------------------------------------------------------------------------- batches


def test_every_row_joins_with_the_probability_and_in_any_order() -> None:
    entropy = SeededEntropy(1)
    batches = [train.poisson_batch(40, 0.25, entropy) for _ in range(4000)]
    joined = np.bincount(np.concatenate(batches), minlength=40)
    assert abs(joined - 1000).max() < 5 * np.sqrt(4000 * 0.25 * 0.75)
    sizes = np.array([len(b) for b in batches])
    assert abs(sizes.var() - 7.5) < 0.9
    firsts = np.bincount([b[0] for b in batches if len(b)], minlength=40)
    assert abs(firsts - 100).max() < 5.5 * 10
    assert all(len(set(b.tolist())) == len(b) for b in batches)


@pytest.mark.parametrize(("count", "probability", "size"), [(0, 0.5, 0), (7, 1.0, 7), (1000, 2.0**-70, 0)])
def test_batches_at_the_edges(count, probability, size) -> None:
    assert len(train.poisson_batch(count, probability, SystemEntropy())) == size


def test_equal_keys_are_drawn_again() -> None:
    calls: list[int] = []

    class Script(AbstractEntropy):
        private = False

        def words(self, count: int) -> np.ndarray:
            calls.append(count)
            return np.array([5, 5, 1] if len(calls) == 1 else [9, 4, 6], np.uint64)

    assert train.poisson_batch(3, 1.0, Script()).tolist() == [1, 2, 0]
    assert calls == [3, 3]


# ------------------------------------------------------------------------------------------------------------- noise


def test_what_crosses_is_the_sum_and_noise_of_the_stated_scale(monkeypatch) -> None:
    """One step: the noise that was drawn has z times the sensitivity, and what moves the weights is sum + noise."""
    drawn: list[tuple[float, np.ndarray]] = []
    moved: list[np.ndarray] = []
    real = train.rounded_gaussian

    def noise(sigma: float, shape: Any, entropy: Any) -> np.ndarray:
        drawn.append((sigma, real(sigma, shape, entropy)))
        return drawn[-1][1]

    monkeypatch.setattr(train, "rounded_gaussian", noise)
    step = train._Moving.step
    monkeypatch.setattr(train._Moving, "step", lambda self, noisy: (moved.append(noisy.copy()), step(self, noisy))[1])
    run(engine(50), SampledGaussian(1.0, 3.0, 2), SystemEntropy())
    for (sigma, values), noisy in zip(drawn, moved, strict=True):
        assert sigma == pytest.approx(3.0 * train.sensitivity_up(COUNT), rel=1e-12)
        assert values.std() == pytest.approx(sigma, rel=0.35)
        left = noisy * train.GRID - values
        assert np.allclose(left, np.rint(left), atol=1e-3)
        assert np.linalg.norm(left) <= 50 * train.GRID


def test_the_sensitivity_is_the_bound_and_little_more() -> None:
    assert train.GRID < train.sensitivity_up(100) < train.sensitivity_up(10**6) < 1.006 * train.GRID


def test_no_row_and_one_row_are_trained_on_like_any_table() -> None:
    for count in (0, 1, 3):
        state = run(engine(count), SampledGaussian(0.5, 1.0, 3), SystemEntropy())
        assert state.step == 3
        assert np.isfinite(state.parameters).all()
        assert not np.array_equal(state.parameters, start().parameters)


def test_pieces_make_the_whole() -> None:
    """Two pieces under the entropy of one are the one: nothing of a training is kept beside its state."""
    entropy = SeededEntropy(4)
    whole = run(engine(60), SampledGaussian(0.3, 1.0, 6), SeededEntropy(4))
    half = run(engine(60), SampledGaussian(0.3, 1.0, 3), entropy)
    rest = run(engine(60), SampledGaussian(0.3, 1.0, 3), entropy, half)
    for name in ("parameters", "first", "second", "average"):
        assert np.array_equal(getattr(whole, name), getattr(rest, name))


def test_it_learns() -> None:
    """With little noise the mean loss over the rows falls."""
    import torch

    from tests.unit.gate.gradients_support import kept, plain_loss

    def loss(parameters: np.ndarray) -> float:
        mask = kept(NETWORKS["all"])
        flat = torch.zeros(len(mask))
        flat[torch.from_numpy(mask)] = torch.from_numpy(parameters)
        codes = torch.from_numpy(rows(100).astype(np.int64))
        return float(np.mean([float(plain_loss(NETWORKS["all"], flat, row)) for row in codes]))

    state = run(engine(2000), SampledGaussian(0.2, 0.5, 40), SeededEntropy(1))
    assert loss(state.parameters) < loss(start().parameters) - 0.1


# ------------------------------------------------------------------------------------------------------------ refusals


def test_states_that_do_not_fit_are_refused() -> None:
    mechanism = SampledGaussian(0.5, 1.0, 1)
    with pytest.raises(PlanError, match=f"vectors of {COUNT} numbers"):
        train.Training(program(), SIZES, mechanism, TrainingState.start(np.zeros(3)))
    poisoned = start().parameters.copy()
    poisoned[0] = np.nan
    with pytest.raises(PlanError, match="not finite"):
        train.Training(program(), SIZES, mechanism, TrainingState.start(poisoned))


def test_noise_beyond_the_sampler_is_refused() -> None:
    with pytest.raises(PlanError, match="out of the sampler's range"):
        train.Training(program(), SIZES, SampledGaussian(0.5, 2.0**20, 1), start())


def test_coarse_products_are_refused() -> None:
    import torch

    torch.set_float32_matmul_precision("medium")
    try:
        with pytest.raises(PlanError, match="set_float32_matmul_precision"):
            train.Training(program(), SIZES, SampledGaussian(0.5, 1.0, 1), start())
    finally:
        torch.set_float32_matmul_precision("highest")
