"""The first step of every marginal generator: noisy one-ways on a public grid, denoised.

Written rules (of the public budget and cell counts only):
    share of the budget   clip(.2 (.268 / mu)^.3, .1, .35), times what the generator asks for
    split among columns   proportional to cells^(2/3), which minimises the summed expected L1 error
    grid                  every cell where a column has few; else about 128 equal cells, or clip(64 mu / .268, 48, 512)
                          cells of a log grid
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dpsynth.accounting.quantities import Sigma
from dpsynth.denoise import combine, haar_threshold, project_simplex, total_of
from dpsynth.domain.columns import Integer, Real
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.encoding.table import TableEncoder
from dpsynth.gate import Marginals
from dpsynth.generators.shares import GaussianShares
from dpsynth.measurement import Measurement

__all__ = [
    "OneWays",
    "combine_one_ways",
    "denoise_one_ways",
    "grid_of",
    "one_way_parts",
    "one_way_query",
    "one_way_share",
    "one_way_sigmas",
    "read_one_ways",
]

EQUAL_CELLS = 128
USUAL_ROWS = 32_500.0
MOST_SHARE = 0.65
SMALLEST_ORDERED = 12  # shorter grids gain nothing from thresholding


@dataclass(frozen=True, slots=True, eq=False)
class OneWays:
    """Denoised one-ways.

    Attributes:
        total: estimated number of rows.
        grids: public map of each column's fine cells to measured cells.
        raw: noisy counts, float64[cells] by column: the inverse-variance mean of all answers.
        sigmas: noise of each column's counts, in rows.
        counts: denoised counts float64[cells] by column, not negative, summing to `total`.
        spikes: bool[cells] by column, single values that a search found to hold many rows.
    """

    total: float
    grids: Mapping[str, Grouping]
    raw: Mapping[str, np.ndarray]
    sigmas: Mapping[str, Sigma]
    counts: Mapping[str, np.ndarray]
    spikes: Mapping[str, np.ndarray] = field(default_factory=dict)


def one_way_share(shares: GaussianShares, total: float | None = None) -> float:
    """Share of the budget for one-ways: more when budget and table are small, for then little else can be learned.

    Args:
        shares: the budget.
        total: number of rows, from a paid answer; None where it is not known yet.
    """
    evidence = shares.effective_mu * (USUAL_ROWS if total is None else max(total, 1.0))
    most = 0.35 if total is None else MOST_SHARE
    return float(np.clip(0.2 * (0.268 * USUAL_ROWS / evidence) ** 0.3, 0.1, most))


def grid_of(encoder: AbstractColumnEncoder, shares: GaussianShares) -> Grouping:
    """The public grid on which a column's one-way is measured."""
    column = encoder.column
    if encoder.ordered_from is None or encoder.size - encoder.ordered_from <= 200:
        return Grouping.identity(encoder.size)
    if isinstance(column, (Integer, Real)) and column.grid.kind == "log":
        return merge_adjacent(encoder, int(np.clip(64 * shares.effective_mu / 0.268, 48, 512)))
    return merge_adjacent(encoder, EQUAL_CELLS)


def one_way_parts(grids: Mapping[str, Grouping], share: float) -> dict[str, float]:
    """Part of the budget for each column when the one-ways together take `share`; proportional to cells^(2/3)."""
    weights = {name: grid.size ** (2 / 3) for name, grid in grids.items()}
    whole = sum(weights.values())
    return {name: share * weight / whole for name, weight in weights.items()}


def one_way_sigmas(grids: Mapping[str, Grouping], shares: GaussianShares, share: float) -> dict[str, Sigma]:
    """Noise scale of each column when the one-ways together take `share`."""
    return {name: shares.marginal_sigma_up(part) for name, part in one_way_parts(grids, share).items()}


def one_way_query(grids: Mapping[str, Grouping]) -> Marginals:
    """The question: every column's histogram on its grid, in one pass."""
    return Marginals(tuple((name,) for name in grids), dict(grids))


def read_one_ways(
    encoder: TableEncoder,
    grids: Mapping[str, Grouping],
    measurements: tuple[Measurement, ...],
    *,
    denoise: bool = True,
) -> OneWays:
    """Turn the noisy one-ways into non-negative counts with one total.

    Args:
        encoder: the table's encoder.
        grids: as asked.
        measurements: the gate's answers to `one_way_query(grids)`, asked once or more often.
        denoise: also threshold ordered grids in a Haar basis.

    Returns:
        The denoised one-ways.

    Guarantee:
        Post-processing.
    """
    raw, sigmas = combine_one_ways({}, measurements)
    return denoise_one_ways(encoder, grids, raw, sigmas, haar=denoise)


def combine_one_ways(
    known: Mapping[str, tuple[np.ndarray, Sigma]], measurements: tuple[Measurement, ...]
) -> tuple[dict[str, np.ndarray], dict[str, Sigma]]:
    """Inverse-variance means of all answers on each column.

    Args:
        known: counts and their noise that count as answers, by column.
        measurements: one-ways on the same cells.

    Returns:
        float64[cells] and its noise by column, in the order of the answers.

    Guarantee:
        Post-processing.
    """
    answers: dict[str, list[tuple[np.ndarray, np.ndarray | float]]] = {
        name: [(values, sigma**2)] for name, (values, sigma) in known.items()
    }
    for m in measurements:
        answers.setdefault(m.clique[0], []).append((m.values, m.sigma**2))
    raw, sigmas = {}, {}
    for name, found in answers.items():
        raw[name], variance = combine(found)
        sigmas[name] = Sigma(float(np.sqrt(variance.flat[0])))
    return raw, sigmas


def denoise_one_ways(
    encoder: TableEncoder,
    grids: Mapping[str, Grouping],
    raw: Mapping[str, np.ndarray],
    sigmas: Mapping[str, Sigma],
    *,
    haar: bool = True,
) -> OneWays:
    """Non-negative counts with one total, from noisy ones.

    Args:
        encoder: the table's encoder.
        grids: the measured cells.
        raw: noisy counts by column.
        sigmas: their noise.
        haar: also threshold ordered grids in a Haar basis.

    Returns:
        The denoised one-ways.

    Guarantee:
        Post-processing.
    """
    total = total_of((raw[name], sigmas[name] ** 2) for name in grids)
    counts = {}
    for name, grid in grids.items():
        noisy = raw[name].copy()
        start = _first_ordered(encoder.by_name(name), grid)
        if haar and start is not None and len(noisy) - start > SMALLEST_ORDERED:
            noisy[start:] = haar_threshold(noisy[start:], sigmas[name])
        counts[name] = project_simplex(noisy, total)
    return OneWays(total, dict(grids), raw, sigmas, counts)


def _first_ordered(encoder: AbstractColumnEncoder, grid: Grouping) -> int | None:
    """The first measured cell of the ordered part of a column, or None where there is none."""
    return None if encoder.ordered_from is None else int(grid.cells[encoder.ordered_from])
