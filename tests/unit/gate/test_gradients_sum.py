"""Clipped sums by book-keeping against row-by-row gradients, Opacus, and the bound that the noise is scaled to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.gate.gradients import Linear, parameter_count
from tests.unit.gate.gradients_support import NETWORKS, SIZES, kept, program, row_gradients, rows

torch = pytest.importorskip("torch", reason="PyTorch is not here")
torch.set_num_threads(1)  # small products; threads would only wait for each other
sums_module = pytest.importorskip("dpsynth.gate.gradients_sum", reason="PyTorch is not here")
ClippedSums, SUM_ROWS, PIECE = sums_module.ClippedSums, sums_module.SUM_ROWS, sums_module.PIECE

FINE = 2.0**40
"""A grid that shows float32's own errors only."""


def parameters_of(name: str, scale: float = 0.7, seed: int = 1) -> np.ndarray:
    count = parameter_count(NETWORKS[name], SIZES)
    return (scale * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def summing(name: str, parameters: np.ndarray, **more: Any) -> Any:
    made = ClippedSums(program(name, **more), SIZES)
    made.set_parameters(torch.from_numpy(parameters))
    return made


def total(sums: Any, codes: np.ndarray, scale: float = FINE) -> np.ndarray:
    with torch.inference_mode():
        return sums.total(codes, scale) / scale


def expected(name: str, parameters: np.ndarray, codes: np.ndarray, clip: float | None, softness: float) -> np.ndarray:
    each = row_gradients(NETWORKS[name], parameters, codes)
    norms = np.linalg.norm(each, axis=1)
    factor = 1 / (norms + softness) if clip is None else np.minimum(1, clip / norms)
    return (each * factor[:, None]).sum(0)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("clip", "softness"), [(None, 0.01), (0.5, 0.01), (1e6, 0.01)], ids=["scaled", "half", "all"])
def test_clipped_sums_equal_those_of_row_gradients(name, clip, softness) -> None:
    parameters, codes = parameters_of(name), rows(300)
    found = total(summing(name, parameters, clip=clip, softness=softness), codes)
    wanted = expected(name, parameters, codes, clip, softness)
    assert np.linalg.norm(found - wanted) < 3e-5 * np.linalg.norm(wanted)


def test_the_margin_is_all_that_differs() -> None:
    parameters, codes = parameters_of("all"), rows(300)
    wanted = expected("all", parameters, codes, None, 0.01) * summing("all", parameters)._shrink
    found = total(summing("all", parameters), codes)
    assert np.linalg.norm(found - wanted) < 1e-6 * np.linalg.norm(wanted)


