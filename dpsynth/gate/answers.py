"""From a question to exact integers to noisy integers: the arithmetic of a release, without any bookkeeping."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections import Counter as Counts
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.encoding.grouping import Grouping
from dpsynth.errors import LedgerError, PlanError
from dpsynth.gate.mechanisms import (
    AbstractMechanism,
    DiscreteLaplace,
    Exponential,
    PermuteAndFlip,
    Query,
    RoundedGaussian,
    mechanism_to_json,
    sensitivity_of_score,
    shape_of,
)
from dpsynth.gate.queries import Distances, Marginals, ParitySums, Total
from dpsynth.measurement import Measurement
from dpsynth.noise.entropy import AbstractEntropy

__all__ = [
    "Counter",
    "add_noise",
    "check_query",
    "cliques_of",
    "count_draws",
    "describe",
    "exact_answers",
    "lost_answer",
    "pack",
    "to_measurements",
    "unpack",
]

LARGEST_REFERENCE = 2.0**60
"""A reference table's cells and its offset, times its weight, must sum below this: no score overflows an int64."""


class Counter(Protocol):
    """What the gate asks of an engine to answer a question."""

    def counts(self, cliques: Sequence[tuple[str, ...]], groupings: Mapping[str, Grouping]) -> list[np.ndarray]:
        """Exact int64 histograms."""
        ...

    def parity_sums(self, sets: Sequence[tuple[str, ...]], signs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Exact int64 sums over rows of products of signs, one per set."""
        ...


def cliques_of(query: Query) -> tuple[tuple[str, ...], ...]:
    """What is counted for a question; the empty clique counts all rows."""
    match query:
        case Marginals(cliques=cliques):
            return tuple(tuple(clique) for clique in cliques)
        case Distances(references=references):
            return tuple(tuple(clique) for clique in references)
        case ParitySums(sets=sets):
            return tuple(tuple(clique) for clique in sets)
        case _:
            return ((),)


def groupings_of(query: Query) -> Mapping[str, Grouping]:
    """The public coarse maps of a question."""
    return {} if isinstance(query, (Total, ParitySums)) else query.groupings


def shapes_of(query: Query, sizes: Mapping[str, int]) -> list[tuple[int, ...]]:
    """Shape of the histogram of each clique."""
    groupings = groupings_of(query)
    return [tuple(groupings[n].size if n in groupings else sizes[n] for n in clique) for clique in cliques_of(query)]


def check_query(query: Query, sizes: Mapping[str, int]) -> None:
    """Refuse a question that cannot be asked of this domain, before anything is charged.

    Args:
        query: the question.
        sizes: fine cells by column name.

    Raises:
        PlanError: an unknown or repeated column, a grouping or reference of the wrong shape or type.
    """
    for clique in cliques_of(query):
        for name in clique:
            if name not in sizes:
                raise PlanError(f"A question names the column {name!r}, which the domain does not model.")
        if len(set(clique)) != len(clique):
            raise PlanError(f"A question names a column twice: {', '.join(clique)}.")
        if not clique and not isinstance(query, (Total, ParitySums)):
            raise PlanError("A clique needs at least one column. Ask for Total() instead.")
    for name, grouping in groupings_of(query).items():
        if name not in sizes or len(grouping.cells) != sizes[name]:
            raise PlanError(f"The grouping of column {name!r} does not fit its fine cells.")
    if isinstance(query, Distances):
        _check_scores(query)
        for shape, (clique, reference) in zip(shapes_of(query, sizes), query.references.items(), strict=True):
            array = np.asarray(reference)
            if array.dtype.kind not in "iu" or array.shape != shape:
                raise PlanError(
                    f"The reference of {', '.join(clique)} must be whole numbers of shape {shape}; "
                    f"found {array.dtype} of shape {array.shape}."
                )
            largest = np.abs(array.astype(np.float64)).sum() + abs(query.offsets.get(clique, 0))
            if not largest * query.weights.get(clique, 1) < LARGEST_REFERENCE:
                raise PlanError(f"The reference of {', '.join(clique)} is too large: its cells must sum below 2^60.")
    if isinstance(query, ParitySums):
        _check_signs(query, sizes)


def _check_scores(query: Distances) -> None:
    for what, found in (("An offset", query.offsets), ("A weight", query.weights)):
        for clique, value in found.items():
            if clique not in query.references:
                raise PlanError(f"{what} is given for {', '.join(clique)}, which has no reference.")
            if isinstance(value, bool) or not isinstance(value, int):
                raise PlanError(f"{what} must be a whole number (an int); that of {', '.join(clique)} is not.")
    shape_of(query)  # judges the range of weights


def _check_signs(query: ParitySums, sizes: Mapping[str, int]) -> None:
    for name, signs in query.signs.items():
        array = np.asarray(signs)
        if name not in sizes or array.shape != (sizes[name],) or array.dtype.kind != "i" or (np.abs(array) != 1).any():
            raise PlanError(f"The signs of column {name!r} must be one whole number, +1 or -1, for each of its cells.")
    for name in {name for parity in query.sets for name in parity} - set(query.signs):
        if sizes[name] != 2:
            raise PlanError(f"The column {name!r} has not exactly two cells. Give its signs to ask for a parity.")


def describe(query: Query, mechanism: AbstractMechanism) -> dict[str, Any]:
    """The question and its noise as plain JSON, for the draw row. Public: references come from paid answers only."""
    groupings = {name: grouping.digest() for name, grouping in groupings_of(query).items()}
    body: dict[str, Any] = {"cliques": [list(clique) for clique in cliques_of(query)], "groupings": groupings}
    if isinstance(query, Distances):
        body["references"] = [
            hashlib.sha256(np.ascontiguousarray(reference, "<i8").tobytes()).hexdigest()
            for reference in query.references.values()
        ]
        if query.offsets:
            body["offsets"] = [query.offsets.get(clique, 0) for clique in query.references]
        if query.weights:
            body["weights"] = list(shape_of(query).weights)
    if isinstance(query, ParitySums):
        body = _describe_parities(query)
    return {"query": {"kind": type(query).__name__.lower(), **body}, "mechanism": mechanism_to_json(mechanism)}


def _describe_parities(query: ParitySums) -> dict[str, Any]:
    """Thousands of sets in short: the columns, how many sets there are of each order, and a digest of all."""
    sets = cliques_of(query)
    orders = Counts(len(parity) for parity in sets)
    return {
        "columns": sorted({name for parity in sets for name in parity}),
        "orders": [[order, orders[order]] for order in sorted(orders)],
        "sets": hashlib.sha256(canonical_json([list(parity) for parity in sets])).hexdigest(),
        "signs": {
            name: hashlib.sha256(np.ascontiguousarray(signs, "i1").tobytes()).hexdigest()
            for name, signs in query.signs.items()
        },
    }


def count_draws(query: Query, mechanism: AbstractMechanism, sizes: Mapping[str, int]) -> int:
    """How many draws of the sampler a release makes: one per noisy number, one per candidate of a selection."""
    if isinstance(query, Marginals):
        return sum(math.prod(shape) for shape in shapes_of(query, sizes))
    return len(cliques_of(query))


def exact_answers(engine: Counter, query: Query) -> list[np.ndarray]:
    """The exact integers of a question. PRIVATE: they go to `add_noise` and nowhere else.

    Returns:
        int64 arrays: a 0-d total; one histogram per clique; or one int64[m] of distances or of sums.
    """
    cliques = cliques_of(query)
    if isinstance(query, ParitySums):
        return [engine.parity_sums(cliques, query.signs)]
    counts = engine.counts(cliques, groupings_of(query))
    if isinstance(query, Distances):
        references = (np.asarray(r).astype(np.int64) for r in query.references.values())
        distances = np.array([np.abs(c - r).sum() for c, r in zip(counts, references, strict=True)], dtype=np.int64)
        offsets = np.array([query.offsets.get(clique, 0) for clique in query.references], dtype=np.int64)
        weights = np.array([query.weights.get(clique, 1) for clique in query.references], dtype=np.int64)
        return [weights * (distances - offsets)]
    return counts


def add_noise(
    exact: list[np.ndarray],
    query: Query,
    mechanism: AbstractMechanism,
    unit: PrivacyUnit,
    relation: NeighbouringRelation,
    entropy: AbstractEntropy,
) -> list[np.ndarray]:
    """Noise on exact integers.

    Args:
        exact: from `exact_answers`.
        query: the question.
        mechanism: the noise.
        unit: the unit of the account.
        relation: the relation of the ledger.
        entropy: where the noise comes from.

    Returns:
        Noisy int64 arrays of the same shapes, or one int64[1] with the chosen index of a selection.

    Raises:
        PlanError: an unknown mechanism.

    Guarantee: the event of `event_of` for this mechanism (docs/proofs/gate.md).
    """
    match mechanism:
        case RoundedGaussian(sigmas=sigmas):
            from dpsynth.noise.rounded_gaussian import rounded_gaussian

            return [e + rounded_gaussian(s, e.shape, entropy) for e, s in zip(exact, sigmas, strict=True)]
        case DiscreteLaplace(scales=scales):
            from dpsynth.noise.discrete_laplace import discrete_laplace

            return [e + discrete_laplace(s, e.shape, entropy) for e, s in zip(exact, scales, strict=True)]
        case Exponential(epsilon=epsilon) | PermuteAndFlip(epsilon=epsilon):
            from dpsynth.noise.exponential import exponential
            from dpsynth.noise.permute_and_flip import permute_and_flip

            select = exponential if isinstance(mechanism, Exponential) else permute_and_flip
            (scores,) = exact
            sensitivity = sensitivity_of_score(query, unit, relation)
            return [np.array([select(scores, epsilon=epsilon, sensitivity=sensitivity, entropy=entropy)], np.int64)]
        case _:
            raise PlanError("The gate knows RoundedGaussian, DiscreteLaplace, Exponential and PermuteAndFlip only.")


def to_measurements(
    query: Query, mechanism: AbstractMechanism, noisy: list[np.ndarray], event_id: str, private: bool
) -> tuple[Measurement, ...]:
    """Noisy integers as measurements: one per clique, or one for a total, a vector (distances, sums) or a selection.

    Args:
        query: the question.
        mechanism: the noise.
        noisy: from `add_noise` or `unpack`.
        event_id: the draw row.
        private: whether the noise came from the operating system.

    Guarantee: post-processing.
    """
    cliques = cliques_of(query)
    groupings = groupings_of(query)

    def make(name: str, clique: tuple[str, ...], values: np.ndarray, sigma: float) -> Measurement:
        digests = tuple(groupings[c].digest() if c in groupings else "" for c in clique)
        return Measurement(name, clique, values, sigma, mechanism.name, event_id, private, digests)

    if isinstance(mechanism, (Exponential, PermuteAndFlip)):
        return (make("selection", cliques[int(noisy[0][0])], noisy[0], 0.0),)
    sigmas = _standard_deviations(mechanism)
    if isinstance(query, Marginals):
        return tuple(make("marginal", c, v, s) for c, v, s in zip(cliques, noisy, sigmas, strict=True))
    return (make(shape_of(query).kind, (), noisy[0], sigmas[0]),)


def _standard_deviations(mechanism: AbstractMechanism) -> list[float]:
    if isinstance(mechanism, RoundedGaussian):
        return [float(sigma) for sigma in mechanism.sigmas]
    if isinstance(mechanism, DiscreteLaplace):
        return [1 / (math.sqrt(2) * math.sinh(1 / (2 * s))) if 2000 * s > 3 else 0.0 for s in mechanism.scales]
    return []


def pack(noisy: list[np.ndarray]) -> tuple[dict[str, Any], bytes]:
    """(shapes and digest for the answer row, compressed bytes beside it)."""
    flat = b"".join(np.ascontiguousarray(array, "<i8").tobytes() for array in noisy)
    facts = {"shapes": [list(array.shape) for array in noisy], "digest": hashlib.sha256(flat).hexdigest()}
    return facts, zlib.compress(flat, 6)


def lost_answer() -> tuple[dict[str, Any], bytes]:
    """What stands for the answer of a draw that was cut off and whose charge stays: no number at all."""
    facts, payload = pack([np.empty(0, np.int64)])
    return facts | {"lost": True}, payload


def unpack(facts: Mapping[str, Any], payload: bytes) -> list[np.ndarray]:
    """What `pack` wrote: int64 arrays.

    Raises:
        LedgerError: the bytes do not fit the row.
    """
    try:
        flat = zlib.decompress(payload)
    except zlib.error:
        flat = b""
    shapes = [tuple(shape) for shape in facts["shapes"]]
    sizes = [math.prod(shape) for shape in shapes]
    if len(flat) != 8 * sum(sizes) or hashlib.sha256(flat).hexdigest() != facts["digest"]:
        raise LedgerError("An answer stored in the ledger is corrupt.\nRestore a copy of the file.")
    parts = np.split(np.frombuffer(flat, "<i8").astype(np.int64), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
