"""What a model will take, before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dpsynth.errors import PlanError
from dpsynth.pgm.junction_tree import JunctionTree, junction_tree
from dpsynth.pgm.least_squares import history_depth

__all__ = ["MEMORY_CAP_BYTES", "ModelForecast", "forecast", "require_fits"]

MEMORY_CAP_BYTES = 2**30
"""Default cap on what a fit may allocate."""

# Tables of the model's size that a fit holds at once, at most, and what it takes beside them; a test measures both.
ESTIMATE_TABLES = 20
RAKE_TABLES = 9
OVERHEAD_BYTES = 2**22


@dataclass(frozen=True, slots=True, eq=False)
class ModelForecast:
    """Size of a model that is not fitted yet.

    Attributes:
        tree: its structure.
        cells: numbers that the fitted model holds.
        bytes: peak allocation of the fit, an upper estimate.
    """

    tree: JunctionTree
    cells: int
    bytes: int


def forecast(
    sizes: Mapping[str, int],
    cliques: Iterable[Sequence[str]],
    *,
    method: Literal["estimate", "rake"] = "estimate",
) -> ModelForecast:
    """Triangulate and count, without allocating a table.

    Args:
        sizes: cells of each column.
        cliques: sets of columns that will be observed or that the model must hold.
        method: which fit the bytes are for.

    Returns:
        ModelForecast; its cells are exact integers however large.

    Raises:
        PlanError: no columns, a column without cells, or a clique with an unknown column.

    Guarantee: deterministic; post-processing.
    """
    tree = junction_tree(sizes, cliques)
    return ModelForecast(tree, tree.cells, OVERHEAD_BYTES + tree.cells * _bytes_per_cell(tree.cells, method))


def _bytes_per_cell(cells: int, method: str) -> int:
    return 8 * (RAKE_TABLES if method == "rake" else ESTIMATE_TABLES + 2 * history_depth(cells))


def require_fits(plan: ModelForecast, memory_cap_bytes: int) -> None:
    """Refuse a model above the cap.

    Raises:
        PlanError: names the need, the largest clique, and what would fit.
    """
    if plan.bytes <= memory_cap_bytes:
        return
    largest = max(plan.tree.cliques, key=plan.tree.clique_cells)
    fitting = max(0, memory_cap_bytes - OVERHEAD_BYTES) * plan.cells // (plan.bytes - OVERHEAD_BYTES)
    raise PlanError(
        f"The model needs {plan.bytes:,} bytes for {plan.cells:,} cells; the cap is {memory_cap_bytes:,} bytes.\n"
        f"Its largest clique is {', '.join(sorted(largest))} with {plan.tree.clique_cells(largest):,} cells.\n"
        f"About {fitting:,} cells fit: use fewer overlapping cliques or coarser columns, or raise memory_cap_bytes."
    )
