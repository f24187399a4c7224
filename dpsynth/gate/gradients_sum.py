"""Sums of clipped per-row gradients by book-keeping. PRIVATE: what is here sees rows; only `train` of the gate uses it.

One forward pass, one backward pass for the gradients of layers' outputs, each row's norm from the same float32 tensors
that form the sum, and each weight's gradient once, as a product of scaled output gradients with inputs. No row's own
gradient is ever formed. Rounding is bounded in docs/proofs/dp_sgd.md: products over at most SUM_ROWS rows in float32,
everything across them in float64.

Source: bu2023differentially (book-keeping), lee2021scaling (norms of Linear and Embedding layers)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from dpsynth.errors import PlanError
from dpsynth.gate.gradients import Add, Embed, GradientProgram, Join, Linear, Norm, Silu, blocks_of, widths_of

__all__ = ["SUM_ROWS", "ClippedSums"]

SUM_ROWS = 128
"""Rows whose products are added up in float32."""
PIECE = 1024
"""Most rows of one pass; every pass has a multiple of SUM_ROWS rows."""
ROUND_ROWS = 2**16
"""Rows that are added up in float64 before the sum is rounded to the grid; integers are exact from there on."""
LARGEST_SQUARE = 2.0**40
"""A row with a larger squared input or output gradient of a layer counts as not finite."""
LARGEST_LOGIT = 40.0
NORM_EPSILON = 1e-5
FEW_GROUPS = 64
NARROW = 16

Tensor = torch.Tensor

_NOTHING = torch.empty(0)


def _product(rows: Tensor, weight: Tensor) -> Tensor:
    """rows @ weight, with bits of a row that do not depend on its place: narrow products have kernels where they do."""
    width = weight.shape[1]
    if width >= NARROW:
        return rows @ weight
    return (rows @ torch.nn.functional.pad(weight, (0, NARROW - width)))[:, :width].contiguous()


class _Groups:
    """Sums of columns of a matrix by group, in float32."""

    def __init__(self, groups: np.ndarray, count: int) -> None:
        self.index = torch.from_numpy(np.ascontiguousarray(groups, dtype=np.int64))
        self.count = count
        few = count <= FEW_GROUPS
        self._indicator = torch.nn.functional.one_hot(self.index, count).float() if few else None

    def sum(self, values: Tensor) -> Tensor:
        """float32[n, groups]."""
        if self._indicator is not None:
            return _product(values, self._indicator)
        return values.new_zeros(len(values), self.count).index_add_(1, self.index, values)


class _MaskedNorm:
    """sum_ij m_ij b_i^2 a_j^2 for a mask of groups: sums per group and a small product."""

    def __init__(self, inputs: Sequence[int], outputs: Sequence[int], strict: bool) -> None:
        count = max(*inputs, *outputs) + 1
        self.inputs, self.outputs = _Groups(np.array(inputs), count), _Groups(np.array(outputs), count)
        ones = torch.ones(count, count)
        self._allowed = torch.triu(ones, 1 if strict else 0)  # [group of input, group of output]

    def squares(self, a2: Tensor, b2: Tensor) -> Tensor:
        """float32[n] from squared inputs and squared output gradients."""
        return (self.outputs.sum(b2) * _product(self.inputs.sum(a2), self._allowed)).sum(1)


class ClippedSums:
    """The network of a program with its parameters, and the running sum of its rows' clipped gradients.

    Args:
        program: checked against the domain.
        sizes: tokens per column.
        half: multiply in bfloat16 on the way forward and back. Norms and sums are float32 and of the same tensors as
            ever, so no bound depends on it.
    """

    def __init__(self, program: GradientProgram, sizes: Sequence[int], *, half: bool = False) -> None:
        self._half = half
        self._program = program
        self._layers = program.layers
        self._sizes = tuple(sizes)
        self._blocks = blocks_of(program.layers, sizes)
        starts = np.cumsum([0, *(block.rows * block.columns for block in self._blocks)])
        kept = [np.arange(b.rows * b.columns) if b.mask is None else np.flatnonzero(b.mask) for b in self._blocks]
        self._kept = torch.from_numpy(np.concatenate([s + k for s, k in zip(starts, kept, strict=False)]))
        self._flat = torch.zeros(int(starts[-1]))
        self._sum = torch.zeros(int(starts[-1]), dtype=torch.float64)
        self._values = self._views(self._flat)
        self._sums = self._views(self._sum)
        self._offsets = torch.from_numpy(np.cumsum([0, *self._sizes[:-1]]))
        # Four sums of at most `widest` float32 terms lie behind a squared norm; see lemma 1.
        widest = max(widths_of(program.layers, sizes))
        self._shrink = 1 - (4 * widest + 64) * 2.0**-24
        self._tokens = _Groups(np.repeat(np.arange(len(self._sizes)), self._sizes), len(self._sizes))
        self._masks = {
            number: _MaskedNorm(layer.mask.inputs, layer.mask.outputs, layer.mask.strict)
            for number, layer in enumerate(self._layers)
            if isinstance(layer, Linear) and layer.mask is not None
        }

    def _views(self, flat: Tensor) -> dict[tuple[int, str], Tensor]:
        views, at = {}, 0
        for block in self._blocks:
            part = flat[at : at + block.rows * block.columns]
            views[block.layer, block.part] = part if block.columns == 1 else part.view(block.rows, block.columns)
            at += block.rows * block.columns
        return views

    @property
    def parameters(self) -> int:
        """Length of the parameter vector."""
        return len(self._kept)

    def set_parameters(self, parameters: Tensor) -> None:
        """Take float32[parameters] as the network's."""
        self._flat[self._kept] = parameters

    def total(self, codes: np.ndarray, scale: float) -> np.ndarray:
        """The sum of the rows' clipped gradients, rounded to whole numbers of 1 / scale.

        Args:
            codes: integers[rows, columns], tokens.
            scale: grid steps per unit.

        Returns:
            int64[parameters].

        Guarantee: docs/proofs/dp_sgd.md, lemmas 1 and 2.
        """
        whole = torch.zeros(len(self._kept), dtype=torch.int64)
        for start in range(0, len(codes), ROUND_ROWS):
            self._sum.zero_()
            for at in range(start, min(start + ROUND_ROWS, len(codes)), PIECE):
                self._add(codes[at : min(at + PIECE, start + ROUND_ROWS)])
            whole += torch.round(self._sum[self._kept] * scale).to(torch.int64)
        return whole.numpy()

    # ------------------------------------------------------------------------------------------------- the network

    def _add(self, piece: np.ndarray) -> None:
        padded = -(-len(piece) // SUM_ROWS) * SUM_ROWS
        tokens = self._offsets.repeat(padded, 1)
        tokens[: len(piece)] += torch.from_numpy(piece.astype(np.int64, copy=False))
        present = len(piece)
        pairs = self._backward(tokens, self._forward(tokens))
        factor = self._factors(tokens, pairs, present)
        for number, a, b in pairs:
            b = b * factor[:, None]
            match self._layers[number]:
                case Embed(width=width):
                    table = self._sums[number, "weight"]
                    table = table if table.dim() == 2 else table[:, None]
                    table.index_add_(0, tokens.flatten(), b.view(-1, width).double())
                    continue
                case Norm():
                    self._sums[number, "weight"] += (a * b).sum(0, dtype=torch.float64)
                case _:
                    weight = self._sums[number, "weight"]
                    weight = weight if weight.dim() == 2 else weight[:, None]
                    for s in range(0, len(b), SUM_ROWS):
                        weight += torch.mm(b[s : s + SUM_ROWS].t(), a[s : s + SUM_ROWS])
            self._sums[number, "bias"] += b.sum(0, dtype=torch.float64)

    def _through(self, rows: Tensor, weight: Tensor) -> Tensor:
        if self._half and weight.shape[1] >= NARROW:
            return (rows.bfloat16() @ weight.bfloat16()).float()
        return _product(rows, weight)

    def _forward(self, tokens: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(value, what its backward pass needs) of every layer."""
        done: list[tuple[Tensor, Tensor]] = []
        for number, layer in enumerate(self._layers):
            kept = _NOTHING
            match layer:
                case Embed(width=width):
                    table = self._values[number, "weight"]
                    value = table[tokens].view(len(tokens), len(self._sizes) * width)
                case Linear(source=source):
                    weight = self._values[number, "weight"]
                    weight = weight if weight.dim() == 2 else weight[:, None]
                    value = self._through(done[source][0], weight.t()).add_(self._values[number, "bias"])
                case Norm(source=source):
                    x = done[source][0]
                    x = x - x.mean(1, keepdim=True)
                    kept = (x.square().mean(1, keepdim=True) + NORM_EPSILON).rsqrt()
                    x = x * kept
                    value = torch.addcmul(self._values[number, "bias"], x, self._values[number, "weight"])
                    kept = torch.cat([x, kept], 1)
                case Silu(source=source):
                    kept = torch.sigmoid(done[source][0])
                    value = done[source][0] * kept
                case Add(first=first, second=second):
                    value = done[first][0] + done[second][0]
                case Join(sources=sources):
                    value = torch.cat([done[source][0] for source in sources], 1)
                case _:
                    raise PlanError(f"Layer {number} is not known.")
            done.append((value, kept))
        return done

    def _backward(self, tokens: Tensor, done: list[tuple[Tensor, Tensor]]) -> list[tuple[int, Tensor, Tensor]]:
        """(layer, input, gradient of the output) of every layer with parameters; of Norm the normalised input."""
        slopes: list[Tensor | None] = [None] * len(done)

        def pass_on(source: int, slope: Tensor) -> None:
            known = slopes[source]
            slopes[source] = slope if known is None else known + slope

        weights = done[-1][0].clamp(-LARGEST_LOGIT, LARGEST_LOGIT).exp_()
        weights.div_(self._tokens.sum(weights).index_select(1, self._tokens.index))
        slopes[-1] = weights.scatter_add_(1, tokens, weights.new_full(tokens.shape, -1.0))
        pairs: list[tuple[int, Tensor, Tensor]] = []
        for number in range(len(done) - 1, -1, -1):
            slope, kept = slopes[number], done[number][1]
            if slope is None:
                continue
            match self._layers[number]:
                case Embed():
                    pairs.append((number, slope, slope))
                case Linear(source=source):
                    weight = self._values[number, "weight"]
                    weight = weight if weight.dim() == 2 else weight[:, None]
                    pairs.append((number, done[source][0], slope))
                    pass_on(source, self._through(slope, weight))
                case Norm(source=source):
                    x, scale = kept[:, :-1], kept[:, -1:]
                    pairs.append((number, x, slope))
                    inner = slope * self._values[number, "weight"]
                    mean = inner.mean(1, keepdim=True) + x * (inner * x).mean(1, keepdim=True)
                    pass_on(source, (inner - mean) * scale)
                case Silu(source=source):
                    # d/dx x s(x) = s + x s (1 - s), and x s is the layer's value
                    pass_on(source, slope * torch.addcmul(kept, done[number][0], 1 - kept))
                case Add(first=first, second=second):
                    pass_on(first, slope)
                    pass_on(second, slope)
                case Join(sources=sources):
                    at = 0
                    for source in sources:
                        width = done[source][0].shape[1]
                        pass_on(source, slope[:, at : at + width])
                        at += width
            slopes[number] = None
        return pairs

    def _factors(self, tokens: Tensor, pairs: list[tuple[int, Tensor, Tensor]], present: int) -> Tensor:
        """float32[n]: what each row's gradient is multiplied by; 0 for padding and for rows that are not finite."""
        squares = torch.zeros(len(tokens))
        largest = torch.zeros(len(tokens))
        for number, a, b in pairs:
            b2 = b.square()
            of_b = b2.sum(1)
            largest = torch.maximum(largest, of_b)
            match self._layers[number]:
                case Embed():
                    squares += of_b
                case Norm():
                    squares += of_b + (a * b).square().sum(1)
                case _:
                    a2 = a.square()
                    of_a = a2.sum(1)
                    largest = torch.maximum(largest, of_a)
                    masked = self._masks.get(number)
                    squares += of_b + (of_a * of_b if masked is None else masked.squares(a2, b2))
        norms = squares.sqrt()
        if self._program.clip is None:
            factor = self._shrink / (norms + self._program.softness)
        else:
            factor = (self._shrink * self._program.clip / norms).clamp_max_(1.0)
        sound = torch.isfinite(squares) & (largest <= LARGEST_SQUARE)
        if not bool(sound.all()):
            for _, a, b in pairs:  # zero times infinity is not zero
                a[~sound], b[~sound] = 0.0, 0.0
        factor = torch.where(sound, factor, torch.zeros(()))
        factor[present:] = 0.0
        return factor

    # --------------------------------------------------------------------------------------------------- self-check

    def require_rows_apart(self) -> None:
        """See on made-up rows that a row's gradient does not depend on its place, nor on how many rows there are.

        Raises:
            PlanError: this machine's matrix products depend on the place of a row.

        Guarantee: looks at no row of the table.
        """
        spread = np.outer(np.arange(1, PIECE + 1) ** 2, np.arange(len(self._sizes)) * 40503 + 2654435761) >> 7
        codes = torch.from_numpy(spread % np.array(self._sizes)) + self._offsets
        places = torch.arange(PIECE - 1, -1, -1)
        whole = self._backward(codes, self._forward(codes))
        turned = self._backward(codes[places], self._forward(codes[places]))
        few = codes[SUM_ROWS : 2 * SUM_ROWS]
        part = self._backward(few, self._forward(few))
        for (_, a, b), (_, c, d), (_, e, f) in zip(whole, turned, part, strict=True):
            same = torch.equal(a[places], c) and torch.equal(b[places], d)
            if not (same and torch.equal(a[SUM_ROWS : 2 * SUM_ROWS], e) and torch.equal(b[SUM_ROWS : 2 * SUM_ROWS], f)):
                raise PlanError(
                    "On this machine the rounding of a matrix product depends on the place of a row.\n"
                    "Then the bound of a row's gradient is not proved, and nothing is trained. Use one thread."
                )
