"""Spikes of wide columns: a paid search for single values that many rows share, each of which gets a cell of its own.

A column whose grid cells hold several values (money, codes, densities) may have spikes at values that no public grid
knows: 99,999 for "top coded", 40 hours, twenty densities. A grid cell is drawn from uniformly, so that without the
search they would be lost.

Written rules, for each column with a lattice (integers, reals with decimals) and cells of several values:
    budget      as much as the column got for the first look, in equal parts for the levels of the search; what it does
                not need goes to the second look, which all columns get, on the final grids
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
from dpsynth.generators.one_ways import OneWays, denoise_one_ways, one_way_query
from dpsynth.generators.shares import GaussianShares
from dpsynth.measurement import Measurement

if TYPE_CHECKING:
    from dpsynth.gate.grant import Grant

__all__ = ["BRANCHES", "look_again", "search_depths"]

BRANCHES = 128
MOST_BLOCKS = 128
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


def look_again(
    grant: Grant,
    encoder: TableEncoder,
    first: OneWays,
    depths: Mapping[str, int],
    shares: GaussianShares,
    search: Mapping[str, float],
    second: Mapping[str, float],
) -> tuple[TableEncoder, OneWays, tuple[Measurement, ...]]:
    """Find spikes of wide columns; then look once more at all columns, on grids that keep the spikes apart.

    Args:
        grant: where to ask; from here on it counts on the new grids.
        encoder: the table's encoder.
        first: one-ways of the first look.
        depths: levels by wide column, from `search_depths`.
        shares: the budget.
        search: share of the budget for the search of each wide column.
        second: share of the budget for the second look at each column.

    Returns:
        The encoder of the new grids, one-ways on them from both looks, and the new answers.

    Guarantee:
        Reads the table through `grant.release` only, and takes exactly the given shares.
    """
    wide = {name: encoder.by_name(name) for name in depths}
    cells = {name: _blocks(_measured_edges(column, first.grids[name])) for name, column in wide.items()}
    head = {name: len(first.raw[name]) - len(cells[name]) for name in wide}
    left = dict(second) | {name: second[name] + search[name] for name in wide}
    spikes, answers = _search(grant, encoder, first, depths, shares, search, cells, left)
    refined, grids = encoder, dict(first.grids)
    parents: dict[str, np.ndarray] = {}
    final: dict[str, np.ndarray] = {}
    if wide:
        final = {name: _ends(cells[name], np.stack([spikes[name], spikes[name] + 1], axis=1)) for name in wide}
        refined = _on_edges(grant, encoder, final)
        for name, edges in final.items():
            inside = np.searchsorted(cells[name][:, 1], edges[:-1], "right")
            parents[name] = np.concatenate([np.arange(head[name]), head[name] + inside])
            grids[name] = Grouping.identity(refined.sizes[name])
    scales = {name: shares.marginal_sigma_up(left[name]) for name in grids}
    closer = grant.release(one_way_query(grids), RoundedGaussian(tuple(scales.values())))
    raw, sigmas = {}, {}
    for name, answer in zip(grids, closer, strict=True):
        above = parents.get(name, np.arange(len(answer.values)))
        raw[name], sigmas[name] = _combine_looks(
            first.raw[name], first.sigmas[name], answer.values.astype(np.float64), scales[name], above
        )
    one_ways = denoise_one_ways(refined, grids, raw, sigmas)
    alone = {name: np.append(np.zeros(head[name], bool), np.isin(final[name][:-1], spikes[name])) for name in wide}
    return refined, replace(one_ways, spikes=alone), (*answers, *closer)


def _search(
    grant: Grant,
    encoder: TableEncoder,
    first: OneWays,
    depths: Mapping[str, int],
    shares: GaussianShares,
    search: Mapping[str, float],
    cells: Mapping[str, np.ndarray],
    left: dict[str, float],
) -> tuple[dict[str, np.ndarray], list[Measurement]]:
    """Steps of the lattice that are spikes, by wide column; takes what it spends from `left`."""
    sigma = {name: shares.marginal_sigma_up(search[name] / depths[name]) for name in cells}
    seen = {name: first.raw[name][-len(cells[name]) :] for name in cells}
    blocks = {name: _heaviest(cells[name], seen[name], HEAVY * sigma[name]) for name in cells}
    spikes = {name: np.empty(0, np.int64) for name in cells}
    answers: list[Measurement] = []
    for level in range(max(depths.values(), default=0)):
        active = [name for name in cells if level < depths[name] and len(blocks[name])]
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
            left[name] -= search[name] / depths[name]
            counts = answer.values[-len(pieces[name]) :].astype(np.float64)
            if level + 1 < depths[name]:
                blocks[name] = _heaviest(pieces[name], counts, HEAVY * sigma[name])
            else:
                even = np.maximum(seen[name] / np.diff(cells[name]).ravel(), 0)
                above = counts - even[np.searchsorted(cells[name][:, 1], pieces[name][:, 0], "right")]
                spikes[name] = _heaviest(pieces[name], above, SPIKE * sigma[name])[:, 0]
    return spikes, answers


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
