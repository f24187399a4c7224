"""Networks, rows and plain twins for the tests of gradient programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from dpsynth.gate import Descent, GradientProgram
from dpsynth.gate.gradients import Add, Embed, GroupMask, Join, Linear, Norm, Silu, blocks_of

SIZES = (3, 2, 5, 4)
NAMES = ("a", "b", "c", "d")
TOKENS = sum(SIZES)
DESCENT = Descent(rate=0.01, steps=40, divisor=100.0)

_OUT = tuple(int(j) for j in np.repeat(np.arange(4), SIZES))
_IN = tuple(int(j) for j in np.repeat(np.arange(4), 3))
_HIDDEN = (0, 0, 1, 1, 2, 2)

NETWORKS: dict[str, tuple[Any, ...]] = {
    "embedding": (Embed(TOKENS // len(SIZES) + 1), Linear(0, TOKENS)),
    "linear": (Embed(3), Linear(0, 7), Silu(1), Linear(2, TOKENS)),
    "masked": (
        Embed(3),
        Linear(0, 6, GroupMask(_IN, _HIDDEN)),
        Silu(1),
        Linear(2, TOKENS, GroupMask(_HIDDEN, _OUT, strict=True)),
    ),
    "norm": (Embed(3), Norm(0), Linear(1, TOKENS)),
    "all": (
        Embed(3),
        Linear(0, 6, GroupMask(_IN, _HIDDEN)),
        Silu(1),
        Norm(2),
        Linear(3, 6),
        Add(1, 4),
        Join((5, 0)),
        Linear(6, TOKENS, GroupMask(_HIDDEN + _IN, _OUT, strict=True)),
    ),
    "one wide": (Embed(1), Linear(0, 1), Linear(1, TOKENS)),
}


def program(name: str = "all", **more: Any) -> GradientProgram:
    """A small program over SIZES."""
    return GradientProgram(NAMES, NETWORKS[name], DESCENT, **more)


def rows(count: int, seed: int = 0) -> np.ndarray:
    """int16[count, 4] tokens."""
    return (np.random.default_rng(seed).random((count, len(SIZES))) * np.array(SIZES)).astype(np.int16)


def plain_loss(layers: Any, flat: Any, tokens: Any) -> Any:
    """The loss of one row by ordinary torch operations: flat is the whole parameter vector, masked entries included."""
    import torch
    from torch.nn import functional

    values: dict[tuple[int, str], Any] = {}
    at = 0
    for block in blocks_of(layers, SIZES):
        part = flat[at : at + block.rows * block.columns]
        part = part.view(block.rows, block.columns) if block.part == "weight" and block.rows * block.columns else part
        if block.mask is not None:
            part = part * torch.from_numpy(block.mask)
        values[block.layer, block.part] = part
        at += block.rows * block.columns
    done: list[Any] = []
    offsets = torch.from_numpy(np.cumsum([0, *SIZES[:-1]]))
    for number, layer in enumerate(layers):
        weight, bias = values.get((number, "weight")), values.get((number, "bias"))
        match layer:
            case Embed():
                done.append(weight[tokens + offsets].flatten())
            case Linear(source=source):
                done.append(functional.linear(done[source], weight, bias.flatten()))
            case Norm(source=source):
                done.append(functional.layer_norm(done[source], done[source].shape, weight.flatten(), bias.flatten()))
            case Silu(source=source):
                done.append(functional.silu(done[source]))
            case Add(first=first, second=second):
                done.append(done[first] + done[second])
            case Join(sources=sources):
                done.append(torch.cat([done[source] for source in sources]))
    parts = torch.split(done[-1], SIZES)
    return -sum(functional.log_softmax(part, 0).gather(0, tokens[j : j + 1])[0] for j, part in enumerate(parts))


def kept(layers: Any) -> np.ndarray:
    """bool[whole parameter vector]: what no mask forbids."""
    blocks = blocks_of(layers, SIZES)
    return np.concatenate([np.ones(b.rows * b.columns, bool) if b.mask is None else b.mask.ravel() for b in blocks])


def row_gradients(layers: Any, parameters: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """float64[rows, parameters]: each row's gradient by vmap(grad)."""
    import torch

    mask = kept(layers)
    flat = np.zeros(len(mask), np.float32)
    flat[mask] = parameters

    def loss(whole: Any, tokens: Any) -> Any:
        return plain_loss(layers, whole, tokens)

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))
    found = each(torch.from_numpy(flat), torch.from_numpy(codes.astype(np.int64)))
    return found.detach().numpy()[:, mask].astype(np.float64)
