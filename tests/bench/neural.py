"""Neural generators: what a DP-SGD step costs beside others, and utility on raw Adult.

    python -m tests.bench.neural steps               one thread: ours, the same step without privacy, Opacus ghost, hooks
    python -m tests.bench.neural [--seeds 1] [--epsilons 1] [--generators hybrid,autoregressive] [--quick]

Steps are those of the masked network (2 x 256, embeddings of 16) on Adult's tokens at batches of 2048, with noise and
Adam; the others train the same network without masks, because Opacus has none. Medians of CPU milliseconds.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.adult import run
from tests.bench.ruler import ROOT

SIZES = (2, 3, 5, 6, 7, 8, 9, 15, 16, 42, 73, 94, 97, 98, 99)
WIDTH, HIDDEN, BATCH = 16, 256, 2048
LIMITS = {"masked / not private": 1.3, "noise share": 0.15}
LEAST = {"hooks / ours": 20.0, "ghost / ours": 2.0}


def median_ms(step: Callable[[], Any], repeats: int) -> float:
    """Median CPU milliseconds of a call, after two for warmth."""
    for _ in range(2 if repeats > 2 else 1):
        step()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        step()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def ours() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """(one whole step, its noise alone)."""
    import torch

    from dpsynth.gate import Descent, GradientProgram, SampledGaussian, TrainingState
    from dpsynth.gate.gradients_train import GRID, Training, _Moving, sensitivity_up
    from dpsynth.generators.neural.network import layers_of, start_of
    from dpsynth.noise import SystemEntropy, rounded_gaussian

    layers = layers_of(SIZES, WIDTH, HIDDEN)
    program = GradientProgram(
        tuple(map(str, range(len(SIZES)))), layers, Descent(rate=0.008, steps=100, divisor=float(BATCH))
    )
    state = TrainingState.start(start_of(SIZES, WIDTH, HIDDEN, [np.ones(size) for size in SIZES]))
    training = Training(program, SIZES, SampledGaussian(0.1, 2.0, 1), state)
    moving, rows, count = _Moving(program.descent, state), batch(), len(state.parameters)
    sigma = 2.0 * sensitivity_up(count)

    def step() -> None:
        with torch.inference_mode():
            training._sums.set_parameters(moving.parameters)
            exact = training._sums.total(rows, GRID)
            moving.step((exact + rounded_gaussian(sigma, exact.shape, SystemEntropy())) / GRID)

    return step, lambda: rounded_gaussian(sigma, count, SystemEntropy())


def batch() -> np.ndarray:
    """int16[BATCH, columns]: made-up tokens."""
    return (np.random.default_rng(0).random((BATCH, len(SIZES))) * np.array(SIZES)).astype(np.int16)


def plain(masked: bool) -> tuple[Any, Callable[[Any], Any]]:
    """(torch module, summed loss of a batch)."""
    import torch
    from torch.nn import functional

    from dpsynth.gate.gradients import GroupMask
    from dpsynth.generators.neural.network import _groups

    inputs, units, outputs = (tuple(g.tolist()) for g in _groups(SIZES, WIDTH, HIDDEN))
    masks = (GroupMask(inputs, units), GroupMask(units, units), GroupMask(units + inputs, outputs, strict=True))
    offsets = torch.from_numpy(np.cumsum([0, *SIZES[:-1]]))

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(sum(SIZES), WIDTH)
            self.first = torch.nn.Linear(len(SIZES) * WIDTH, HIDDEN)
            self.second = torch.nn.Linear(HIDDEN, HIDDEN)
            self.last = torch.nn.Linear(HIDDEN + len(SIZES) * WIDTH, sum(SIZES))
            self.masks = [torch.from_numpy(mask.matrix()).float() if masked else None for mask in masks]

        def apply_to(self, layer: Any, mask: Any, x: Any) -> Any:
            return layer(x) if mask is None else functional.linear(x, layer.weight * mask, layer.bias)

        def forward(self, tokens: Any) -> Any:
            e = self.table(tokens).flatten(1)
            one = functional.silu(self.apply_to(self.first, self.masks[0], e))
            two = one + functional.silu(self.apply_to(self.second, self.masks[1], one))
            return self.apply_to(self.last, self.masks[2], torch.cat([two, e], 1))

    tokens = torch.from_numpy(batch().astype(np.int64)) + offsets

    def losses(logits: Any) -> Any:
        parts = zip(logits.split(list(SIZES), 1), (tokens - offsets).t(), strict=True)
        return sum(functional.cross_entropy(part, wanted, reduction="none") for part, wanted in parts)

    net = Net()
    net.tokens = tokens
    return net, losses


def not_private(masked: bool) -> Callable[[], Any]:
    """One step of Adam on the mean loss."""
    import torch

    net, losses = plain(masked)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        losses(net(net.tokens)).mean().backward()
        adam.step()

    return step


def opacus(mode: str) -> Callable[[], Any]:
    """One private step of Opacus in a mode: clipping, its noise, Adam."""
    import torch
    from opacus import PrivacyEngine

    net, losses = plain(False)
    tokens = net.tokens
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(tokens), batch_size=BATCH)
    given = {"module": net, "optimizer": adam, "data_loader": loader, "noise_multiplier": 2.0, "max_grad_norm": 1.0}
    if mode == "hooks":
        private, adam, _ = PrivacyEngine().make_private(**given, poisson_sampling=False)

        def step() -> None:
            adam.zero_grad(set_to_none=True)
            losses(private(tokens)).mean().backward()
            adam.step()

        return step

    class Loss(torch.nn.Module):
        reduction = "mean"

        def forward(self, logits: Any, _: Any) -> Any:
            each = losses(logits)
            return each if self.reduction == "none" else each.mean()

    private, adam, criterion, _ = PrivacyEngine().make_private(
        **given, criterion=Loss(), grad_sample_mode="ghost", poisson_sampling=False
    )

    def ghost() -> None:
        adam.zero_grad(set_to_none=True)
        criterion(private(tokens), tokens).backward()
        adam.step()

    return ghost


def steps() -> int:
    """Print what a step costs; 1 where a bar is missed."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    whole, noise = ours()
    found = {
        "ours": median_ms(whole, 9),
        "noise of ours": median_ms(noise, 9),
        "not private": median_ms(not_private(False), 9),
        "not private, masked": median_ms(not_private(True), 9),
    }
    for mode, repeats in (("ghost", 5), ("hooks", 2)):
        try:
            found[f"opacus {mode}"] = median_ms(opacus(mode), repeats)
        except ImportError:
            print(f"opacus {mode}: NOT measured, Opacus is not installed")
    for name, value in found.items():
        print(f"    {name:22s}{value:9.1f} ms")
    ratios = {
        "masked / not private": found["ours"] / found["not private, masked"],
        "noise share": found["noise of ours"] / found["ours"],
    }
    ratios |= {
        f"{mode} / ours": found[f"opacus {mode}"] / found["ours"]
        for mode in ("ghost", "hooks")
        if f"opacus {mode}" in found
    }
    good = True
    for name, ratio in ratios.items():
        holds = ratio <= LIMITS[name] if name in LIMITS else ratio >= LEAST[name]
        good &= holds
        bar = f"<= {LIMITS[name]}" if name in LIMITS else f">= {LEAST[name]}"
        print(f"    {name:22s}{ratio:9.2f}  {bar} {'PASS' if holds else 'SHORT'}")
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["steps"]:
        sys.exit(steps())
    sys.exit(run("adult", ROOT / "dpsynth" / "data" / "adult.toml", __doc__, "hybrid,autoregressive", "1"))