@pytest.mark.parametrize("count", [0, 1, 2, SUM_ROWS, SUM_ROWS + 1, PIECE + 5, 2 * PIECE])
def test_any_number_of_rows(count) -> None:
    parameters, codes = parameters_of("masked"), rows(count)
    found = total(summing("masked", parameters), codes)
    halves = total(summing("masked", parameters), codes[: count // 2]) + total(
        summing("masked", parameters), codes[count // 2 :]
    )
    assert np.allclose(found, halves, atol=1e-4)
    assert np.any(found) == (count > 0)


def test_sums_are_whole_and_rounded_piecewise(monkeypatch) -> None:
    parameters, codes = parameters_of("all"), rows(900)
    once = total(summing("all", parameters), codes, 2.0**21)
    monkeypatch.setattr(sums_module, "ROUND_ROWS", 256)
    often = total(summing("all", parameters), codes, 2.0**21)
    assert np.abs(once - often).max() <= 4 * 2.0**-21
    with torch.inference_mode():
        assert summing("all", parameters).total(codes, 8.0).dtype == np.int64


# ------------------------------------------------------------------------------------------------------------ the bound


def adversarial(count: int) -> list[np.ndarray]:
    """Parameters: tiny, huge, saturated, sparse, poisoned."""
    rng = np.random.default_rng(5)
    found = []
    size = parameter_count(NETWORKS["all"], SIZES)
    for number in range(count):
        scale = 10.0 ** (-22 if number == 3 else rng.uniform(-5, 10))
        weights = rng.standard_normal(size) * scale ** rng.integers(0, 2, size)
        if number % 4 == 0:
            weights[rng.random(size) < 0.5] = 0.0
        if number % 5 == 2:
            weights[rng.integers(size)] = [np.nan, np.inf, -np.inf, 3e38][number // 5 % 4]
        found.append(weights.astype(np.float32))
    return found


@pytest.mark.parametrize("clip", [None, 0.25])
def test_no_row_of_a_thousand_moves_a_sum_by_more_than_the_bound(clip) -> None:
    """Added at a random place of a batch, as in the proof: the whole rounded sum, in grid steps."""
    from dpsynth.gate.gradients_train import GRID, sensitivity_up

    bound = 1.0 if clip is None else clip
    limit = sensitivity_up(parameter_count(NETWORKS["all"], SIZES))
    rng = np.random.default_rng(6)
    largest = 0.0
    for number, weights in enumerate(adversarial(25)):
        sums = summing("all", weights, clip=clip)
        others = rows(int(rng.integers(100, 140)), seed=number)
        with torch.inference_mode():
            before = sums.total(others, GRID / bound)
            for odd in rows(20, seed=100 + number):
                place = int(rng.integers(len(others) + 1))
                more = np.concatenate([others, odd[None]])
                more[[place, -1]] = more[[-1, place]]
                largest = max(largest, float(np.linalg.norm(sums.total(more, GRID / bound) - before)))
    assert largest <= limit
    assert largest > 0.9 * GRID  # the bound is used


def test_without_the_factor_the_bound_is_broken(monkeypatch) -> None:
    """Negative control: an engine that forgets to clip is seen."""
    from dpsynth.gate.gradients_train import GRID, sensitivity_up

    monkeypatch.setattr(ClippedSums, "_factors", lambda self, tokens, pairs, present: torch.ones(len(tokens)))
    weights = parameters_of("all", scale=3.0)
    with torch.inference_mode():
        moved = summing("all", weights).total(rows(1), GRID)
    assert np.linalg.norm(moved) > sensitivity_up(len(weights))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_rows_that_are_not_finite_add_nothing_and_spoil_nobody(value) -> None:
    """One token's vector is poisoned: rows with that token count as zero, the others as before."""
    weights, codes = parameters_of("linear"), rows(200)
    clean = total(summing("linear", weights), codes[codes[:, 0] != 1])
    poisoned = weights.copy()
    poisoned[3] = value  # the first number of the second token of the first column
    assert (codes[:, 0] == 1).any()
    assert np.allclose(total(summing("linear", poisoned), codes), clean, rtol=1e-5, atol=1e-5)


def test_a_network_of_nothing_but_nan_adds_nothing() -> None:
    assert not total(summing("all", np.full(len(parameters_of("all")), np.nan, np.float32)), rows(50)).any()


def test_rows_keep_their_bits_wherever_they_stand() -> None:
    for name in NETWORKS:
        with torch.inference_mode():
            assert summing(name, parameters_of(name)).require_rows_apart() is None


def test_a_machine_on_which_rows_touch_is_refused(monkeypatch) -> None:
    product = sums_module._product

    def leaning(rows: Any, weight: Any) -> Any:
        return product(rows, weight) * (1 + 1e-6 * torch.arange(len(rows))[:, None])

    monkeypatch.setattr(sums_module, "_product", leaning)
    with torch.inference_mode(), pytest.raises(PlanError, match="depends on the place of a row"):
        summing("linear", parameters_of("linear")).require_rows_apart()


# --------------------------------------------------------------------------------------------------------------- Opacus


def test_opacus_has_the_same_clipped_sum() -> None:
    from warnings import catch_warnings, simplefilter

    with catch_warnings():
        simplefilter("ignore")
        grad_sample = pytest.importorskip("opacus.grad_sample", reason="Opacus is not here")
        layers = NETWORKS["linear"]
        parameters, codes = parameters_of("linear"), torch.from_numpy(rows(64).astype(np.int64))
        embed, first, last = torch.nn.Embedding(14, 3), torch.nn.Linear(12, 7), torch.nn.Linear(7, 14)
        at = 0
        for tensor in (embed.weight, first.weight, first.bias, last.weight, last.bias):
            tensor.data = torch.from_numpy(parameters[at : at + tensor.numel()]).view_as(tensor).clone()
            at += tensor.numel()
        assert at == len(parameters) == kept(layers).sum()

        class Net(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.embed, self.first, self.last = embed, first, last

            def forward(self, tokens: Any) -> Any:
                wide = self.embed(tokens).flatten(1)
                return self.last(torch.nn.functional.silu(self.first(wide)))

        net = grad_sample.GradSampleModule(Net())
        shifted = codes + torch.tensor([0, 3, 5, 10])
        logits = net(shifted).split(list(SIZES), 1)
        cross = torch.nn.functional.cross_entropy
        sum(cross(part, codes[:, j], reduction="sum") for j, part in enumerate(logits)).backward()
        names = [net._module.embed.weight, first.weight, first.bias, last.weight, last.bias]
        each = torch.cat([p.grad_sample.flatten(1) for p in names], 1).double().numpy()
    norms = np.linalg.norm(each, axis=1)
    wanted = (each * np.minimum(1, 0.5 / norms)[:, None]).sum(0)
    found = total(summing("linear", parameters, clip=0.5), rows(64))
    assert np.linalg.norm(found - wanted) < 3e-5 * np.linalg.norm(wanted)


def test_only_known_layers_are_in_the_networks() -> None:
    assert all(isinstance(NETWORKS[name][-1], Linear) for name in NETWORKS)
