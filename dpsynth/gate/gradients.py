"""Gradient programs: what a generator may have trained behind the gate, written as data.

A program is a description, not code: a list of known layers, a loss that is fixed, a bound for each row's gradient, and
a rule of descent. The gate runs its own code over the rows. So a program cannot carry a row out, and no layer can mix
rows: what is not listed here (BatchNorm, say) does not exist.

    Embed    the table of every column's tokens; one vector of `width` per column, side by side
    Linear   affine map; with `mask`, only connections from earlier to later groups of units
    Norm     LayerNorm of one row's values, with learned scale and shift
    Silu     x sigmoid(x)
    Add      the sum of two values
    Join     values side by side

The last layer has one output per token of every column; the loss of a row is the sum over columns of the negative log
of the softmax probability of its token.

Parameters are one float32 vector: for each layer in order its weight (row by row), then its bias. Connections that a
mask forbids are not in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from dpsynth.domain.canonical import canonical_json
from dpsynth.encoding.grouping import Grouping
from dpsynth.errors import PlanError
from dpsynth.gate.gradients_state import Descent

__all__ = [
    "AbstractLayer",
    "Add",
    "Block",
    "Embed",
    "GradientProgram",
    "GroupMask",
    "Join",
    "Linear",
    "Norm",
    "Silu",
    "blocks_of",
    "parameter_count",
]

LARGEST_NETWORK = 2**27
"""Most parameters of a program (masked ones too): 512 MiB."""


@dataclass(frozen=True, slots=True)
class GroupMask:
    """Which connections a masked layer has: from inputs of a lower group (or of the same, unless strict) only.

    Attributes:
        inputs: group of each input, whole numbers from 0.
        outputs: group of each output.
        strict: whether equal groups are not connected either.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    strict: bool = False

    def matrix(self) -> np.ndarray:
        """bool[outputs, inputs]: where a connection is."""
        inputs, outputs = np.array(self.inputs), np.array(self.outputs)[:, None]
        return outputs > inputs if self.strict else outputs >= inputs


@dataclass(frozen=True, slots=True)
class AbstractLayer:
    """Base of all layers. `source` numbers refer to earlier layers of the program."""


@dataclass(frozen=True, slots=True)
class Embed(AbstractLayer):
    """One vector of `width` numbers per column, looked up by its token."""

    width: int


@dataclass(frozen=True, slots=True)
class Linear(AbstractLayer):
    """`width` outputs; with a mask only some connections."""

    source: int
    width: int
    mask: GroupMask | None = None


@dataclass(frozen=True, slots=True)
class Norm(AbstractLayer):
    """LayerNorm over the values of one row."""

    source: int


@dataclass(frozen=True, slots=True)
class Silu(AbstractLayer):
    """x sigmoid(x)."""

    source: int


