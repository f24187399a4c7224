"""Spikes of wide columns: a paid search for single values that many rows share, each of which gets a cell of its own.

A column whose grid cells hold several values (money, codes, densities) may have spikes at values that no public grid
knows: 99,999 for "top coded", 40 hours, twenty densities. A grid cell is drawn from uniformly, so that without the
search they would be lost.

Written rules, for each column with a lattice (integers, reals with decimals) and cells of several values:
    budget      a third of the column's part of the one-ways for the first look, a third for the search (in equal
                parts for its levels), and what is left for a second look at the final grid
    search      heavy cells (noisy count above 4 sigma; the 128 heaviest) are split in 128, level by level, down to
                single values
    spike       a value whose noisy count exceeds what an even spread over its first cell would give by 5 sigma; the
                128 largest
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.accounting.quantities import Sigma
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.refine import lattice_edges, with_lattice_edges
from dpsynth.encoding.table import TableEncoder
from dpsynth.gate import Marginals, RoundedGaussian
from dpsynth.generators.one_ways import OneWays, denoise_one_ways
from dpsynth.generators.shares import GaussianShares
from dpsynth.measurement import Measurement

if TYPE_CHECKING:
    from dpsynth.gate.grant import Grant

__all__ = ["BRANCHES", "FIRST_LOOK", "search_depths", "search_spikes"]

FIRST_LOOK = 1 / 3
SEARCH = 1 / 3
BRANCHES = 128
MOST_BLOCKS = 128
MOST_SPIKES = 128
HEAVY = 4.0
SPIKE = 5.0


def search_depths(encoder: TableEncoder, grids: Mapping[str, Grouping]) -> dict[str, int]:
    """Levels of the search in every column that needs one, by name.

    Guarantee:
        A function of the public domain and grids only.
    """
    depths = {}
    for name, grid in grids.items():
        edges = _measured_edges(encoder.by_name(name), grid)
        widest = 1 if edges is None else int(np.diff(edges).max())
        if widest > 1:
            depths[name] = math.ceil(math.log(widest) / math.log(BRANCHES) - 1e-9)
    return depths


def search_spikes(
    grant: Grant,
    encoder: TableEncoder,
    first: OneWays,
    depths: Mapping[str, int],
    shares: GaussianShares,
    parts: Mapping[str, float],
) -> tuple[TableEncoder, OneWays, tuple[Measurement, ...]]:
    """Find spikes, and look once more at all wide columns on grids that keep them apart.

    Args:
        grant: where to ask; from here on it counts on the new grids.
        encoder: the table's encoder.
        first: one-ways of the first look.
        depths: levels by wide column, from `search_depths`.
        shares: the budget.
        parts: share of the budget of each wide column, the first look (`FIRST_LOOK` of it) included.

    Returns:
        The encoder of the new grids, one-ways on them from both looks, and the new answers.

    Guarantee:
        Reads the table through `grant.release` only, and takes at most 1 - FIRST_LOOK of each part.
    """
    wide = {name: encoder.by_name(name) for name in depths}
    cells = {name: _blocks(_measured_edges(column, first.grids[name])) for name, column in wide.items()}
    head = {name: len(first.raw[name]) - len(cells[name]) for name in wide}
    sigma = {name: shares.marginal_sigma_up(parts[name] * SEARCH / depths[name]) for name in wide}
    left = {name: parts[name] * (1 - FIRST_LOOK) for name in wide}
    blocks = {name: _heaviest(cells[name], first.raw[name][head[name] :], HEAVY * sigma[name]) for name in wide}
    spikes = {name: np.empty(0, np.int64) for name in wide}
    answers: list[Measurement] = []
    for level in range(max(depths.values())):
        active = [name for name in wide if level < depths[name] and len(blocks[name])]
        if not active:
            break
        pieces = {name: _split(blocks[name]) for name in active}
        edges = {name: _ends(cells[name][[0, -1], [0, 1]], pieces[name]) for name in active}
        current = _on_edges(grant, encoder, edges)
        groupings = {name: _pieces_apart(current.by_name(name), pieces[name], edges[name]) for name in active}
        query = Marginals(tuple((name,) for name in active), groupings)
        found = grant.release(query, RoundedGaussian(tuple(sigma[name] for name in active)))
        answers += found
        for name, answer in zip(active, found, strict=True):
            left[name] -= parts[name] * SEARCH / depths[name]
            counts = answer.values[-len(pieces[name]) :].astype(np.float64)
            if level + 1 < depths[name]:
                blocks[name] = _heaviest(pieces[name], counts, HEAVY * sigma[name])
            else:
                even = first.raw[name][head[name] :] / np.diff(cells[name]).ravel()
                above = counts - np.maximum(even, 0)[np.searchsorted(cells[name][:, 1], pieces[name][:, 0], "right")]
                spikes[name] = _heaviest(pieces[name], above, SPIKE * sigma[name])[:MOST_SPIKES, 0]
    final = {name: _ends(cells[name], np.stack([spikes[name], spikes[name] + 1], axis=1)) for name in wide}
    refined = _on_edges(grant, encoder, final)
    scales = {name: shares.marginal_sigma_up(left[name]) for name in wide}
    second = grant.release(Marginals(tuple((name,) for name in wide)), RoundedGaussian(tuple(scales.values())))
    raw, sigmas = dict(first.raw), dict(first.sigmas)
    for name, answer in zip(wide, second, strict=True):
        parents = np.searchsorted(cells[name][:, 1], final[name][:-1], "right")
        parents = np.concatenate([np.arange(head[name]), head[name] + parents])
        raw[name], sigmas[name] = _combine_looks(
            first.raw[name], first.sigmas[name], answer.values.astype(np.float64), scales[name], parents
        )
    grids = {
        name: Grouping.identity(refined.sizes[name]) if name in wide else grid for name, grid in first.grids.items()
    }
    one_ways = denoise_one_ways(refined, grids, raw, sigmas)
    alone = {name: np.append(np.zeros(head[name], bool), np.isin(final[name][:-1], spikes[name])) for name in wide}
    return refined, replace(one_ways, spikes=alone), (*answers, *second)


def _measured_edges(encoder: AbstractColumnEncoder, grid: Grouping) -> np.ndarray | None:
    """int64[measured cells + 1]: the ends of the ordered measured cells in steps of the lattice."""
    edges = lattice_edges(encoder)
    if edges is None:
        return None
    ordered = grid.cells[encoder.ordered_from :]
    return np.append(edges[:-1][np.diff(ordered, prepend=-1) != 0], edges[-1])


def _blocks(edges: np.ndarray | None) -> np.ndarray:
    assert edges is not None
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _heaviest(blocks: np.ndarray, counts: np.ndarray, bar: float) -> np.ndarray:
    """int64[k, 2]: the blocks above a bar, in order; of too many, the heaviest."""
    heavy = np.argsort(-counts, kind="stable")[:MOST_BLOCKS]
    return blocks[np.sort(heavy[counts[heavy] > bar])]


def _split(blocks: np.ndarray) -> np.ndarray:
    """int64[m, 2]: every block in up to BRANCHES parts of nearly equal length."""
    parts = []
    for low, high in blocks.tolist():
        count = min(BRANCHES, high - low)
        ends = low + (high - low) * np.arange(count + 1, dtype=np.int64) // count
        parts.append(np.stack([ends[:-1], ends[1:]], axis=1))
    return np.concatenate(parts)


def _ends(cells: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """All ends of cells and of pieces, in order."""
    return np.unique(np.concatenate([cells.ravel(), pieces.ravel()]))


def _on_edges(grant: Grant, encoder: TableEncoder, edges: Mapping[str, np.ndarray]) -> TableEncoder:
    """Let the grant count on these grids."""
    columns = tuple(
        with_lattice_edges(encoder.by_name(c.name), edges[c.name]) if c.name in edges else c
        for c in encoder.domain.columns
    )
    domain = replace(encoder.domain, columns=columns)
    grant.use_grids(domain)
    return TableEncoder(domain)


def _pieces_apart(encoder: AbstractColumnEncoder, pieces: np.ndarray, edges: np.ndarray) -> Grouping:
    """Every piece is a cell, in order, after one cell for all else."""
    assert encoder.ordered_from is not None
    cells = np.zeros(encoder.size, dtype=np.int64)
    cells[encoder.ordered_from + np.searchsorted(edges, pieces[:, 0])] = 1 + np.arange(len(pieces))
    used, cells = np.unique(cells, return_inverse=True)
    return Grouping(cells, len(used))


def _combine_looks(
    first: np.ndarray, first_sigma: float, second: np.ndarray, second_sigma: float, parents: np.ndarray
) -> tuple[np.ndarray, Sigma]:
    """Least squares of cells that were measured, and of groups of them that were measured before.

    Args:
        first: float64[groups].
        first_sigma: its noise.
        second: float64[cells].
        second_sigma: its noise.
        parents: int64[cells], the group of each cell.

    Returns:
        float64[cells], and the root mean square of their noise.
    """
    sizes = np.bincount(parents, minlength=len(first))
    gain = second_sigma**2 / (sizes * second_sigma**2 + first_sigma**2)
    gap = first - np.bincount(parents, weights=second, minlength=len(first))
    variance = second_sigma**2 * (1 - gain[parents])
    return second + (gain * gap)[parents], Sigma(float(np.sqrt(variance.mean())))
