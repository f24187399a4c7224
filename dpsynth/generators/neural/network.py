"""The masked network (MADE) of the autoregressive generators: its layers for the gate, its start, and its use.

Columns are generated in order; a hidden unit of group g sees columns 0 .. g, the output of column j sees hidden units
and embeddings of columns before j (a masked linear skip). What uses the trained network needs numpy only.

Source: germain2015made
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from dpsynth.gate.gradients import AbstractLayer, Add, Embed, GroupMask, Join, Linear, Silu, blocks_of

__all__ = ["Network", "layers_of", "start_of"]

_CHUNK = 8192
_HIDDEN, _SECOND, _OUTPUT = 1, 3, 7
"""Numbers of the layers with weights, after the embedding."""


def _groups(sizes: Sequence[int], width: int, hidden: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group of every embedded number, hidden unit and output."""
    columns = np.arange(len(sizes))
    units = np.sort(np.arange(hidden) % max(len(sizes) - 1, 1))
    return np.repeat(columns, width), units, np.repeat(columns, sizes)


def layers_of(sizes: Sequence[int], width: int, hidden: int) -> tuple[AbstractLayer, ...]:
    """The network as data for the gate.

    Args:
        sizes: tokens per column, in the order of generation.
        width: numbers per embedded token.
        hidden: units of both hidden layers.
    """
    inputs, units, outputs = (tuple(g.tolist()) for g in _groups(sizes, width, hidden))
    return (
        Embed(width),
        Linear(0, hidden, GroupMask(inputs, units)),
        Silu(1),
        Linear(2, hidden, GroupMask(units, units)),
        Silu(3),
        Add(2, 4),
        Join((5, 0)),
        Linear(6, sum(sizes), GroupMask(units + inputs, outputs, strict=True)),
    )


def start_of(sizes: Sequence[int], width: int, hidden: int, shares: Sequence[np.ndarray]) -> np.ndarray:
    """The parameters before the first step, from public chance and noisy one-ways: float32[parameters].

    Args:
        sizes: tokens per column.
        width: numbers per embedded token.
        hidden: hidden units.
        shares: float64[tokens] per column, above 0: its own distribution, which the output starts with.

    Guarantee: post-processing.
    """
    rng = np.random.Generator(np.random.PCG64(0))  # no secret: any start will do
    scales = {
        (0, "weight"): 0.5,
        (_HIDDEN, "weight"): (len(sizes) * width) ** -0.5,
        (_SECOND, "weight"): hidden**-0.5,
    }
    parts = []
    for block in blocks_of(layers_of(sizes, width, hidden), sizes):
        scale = scales.get((block.layer, block.part), 0.0)
        values = rng.standard_normal((block.rows, block.columns)) * scale
        if (block.layer, block.part) == (_OUTPUT, "bias"):
            values = np.concatenate([np.log(share / share.sum()) for share in shares])[:, None]
        parts.append(values.ravel() if block.mask is None else values[block.mask])
    return np.concatenate(parts).astype(np.float32)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Trained parameters: released values only.

    Attributes:
        sizes: tokens per column, in the order of generation.
        width: numbers per embedded token.
        hidden: hidden units.
        parameters: float32[parameters].
    """

    sizes: tuple[int, ...]
    width: int
    hidden: int
    parameters: np.ndarray

    def arrays(self) -> dict[tuple[int, str], np.ndarray]:
        """Weights and biases by layer and part; zeros where a mask forbids.

        Raises:
            ValueError: the vector has another length than the network has parameters.
        """
        found, at = {}, 0
        for block in blocks_of(layers_of(self.sizes, self.width, self.hidden), self.sizes):
            full = np.zeros((block.rows, block.columns), np.float32)
            mask = np.ones(full.shape, bool) if block.mask is None else block.mask
            count = int(mask.sum())
            full[mask] = self.parameters[at : at + count]
            found[block.layer, block.part] = full if block.part == "weight" else full[:, 0]
            at += count
        if at != len(self.parameters):
            raise ValueError("the parameters do not fit the network")
        return found

    def draw(
        self, count: int, rng: np.random.Generator, given: Mapping[int, np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows column by column; columns in `given` are set instead.

        Args:
            count: rows.
            rng: draws the tokens.
            given: tokens by column number, integers[count] each.

        Returns:
            int32[count, columns], and float64[count]: the log probability of the given tokens, each given what stands
            before it in the row.

        Guarantee: post-processing.
        """
        arrays = self.arrays()
        codes = np.empty((count, len(self.sizes)), np.int32)
        logs = np.zeros(count)
        fixed = dict(given or {})
        for start in range(0, count, _CHUNK):
            rows = slice(start, min(start + _CHUNK, count))
            part = {column: tokens[rows] for column, tokens in fixed.items()}
            self._draw(arrays, codes[rows], logs[rows], rng, part)
        return codes, logs

    def _draw(
        self,
        arrays: Mapping[tuple[int, str], np.ndarray],
        codes: np.ndarray,
        logs: np.ndarray,
        rng: np.random.Generator,
        given: Mapping[int, np.ndarray],
    ) -> None:
        """Each hidden unit is computed once, as soon as all that it sees is known."""
        n, width, hidden = len(codes), self.width, self.hidden
        _, units, _ = _groups(self.sizes, width, hidden)
        known = np.searchsorted(units, np.arange(len(self.sizes) + 1))
        offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        table, w1, b1 = arrays[0, "weight"], arrays[_HIDDEN, "weight"], arrays[_HIDDEN, "bias"]
        w2, b2 = arrays[_SECOND, "weight"], arrays[_SECOND, "bias"]
        w3, b3 = arrays[_OUTPUT, "weight"], arrays[_OUTPUT, "bias"]
        embedded = np.zeros((n, len(self.sizes) * width), np.float32)
        first = np.zeros((n, hidden), np.float32)
        second = np.zeros((n, hidden), np.float32)
        for j, size in enumerate(self.sizes):
            if j:
                a, b, seen = known[j - 1], known[j], j * width
                if b > a:
                    first[:, a:b] = _silu(embedded[:, :seen] @ w1[a:b, :seen].T + b1[a:b])
                    second[:, a:b] = first[:, a:b] + _silu(first[:, :b] @ w2[a:b, :b].T + b2[a:b])
            own = slice(offsets[j], offsets[j] + size)
            logits = np.broadcast_to(b3[own], (n, size))
            if j:
                logits = second[:, : known[j]] @ w3[own, : known[j]].T + logits
                logits += embedded[:, : j * width] @ w3[own, hidden : hidden + j * width].T
            weights = np.exp(logits - logits.max(1, keepdims=True))
            total = np.cumsum(weights, axis=1)
            if j in given:
                codes[:, j] = given[j]
                chosen = weights[np.arange(n), codes[:, j]] / total[:, -1]
                logs += np.log(np.maximum(chosen, 1e-30))
            else:
                point = rng.random((n, 1), dtype=np.float32) * total[:, -1:]
                codes[:, j] = np.minimum((total <= point).sum(1), size - 1)
            embedded[:, j * width : (j + 1) * width] = table[offsets[j] + codes[:, j]]


def _silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-np.clip(x, -60, 60)))