@dataclass(frozen=True, slots=True)
class Add(AbstractLayer):
    """The sum of two values of equal width."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Join(AbstractLayer):
    """Values side by side."""

    sources: tuple[int, ...]


LAYERS = (Embed, Linear, Norm, Silu, Add, Join)


@dataclass(frozen=True, slots=True, eq=False)
class GradientProgram:
    """A network, its loss and its descent, over some columns.

    Attributes:
        columns: modelled columns in the order of their tokens.
        groupings: public maps from fine cells to tokens, by column; without one each fine cell is a token.
        layers: the network; the last layer has as many outputs as there are tokens of all columns together.
        descent: how parameters follow from noised sums.
        clip: rows of larger gradients are scaled down to this norm; None scales every row's gradient g to
            g / (|g| + `softness`) instead.
        softness: see `clip`.
    """

    columns: tuple[str, ...]
    layers: tuple[AbstractLayer, ...]
    descent: Descent
    groupings: Mapping[str, Grouping] = field(default_factory=dict)
    clip: float | None = None
    softness: float = 0.01

    def sizes(self, fine: Mapping[str, int]) -> tuple[int, ...]:
        """Tokens of each column, from the fine cells of all columns."""
        return tuple(self.groupings[c].size if c in self.groupings else fine[c] for c in self.columns)

    @property
    def bound(self) -> float:
        """The norm that no row's part of a sum exceeds, before rounding."""
        return 1.0 if self.clip is None else float(self.clip)

    def check(self, fine: Mapping[str, int]) -> None:
        """Refuse a program that cannot be run, before anything is charged.

        Args:
            fine: fine cells by modelled column.

        Raises:
            PlanError: unknown columns, a grouping that does not fit, a layer that the gate does not know or that does
                not fit its sources, too many parameters, or an impossible bound.
        """
        unknown = [c for c in self.columns if c not in fine]
        if not self.columns or unknown or len(set(self.columns)) != len(self.columns):
            raise PlanError("A gradient program needs different columns that the domain models, at least one.")
        for name, grouping in self.groupings.items():
            if name not in fine or len(grouping.cells) != fine[name]:
                raise PlanError(f"The grouping of column {name!r} does not fit its fine cells.")
        if self.clip is not None and not 0.01 <= self.clip <= 1e6:
            raise PlanError("A gradient program needs a clip from 0.01 to 1,000,000, or None.")
        if not 0.005 <= self.softness <= 1e6:
            raise PlanError("A gradient program needs a softness from 0.005 to 1,000,000.")
        sizes = self.sizes(fine)
        widths = widths_of(self.layers, sizes)
        if widths[-1] != sum(sizes):
            raise PlanError(f"The last layer has {widths[-1]} outputs; the columns have {sum(sizes)} tokens.")
        if sum(block.rows * block.columns for block in blocks_of(self.layers, sizes)) > LARGEST_NETWORK:
            raise PlanError(f"A gradient program may have at most {LARGEST_NETWORK:,} parameters.")

    def describe(self) -> dict[str, Any]:
        """The program in short for the draw row: columns, maps, a digest of layers and bounds, the descent."""
        layers = [[type(layer).__name__, asdict(layer)] for layer in self.layers]
        network = canonical_json([layers, self.clip, self.softness])
        return {
            "kind": "gradients",
            "cliques": [list(self.columns)],
            "groupings": {name: grouping.digest() for name, grouping in self.groupings.items()},
            "network": hashlib.sha256(network).hexdigest(),
            "descent": asdict(self.descent),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One array of parameters.

    Attributes:
        layer: number of its layer.
        part: "weight" or "bias" (of a Norm: scale and shift).
        rows: rows of the array.
        columns: columns of the array; 1 for a vector.
        mask: bool[rows, columns] where a mask forbids connections, or None.
    """

    layer: int
    part: str
    rows: int
    columns: int
    mask: np.ndarray | None = None


def widths_of(layers: Sequence[AbstractLayer], sizes: Sequence[int]) -> list[int]:
    """Outputs of each layer.

    Raises:
        PlanError: a layer that the gate does not know, or that does not fit its sources.
    """
    widths: list[int] = []
    for number, layer in enumerate(layers):
        if type(layer) not in LAYERS:
            raise PlanError(
                f"Layer {number} is a {type(layer).__name__}, which the gate does not know.\n"
                f"A program is made of {', '.join(kind.__name__ for kind in LAYERS)}: layers that never mix rows."
            )
        for source in _sources(layer):
            if isinstance(source, bool) or not isinstance(source, int) or not 0 <= source < number:
                raise PlanError(f"Layer {number} has a source that is no earlier layer.")
        widths.append(_width(number, layer, widths, sizes))
    if not widths:
        raise PlanError("A gradient program needs layers.")
    return widths


def _sources(layer: AbstractLayer) -> tuple[int, ...]:
    match layer:
        case Linear(source=source) | Norm(source=source) | Silu(source=source):
            return (source,)
        case Add(first=first, second=second):
            return (first, second)
        case Join(sources=sources):
            return tuple(sources)
        case _:
            return ()


def _width(number: int, layer: AbstractLayer, widths: Sequence[int], sizes: Sequence[int]) -> int:
    match layer:
        case Embed(width=width) | Linear(width=width):
            if isinstance(width, bool) or not isinstance(width, int) or width < 1:
                raise PlanError(f"Layer {number} needs a whole width of at least 1.")
            if isinstance(layer, Embed):
                return width * len(sizes)
            mask = layer.mask
            if mask is not None and (len(mask.inputs), len(mask.outputs)) != (widths[layer.source], width):
                raise PlanError(f"The mask of layer {number} does not fit its inputs and outputs.")
            if mask is not None and min((*mask.inputs, *mask.outputs)) < 0:
                raise PlanError(f"The mask of layer {number} has a negative group.")
            return width
        case Add(first=first, second=second):
            if widths[first] != widths[second]:
                raise PlanError(f"Layer {number} adds values of different widths.")
            return widths[first]
        case Join(sources=sources):
            if not sources:
                raise PlanError(f"Layer {number} joins nothing.")
            return sum(widths[source] for source in sources)
        case Norm(source=source) | Silu(source=source):
            return widths[source]
        case _:
            raise PlanError(f"Layer {number} is not known.")


def blocks_of(layers: Sequence[AbstractLayer], sizes: Sequence[int]) -> list[Block]:
    """The arrays of parameters of a network, in the order of the parameter vector."""
    widths = widths_of(layers, sizes)
    blocks = []
    for number, layer in enumerate(layers):
        match layer:
            case Embed(width=width):
                blocks.append(Block(number, "weight", sum(sizes), width))
            case Linear(source=source, width=width, mask=mask):
                matrix = None if mask is None else mask.matrix()
                blocks.append(Block(number, "weight", width, widths[source], matrix))
                blocks.append(Block(number, "bias", width, 1))
            case Norm():
                blocks.append(Block(number, "weight", widths[number], 1))
                blocks.append(Block(number, "bias", widths[number], 1))
    return blocks


def parameter_count(layers: Sequence[AbstractLayer], sizes: Sequence[int]) -> int:
    """Length of the parameter vector: connections that a mask forbids are not in it."""
    return sum(
        block.rows * block.columns if block.mask is None else int(block.mask.sum())
        for block in blocks_of(layers, sizes)
    )
